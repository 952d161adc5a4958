package night_test

import (
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

// A run is aborted at any of its steps: its message says what EC2 shows of each instance, and once more what became of
// it. No message says that an instance could not be brought back before that was tried.
func TestAnAbortedRunSaysWhatEC2Shows(t *testing.T) {
	for _, step := range []string{"stop", "watch:stopped", "image", "watch:snapshotted", "start", "watch:running"} {
		t.Run("after "+step, func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				web := n.launch("web", "")
				n.begin()
				n.after(step, web, func(work) { n.ok(n.States.Stop(n.onlyRun().ARN, "", "")) })
				r := n.run()[0]
				time.Sleep(3*sweep + 2*time.Minute)
				n.want("state", n.EC2.State(web), ec2.Running)
				said := strings.Join(n.messages(), "\n")
				told := strings.Join(n.messagesOf(r), "\n")
				if strings.Contains(said, "could not bring it back") {
					n.t.Errorf("said though it was not so: %s", said)
				}
				follows := strings.Count(said, "Run "+r.Name+": what it had left stopped")
				if coming := strings.Contains(told, "Coming back"); coming != (follows == 1) || follows > 1 {
					n.t.Errorf("coming back: %t, followed up %d times: %s", coming, follows, said)
				}
				if follows == 1 {
					n.says(web, "it is running again")
				}
			})
		})
	}
}

// An instance that is left stopped is told, also where the plan wants to hear of runs that have failed alone.
func TestLeftStoppedIsToldWhateverThePlanSays(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Notify.On = []plan.Outcome{plan.Failed}; p.Roll.Skip = true })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		n.excused.dead = true
		web, api := n.launch("web", ""), n.launch("api", "")
		n.begin()
		n.at("start", web, func(work) {
			n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, Code: denied, Status: 403,
				Until: due.Add(3 * time.Hour)})
		})
		r := n.run()[0]
		n.wasImaged(r, api)
		n.saysOf(r, "PARTIAL: nightly", "Left stopped", web)
		time.Sleep(time.Until(due.Add(4 * time.Hour)))
		n.want("state", n.EC2.State(web), ec2.Running)
	})
}
