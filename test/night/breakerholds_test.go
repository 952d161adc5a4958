package night_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// becameOf says what each run made of a source.
func (n *night) becameOf(id string) string {
	var all []string
	for _, r := range n.runs() {
		if result, ok := n.results(r)[id]; ok {
			text := r.Name + " " + string(r.Status) + " " + string(result.Ending) + " problem=" + result.Problem
			if result.Skip != nil {
				text += " skip=" + string(result.Skip.Code) + ": " + result.Skip.Text
			}
			all = append(all, text)
		} else {
			all = append(all, r.Name+" "+string(r.Status)+" no result of it")
		}
	}
	return strings.Join(all, "\n   ")
}

// A stop that EC2 throttles is not sent again once the breaker has opened: web cannot be started meanwhile, and what
// keeps it down would keep api down.
func TestAStopIsNotSentAgainThroughAnOpenBreaker(t *testing.T) {
	play(t, stack.Options{Plans: few()}, func(n *night) {
		n.excused.dead = true
		web, api := n.launch("web", ""), n.launch("api", "")
		n.begin()
		n.EC2.Inject(ec2.Fault{Action: "StopInstances", Resource: api, Code: "RequestLimitExceeded",
			Until: due.Add(6 * time.Minute)})
		n.after("stop", web, func(work) {
			n.EC2.Inject(ec2.Fault{Action: "StartInstances", Code: "UnauthorizedOperation", Status: 403})
		})
		time.Sleep(time.Until(due.Add(4 * time.Minute)))
		open := false
		for s, err := range n.Ledger.Slots(n.ctx, ledger.EveryPlan) {
			n.ok(err)
			open = open || s.Kind == ledger.Downs && s.Source == web
		}
		n.want("breaker is open at 4m", open, true)
		n.want("api at 4m", n.EC2.State(api), ec2.Running)
		time.Sleep(time.Until(due.Add(40 * time.Minute)))
		n.want("api, which was not stopped when the breaker opened", n.EC2.State(api), ec2.Running)
	})
}

// A source whose claim cannot be read opens the breaker as any other that is down for too long.
func TestAnUnreadableClaimOpensTheBreaker(t *testing.T) {
	memory := &smudged{Memory: ledger.NewMemory()}
	play(t, stack.Options{Ledger: memory, History: true, Plans: few()}, func(n *night) {
		n.excused.dead = true
		web := n.launch("web", "")
		api := n.launch("api", "unenrolled")
		n.begin()
		n.after("stop", web, func(work) {
			memory.source = web
			n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, Code: "UnauthorizedOperation", Status: 403})
		})
		time.Sleep(time.Until(due.Add(3 * time.Hour)))
		n.want("web is down for 3h", n.EC2.State(web), ec2.Stopped)
		n.ask(api, "now")
		time.Sleep(40 * time.Minute)
		n.want("stops of api", len(n.callsOf("StopInstances", api)), 0)
		n.excused.stopped[web] = true
		memory.source = ""
	})
}

// What an earlier run has left stopped is refused by the next, which is no OK.
func TestWhatAnEarlierRunLeftStoppedIsRefused(t *testing.T) {
	play(t, stack.Options{Plans: few()}, func(n *night) {
		n.excused.dead = true
		web := n.launch("web", "")
		n.begin()
		n.after("stop", web, func(work) {
			n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, Code: "UnauthorizedOperation", Status: 403})
		})
		time.Sleep(time.Until(due.Add(24*time.Hour + time.Hour)))
		text := n.becameOf(web)
		if strings.Contains(text, "is working on it") {
			n.t.Error("the first run ended 24 hours ago, and left it stopped")
		}
		n.excused.stopped[web] = true
	})
}

// deafLedger is a ledger whose claims cannot be listed for a time.
type deafLedger struct {
	*ledger.Memory
	from, until time.Time
}

func (d *deafLedger) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	if now := time.Now(); !now.Before(d.from) && now.Before(d.until) {
		return func(yield func(ledger.Claim, error) bool) {
			yield(ledger.Claim{}, errors.New("ProvisionedThroughputExceededException: slow down"))
		}
	}
	return d.Memory.Claims(ctx)
}

// A sweep that cannot list the claims names no instance as one that Goldsmith does not start, and leaves its tag: a
// claim that it has not seen may say that it is being brought back.
func TestASweepThatCannotListClaimsNamesNothing(t *testing.T) {
	memory := &deafLedger{Memory: ledger.NewMemory()}
	play(t, stack.Options{History: true, Ledger: memory, Plans: few()}, func(n *night) {
		n.excused.dead = true
		web := n.launch("web", "")
		n.begin()
		n.after("stop", web, func(work) {
			n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, StartReason: "Client.InternalError",
				Message: "Client error on launch", Until: due.Add(4 * time.Hour)})
		})
		memory.from, memory.until = due.Add(118*time.Minute), due.Add(129*time.Minute) // two sweeps
		time.Sleep(time.Until(due.Add(132 * time.Minute)))
		_, there := n.tagsOf(web)[tag.Stopped]
		n.want("the second trace is there while it is down", there, true)
		before := len(n.callsOf("StartInstances", web))
		time.Sleep(20 * time.Minute)
		after := len(n.callsOf("StartInstances", web))
		if strings.Contains(n.said(), "is stopped, and Goldsmith does not start it") {
			n.t.Errorf("people were told that Goldsmith does not start it; it was sent %d starts since", after-before)
		}
		time.Sleep(time.Until(due.Add(6 * time.Hour)))
	})
}

// A code that EC2's page gives for lack of room in a pool or on a host holds nothing of another type back.
func TestOnePoolDoesNotHoldThePlan(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"UnfulfillableCapacity", "InsufficientReservedInstancesCapacity",
		"InsufficientVolumeCapacity",
		"UnavailableHostRequirements"} {
		t.Run(code, func(t *testing.T) {
			plans := demand(func(p *plan.Plan) { p.Roll.Skip = true })
			play(t, stack.Options{Plans: plans}, func(n *night) {
				n.excused.dead = true
				web, api := n.launch("web", "m5.large"), n.launch("api", "t3.micro")
				n.begin()
				n.after("stop", web, func(work) {
					n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, Code: code})
				})
				n.ask(web, "now")
				time.Sleep(40 * time.Minute)
				n.ask(api, "now")
				time.Sleep(40 * time.Minute)
				n.want("images of api", len(n.imagesOf(api)), 1)
				n.excused.stopped[web] = true
			})
		})
	}
}

// slowLedger is a ledger whose sweep reads slots, and is slow to go on.
type slowLedger struct {
	*ledger.Memory
	from time.Time
	wait func()
}

func (d *slowLedger) Slots(ctx context.Context, plan string) iter.Seq2[ledger.Slot, error] {
	if plan != "" || d.from.IsZero() || time.Now().Before(d.from) {
		return d.Memory.Slots(ctx, plan)
	}
	type pair struct {
		s   ledger.Slot
		err error
	}
	var all []pair
	for s, err := range d.Memory.Slots(ctx, plan) {
		all = append(all, pair{s, err})
	}
	if len(all) > 0 && d.wait != nil {
		d.wait()
		d.wait = nil
	}
	return func(yield func(ledger.Slot, error) bool) {
		for _, p := range all {
			if !yield(p.s, p.err) {
				return
			}
		}
	}
}

// A source that comes back while a slow sweep has it for overdue does not hold the others back for as long as its image
// takes.
func TestTheBreakerClosesForWhatRuns(t *testing.T) {
	memory := &slowLedger{Memory: ledger.NewMemory()}
	play(t, stack.Options{Ledger: memory, Plans: few()}, func(n *night) {
		n.excused.dead = true
		web := n.launch("web", "")
		api := n.launch("api", "unenrolled")
		n.begin()
		n.EC2.Inject(ec2.Fault{Action: "StopInstances", Resource: web, Delay: 34*time.Minute + 20*time.Second})
		n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, Delay: 10 * time.Hour})
		memory.from = due.Add(34 * time.Minute)
		memory.wait = func() {
			time.Sleep(2 * time.Minute)
		}
		time.Sleep(time.Until(due.Add(2 * time.Hour)))
		n.want("web", n.EC2.State(web), ec2.Running)
		n.ask(api, "now")
		time.Sleep(40 * time.Minute)
		text := n.becameOf(api)
		if strings.Contains(text, "is down since") {
			n.t.Error("web runs since an hour")
		}
		time.Sleep(10 * time.Hour)
	})
}

// The time after which a stop is forced counts from the call that EC2 took, not from those that it refused.
func TestForceCountsFromTheStopThatEC2Took(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Force = plan.MinForce; p.Roll.Skip = true })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		n.excused.dead = true
		web := n.launch("web", "")
		n.begin()
		n.EC2.Inject(ec2.Fault{Action: "StopInstances", Resource: web, Code: "RequestLimitExceeded",
			Until: due.Add(10*time.Minute + 20*time.Second)})
		n.EC2.Inject(ec2.Fault{Action: "StopInstances", Resource: web, Delay: 90 * time.Second})
		time.Sleep(time.Until(due.Add(40 * time.Minute)))
		var taken time.Time
		for _, c := range n.callsOf("StopInstances", web) {
			if c.Error == "" && taken.IsZero() {
				taken = c.Time
			}
			if strings.Contains(c.Form, "Force=true") && c.Time.Sub(taken) < time.Duration(plan.MinForce) {
				n.t.Errorf("forced %s after EC2 took the stop", c.Time.Sub(taken))
			}
		}
	})
}
