package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"goldsmith/local/asl"
	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
)

func TestDelivered(t *testing.T) {
	t.Parallel()
	d := delivered{Latency: "not played"}
	play(t, 200, 100, stack.Options{}, func(n *night) {
		d.Sources, d.Several, d.Added, d.Transitions = len(n.ids), n.several, n.added(), n.transitions()
		hold(n.t, d.Added.Max < 3.5, "Goldsmith adds up to %.2f s of downtime, want less than 3.5", d.Added.Max)
		hold(n.t, d.Transitions <= 25, "%.1f state transitions for each image, want at most 25", d.Transitions)
		d.count(n)
		hold(n.t, d.Calls.Median <= callsPerImage, "%.0f API calls for most images, want at most %d", d.Calls.Median,
			callsPerImage)
	})
	if *figures != "" {
		d.delay(t)
	}
	record(t, nightDelivered, d)
}

// callsPerImage is what one volume and one template take today, which is over the budget of 20, beside what a roll asks
// for many images at once (rollout.Lately): stop names the execution on the instance, and roll asks of what kind the
// image is that the template launched before Goldsmith's first roll, and, before it moves the default, where that is
// now.
const callsPerImage = 23

// together are the looks of a roll at what all templates of the Region ask for, which one of several images pays for:
// instance types, groups, EC2 Fleets and Spot Fleets.
const together = 4

// late are the looks of wake at an instance that EC2 still shows as it was before the event: some 4 in 100 take one to
// three more than the two that each has.
const late = 3

// count holds every source against callsPerImage, and what is known to come on top: see extras.
func (d *delivered) count(n *night) {
	beats := heartbeats(n.t)
	own, byAction, shared := map[string]int{}, map[string]float64{}, map[string]float64{}
	each := 1 / float64(len(n.ids))
	n.calls(func(c query.Record, function, source string) {
		if source == "" {
			shared[function] += each
			return
		}
		own[source]++
		byAction[function+" "+c.Action] += each
	})
	var all []float64
	for _, id := range n.ids {
		all = append(all, float64(own[id]))
		most := callsPerImage + together + late + extras(n.results[id], beats)
		hold(n.t, own[id] <= most, "%d API calls for %s, want at most %d", own[id], id, most)
	}
	d.Calls, d.ByAction, d.Shared = spreadOf(all), byAction, shared
}

// extras are the looks that a source costs beyond the budget: each snapshot has
// an event of its own, and a wait that is longer than its heartbeat looks at
// every beat, though its event will come, and once more where a beat sees its end. One that waits for its turn is
// looked at again when that comes.
func extras(r job.Result, beats map[string]float64) int {
	t, looks := r.Times, 0
	if slices.ContainsFunc(r.Warnings, func(w job.Reason) bool { return w.Code == job.Waited }) {
		looks = 2
	}
	beaten := func(state string, from, to time.Time) int {
		n := int(to.Sub(from).Seconds() / beats[state])
		return n + min(n, 1)
	}
	return looks + len(r.Image.Snapshots) - 1 +
		beaten("Wait until it is stopped", t.StopSent, t.Stopped) +
		beaten("Wait for the snapshots", t.ImageSent, t.Snapshotted) +
		beaten("Wait until it is running", t.StartSent, t.Running) +
		beaten("Wait for the image", t.Running, t.Available)
}

// delay plays the night again with calls and functions that take time. How long
// they take in AWS is not documented; these are observations of quiet days.
func (d *delivered) delay(t *testing.T) {
	const invoked, answered = 100 * time.Millisecond, 200 * time.Millisecond
	timing := ec2.DefaultTiming()
	timing.Call = ec2.Span{Min: answered, Max: answered}
	d.Latency = fmt.Sprintf("%s for each function, %s for each EC2 call", invoked, answered)
	play(t, 200, 100, stack.Options{
		EC2:  ec2.Options{Timing: timing},
		Wrap: func(inner asl.Invoker) asl.Invoker { return latent{inner, clock.Real(), invoked} },
	}, func(n *night) { d.Latent = n.added() })
}
