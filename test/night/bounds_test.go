package night_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// demand is a plan without a schedule, for requests alone.
func demand(edit func(*plan.Plan)) plan.Plans {
	return nightly(func(p *plan.Plan) { p.Schedule, p.Concurrency = "", 2; edit(p) })
}

// endings counts how the sources of all runs have ended.
func (n *night) endings() map[string]int {
	counts := map[string]int{}
	for _, r := range n.runs() {
		for _, result := range n.results(r) {
			ending := string(result.Ending)
			if result.Skip != nil {
				ending = string(result.Skip.Code)
			}
			counts[ending]++
		}
	}
	return counts
}

// noSlots: no place and no turn outlives its run.
func (n *night) noSlots() {
	n.t.Helper()
	for s, err := range n.Ledger.Slots(n.ctx, "") {
		if err != nil || s.Kind != ledger.Stops {
			n.t.Errorf("left over: %+v %v", s, err)
		}
	}
}

// Twenty-four instances are tagged at once: two are down at a time, five of them in all, and
// the others are refused by name.
func TestManyAreTaggedAtOnce(t *testing.T) {
	plans := demand(func(p *plan.Plan) { p.Limit = plan.Limit{Count: 5} })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		ids := n.launchMany(24)
		n.begin()
		for _, id := range ids {
			n.ask(id, "now")
		}
		n.finish()
		time.Sleep(3 * sweep) // Slack takes one message a second, and recover tells the rest
		n.want("endings", n.endings(), map[string]int{"imaged": 5, "over-limit": 19})
		n.want("most down", n.downs.most["nightly"], 2)
		for _, r := range n.runs() {
			for id, result := range n.results(r) {
				if result.Skip != nil {
					n.want("status of "+id, r.Status, asl.Failed)
					n.says(id, "over-limit")
					if want := "plan nightly may stop 5 sources in the last 24 hours, and these were stopped or asked before: i-"; !strings.HasPrefix(result.Skip.Text, want) {
						n.t.Errorf("%s is refused with %q", id, result.Skip.Text)
					}
				}
			}
		}
		n.noSlots()
	})
}

// says wants a message that names the source and says a text.
func (n *night) says(id, text string) {
	n.t.Helper()
	for _, m := range n.Slack.Messages() {
		if said := m.Terminal(false); strings.Contains(said, id) &&
			strings.Contains(strings.Join(strings.Fields(said), " "), text) {
			return
		}
	}
	n.t.Errorf("no message names %s and says %q", id, text)
}

// What asks while the nightly run has its places waits its turn, and is told.
func TestRequestsWaitTheirTurn(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Concurrency, p.Verify = 2, plan.Verify{Patience: p.Verify.Patience} })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		n.launchMany(6)
		var asked []string
		for i := range 4 {
			asked = append(asked, n.launch(fmt.Sprintf("lab-%d", i), "unenrolled"))
		}
		n.begin()
		time.Sleep(time.Until(due.Add(30 * time.Second)))
		for _, id := range asked {
			n.ask(id, "now")
		}
		n.finish()
		n.want("endings", n.endings(), map[string]int{"imaged": 10})
		n.want("most down", n.downs.most["nightly"], 2)
		waited := 0
		for _, r := range n.runs() {
			for _, result := range n.results(r) {
				for _, w := range result.Warnings {
					if w.Code == job.Waited {
						waited++
					}
				}
			}
		}
		if waited == 0 {
			n.t.Error("nobody was told that it waited")
		}
		n.noSlots()
	})
}

// Who waits is aborted, or the window closes: nothing is touched, and no turn is left over.
func TestWaitingComesToAnEnd(t *testing.T) {
	plans := demand(func(p *plan.Plan) { p.Concurrency, p.Window = 1, plan.Duration(4*time.Minute) })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		ids := n.launchMany(12)
		n.begin()
		for _, id := range ids {
			n.ask(id, "now")
		}
		time.Sleep(time.Minute)
		n.ok(n.States.Stop(n.runs()[0].ARN, "", ""))
		n.finish()
		counts := n.endings()
		if counts["imaged"] < 2 || counts["no-turn"] < 2 {
			n.t.Errorf("endings %v: want some imaged and some whose turn did not come", counts)
		}
		n.want("most down", n.downs.most["nightly"], 1)
		time.Sleep(30 * time.Minute)
		n.noSlots()
	})
}

// The limit counts what was stopped: a source whose stop EC2 refused has not used it up.
func TestARefusedStopDoesNotCount(t *testing.T) {
	plans := demand(func(p *plan.Plan) { p.Limit = plan.Limit{Count: 1} })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		n.excused.dead = true
		web, api := n.launch("web", ""), n.launch("api", "")
		n.begin()
		n.EC2.Inject(ec2.Fault{Action: "StopInstances", Resource: web, Code: "UnauthorizedOperation", Status: 403})
		n.ask(web, "now")
		n.finish()
		n.want("web", n.EC2.State(web), ec2.Running)
		n.ask(api, "now")
		n.finish()
		n.want("endings", n.endings(), map[string]int{"failed": 1, "imaged": 1})
	})
}

// A turn that comes after most of a day does not fill the history of who waits for it.
func TestATurnThatIsLongInComing(t *testing.T) {
	plans := demand(func(p *plan.Plan) {
		p.Concurrency, p.Restart, p.Window = 1, plan.Available, plan.Duration(48*time.Hour)
		p.Roll.Skip = true
	})
	play(t, stack.Options{Plans: plans}, func(n *night) {
		n.excused.dead = true
		web, api := n.launch("web", ""), n.launch("api", "")
		n.begin()
		n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, Delay: 20 * time.Hour})
		n.ask(web, "now")
		time.Sleep(time.Minute)
		n.ask(api, "now")
		n.finish()
		n.want("endings", n.endings(), map[string]int{"imaged": 2})
	})
}
