package night_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// outage is what keeps what was stopped from being started again.
type outage struct {
	name  string
	fault ec2.Fault
	// pool is whether it holds for one instance type and zone only.
	pool bool
}

var outages = []outage{
	{name: "denied", fault: ec2.Fault{Action: "StartInstances", Code: "UnauthorizedOperation", Status: 403}},
	{name: "a disabled key", fault: ec2.Fault{Action: "StartInstances", StartReason: "Client.InternalError",
		Message: "Client error on launch"}},
	{name: "capacity", fault: ec2.Fault{Action: "StartInstances", Code: "InsufficientInstanceCapacity"}, pool: true},
	{name: "a start that never ends", fault: ec2.Fault{Action: "StartInstances", Delay: 30 * 24 * time.Hour}},
	{name: "throttled", fault: ec2.Fault{Action: "StartInstances", Code: "RequestLimitExceeded"}},
}

// few is a plan that may have two down at once, in a window that thirty do not fit into when starts fail.
func few() plan.Plans {
	return nightly(func(p *plan.Plan) { p.Concurrency = 2; p.Roll.Skip = true })
}

// Thirty instances, two at a time, and EC2 does not start what was stopped: for good. No more than two
// are ever down, people know who and why, and what is left was not touched.
func TestNothingStarts(t *testing.T) {
	for _, o := range outages {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			play(t, stack.Options{Plans: few()}, func(n *night) {
				n.launchMany(30)
				n.begin()
				n.after("stop", "", func(work) { n.EC2.Inject(o.fault) })
				time.Sleep(time.Until(due.Add(13 * time.Hour)))
				n.wasHeld()
				n.excused.dead = true
			})
		})
	}
}

// wasHeld: few are down, and the run said so.
func (n *night) wasHeld() {
	n.t.Helper()
	if most := n.downs.most["nightly"]; most > 2 {
		n.t.Errorf("%d were down at once, with concurrency 2", most)
	}
	down := 0
	for _, id := range n.ids() {
		if n.EC2.State(id) != ec2.Running {
			down++
		}
	}
	if down == 0 || down > 2 {
		n.t.Errorf("%d are down, want one or two", down)
	}
	n.want("stops sent for", n.stoppedOnes() <= 2+0, true)
	for _, r := range n.runs() {
		if strings.HasPrefix(r.Name, "nightly-") && !r.Stopped.IsZero() {
			n.heldRun(r)
		}
	}
}

// stoppedOnes is how many instances were stopped at all.
func (n *night) stoppedOnes() int {
	stopped := map[string]bool{}
	for _, c := range n.callsOf("StopInstances") {
		for _, id := range c.Resources {
			stopped[id] = true
		}
	}
	return len(stopped)
}

func (n *night) heldRun(r sfn.Execution) {
	n.t.Helper()
	held := 0
	for _, result := range n.results(r) {
		if result.Skip != nil && (result.Skip.Code == job.BreakerOpen || result.Skip.Code == job.CannotStart) {
			held++
		}
	}
	if held == 0 {
		n.t.Errorf("run %s held back nothing: %v", r.Name, n.endings())
	}
}

// The same, lifted after an hour: everything is back, the breaker is closed, and no slot is left over.
func TestNothingStartsForAnHour(t *testing.T) {
	for _, o := range outages {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			play(t, stack.Options{Plans: few()}, func(n *night) {
				n.launchMany(30)
				n.begin()
				if o.fault.Delay > 0 {
					o.fault.Delay = 50 * time.Minute
				}
				o.fault.Until = due.Add(time.Hour)
				n.after("stop", "", func(work) { n.EC2.Inject(o.fault) })
				time.Sleep(time.Until(due.Add(8 * time.Hour)))
				n.finish()
				for _, id := range n.ids() {
					n.want("state of "+id, n.EC2.State(id), ec2.Running)
				}
				if most := n.downs.most["nightly"]; most > 2 {
					n.t.Errorf("%d were down at once, with concurrency 2", most)
				}
				n.noSlots()
				n.excused.dead = true
			})
		})
	}
}

// A dry run that is denied keeps everything from being stopped.
func TestMayNotStart(t *testing.T) {
	play(t, stack.Options{Plans: few()}, func(n *night) {
		n.launchMany(30)
		n.begin()
		n.EC2.Inject(ec2.Fault{Action: "StartInstances", Code: "UnauthorizedOperation", Status: 403})
		r := n.run()[0]
		n.want("stops", len(n.callsOf("StopInstances")), 0)
		n.want("endings", n.endings(), map[string]int{"cannot-be-started": 30})
		n.want("status", r.Status, "FAILED")
	})
}

// Some of a page could not be started again: they are left alone, and keep no other from being imaged.
func TestSomeMayNotBeStarted(t *testing.T) {
	for _, bad := range []int{1, 3} {
		t.Run(fmt.Sprint(bad), func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				ids := n.launchMany(60)
				n.begin()
				for _, id := range ids[:bad] {
					n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: id, Code: "UnauthorizedOperation", Status: 403})
				}
				r := n.run()[0]
				n.want("endings", n.endings(), map[string]int{"cannot-be-started": bad, "imaged": 60 - bad})
				n.saysOf(r, "PARTIAL", ids[0])
				for _, id := range ids[:bad] {
					n.want("changes", len(n.changed(id)), 0)
				}
				if asked := n.dryRuns(); asked > 45 {
					n.t.Errorf("%d dry runs", asked)
				}
			})
		})
	}
}

// dryRuns is how many dry runs there were.
func (n *night) dryRuns() int {
	asked := 0
	for _, c := range n.Calls.Since(n.begun) {
		if strings.Contains(c.Form, "DryRun=true") {
			asked++
		}
	}
	return asked
}
