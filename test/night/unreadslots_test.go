package night_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// garbled is a ledger with one slot that cannot be read.
type garbled struct {
	*ledger.Memory
	plan, record string
}

func (g *garbled) Slots(ctx context.Context, of string) iter.Seq2[ledger.Slot, error] {
	return func(yield func(ledger.Slot, error) bool) {
		unread := &ledger.UnreadableError{Record: g.record, Err: errors.New("of a newer version")}
		if g.record != "" && (of == g.plan || of == "") && !yield(ledger.Slot{}, unread) {
			return
		}
		for s, err := range g.Memory.Slots(ctx, of) {
			if !yield(s, err) {
				return
			}
		}
	}
}

// A place that cannot be read counts as taken: what is not imaged because of it is no success, and names the record.
func TestAPlaceCannotBeRead(t *testing.T) {
	memory := &garbled{Memory: ledger.NewMemory(), plan: "nightly", record: "nightly#place#000000"}
	plans := nightly(func(p *plan.Plan) { p.Concurrency = 1; p.Roll.Skip = true })
	play(t, stack.Options{Ledger: memory, Plans: plans}, func(n *night) {
		web := n.launch("web", "")
		n.begin()
		time.Sleep(time.Until(due.Add(6 * time.Hour)))
		n.want("endings", n.endings(), map[string]int{string(job.LedgerUnread): 1})
		n.says(web, "record nightly#place#000000 of the ledger cannot be read")
		n.want("told", n.toldOf("A record of the ledger cannot be read: nightly#place#000000"), true)
		memory.record = ""
	})
}

// A mark that cannot be read, of a source that no claim names, holds nothing back; it is told.
func TestAMarkCannotBeRead(t *testing.T) {
	memory := &garbled{Memory: ledger.NewMemory(), plan: ledger.EveryPlan, record: "*#down#i-0000"}
	play(t, stack.Options{Ledger: memory}, func(n *night) {
		web := n.launch("web", "")
		n.begin()
		n.wasImaged(n.run()[0], web)
		time.Sleep(2 * sweep)
		n.want("told", n.toldOf("A record of the ledger cannot be read: *#down#i-0000"), true)
		memory.record = ""
	})
}

// An exemption is taken back: the source is down, and has its place again.
func TestAnExemptionIsTakenBack(t *testing.T) {
	plans := demand(func(p *plan.Plan) { p.Concurrency = 1; p.Roll.Skip = true })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		n.excused.dead = true
		web, api := n.launch("web", "m5.large"), n.launch("api", "")
		n.begin()
		n.after("stop", web, func(work) {
			n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, Code: "InsufficientInstanceCapacity",
				Until: due.Add(3 * time.Hour)})
		})
		n.ask(web, "now")
		time.Sleep(40 * time.Minute)
		for _, undo := range []bool{false, true} {
			n.ok(n.exempts(event.Exempt{Source: web, By: "ada", Undo: undo}))
		}
		time.Sleep(15 * time.Minute)
		n.ask(api, "now")
		time.Sleep(30 * time.Minute)
		n.want("web", n.EC2.State(web), ec2.Stopped)
		n.want("stops of api", len(n.callsOf("StopInstances", api)), 0)
		n.finish()
		n.want("images of api", len(n.imagesOf(api)), 1)
		n.want("most", n.downs.most["nightly"], 1)
		time.Sleep(4 * sweep)
		n.noSlots()
	})
}

// What a job has left stopped is told within minutes, while its run holds the others back for hours; and so is a second
// one that goes down later.
func TestWhatIsLeftStoppedIsToldSoon(t *testing.T) {
	play(t, stack.Options{Plans: few()}, func(n *night) {
		n.excused.dead = true
		n.launchMany(6)
		n.begin()
		stuck := ""
		n.after("stop", "", func(w work) {
			stuck = w.Source.ID
			n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: stuck, Code: "UnauthorizedOperation", Status: 403})
		})
		time.Sleep(time.Until(due.Add(20 * time.Minute)))
		n.want("state", n.EC2.State(stuck), ec2.Stopped)
		n.want("told", n.toldOf(stuck), true)
		n.excused.stopped[stuck] = true
	})
}

// A second source of a run that goes down later than the first is told, too.
func TestASecondThatIsDownIsTold(t *testing.T) {
	play(t, stack.Options{Plans: few()}, func(n *night) {
		n.excused.dead = true
		web, api := n.launch("web", "m5.large"), n.launch("api", "")
		n.begin()
		n.EC2.Inject(ec2.Fault{Action: "StopInstances", Resource: api, Code: "RequestLimitExceeded",
			Until: due.Add(8 * time.Minute)})
		for _, id := range []string{web, api} {
			n.after("stop", id, func(work) {
				n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: id, Code: "InsufficientInstanceCapacity",
					Until: due.Add(9 * time.Hour)})
			})
		}
		time.Sleep(time.Until(due.Add(time.Hour)))
		for _, id := range []string{web, api} {
			n.want("state of "+id, n.EC2.State(id), ec2.Stopped)
			n.want("told of "+id, n.toldOf(id), true)
		}
		time.Sleep(time.Until(due.Add(10 * time.Hour)))
	})
}
