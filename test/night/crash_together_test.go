package night_test

import (
	"fmt"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Every crash point of starts that go out together, as TestEveryCrashPoint has those of sources that are down one after
// the other: whatever goes wrong in one of them, none of the others stays down.
func TestEveryCrashPointOfStartsTogether(t *testing.T) {
	crashes(t, 100, func(m mishap) bool { return m.at("start") && !m.at("select") }, crashTogether)
}

// crashTogether is a run of sources that are stopped, imaged and started within the same seconds.
func crashTogether(t *testing.T, c *chaos) {
	t.Helper()
	const sources = 8
	timing := ec2.DefaultTiming()
	timing.Stopping = ec2.Span{Min: 20 * time.Second, Max: 20 * time.Second}
	timing.SnapshotShows = ec2.Span{Min: 2 * time.Second, Max: 2 * time.Second}
	o := stack.Options{
		EC2:   ec2.Options{Timing: timing},
		Plans: nightly(func(p *plan.Plan) { p.Schedule, p.Concurrency = "cron(12 0 * * ? *)", sources }),
	}
	between := c.within(&o)
	play(t, o, func(n *night) {
		between.slack = n.Slack.Inject
		var ids []string
		for i := range sources {
			ids = append(ids, n.launch(fmt.Sprintf("web-%d", i), "gp3"))
		}
		n.begin()
		time.Sleep(12*time.Minute - time.Second)
		c.arm(true)
		n.finish()
		c.arm(false)
		for _, m := range c.struck {
			n.excuse(m)
		}
		for _, id := range ids {
			r := n.results(n.onlyRun())[id]
			n.want("ending of "+id, r.Ending, job.Imaged)
			// One that is killed is started by its next try, another by its own moment.
			if down := r.Times.Downtime(); down > 3*time.Minute {
				t.Errorf("%s was down for %s", id, down)
			}
		}
		if len(c.struck) == 0 && starts(n) >= sources {
			t.Errorf("%d calls start %d instances: none goes out together with another", starts(n), sources)
		}
	})
}

// starts are the calls that have started instances.
func starts(n *night) (calls int) {
	for _, c := range n.Calls.Since(0) {
		if c.Action == "StartInstances" && c.Error == "" {
			calls++
		}
	}
	return calls
}
