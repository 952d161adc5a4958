package claim_test

import (
	"fmt"
	"testing"

	"goldsmith/functions/claim"
	"goldsmith/local/stage"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// A call that is denied is an error, or a reason to leave the source alone; tried again, the claim is as it would have
// been.
func TestClaimWithACallDenied(t *testing.T) {
	noticed := func(s *stage.Stage, call string, err error, j job.Job) {
		if err == nil && j.Skip == nil {
			s.Errorf("%s was denied, and the claim goes on: %+v", call, j)
		}
	}
	end := func(s *stage.Stage) string {
		c := s.Held(s.Web)
		return fmt.Sprintf("looked %t, was running %t, %d places, %d turns",
			c.Looked, c.WasRunning, len(slots(s, ledger.Places)), len(slots(s, ledger.Turns)))
	}
	stage.Each[claim.Input, job.Job]{Scene: scene, Noticed: noticed, End: end}.Play(t)
	turn := func(s *stage.Stage, _ *claim.Input) { free(s) }
	stage.Each[claim.Input, job.Job]{Scene: waiting, Given: turn, Noticed: noticed, End: end}.Play(t)
}
