package hook_test

import (
	"testing"
	"testing/synctest"
	"time"

	"goldsmith/shared/hook"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/test/steptest"
)

// runner knows a plan nightly with this command after.
func runner(s *steptest.Stage, after string) hook.Runner {
	p := plan.Plan{Name: "nightly", Hooks: plan.Hooks{After: after}}
	return hook.Runner{
		SSM: s.SSM, EC2: s.EC2, Claims: s.Ledger, Now: time.Now,
		Plans: plan.Plans{Default: "nightly", Plans: map[string]plan.Plan{"nightly": p}},
	}
}

// due is a claim of which the command before has ended.
func due(s *steptest.Stage) ledger.Claim {
	s.Helper()
	now := time.Now().UTC()
	c := ledger.Claim{Source: s.Web, Run: steptest.RunName, Plan: "nightly", WasRunning: true, Looked: true,
		Hook: &ledger.Hook{Since: now, Ended: now, After: true, Timeout: time.Minute}}
	held, err := s.Ledger.Kept.Claim(s.Context(), c)
	s.Must(err)
	return held
}

// The plan was changed and deployed between the two commands: the one that it has now is run, and where it has none any
// more that is told. No command comes from the ledger.
func TestThePlansCommandIsRun(t *testing.T) {
	for after, want := range map[string]string{"thaw": "", "thaw, only better": "",
		"": "it was not run: plan nightly has none any more"} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			r, c := runner(s, after), due(s)
			for range 3 {
				var err error
				c, _, err = r.After(s.Context(), c)
				s.Must(err)
				time.Sleep(15 * time.Second)
			}
			s.Same("over", c.Hook.Due(), false)
			s.Same("problem", c.Hook.Problem, want)
			ran := s.Parameters.Invocations()
			if s.Same("commands", len(ran) == 0, after == ""); len(ran) > 0 {
				s.Same("command", ran[0].Command, after)
			}
		})
	}
}

// The command after waits for the one before, which may run yet where its job was cut off; at most until that has ended
// for certain.
func TestAfterWaitsForBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		r, c := runner(s, "thaw"), due(s)
		c.Hook.Ended = time.Time{}
		waited := 0
		for began := time.Now(); len(s.Parameters.Invocations()) == 0; waited = int(time.Since(began).Seconds()) {
			var err error
			c, _, err = r.After(s.Context(), c)
			s.Must(err)
			time.Sleep(15 * time.Second)
		}
		// It was never sent: once it would be shown, it is known not to run.
		s.Same("waited", waited > 120 && waited < 160, true)
	})
}
