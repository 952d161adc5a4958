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

// Every crash point of a night with commands around its images, as TestEveryCrashPoint has those of a night without:
// whatever goes wrong, no command before is run twice, and each has its command after.
func TestEveryCrashPointOfCommands(t *testing.T) {
	for name, edit := range map[string]func(*plan.Plan){"stop": func(*plan.Plan) {}, "none": uncut} {
		t.Run(name, func(t *testing.T) {
			crashes(t, 150, ofCommands, func(t *testing.T, c *chaos) {
				t.Helper()
				crashOfCommands(t, c, edit)
			})
		})
	}
}

// ofCommands reports whether it strikes where a night with commands differs from another.
func ofCommands(m mishap) bool {
	return m.at("claim", "hook", "release", "recover") || m.ofASource()
}

// crashOfCommands is a scheduled run of one instance.
func crashOfCommands(t *testing.T, c *chaos, edit func(*plan.Plan)) {
	t.Helper()
	o := commanded(edit, func(p *plan.Plan) { p.Schedule = "cron(12 0 * * ? *)" })
	between := c.within(&o)
	o.EC2 = ec2.Options{Lag: 10 * time.Second}
	play(t, o, func(n *night) {
		between.slack = n.Slack.Inject
		web := n.managed("web", "")
		c.strikes(n, 40*time.Minute)
		if c.cut() {
			return
		}
		result := n.results(n.onlyRun())[web]
		if result.Ending == job.Skipped && unsure(c.struck) {
			// Whether the command before was run is not known: the source is left alone, as the plan says.
			n.want("why", result.Skip.Code, job.BeforeFailed)
			n.want("commands", n.commands(web), "thaw")
			return
		}
		n.want("ending", result.Ending, job.Imaged)
		n.want("commands", n.commands(web), "freeze thaw")
	})
}

// unsure reports whether it struck between the journal of the command before and its call.
func unsure(struck []mishap) bool {
	return slices.ContainsFunc(struck, func(m mishap) bool {
		_, call, _ := strings.Cut(m.boundary, " | ")
		return m.at("hook") && (call == "SendCommand #1" || call == "ledger Record #1")
	})
}
