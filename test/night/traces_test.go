package night_test

import (
	"strings"
	"testing"
	"time"

	"goldsmith/events"
	"goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

// lose empties the ledger, as when its table was deleted and made anew.
func (n *night) lose() {
	n.t.Helper()
	n.Ledger.(*ledger.Memory).Lose()
	n.excused.lost = true
}

// traced keeps histories, by which tags are held against facts.
var traced = stack.Options{History: true}

// A run is aborted and the ledger is lost while instances are down: they are back all the same, and people know.
func TestTheLedgerIsLost(t *testing.T) {
	deaf := map[string]eventbridge.Faults{"": {Loss: 1}, eventbridge.SchedulerSource: {}}
	for _, step := range []string{"stop", "watch:stopped", "image", "watch:snapshotted", "start"} {
		for which, events := range map[string]map[string]eventbridge.Faults{"": nil, ", events lost": deaf} {
			t.Run("at "+step+which, func(t *testing.T) {
				play(t, stack.Options{History: true, Events: events}, func(n *night) {
					ids := []string{n.launch("web", ""), n.launch("api", ""), n.launch("db", "gp3 st1")}
					rest := n.launch("rest", "stopped")
					n.begin()
					lost := func(work) {
						n.ok(n.States.Stop(n.onlyRun().ARN, "", ""))
						n.lose()
					}
					if step == "stop" {
						n.after(step, ids[0], lost)
					} else {
						n.at(step, ids[0], lost)
					}
					n.run()
					time.Sleep(3*sweep + 2*time.Minute)
					for _, id := range ids {
						n.want("state of "+id, n.EC2.State(id), ec2.Running)
						n.want("trace on "+id, n.tagsOf(id)[tag.Stopped], "")
					}
					n.want("state of rest", n.EC2.State(rest), ec2.Stopped)
					n.says("nightly", "ended as ABORTED")
				})
			})
		}
	}
}

// The ledger is lost while a run goes on: nothing is started under its hands, and it ends as it would.
func TestTheLedgerIsLostAndTheRunGoesOn(t *testing.T) {
	for _, step := range []string{"watch:stopped", "image", "watch:snapshotted"} {
		t.Run("at "+step, func(t *testing.T) {
			play(t, stack.Options{History: true}, func(n *night) {
				web := n.launch("web", "")
				n.begin()
				n.at(step, web, func(work) { n.lose(); n.sweeps() })
				r := n.run()[0]
				n.wasImaged(r, web)
				n.want("starts", len(n.callsOf("StartInstances", web)), 1)
				time.Sleep(2 * sweep)
				n.want("trace", n.tagsOf(web)[tag.Stopped], "")
			})
		})
	}
}

func (n *night) sweeps() {
	n.t.Helper()
	must(n.Invoke(n.ctx, "recover", must(events.Sample("sweep"))(n.t)))(n.t)
}

// forged are tags on an instance that a person has stopped. value makes one; r is a run that has imaged it.
var forged = []struct {
	name  string
	value func(n *night, r sfn.Execution, own, others string) string
}{
	{"any text", func(*night, sfn.Execution, string, string) string { return "yes" }},
	{"a run", func(_ *night, r sfn.Execution, _, _ string) string { return r.ARN }},
	{"an execution that there is not", func(n *night, r sfn.Execution, _, _ string) string {
		return strings.Replace(r.ARN, ":goldsmith:", ":goldsmith/source:", 1)
	}},
	{"another account's", func(_ *night, _ sfn.Execution, own, _ string) string {
		return strings.Replace(own, "123456789012", "210987654321", 1)
	}},
	{"copied from another instance", func(_ *night, _ sfn.Execution, _, others string) string { return others }},
	{"written back after its own run", func(_ *night, _ sfn.Execution, own, _ string) string { return own }},
}

// What a person stopped is never started by a tag: it is named to people, once, and the tag goes.
func TestATagStartsNothing(t *testing.T) {
	for _, f := range forged {
		t.Run(f.name, func(t *testing.T) {
			play(t, traced, func(n *night) {
				web, api := n.launch("web", ""), n.launch("api", "")
				n.begin()
				var own, others string // Both are stopped at once.
				n.after("stop", web, func(w work) { own = w.Execution })
				n.after("stop", api, func(w work) { others = w.Execution })
				r := n.run()[0]
				n.stops(web)
				n.excused.stopped[web] = true
				n.ok(n.tagAs(web, map[string]string{tag.Stopped: f.value(n, r, own, others)}))
				starts := len(n.callsOf("StartInstances", web))
				time.Sleep(4 * sweep)
				n.want("state", n.EC2.State(web), ec2.Stopped)
				n.want("starts", len(n.callsOf("StartInstances", web)), starts)
				n.want("runs", len(n.runs()), 1)
				n.want("told", strings.Count(n.said(), "is stopped, and Goldsmith does not start it"), 2)
				_, there := n.tagsOf(web)[tag.Stopped]
				n.want("tag", there, false)
			})
		})
	}
}

// A run is aborted and the ledger is lost, and a person starts the instance and stops it again, before or after
// Goldsmith has started it: what the person did stands.
func TestAPersonStopsWhatWasTraced(t *testing.T) {
	for _, when := range []string{"before the sweep", "after the sweep"} {
		t.Run(when, func(t *testing.T) {
			play(t, traced, func(n *night) {
				web := n.launch("web", "")
				n.begin()
				n.after("watch:stopped", web, func(work) {
					n.ok(n.States.Stop(n.onlyRun().ARN, "", ""))
					n.lose()
				})
				n.run()
				if when == "after the sweep" {
					time.Sleep(time.Until(n.nextStart(web).Add(time.Minute)))
				} else {
					n.as(web, ec2.Stopped)
					n.starts(web)
					n.as(web, ec2.Running)
				}
				n.want("state", n.EC2.State(web), ec2.Running)
				n.stops(web)
				n.excused.stopped[web] = true
				time.Sleep(4 * sweep)
				n.want("state", n.EC2.State(web), ec2.Stopped)
			})
		})
	}
}

// The same with a ledger: a claim is no reason to start what a person stopped, either.
func TestAPersonStopsWhatWasRecovered(t *testing.T) {
	for _, when := range []string{"before the sweep", "after the sweep"} {
		t.Run(when, func(t *testing.T) {
			deaf := map[string]eventbridge.Faults{"": {Loss: 1}, eventbridge.SchedulerSource: {}}
			play(t, stack.Options{Events: deaf}, func(n *night) {
				web := n.launch("web", "")
				n.begin()
				n.after("watch:stopped", web, func(work) { n.ok(n.States.Stop(n.onlyRun().ARN, "", "")) })
				n.run()
				if when == "after the sweep" {
					time.Sleep(time.Until(n.nextStart(web).Add(time.Minute)))
				} else {
					n.as(web, ec2.Stopped)
					n.starts(web)
					n.as(web, ec2.Running)
					time.Sleep(time.Minute)
				}
				n.stops(web)
				n.excused.stopped[web] = true
				time.Sleep(4 * sweep)
				n.want("state", n.EC2.State(web), ec2.Stopped)
			})
		})
	}
}

// nextStart waits until a function starts the instance, and gives the moment.
func (n *night) nextStart(id string) time.Time {
	n.t.Helper()
	for range 60 {
		if calls := n.callsOf("StartInstances", id); len(calls) > 0 {
			return calls[0].Time
		}
		time.Sleep(30 * time.Second)
	}
	n.t.Fatal("it was never started")
	return time.Time{}
}
