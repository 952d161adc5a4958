package night_test

import (
	"testing"
	"time"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

func TestEveryDeliveryTwice(t *testing.T) {
	twice := map[string]eventbridge.Faults{"": {Double: 1}}
	play(t, stack.Options{Events: twice}, func(n *night) {
		web, db, lab := n.launch("web", ""), n.launch("db", "gp3 st1"), n.launch("lab", "unenrolled")
		n.begin()
		n.ask(lab, "now")
		n.run()

		runs := n.runs()
		n.want("runs", len(runs), 2)
		asked, scheduled := runs[1], runs[0]
		n.wasImaged(asked, lab)
		n.wasImaged(scheduled, web)
		n.wasImaged(scheduled, db)
		n.want("deliveries made twice", n.Bus.Stats().Doubled > 20, true)
	})
}

// Nothing of EC2's arrives: the heartbeats carry the night, and each wait is
// at most one heartbeat longer.
func TestEveryEventOfEC2Lost(t *testing.T) {
	lost := map[string]eventbridge.Faults{"aws.ec2": {Loss: 1}, "aws.tag": {Loss: 1}}
	play(t, stack.Options{Events: lost}, func(n *night) {
		ids := []string{n.launch("web", ""), n.launch("db", "gp3 gp3 st1"), n.launch("arm", "arm64"),
			n.launch("batch", "m5.large spot")}
		n.run()

		r := n.onlyRun()
		n.want("status", r.Status, asl.Succeeded)
		for _, id := range ids {
			n.wasImaged(r, id)
			times, took := n.results(r)[id].Times, n.EC2.Times(id)
			for what, late := range map[string]time.Duration{
				"stopped": times.Stopped.Sub(times.StopSent) - took.Stop,
				"running": times.Running.Sub(times.StartSent) - took.Start,
			} {
				if late > 61*time.Second {
					n.t.Errorf("that %s is %s was seen %s late, more than a heartbeat", id, what, late)
				}
			}
			if late := times.Snapshotted.Sub(times.ImageSent) - took.Snapshots; late > 10*time.Second {
				n.t.Errorf("the snapshots of %s were seen %s late while it was down", id, late)
			}
			n.looksAreRare(r.Name, id)
		}
	})
}

// looksAreRare: no wait looks more often than once a minute, but for the first
// minute of the wait for snapshots, in which the instance is down.
func (n *night) looksAreRare(run, id string) {
	n.t.Helper()
	result := n.results(n.onlyRun())[id]
	span := result.Times.Available.Sub(result.Times.Claimed)
	looks := 0
	for _, c := range n.callsOf("") {
		if c.Caller == "watch/"+id || c.Caller == "wake/"+id {
			looks++
		}
	}
	// Four waits look once when they begin and once when they end; looks for
	// snapshots come at first after 5, 6, 8, 12 and 20 seconds.
	if most := int(span/time.Minute) + 4*2 + 5; looks > most {
		n.t.Errorf("%d looks at %s in %s of run %s, want at most %d", looks, id, span, run, most)
	}
}

func TestEveryEventLateDoubledAndOutOfOrder(t *testing.T) {
	wild := map[string]eventbridge.Faults{"": {Double: 1, Reorder: 1, Hold: 20 * time.Second}}
	for seed := range uint64(3) {
		play(t, stack.Options{Events: wild, Seed: seed + 1}, func(n *night) {
			for _, name := range []string{"web", "api", "mail"} {
				n.launch(name, "")
			}
			n.launch("db", "gp3 st1")
			n.launch("rest", "stopped")
			n.run()
			time.Sleep(time.Minute)
			n.finish()

			r := n.onlyRun()
			for _, id := range n.ids() {
				n.wasImaged(r, id)
			}
			n.want("stops", len(n.callsOf("StopInstances")), 4)
			n.want("starts", len(n.callsOf("StartInstances")), 4)
		})
	}
}

func TestImagesThatTakeADay(t *testing.T) {
	t.Parallel()
	for _, takes := range []time.Duration{20 * time.Hour, 23*time.Hour + 50*time.Minute} {
		for what, events := range map[string]map[string]eventbridge.Faults{
			"with events": nil, "without": {"aws.ec2": {Loss: 1}, "aws.tag": {Loss: 1}},
		} {
			t.Run(takes.String()+" "+what, func(t *testing.T) {
				slow := ec2.DefaultTiming()
				slow.SnapshotStored = ec2.Span{Min: takes, Max: takes}
				plans := nightly(func(p *plan.Plan) { p.Schedule = "at(2000-01-01T00:30:00)" })
				play(t, stack.Options{Plans: plans, Events: events, EC2: ec2.Options{Timing: slow}}, func(n *night) {
					db := n.launch("db", "st1")
					n.run()

					r := n.onlyRun()
					n.want("status", r.Status, asl.Succeeded)
					n.wasImaged(r, db)
					times := n.results(r)[db].Times
					n.want("down for minutes only", times.Downtime() < 5*time.Minute, true)
					n.want("waited for the image", times.Available.Sub(times.ImageSent) > takes, true)
					n.looksAreRare(r.Name, db)
					// 27 transitions, one for each heartbeat of five minutes, and one for each of the four waits that a later look
					// ends: that has no token, and the wait's end is seen once more.
					made := must(n.States.Transitions(r.ARN))(n.t)
					if most := 27 + 6 + 4 + int(takes/(5*time.Minute)); made > most {
						n.t.Errorf("%d state transitions, want at most %d", made, most)
					}
				})
			})
		}
	}
}
