package night_test

import (
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// startHangs plays a night in which the start of web, and of nothing else, hangs in pending for a while.
func startHangs(t *testing.T, hang ec2.Fault, edit func(*plan.Plan), story func(n *night, web string)) {
	t.Helper()
	plans := nightly(func(p *plan.Plan) { p.Concurrency = 2; p.Roll.Skip = true; edit(p) })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		n.excused.dead = true
		web := n.launch("web", "")
		n.begin()
		n.after("stop", web, func(work) {
			hang.Action, hang.Resource = "StartInstances", web
			n.EC2.Inject(hang)
		})
		story(n, web)
	})
}

// An instance that is pending when its run ends is told so, and not that a person is to start it; and once more when
// it runs.
func TestPendingAtTheRunsEnd(t *testing.T) {
	startHangs(t, ec2.Fault{Delay: 4 * time.Hour}, func(*plan.Plan) {}, func(n *night, web string) {
		r := n.run()[0]
		n.want("state", n.EC2.State(web), ec2.Pending)
		n.want("ending", n.results(r)[web].Ending, job.LeftStopped)
		n.saysOf(r, "Coming back", "EC2 shows it as pending", "says once when it runs")
		n.saysNot(r, "aws ec2 start-instances", "Left stopped")
		before := len(n.Slack.Messages())
		time.Sleep(4 * time.Hour)
		n.want("state", n.EC2.State(web), ec2.Running)
		n.want("notices", len(n.Slack.Messages())-before, 1)
		n.says(web, "it is running again")
		n.noSlots()
	})
}

// One that EC2 takes back to stopped after that, and does not start again, is told once more, and for good only then.
func TestPendingThatDoesNotComeBack(t *testing.T) {
	hang := ec2.Fault{Delay: 3 * time.Hour, StartReason: "Client.InternalError", Message: "Client error on launch",
		Until: due.Add(3 * time.Hour)}
	startHangs(t, hang, func(*plan.Plan) {}, func(n *night, web string) {
		r := n.run()[0]
		n.saysOf(r, "EC2 shows it as pending")
		n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, Code: "UnauthorizedOperation", Status: 403,
			Until: due.Add(8 * time.Hour)})
		before := len(n.Slack.Messages())
		time.Sleep(3 * time.Hour)
		n.want("notices", len(n.Slack.Messages())-before, 1)
		n.says(web, "what does not come back after all")
		n.says(web, "UnauthorizedOperation")
		time.Sleep(time.Until(due.Add(9 * time.Hour)))
		n.want("state", n.EC2.State(web), ec2.Running)
		n.want("notices", len(n.Slack.Messages())-before, 2)
	})
}

// A plan that starts its sources with their images has no more patience with a start that hangs than another.
func TestAHangingStartIsToldSoonThoughImagesMayTakeLong(t *testing.T) {
	late := func(p *plan.Plan) { p.Restart = plan.Available }
	startHangs(t, ec2.Fault{Delay: 30 * 24 * time.Hour}, late, func(n *night, web string) {
		time.Sleep(time.Until(due.Add(time.Hour)))
		n.want("state", n.EC2.State(web), ec2.Pending)
		n.want("told", n.toldOf(web), true)
		n.excused.stopped[web] = true
	})
}

// A run that was aborted says that what it had stopped is started within minutes. Where that fails, people hear of it.
func TestAnAbortedRunsSourceThatCannotBeStarted(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.dead = true
		web := n.launch("web", "")
		n.begin()
		n.after("image", web, func(work) {
			n.EC2.Inject(ec2.Fault{Action: "StartInstances", Code: "UnauthorizedOperation", Status: 403,
				Until: due.Add(3 * time.Hour)})
			n.ok(n.States.Stop(n.onlyRun().ARN, "", ""))
		})
		n.run()
		time.Sleep(time.Minute)
		before := len(n.Slack.Messages())
		time.Sleep(time.Hour)
		n.want("notices", len(n.Slack.Messages())-before, 1)
		n.says(web, "UnauthorizedOperation")
		time.Sleep(3 * time.Hour)
		n.want("state", n.EC2.State(web), ec2.Running)
	})
}
