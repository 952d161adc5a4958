package night_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Every crash point at which targets of an instance may be out, as TestEveryCrashPoint has those of a night without
// load balancers: whatever goes wrong, each target is registered and healthy in the end.
func TestEveryCrashPointOfTargets(t *testing.T) {
	crashes(t, 60, ofTargets, crashOfTargets)
}

// ofTargets reports whether it strikes where a night with target groups differs from another.
func ofTargets(m mishap) bool {
	about := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(m.boundary, w) })
	}
	return m.at("claim", "stop", "release", "recover") && about("Target", "ledger Record", "StopInstances") ||
		m.is(aborted) && about("Stop the instance", "Wait until it is running", "Put it back into service",
			"Release the source")
}

// crashOfTargets is a scheduled run of an instance in two target groups.
func crashOfTargets(t *testing.T, c *chaos) {
	t.Helper()
	o := drained(func(p *plan.Plan) { p.Schedule = "cron(12 0 * * ? *)" })
	between := c.within(&o)
	o.EC2 = ec2.Options{Lag: 10 * time.Second}
	play(t, o, func(n *night) {
		between.slack = n.Slack.Inject
		web, arn := n.balanced()
		other := n.Balancers.Add("other", 30*time.Second)
		n.Balancers.RegisterAt(other, web, 8080)
		time.Sleep(time.Minute)
		c.strikes(n, 30*time.Minute)
		n.want("targets", n.Balancers.State(arn, web)+" "+n.Balancers.StateAt(other, web, 8080), "healthy healthy")
		if c.cut() {
			return
		}
		n.want("ending", n.results(n.onlyRun())[web].Ending, job.Imaged)
	})
}
