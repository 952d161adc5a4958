package night_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/local/ec2"
	"goldsmith/local/elb"
	"goldsmith/local/inject"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// drained is a suite whose nightly plan takes instances out of their target groups.
func drained(edits ...func(*plan.Plan)) stack.Options {
	return stack.Options{Plans: nightly(append([]func(*plan.Plan){func(p *plan.Plan) { p.Drain = true }}, edits...)...)}
}

// balanced starts instance web, which is in target group web, and gives both.
func (n *night) balanced() (id, arn string) {
	n.t.Helper()
	id, arn = n.launch("web", ""), n.Balancers.Add("web", time.Minute)
	n.Balancers.Register(arn, id)
	time.Sleep(5 * time.Minute) // It has booted.
	return id, arn
}

// An instance drains before it is stopped, is registered again with the same ports once it runs, and is healthy before
// its source is released. What it has nothing to do with is left alone.
func TestInstanceIsDrained(t *testing.T) {
	play(t, drained(), func(n *night) {
		web, arn := n.balanced()
		other := n.launch("other", "unenrolled")
		slow := n.Balancers.Add("slow", 5*time.Minute)
		for _, port := range []int{8080, 8443} {
			n.Balancers.RegisterAt(slow, web, port)
		}
		n.Balancers.Register(slow, other)
		n.Balancers.AddGroup(elb.Group{Name: "function", Type: "lambda"})
		n.Balancers.AddGroup(elb.Group{Name: "far", VPC: "vpc-0123"})
		time.Sleep(time.Minute)
		n.begin()
		said := n.rehearsed()
		n.want("rehearsed", said.Sources[0].DrainedFrom, "target groups slow, web")
		n.run()
		result := n.results(n.onlyRun())[web]
		n.want("ending", result.Ending, job.Imaged)
		n.want("warnings", slices.ContainsFunc(result.Warnings, func(r job.Reason) bool {
			return r.Code == job.TargetGroups || r.Code == job.OutOfService
		}), false)
		out, stop := n.callsOf("DeregisterTargets", web), n.callsOf("StopInstances", web)[0]
		n.want("deregistered", len(out), 3)
		if waited := stop.Time.Sub(out[0].Time); waited < 5*time.Minute || waited > 7*time.Minute {
			t.Errorf("stopped %s after it was deregistered, of five minutes that it drains", waited)
		}
		back := n.callsOf("RegisterTargets", web)
		n.want("registered", len(back), 3)
		if late := back[0].Time.Sub(result.Times.Running); late < 0 || late > 5*time.Second {
			t.Errorf("registered %s after it ran", late)
		}
		for _, port := range []int{8080, 8443} {
			n.want("slow", n.Balancers.StateAt(slow, web, port), "healthy")
		}
		n.want("web", n.Balancers.State(arn, web), "healthy")
		n.want("calls for another", len(n.callsOf("DeregisterTargets", other)), 0)
		if !result.Times.Released.After(back[0].Time.Add(30 * time.Second)) {
			t.Errorf("released at %s, before it can have been healthy", result.Times.Released)
		}
	})
}

// What a target group is like decides what is done there.
func TestHowTargetsAre(t *testing.T) {
	for name, c := range map[string]struct {
		edit          func(*plan.Plan)
		given         func(n *night, web, arn string)
		ending        job.Ending
		out, back     int
		says, warning string
	}{
		"no load balancer: it is registered again, and not waited for": {
			given: func(n *night, web, _ string) {
				n.Balancers.Register(n.Balancers.AddGroup(elb.Group{Name: "unused", Unused: true}), web)
			},
			ending: job.Imaged, out: 2, back: 2,
		},
		"it was unhealthy before: not waited for": {
			given:  func(n *night, web, _ string) { n.Balancers.Fail(web, true) },
			ending: job.Imaged, out: 1, back: 1,
		},
		"it drains for longer than is waited for": {
			given: func(n *night, web, _ string) {
				n.Balancers.Register(n.Balancers.Add("patient", time.Hour), web)
			},
			ending: job.Skipped,
			says:   "target group patient lets connections drain for 1h, and an image waits for less than 15m",
		},
		"by its address": {
			given: func(n *night, web, _ string) {
				n.Balancers.Register(n.Balancers.AddGroup(elb.Group{Name: "addresses", Type: "ip"}), n.addressOf(web))
			},
			ending: job.Imaged, out: 1, back: 1, warning: "it is in target group addresses by its address, and not by its id",
		},
		"a person has taken it out": {
			given: func(n *night, web, arn string) {
				n.Balancers.Deregister(arn, web)
				n.excused.targets[web] = true
			},
			ending: job.Imaged,
		},
		"a plan that does not drain": {edit: func(p *plan.Plan) { p.Drain = false }, ending: job.Imaged},
	} {
		t.Run(name, func(t *testing.T) {
			edit := c.edit
			if edit == nil {
				edit = func(*plan.Plan) {}
			}
			play(t, drained(edit), func(n *night) {
				web, arn := n.balanced()
				n.begin()
				time.Sleep(time.Until(due) - 10*time.Second)
				if c.given != nil {
					c.given(n, web, arn)
				}
				said := n.rehearsed().Sources[0]
				n.run()
				result := n.results(n.onlyRun())[web]
				n.want("ending", result.Ending, c.ending)
				n.want("rehearsed", said.Skip, result.Skip)
				if c.says != "" && !strings.Contains(result.Skip.Text, c.says) {
					t.Errorf("skipped for %v, want %q", result.Skip, c.says)
				}
				n.want("deregistered", len(n.callsOf("DeregisterTargets")), c.out)
				n.want("registered", len(n.callsOf("RegisterTargets")), c.back)
				if warned := slices.ContainsFunc(result.Warnings, func(r job.Reason) bool {
					return r.Code == job.TargetGroups && strings.Contains(r.Text, c.warning)
				}); warned != (c.warning != "") {
					t.Errorf("warnings %v, want %q", result.Warnings, c.warning)
				}
			})
		})
	}
}

// Whatever happens while a target is out, it is registered again as soon as it may be, or people know why it is not.
func TestTargetIsOutMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		at           string
		happens      func(n *night, w work, arn string)
		says         string
		state        string
		mends        func(n *night, web string)
		afterMending string
	}{
		"the run is cut off while it drains": {
			at: "stop", happens: func(n *night, w work, _ string) { n.ok(n.States.Stop(w.Execution, "", "")) },
			says: "its execution ended before its work was done", state: "healthy",
		},
		"the run is cut off while it is down": {
			at: "image", happens: func(n *night, w work, _ string) { n.ok(n.States.Stop(w.Execution, "", "")) },
			says: "it is running again", state: "healthy",
		},
		"its image cannot be made": {
			at: "watch:stopped", happens: func(n *night, w work, _ string) {
				n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: w.Source.ID, Code: denied, Status: 403})
			},
			says: "UnauthorizedOperation", state: "healthy",
		},
		"its health checks fail": {
			at: "image", happens: func(n *night, w work, _ string) { n.Balancers.Fail(w.Source.ID, true) },
			says: "out of the service of target group web since", state: "unhealthy",
			mends: func(n *night, web string) { n.Balancers.Fail(web, false) }, afterMending: "healthy",
		},
		"its target group is deleted": {
			at: "image", happens: func(n *night, _ work, arn string) { n.Balancers.Remove(arn) }, state: "",
		},
		"a person registers it again": {
			at: "watch:running", happens: func(n *night, w work, arn string) { n.Balancers.Register(arn, w.Source.ID) },
			state: "healthy",
		},
		"a person terminates it": {
			at: "image", happens: func(n *night, w work, _ string) { n.ok(n.EC2.SetState(w.Source.ID, ec2.Terminated)) },
			says: "terminated", state: "unused",
		},
		"it may not be registered": {
			at: "image", happens: func(n *night, _ work, _ string) {
				n.Inject(inject.Fault{Action: "RegisterTargets", Code: "AccessDenied", Status: 403,
					Until: time.Now().Add(2 * time.Hour)})
			},
			says: "it cannot be registered in target group web", state: "unused",
			mends: func(*night, string) { time.Sleep(2 * time.Hour) }, afterMending: "healthy",
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, drained(), func(n *night) {
				web, arn := n.balanced()
				n.begin()
				n.after(c.at, web, func(w work) { c.happens(n, w, arn) })
				n.run()
				time.Sleep(time.Hour)
				n.want("state", n.Balancers.State(arn, web), c.state)
				if !strings.Contains(n.said(), c.says) {
					t.Errorf("nobody read %q:\n%s", c.says, n.said())
				}
				if c.mends != nil {
					c.mends(n, web)
					time.Sleep(20 * time.Minute)
					n.finish()
					n.want("state after mending", n.Balancers.State(arn, web), c.afterMending)
				}
			})
		})
	}
}

// A member of an Auto Scaling group is not drained by itself: that is its group's service.
func TestMemberIsNotDrained(t *testing.T) {
	o := shrinking(func(p *plan.Plan) { p.Drain = true })
	play(t, o, func(n *night) {
		members := n.serving()
		own := n.Balancers.Add("own", time.Minute)
		n.Balancers.Register(own, members[0])
		n.run()
		n.want("ending", n.results(n.onlyRun())[members[0]].Ending, job.Imaged)
		n.want("deregistered", len(n.callsOf("DeregisterTargets")), 0)
		n.want("own", n.Balancers.State(own, members[0]), "healthy")
	})
}

// Elastic Load Balancing that does not answer stops nothing, and what it refuses is no journal.
func TestTargetGroupsCannotBeRead(t *testing.T) {
	for action, says := range map[string]string{
		"DescribeTargetGroups": "looking for the target groups of", "DeregisterTargets": "from target group web",
	} {
		t.Run(action, func(t *testing.T) {
			play(t, drained(), func(n *night) {
				web, arn := n.balanced()
				n.begin()
				n.Inject(inject.Fault{Action: action, Code: "AccessDenied", Status: 403, Nth: []int{1, 2, 3, 4, 5}})
				n.run()
				n.want("ending", n.results(n.onlyRun())[web].Ending, job.Broken)
				n.want("stops", len(n.callsOf("StopInstances")), 0)
				n.want("registered", len(n.callsOf("RegisterTargets")), 0)
				n.want("state", n.Balancers.State(arn, web), "healthy")
				if !strings.Contains(n.said(), says) {
					t.Errorf("nobody read %q:\n%s", says, n.said())
				}
			})
		})
	}
}

// rehearsed is what goldsmith plan says of the nightly run.
func (n *night) rehearsed() rehearsal.Night {
	n.t.Helper()
	p := n.plans.Plans["nightly"]
	return n.rehearse(rehearsal.Scheduled(p, due), p)
}

// addressOf is an instance's private address.
func (n *night) addressOf(id string) string {
	n.t.Helper()
	for _, i := range n.instances() {
		if aws.ToString(i.InstanceId) == id {
			return aws.ToString(i.PrivateIpAddress)
		}
	}
	n.t.Fatalf("%s is gone", id)
	return ""
}
