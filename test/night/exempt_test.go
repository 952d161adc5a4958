package night_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/plan"
)

// exempts is what goldsmith exempt sends.
func (n *night) exempts(e event.Exempt) error {
	n.t.Helper()
	payload, err := e.MarshalJSON()
	n.ok(err)
	_, err = n.Invoke(n.ctx, "recover", payload)
	return err
}

// One source is down for good. A person exempts it: the others are imaged, however few may be down at once, and are
// told of it. Taken back, others wait again.
func TestASourceIsExempted(t *testing.T) {
	t.Parallel()
	for _, concurrency := range []int{1, 2} {
		for name, o := range map[string]ec2.Fault{
			"denied":   {Action: "StartInstances", Code: "UnauthorizedOperation", Status: 403},
			"capacity": {Action: "StartInstances", Code: "InsufficientInstanceCapacity"},
		} {
			t.Run(name, func(t *testing.T) {
				plans := demand(func(p *plan.Plan) { p.Concurrency = concurrency; p.Roll.Skip = true })
				play(t, stack.Options{Plans: plans}, func(n *night) {
					ids := n.launchMany(5)
					n.begin()
					n.excused.dead, n.excused.exempted = true, 1
					n.after("stop", ids[0], func(work) { o.Resource = ids[0]; n.EC2.Inject(o) })
					n.ask(ids[0], "now")
					time.Sleep(40 * time.Minute)
					n.ask(ids[1], "now")
					time.Sleep(10*time.Minute + 10*time.Second)
					n.want("breaker", n.endings()["breaker-open"], 1)

					n.ok(n.exempts(event.Exempt{Source: ids[0], By: "ada"}))
					n.says(ids[0], "ada has exempted")
					for _, id := range ids[2:4] {
						n.ask(id, "now")
					}
					time.Sleep(2 * time.Hour)
					for _, id := range ids[2:4] {
						n.says(id, "ada has exempted web ("+ids[0]+") at 2000-01-01 00:50 UTC, so that others do not wait for it")
						n.want("images of "+id, len(n.imagesOf(id)), 1)
					}

					n.ok(n.exempts(event.Exempt{Source: ids[0], By: "ada", Undo: true}))
					n.ask(ids[4], "now")
					time.Sleep(10 * time.Minute)
					n.want("breaker", n.endings()["breaker-open"], 2)
				})
			})
		}
	}
}

// What cannot be exempted is refused with what to do, and changes nothing.
func TestExemptingWhatIsNotDown(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		web := n.launch("web", "")
		n.begin()
		for _, e := range []event.Exempt{{Source: web, By: "ada"}, {Source: "db", By: "ada"},
			{Source: "web", By: "ada", Undo: true}} {
			if err := n.exempts(e); err == nil || !strings.Contains(err.Error(), "keeps nothing from being stopped") {
				n.t.Errorf("%+v: %v", e, err)
			}
		}
		n.noSlots()
		n.run()
	})
}

// The first source of a scheduled run has no room, with a concurrency of one, and a person exempts it while its own
// run is at work: the others of that run do not wait for it any more. Two in a row do no more harm than one.
func TestASourceIsExemptedInItsOwnRun(t *testing.T) {
	for _, exempted := range []int{1, 2} {
		t.Run(fmt.Sprint(exempted), func(t *testing.T) {
			plans := nightly(func(p *plan.Plan) { p.Concurrency = 1; p.Roll.Skip = true })
			play(t, stack.Options{Plans: plans}, func(n *night) {
				n.excused.dead, n.excused.exempted = true, exempted
				ids := n.launchMany(5)
				n.begin()
				for i := range exempted {
					stuck := ""
					n.after("stop", "", func(w work) {
						stuck = w.Source.ID
						n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: stuck, Code: "InsufficientInstanceCapacity"})
					})
					time.Sleep(time.Until(due.Add(time.Duration(i+1) * 40 * time.Minute)))
					n.ok(n.exempts(event.Exempt{Source: stuck, By: "ada"}))
					n.excused.stopped[stuck] = true
				}
				time.Sleep(time.Until(due.Add(3 * time.Hour)))
				imaged := 0
				for _, id := range ids {
					imaged += len(n.imagesOf(id))
				}
				n.want("images", imaged, 5)
			})
		})
	}
}

// An image that takes hours keeps no other source of its run from being stopped: its source is back.
func TestAnImageThatTakesLongHoldsNoPlace(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Concurrency = 1; p.Roll.Skip = true })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		ids := n.launchMany(4)
		slices.Sort(ids)
		n.begin()
		n.at("watch:available", ids[0], func(work) {})
		n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: ids[0], Delay: 6 * time.Hour})
		time.Sleep(time.Until(due.Add(3 * time.Hour)))
		for _, id := range ids[1:] {
			n.want("images of "+id, len(n.imagesOf(id)), 1)
		}
		n.finish()
		n.want("endings", n.endings(), map[string]int{"imaged": 4})
		n.want("most down", n.downs.most["nightly"], 1)
	})
}

// One instance without room ends no night of a fleet silently: each that is not imaged is told which is down.
func TestOneWithoutRoomIsNamedToTheOthers(t *testing.T) {
	t.Parallel()
	plans := nightly(func(p *plan.Plan) { p.Concurrency = 1; p.Roll.Skip = true })
	for _, room := range []string{"m5.large", ""} {
		t.Run("of type "+room, func(t *testing.T) {
			play(t, stack.Options{Plans: plans}, func(n *night) {
				n.excused.dead = true
				web := n.launch("web", "m5.large")
				for _, name := range []string{"a", "b", "c", "d", "e"} {
					n.launch(name, room)
				}
				n.begin()
				n.after("stop", web, func(work) {
					n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, Code: "InsufficientInstanceCapacity"})
				})
				time.Sleep(time.Until(due.Add(23 * time.Hour)))
				n.want("web", n.EC2.State(web), ec2.Stopped)
				for _, id := range n.ids() {
					n.imagedOrToldOf(id, web)
				}
				n.excused.stopped[web] = true
			})
		})
	}
}

// imagedOrToldOf: the nightly run has imaged the source, or has told that down is why it has not.
func (n *night) imagedOrToldOf(id, down string) {
	n.t.Helper()
	for _, r := range n.runs() {
		result, known := n.results(r)[id]
		switch {
		case id == down, !strings.HasPrefix(r.Name, "nightly-"):
		case !known:
			n.t.Errorf("run %s says nothing of %s", r.Name, id)
		case result.Skip != nil && !strings.Contains(result.Skip.Text, down):
			n.t.Errorf("run %s says of %s only: %s", r.Name, id, result.Skip.Text)
		}
	}
}
