package claim_test

import (
	"testing"
	"time"

	"goldsmith/functions/claim"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// Sources of any plan begin no faster than EC2 lets images be made and instances be started: the claim waits, without
// a look at EC2, and is decided anew after that.
func TestClaimIsPaced(t *testing.T) {
	// begun have so many sources begin before it.
	begun := func(n int) func(*steptest.Stage, *claim.Input) {
		return func(s *steptest.Stage, _ *claim.Input) {
			for range n {
				_, _, err := s.Ledger.Kept.Reserve(s.Context(),
					ledger.Row{Name: "CreateImage", Every: 200 * time.Millisecond, Burst: 40}, time.Now(), time.Hour)
				s.Must(err)
			}
		}
	}
	steptest.Play(t, scene, cases{
		{Name: "forty may begin at once", Given: begun(39), Want: claims + " Take Record: ok"},
		{Name: "and five a second after that", Given: begun(43), Want: claims + " Take Record: ok"},
		{
			Name: "the next waits, for whole seconds", Given: begun(45), Want: "Claim Reserve*2: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.WaitFirst)
				s.Same("turn", *j.Turn, job.Turn{Seconds: 2, Since: time.Now().UTC()})
			},
		},
		{
			Name: "its moment has come: no warning of a wait", Want: again + " Take Record: ok",
			Given: func(s *steptest.Stage, in *claim.Input) {
				begun(1000)(s, in)
				in.Job.Turn = &job.Turn{Seconds: 2, Since: time.Now().Add(-2 * time.Second)}
			},
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.StopFirst)
				s.Same("warnings", len(j.Warnings), 0)
			},
		},
		{
			Name: "when it may begin cannot be asked", Want: "Claim Reserve: Transient | " + claims + " Take Record: ok",
			Given: func(s *steptest.Stage, _ *claim.Input) { s.Ledger.Break("Reserve", 1) },
		},
	})
}
