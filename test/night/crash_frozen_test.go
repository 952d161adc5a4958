package night_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/ssm"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Every crash point of a night that freezes what it images, where it differs from one with commands: whatever goes
// wrong, nothing stays frozen, and what may not have stood still does not count as frozen. The limit is so short that
// the watchdog is what lets go in many of them.
func TestEveryCrashPointOfFrozen(t *testing.T) {
	var watchdogs atomic.Int32
	t.Run("points", func(t *testing.T) {
		crashes(t, 60, whileFrozen, func(t *testing.T, c *chaos) {
			t.Helper()
			crashOfFrozen(t, c, &watchdogs)
		})
	})
	t.Logf("the watchdog let go in %d of them", watchdogs.Load())
	if watchdogs.Load() < 10 && *crashOnly == "" {
		t.Errorf("the watchdog let go in %d nights, of at least 10", watchdogs.Load())
	}
}

// whileFrozen reports whether it strikes between the freeze and the thaw.
func whileFrozen(m mishap) bool {
	return m.at("hook", "image", "watch snapshotted") || m.ofASource()
}

// crashOfFrozen is a scheduled run of one instance.
func crashOfFrozen(t *testing.T, c *chaos, watchdogs *atomic.Int32) {
	t.Helper()
	o := frozen(func(p *plan.Plan) { p.Schedule, p.Freeze.Limit = "cron(12 0 * * ? *)", plan.MinFreeze })
	between := c.within(&o)
	o.EC2 = ec2.Options{Lag: 3 * time.Second}
	play(t, o, func(n *night) {
		between.slack = n.Slack.Inject
		db := n.managed("db", "")
		c.strikes(n, 40*time.Minute)
		late := slices.ContainsFunc(n.Parameters.Frozen(), func(f ssm.Frozen) bool { return f.Watchdog })
		if late {
			watchdogs.Add(1)
		}
		if c.cut() {
			return
		}
		switch result := n.results(n.onlyRun())[db]; {
		case result.Ending == job.Skipped && (late || unsure(c.struck)):
			n.want("why", result.Skip.Code, job.BeforeFailed)
		case result.Ending == job.Broken && late:
			n.want("why: "+result.Problem, strings.Contains(result.Problem, "within 20s of the freeze"), true)
		default:
			n.want("ending", result.Ending, job.Imaged)
			n.want("commands", n.did(db), "freeze thaw")
		}
	})
}
