package night_test

import (
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// ofGenerals are the states in which a general image is made.
var ofGenerals = []string{"eneral image", "clone"}

// Every crash point between the image of a source and its general one: whatever goes wrong one clone at most is launched
// and none stays, one general image at most is made, and what passes by itself ends in one that is rolled.
func TestEveryCrashPointOfAGeneralImage(t *testing.T) {
	crashes(t, 100, ofAGeneral, crashOfAGeneral)
}

func ofAGeneral(m mishap) bool {
	if m.at("watch:cloned", "watch cloned", "verify") {
		return true
	}
	for _, state := range ofGenerals {
		if strings.Contains(m.boundary, state) {
			return true
		}
	}
	return false
}

// crashOfAGeneral is a scheduled run of one instance.
func crashOfAGeneral(t *testing.T, c *chaos) {
	t.Helper()
	o := stack.Options{Plans: general(func(p *plan.Plan) { p.Schedule = "cron(12 0 * * ? *)" })}
	between := c.within(&o)
	play(t, o, func(n *night) {
		between.slack = n.Slack.Inject
		web := n.launch("web", "")
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		c.strikes(n, 90*time.Minute)
		if clones, all := len(n.clones()), len(n.tests()); clones > 1 || all > 2 {
			n.t.Errorf("%d clones and %d test instances were launched", clones, all-clones)
		}
		result := n.results(n.onlyRun())[web]
		if result.Raw != nil && result.Ending == job.Imaged {
			n.want("written to meanwhile", n.EC2.Taken(result.Image.ID).Live, false)
		}
		if c.cut() {
			return
		}
		n.want("ending", result.Ending, job.Imaged)
		n.want("a general image is recorded", result.Raw != nil, true)
	})
}
