package night_test

import (
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Two plans at the same moment, some instances in both: each of those is
// imaged by one, and the other leaves it alone and says who has it.
func TestTwoPlansAtOnce(t *testing.T) {
	for seed := range uint64(5) {
		plans := with(nightly(), "golden", func(*plan.Plan) {})
		play(t, stack.Options{Plans: plans, Seed: seed + 1}, func(n *night) {
			shared := []string{n.launch("web", "plan=nightly,golden"), n.launch("db", "gp3 plan=golden+nightly")}
			mine, yours := n.launch("mine", "plan=nightly"), n.launch("yours", "plan=golden")
			n.run()

			byPlan := map[string]sfn.Execution{}
			for _, r := range n.runs() {
				byPlan[r.Name[:6]] = r
			}
			n.want("runs", len(byPlan), 2)
			n.wasImaged(byPlan["nightl"], mine)
			n.wasImaged(byPlan["golden"], yours)
			for _, id := range shared {
				n.oneOfTwo(byPlan["nightl"], byPlan["golden"], id)
			}
		})
	}
}

func TestARequestAtTheMomentOfTheNight(t *testing.T) {
	for _, early := range []time.Duration{0, 500 * time.Millisecond, 900 * time.Millisecond} {
		play(t, stack.Options{}, func(n *night) {
			web, other := n.launch("web", ""), n.launch("other", "")
			n.begin()
			time.Sleep(time.Until(due.Add(-early)))
			n.ask(web, "now")
			n.finish()

			var asked, scheduled sfn.Execution
			for _, r := range n.runs() {
				if r.Name[:7] == "request" {
					asked = r
				} else {
					scheduled = r
				}
			}
			n.wasImaged(scheduled, other)
			n.oneOfTwo(asked, scheduled, web)
		})
	}
}

// oneOfTwo: one run imaged the source, the other left it to the one; it was stopped once.
func (n *night) oneOfTwo(a, b sfn.Execution, id string) {
	n.t.Helper()
	one, other := a, b
	if n.results(b)[id].Ending == job.Imaged {
		one, other = b, a
	}
	n.wasImaged(one, id)
	left := n.results(other)[id]
	if left.Ending != job.Skipped || left.Skip.Code != job.Claimed {
		n.t.Errorf("%s ended %q for %v in run %s, want it left to run %s", id, left.Ending, left.Skip, other.Name, one.Name)
	}
	n.saysOf(other, string(job.Claimed), one.Name)
	n.want("stops of "+id, len(n.callsOf("StopInstances", id)), 1)
	n.want("starts of "+id, len(n.callsOf("StartInstances", id)), 1)
}

// A run that comes while another is still at its sources finds them claimed; the
// next one, after it, images them again.
func TestTheNextRunImagesAgain(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Schedule = "rate(1 hour)" })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		web, rest := n.launch("web", ""), n.launch("rest", "stopped")
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		n.begin()
		time.Sleep(3*time.Hour + 30*time.Minute)

		n.want("runs", len(n.runs()), 3)
		for _, id := range []string{web, rest} {
			n.want("images", len(n.imagesOf(id)), 3)
		}
		n.want("default version", *n.defaults()[0].VersionNumber, 4)
		n.want("template's image", *n.defaults()[0].LaunchTemplateData.ImageId, n.results(n.runs()[0])[web].Image.ID)
	})
}
