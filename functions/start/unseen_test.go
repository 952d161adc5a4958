package start_test

import (
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// Where EC2 does not say how an instance is, the claim says whether there is something to bring back.
func TestStartWithoutALook(t *testing.T) {
	blind := func(code string) func(*steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
		return func(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
			step, j := scene(s)
			j.Failure, j.Times.StopSent = broken, time.Time{}
			s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: code})
			return step, j
		}
	}
	held := func(edit func(*ledger.Claim)) func(*steptest.Stage, *job.Job) {
		return func(s *steptest.Stage, _ *job.Job) {
			s.Helper()
			claim := *s.Held(s.Web)
			edit(&claim)
			s.Hold(claim)
		}
	}
	started := func(s *steptest.Stage, j job.Job) {
		s.Same("state", s.Cloud.State(s.Web), ec2.Pending)
		s.Same("back", j.Back, false)
	}
	stopped := func(ago time.Duration) func(*steptest.Stage, *job.Job) {
		return held(func(c *ledger.Claim) { c.StopSent = time.Now().Add(-ago) })
	}
	for code, asked := range map[string]string{"UnauthorizedOperation": "DescribeInstances",
		"Unavailable": "DescribeInstances*5"} {
		t.Run(code, func(t *testing.T) {
			cases := []steptest.Case[job.Job, job.Job]{
				{
					Name: "the run has stopped it: started", Given: stopped(time.Hour),
					Want: asked + " Claim Reserve Slots StartInstances: ok", Then: started,
				},
				{
					Name: "the stop may still land: started once it cannot", Given: stopped(0),
					Want: asked + " Claim: NotYet | " + asked + " Claim Reserve Slots StartInstances: ok", Then: started,
					Between: func(*steptest.Stage) { time.Sleep(3 * time.Minute) },
				},
				{
					Name: "the stop may still land: what EC2 says", Given: stopped(0),
					Want: asked + " Claim: NotYet | " + asked + " Claim: NotYet", Says: []string{"looking at i-"},
				},
				{
					Name: "another run has the claim, and answers for it: nothing to bring back",
					Given: func(s *steptest.Stage, j *job.Job) {
						j.Times.StopSent = time.Now().Add(-time.Hour)
						claim := *s.Held(s.Web)
						claim.Run = "another"
						s.Must(s.Ledger.Kept.Drop(s.Context(), s.Web, steptest.RunName))
						s.Hold(claim)
					},
					Want: asked + " Claim: ok",
					Then: func(s *steptest.Stage, j job.Job) { s.Same("back", j.Back, true) },
				},
				{
					Name: "no stop was sent: nothing to bring back", Want: asked + " Claim: ok",
					Then: func(s *steptest.Stage, j job.Job) { s.Same("back", j.Back, true) },
				},
				{
					Name:  "the ledger has lost the claim, which would say so: started",
					Given: held(func(c *ledger.Claim) { c.Since = time.Now() }),
					Want:  asked + " Claim Reserve Slots StartInstances: ok", Then: started,
				},
				{
					Name: "the claim cannot be read either: tried again",
					Given: func(s *steptest.Stage, j *job.Job) {
						stopped(time.Hour)(s, j)
						s.Ledger.Break("Claim", 1)
					},
					Want: asked + " Claim: Transient | " + asked + " Claim Reserve Slots StartInstances: ok", Then: started,
				},
			}
			for i := range cases {
				cases[i].Repeated = "DescribeInstances"
			}
			steptest.Play(t, blind(code), cases)
		})
	}
}
