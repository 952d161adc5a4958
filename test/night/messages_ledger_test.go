package night_test

import (
	"sync/atomic"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// exemptSituations are those in which a person decides about what is down.
func exemptSituations() []*situation {
	stays := func(then func(n *night, down string)) func(n *night) {
		return func(n *night) {
			ids := []string{n.launch("web-1", ""), n.launch("web-2", "")}
			n.begin()
			n.after("stop", "", func(w work) {
				n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: w.Source.ID, Code: denied, Status: 403})
			})
			time.Sleep(time.Until(due.Add(time.Hour)))
			for _, id := range ids {
				if n.EC2.State(id) == ec2.Stopped {
					n.excused.stopped[id] = true
					then(n, id)
				}
			}
			time.Sleep(6 * time.Hour)
		}
	}
	plans := func() stack.Options {
		return stack.Options{Plans: nightly(func(p *plan.Plan) { p.Concurrency = 1; p.Roll.Skip = true })}
	}
	return []*situation{
		{what: "a person exempts what is down, and takes that back", options: plans(),
			story: stays(func(n *night, down string) {
				n.ok(n.exempts(event.Exempt{Source: down, By: "ada"}))
				time.Sleep(10 * time.Second)
				n.ok(n.exempts(event.Exempt{Source: down, By: "ada", Undo: true}))
			})},
		deniedSituation(),
		{what: "what is down is asked for", options: plans(), story: stays(func(n *night, down string) {
			n.ask(down, "now")
		})},
	}
}

// deniedSituation is that function start is denied all starts once something is stopped.
func deniedSituation() *situation {
	var denied atomic.Bool
	return &situation{what: "function start may not start what the sweep may", options: stack.Options{
		Plans: nightly(func(p *plan.Plan) {
			p.Concurrency, p.Window, p.Roll.Skip = 1, plan.Duration(30*time.Minute), true
		}), Guard: guarded(denyingStarts(&denied)),
	}, story: func(n *night) {
		n.launch("web-1", "private")
		n.launch("web-2", "private")
		n.begin()
		n.after("stop", "", func(w work) {
			denied.Store(true)
			time.AfterFunc(2*time.Hour, func() { n.ok(n.exempts(event.Exempt{Source: w.Source.ID, By: "ada"})) })
		})
		time.Sleep(time.Until(due.Add(4 * time.Hour)))
	}}
}

// ledgerSituations are those in which the ledger does not say what it should.
func ledgerSituations() []*situation {
	memory := &smudged{Memory: ledger.NewMemory()}
	slots := &garbled{Memory: ledger.NewMemory(), plan: "nightly", record: "nightly#place#000000"}
	return []*situation{
		{
			what:    "the table is lost while an instance is down, and no sweep comes",
			options: stack.Options{History: true, Plans: one(), Wrap: deafUntil("recover", due.Add(2*time.Hour))},
			story: func(n *night) {
				web, api := n.launch("web", ""), n.launch("api", "")
				n.begin()
				n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, Delay: 3 * time.Hour})
				n.ask(web, "now")
				time.Sleep(2 * time.Minute)
				n.lose()
				n.ask(api, "now")
				time.Sleep(5 * time.Hour)
			},
		},
		{
			what: "a claim cannot be read", options: stack.Options{Ledger: memory, History: true},
			story: func(n *night) {
				web := n.launch("web", "")
				n.begin()
				n.after("watch:stopped", web, func(work) {
					n.ok(n.States.Stop(n.onlyRun().ARN, "", ""))
					memory.source = web
				})
				n.run()
				time.Sleep(6 * sweep)
				memory.source = ""
			},
		},
		{
			what:    "a place cannot be read",
			options: stack.Options{Ledger: slots, Plans: nightly(func(p *plan.Plan) { p.Concurrency = 1 })},
			story: func(n *night) {
				n.launch("web", "")
				n.begin()
				time.Sleep(time.Until(due.Add(6 * time.Hour)))
				slots.record = ""
			},
		},
		{
			what: "an instance that a person stopped carries a run's tag", options: traced, story: func(n *night) {
				web := n.launch("web", "")
				n.begin()
				n.run()
				n.stops(web)
				n.excused.stopped[web] = true
				n.ok(n.tagAs(web, map[string]string{tag.Stopped: "yes"}))
				time.Sleep(4 * sweep)
			},
		},
	}
}
