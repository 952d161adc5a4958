package claim_test

import (
	"fmt"
	"testing"

	"goldsmith/functions/claim"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// A call that is denied is an error, or a reason to leave the source alone; tried again, the claim is as it would have
// been.
func TestClaimWithACallDenied(t *testing.T) {
	noticed := func(s *steptest.Stage, call string, err error, j job.Job) {
		if err == nil && j.Skip == nil {
			s.Errorf("%s was denied, and the claim goes on: %+v", call, j)
		}
	}
	end := func(s *steptest.Stage) string {
		c := s.Held(s.Web)
		return fmt.Sprintf("looked %t, was running %t, %d places, %d turns",
			c.Looked, c.WasRunning, len(slots(s, ledger.Places)), len(slots(s, ledger.Turns)))
	}
	steptest.Each[claim.Input, job.Job]{Scene: scene, Noticed: noticed, End: end}.Play(t)
	turn := func(s *steptest.Stage, _ *claim.Input) { free(s) }
	steptest.Each[claim.Input, job.Job]{Scene: waiting, Given: turn, Noticed: noticed, End: end}.Play(t)
}
