package recovery_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldsmith/functions/recover/executions"
	"goldsmith/local/ec2"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/test/steptest"
)

// A source that could not be started before its run was told of is in the run's own message; one that could not be
// only after it is a message of its own.
func TestWhetherItsRunHasSaidThatItStaysDown(t *testing.T) {
	for said, told := range map[bool]time.Duration{true: 20 * time.Minute, false: 60 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			left(s, s.Web, "web")
			s.Execute("aborted")
			s.Abort(executionARN + "aborted")
			time.Sleep(time.Hour)
			with(func(c *ledger.Claim) {
				c.Refused, c.RefusedBy, c.Problem = time.Now().Add(-40*time.Minute), "UnauthorizedOperation", "it may not"
			})(s, nil)
			_, err := s.Ledger.Kept.Notified(s.Context(), steptest.RunName, time.Now().Add(-told))
			s.Must(err)
			s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Code: "UnauthorizedOperation"})
			sweeps(s)
			var after int
			for _, m := range s.Slack.Messages() {
				after += strings.Count(m.Terminal(false), "what does not come back after all")
			}
			s.Same("said after the run's message", after == 0, said)
		})
	}
}

// plansOf notes the plans of the runs that are told of.
type plansOf struct{ told []string }

func (p *plansOf) Notify(_ context.Context, _ ledger.Run, of plan.Plan) (plan.Outcome, error) {
	p.told = append(p.told, of.Name)
	return plan.Failed, nil
}

// A run of a plan that is gone is told of as that plan's.
func TestARunOfAPlanThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		arn, _ := s.Execute("weekly-20000101T003000Z")
		s.Must(s.Ledger.Kept.PutRun(s.Context(), ledger.Run{Name: "weekly-20000101T003000Z", Plan: "weekly"}))
		s.Abort(arn)
		_, err := s.Ledger.Kept.Since(s.Context(), time.Now())
		s.Must(err)
		var heard plansOf
		runs := executions.Runs{Executions: s.SFN, Ledger: s.Ledger, Notifier: &heard, Plans: nightlyOf(s),
			Machine: steptest.Machine, Now: time.Now}
		time.Sleep(time.Hour)
		recent, err := runs.Recent(s.Context())
		s.Must(err)
		s.Must(runs.NotifyOfEnded(s.Context(), recent))
		s.Same("plans", heard.told, []string{"weekly"})
	})
}
