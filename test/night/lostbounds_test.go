package night_test

import (
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// one is a plan without a schedule that may have one down at once, until its image is there.
func one(edits ...func(*plan.Plan)) plan.Plans {
	return demand(func(p *plan.Plan) {
		p.Concurrency, p.Restart = 1, plan.Available
		for _, edit := range edits {
			edit(p)
		}
	})
}

// The ledger is lost while web is down for hours, and another source is asked for: before the first sweep it
// waits for that, after it for its turn. Either way one is down at once.
func TestTheLedgerIsLostAndAnotherIsAskedFor(t *testing.T) {
	for _, swept := range []bool{false, true} {
		t.Run(map[bool]string{false: "at once", true: "after a sweep"}[swept], func(t *testing.T) {
			play(t, stack.Options{History: true, Plans: one()}, func(n *night) {
				web, api := n.launch("web", ""), n.launch("api", "")
				n.begin()
				n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, Delay: 3 * time.Hour})
				n.ask(web, "now")
				time.Sleep(20*time.Minute + 10*time.Second)
				n.want("web", n.EC2.State(web), ec2.Stopped)
				n.lose()
				if swept {
					n.sweeps()
				}
				n.ask(api, "now")
				time.Sleep(time.Minute)
				n.want("api", n.EC2.State(api), ec2.Running)
				n.finish()
				n.want("endings", n.endings(), map[string]int{"imaged": 2})
				n.want("most down", n.downs.most["nightly"], 1)
				time.Sleep(4 * sweep)
				n.noSlots()
			})
		})
	}
}

// The same, and web's run was aborted with it, and EC2 has no room for web: the sweep brings its claim and its place
// back. Nothing more of its plan is stopped, a run of another plan is not held back once the sweep has been there.
func TestTheLedgerIsLostAndWhatWasDownFindsNoRoom(t *testing.T) {
	plans := with(one(func(p *plan.Plan) { p.Roll.Skip = true }), "other", func(p *plan.Plan) { p.Concurrency = 1 })
	play(t, stack.Options{History: true, Plans: plans}, func(n *night) {
		n.excused.dead = true
		web, api, db := n.launch("web", "m5.large"), n.launch("api", ""), n.launch("db", "")
		n.begin()
		n.at("image", web, func(work) {
			n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, Code: "InsufficientInstanceCapacity"})
			n.ok(n.States.Stop(n.runs()[0].ARN, "", ""))
			n.lose()
		})
		n.ask(web, "now")
		time.Sleep(3 * sweep)
		n.ask(api, "now")
		n.ask(db, "other")
		time.Sleep(time.Hour)
		n.want("web", n.EC2.State(web), ec2.Stopped)
		n.want("stops of api", len(n.callsOf("StopInstances", api)), 0)
		n.want("images of db", len(n.imagesOf(db)), 1)
		n.want("most down", n.downs.most["nightly"], 1)
		n.excused.stopped[web] = true
	})
}

// The ledger is put back to a moment before web was stopped, while its run goes on: what the run does not know is
// found by the tag.
func TestTheLedgerIsPutBackAndAnotherIsAskedFor(t *testing.T) {
	memory := ledger.NewMemory()
	play(t, stack.Options{History: true, Plans: one(), Ledger: memory}, func(n *night) {
		web, api := n.launch("web", ""), n.launch("api", "")
		n.begin()
		n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, Delay: 3 * time.Hour})
		n.after("stop", web, func(work) { // Its claim as it was before, and no place.
			for s, err := range memory.Slots(n.ctx, "") {
				n.ok(err)
				n.ok(memory.Free(n.ctx, s))
			}
			for c, err := range memory.Claims(n.ctx) {
				n.ok(err)
				c.StopSent, c.StopTried = time.Time{}, time.Time{}
				n.ok(memory.Record(n.ctx, c))
			}
		})
		n.ask(web, "now")
		time.Sleep(2 * time.Minute)
		n.ask(api, "now")
		time.Sleep(2 * time.Minute)
		n.want("api", n.EC2.State(api), ec2.Running)
		n.finish()
		n.want("endings", n.endings(), map[string]int{"imaged": 2})
		n.want("most down", n.downs.most["nightly"], 1)
	})
}

// A person stops what carries a tag that any hand could have written: a run is held back by it until the next sweep has
// looked at it, and by a text that no execution has not at all.
func TestATagHoldsNoRunForLong(t *testing.T) {
	for name, value := range map[string]func(n *night, own string) string{
		"any text": func(*night, string) string { return "yes" },
		"its own":  func(_ *night, own string) string { return own },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, traced, func(n *night) {
				web, api := n.launch("web", ""), n.launch("api", "unenrolled")
				n.begin()
				var own string
				n.after("stop", web, func(w work) { own = w.Execution })
				n.run()
				n.stops(web)
				n.excused.stopped[web] = true
				n.ok(n.tagAs(web, map[string]string{"goldsmith:stopped": value(n, own)}))
				time.Sleep(2*sweep + time.Minute) // What a run has just ended on is left to the second sweep.
				n.ask(api, "now")
				n.finish()
				n.want("images of api", len(n.imagesOf(api)), 1)
				n.want("state", n.EC2.State(web), ec2.Stopped)
			})
		})
	}
}

// A person stops a source again while its run still waits for its image: the ledger knows that web was started, so
// that nothing is held back.
func TestWhatAPersonStoppedSinceHoldsNothing(t *testing.T) {
	play(t, stack.Options{History: true, Plans: demand(func(p *plan.Plan) { p.Roll.Skip = true })}, func(n *night) {
		web, api := n.launch("web", ""), n.launch("api", "")
		n.begin()
		n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, Delay: 3 * time.Hour})
		n.ask(web, "now")
		time.Sleep(10 * time.Minute)
		n.want("web", n.EC2.State(web), ec2.Running)
		n.stops(web)
		n.excused.stopped[web] = true
		time.Sleep(3 * time.Minute)
		n.want("web", n.EC2.State(web), ec2.Stopped)
		n.ask(api, "now")
		n.finish()
		n.want("images of api", len(n.imagesOf(api)), 1)
	})
}

// The ledger is lost after as many were stopped as the limit allows: the tag goldsmith:last-stop says so, whatever came
// of their images, and no more are stopped. What was imaged as it was has taken no share.
func TestTheLedgerIsLostAndTheLimitIsSpent(t *testing.T) {
	plans := demand(func(p *plan.Plan) { p.Limit = plan.Limit{Count: 2}; p.Roll.Skip = true })
	for name, happens := range map[string]func(n *night, web string){
		"it was imaged": nil,
		"it was not imaged": func(n *night, web string) {
			n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, Code: denied, Status: 403})
		},
		"its run was aborted": func(n *night, web string) {
			n.excused.dead = true
			n.after("stop", web, func(w work) { n.ok(n.States.Stop(w.Execution, "", "")) })
		},
		"it was terminated": func(n *night, web string) {
			n.at("image", web, func(work) {
				must(n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{web}}))(n.t)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{History: true, Plans: plans}, func(n *night) {
				web, rest, api := n.launch("web", ""), n.launch("rest", "stopped"), n.launch("api", "")
				db, last := n.launch("db", ""), n.launch("last", "")
				n.begin()
				if happens != nil {
					n.excused.twice = true // That it failed is told again: the ledger does not know that it was.
					happens(n, web)
				}
				for _, id := range []string{web, rest} {
					n.ask(id, "now")
					n.finish()
				}
				time.Sleep(3 * sweep)
				n.lose()
				for _, id := range []string{api, db} {
					n.ask(id, "now")
					n.finish()
				}
				n.want("images of api", len(n.imagesOf(api)), 1)
				n.want("stops of db", len(n.stopsOf(db)), 0)
				n.says(db, "over-limit")
				time.Sleep(24 * time.Hour)
				n.ask(last, "now")
				n.finish()
				n.want("images of last", len(n.imagesOf(last)), 1)
			})
		})
	}
}
