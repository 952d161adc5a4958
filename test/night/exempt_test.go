package night_test

import (
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/suite"
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
	for _, concurrency := range []int{1, 2} {
		for name, o := range map[string]ec2.Fault{
			"denied":   {Action: "StartInstances", Code: "UnauthorizedOperation", Status: 403},
			"capacity": {Action: "StartInstances", Code: "InsufficientInstanceCapacity"},
		} {
			t.Run(name, func(t *testing.T) {
				plans := demand(func(p *plan.Plan) { p.Concurrency = concurrency; p.Roll.Skip = true })
				play(t, suite.Options{Plans: plans}, func(n *night) {
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
	play(t, suite.Options{}, func(n *night) {
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
