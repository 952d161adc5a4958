package recovery_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	recovery "goldsmith/functions/recover"
	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// slowly is a ledger in which something happens before each call of a kind.
type slowly struct {
	*steptest.Ledger
	beforePut, beforeDrop func()
}

func (l slowly) PutResult(ctx context.Context, r job.Result) error {
	l.beforePut()
	return l.Ledger.PutResult(ctx, r)
}

func (l slowly) DropUnstopped(ctx context.Context, source, run string) (bool, error) {
	l.beforeDrop()
	return l.Ledger.DropUnstopped(ctx, source, run)
}

// TestAStopThatIsSentMeanwhile holds that what function stop stops is brought back, though the sweep has seen its
// execution ended, the instance running, and no stop in the claim.
func TestAStopThatIsSentMeanwhile(t *testing.T) {
	for _, when := range []string{"before the result is written", "before the claim is dropped"} {
		t.Run(when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				scene(s)
				s.Set(s.Web, ec2.Running)
				with(func(c *ledger.Claim) { c.StopSent = time.Time{} })(s, nil)
				stop := func() {
					if c := s.Held(s.Web); c != nil && c.StopSent.IsZero() {
						with(func(c *ledger.Claim) { c.StopSent = time.Now() })(s, nil)
						s.Set(s.Web, ec2.Stopped)
					}
				}
				l := slowly{s.Ledger, func() {}, func() {}}
				if when == "before the result is written" {
					l.beforePut = stop
				} else {
					l.beforeDrop = stop
				}
				rescue := recovery.Rescue{EC2: s.EC2, Executions: s.SFN, Claims: l, Waits: l, Results: l, Now: time.Now, Runs: l,
					Notices: s.Notifier()}
				for range 3 {
					if _, _, err := rescue.Sweep(s.Context()); err != nil {
						t.Error(err)
					}
					time.Sleep(5 * time.Minute)
				}
				s.Same("state", s.Cloud.State(s.Web), ec2.Running)
				if c := s.Held(s.Web); c != nil {
					t.Errorf("the claim is there still: %+v", c)
				}
			})
		})
	}
}
