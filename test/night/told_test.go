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

// A job has left its instance stopped, and the run goes on for others while the sweep brings that back: whenever the
// run is told, nobody is asked to start what EC2 shows as pending or running.
func TestStartedBeforeItsRunIsTold(t *testing.T) {
	seen := map[string]bool{}
	for minutes := range 11 {
		play(t, stack.Options{}, func(n *night) {
			web, api := n.launch("web", ""), n.launch("api", "")
			n.begin()
			n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, StartReason: "Client.InstanceInitiatedShutdown",
				Until: due.Add(4 * time.Minute)})
			n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: api, Delay: time.Duration(minutes) * time.Minute})
			r := n.run()[0]
			state, told := n.EC2.State(web), strings.Join(n.messagesOf(r), "\n")
			asked := strings.Contains(told, "start-instances --instance-ids "+web)
			if up := state == ec2.Running || state == ec2.Pending; up == asked {
				t.Errorf("told while it is %s, and people are asked to start it: %t\n%s", state, asked, told)
			}
			for _, part := range []string{"Left stopped", "Coming back", "as it was before the run"} {
				seen[part] = seen[part] || strings.Contains(told, part)
			}
			time.Sleep(3 * sweep)
			n.want("state", n.EC2.State(web), ec2.Running)
		})
	}
	if !seen["Left stopped"] || !seen["Coming back"] || !seen["as it was before the run"] {
		t.Errorf("only told as %v", seen)
	}
}
