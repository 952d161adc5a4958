package night_test

import (
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

// A person stops an instance between its claim and its stop: it is imaged, and stays stopped.
func TestAPersonStopsItJustBefore(t *testing.T) {
	for _, requested := range []bool{false, true} {
		t.Run(map[bool]string{false: "a scheduled run", true: "a request"}[requested], func(t *testing.T) {
			play(t, stack.Options{History: true, Plans: nightly(func(p *plan.Plan) { p.Roll.Skip = true })}, func(n *night) {
				web := n.launch("web", "")
				n.begin()
				n.excused.stopped[web] = true
				n.at("stop", web, func(work) { n.stops(web); time.Sleep(3 * time.Second) })
				if requested {
					n.ask(web, "now")
					n.finish()
				} else {
					n.run()
				}
				time.Sleep(30 * time.Minute)
				n.want("state", n.EC2.State(web), ec2.Stopped)
				n.want("starts", len(n.callsOf("StartInstances", web)), 0)
				n.want("imaged", len(n.imagesOf(web)) > 0, true)
				n.says(web, "it was stopped by other hands before Goldsmith did: it stays stopped")
				n.noSlots()
			})
		})
	}
}

// A person stops an instance in the very second of its stop, and the run does not end as it would: function stop has
// seen that it was the person's, and no tag tells otherwise once the claim is gone.
func TestAPersonStopsItInTheSameSecond(t *testing.T) {
	for which, goesWrong := range map[string]func(n *night, web string){
		"its image fails": func(n *night, web string) {
			n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, Code: "UnauthorizedOperation", Status: 403})
		},
		"the run is aborted after the stop": func(n *night, web string) {
			n.after("stop", web, func(work) { n.abortAll() })
		},
		"the run is aborted later": func(n *night, web string) {
			n.at("watch:snapshotted", web, func(work) { n.abortAll() })
		},
		"and the ledger is lost": func(n *night, web string) {
			n.at("watch:snapshotted", web, func(work) { n.abortAll(); n.lose() })
		},
	} {
		t.Run(which, func(t *testing.T) {
			play(t, stack.Options{History: true, Plans: nightly(func(p *plan.Plan) { p.Roll.Skip = true })}, func(n *night) {
				n.excused.dead, n.excused.twice = true, true
				web := n.launch("web", "")
				n.begin()
				n.excused.stopped[web] = true
				n.at("stop", web, func(work) { n.stops(web) })
				goesWrong(n, web)
				n.run()
				time.Sleep(6 * sweep)
				n.want("state", n.EC2.State(web), ec2.Stopped)
				n.want("starts", len(n.callsOf("StartInstances", web)), 0)
				n.want("named as stopped by Goldsmith", strings.Contains(n.said(), "Goldsmith does not start it"), false)
			})
		})
	}
}

// A run of web fails, and a person stops web before the sweep has taken its tag off: that is no place that is taken.
func TestAPersonStopsWhatARunHasFailedOn(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Concurrency = 1; p.Roll.Skip = true })
	play(t, stack.Options{History: true, Plans: plans}, func(n *night) {
		n.excused.dead = true
		web, api := n.launch("web", ""), n.launch("api", "unenrolled")
		n.begin()
		n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, Code: "UnauthorizedOperation", Status: 403})
		n.run()
		n.want("web", n.EC2.State(web), ec2.Running)
		n.stops(web)
		n.excused.stopped[web] = true
		time.Sleep(4 * sweep)
		n.noSlots()
		n.ask(api, "now")
		n.finish()
		n.want("images of api", len(n.imagesOf(api)), 1)
	})
}

// EC2 refuses each stop for a while, and a person stops the instance: while the run goes on, or after it was aborted.
// It was the person's stop, and stays so.
func TestAPersonStopsWhatEC2RefusedToStop(t *testing.T) {
	for _, aborted := range []bool{false, true} {
		t.Run(map[bool]string{false: "the run goes on", true: "the run is aborted"}[aborted], func(t *testing.T) {
			play(t, stack.Options{History: true, Plans: nightly(func(p *plan.Plan) { p.Roll.Skip = true })}, func(n *night) {
				n.excused.dead = true
				web := n.launch("web", "")
				n.begin()
				n.excused.stopped[web] = true
				until, after := 3*time.Minute+10*time.Second, 3*time.Minute+11*time.Second
				if aborted { // What function stop has in hand goes on for a while.
					time.AfterFunc(time.Until(due.Add(3*time.Minute)), n.abortAll)
					until, after = 4*time.Minute+29*time.Second, 4*time.Minute+30*time.Second
				}
				n.EC2.Inject(ec2.Fault{Action: "StopInstances", Resource: web, Code: "RequestLimitExceeded", Until: due.Add(until)})
				time.AfterFunc(time.Until(due.Add(after)), func() { n.stops(web) })
				time.Sleep(time.Until(due.Add(40 * time.Minute)))
				n.want("state", n.EC2.State(web), ec2.Stopped)
				n.want("starts", len(n.callsOf("StartInstances", web)), 0)
			})
		})
	}
}
