package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"goldsmith/infra/workflow"
	"goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/query"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
)

// noEvents loses everything that could wake a wait.
var noEvents = map[string]eventbridge.Faults{"aws.ec2": {Loss: 1}, "aws.tag": {Loss: 1}}

// waits are the waits that an instance is down for, by what they are for.
var waits = map[string]struct {
	state string
	late  func(r job.Result, took ec2.Times) time.Duration
}{
	"stopped": {"Wait until it is stopped", func(r job.Result, took ec2.Times) time.Duration {
		return r.Times.Stopped.Sub(r.Times.StopSent) - took.Stop
	}},
	"snapshotted": {"Wait for the snapshots", func(r job.Result, took ec2.Times) time.Duration {
		return r.Times.Snapshotted.Sub(r.Times.ImageSent) - took.Snapshots
	}},
	"running": {"Wait until it is running", func(r job.Result, took ec2.Times) time.Duration {
		return r.Times.Running.Sub(r.Times.StartSent) - took.Start
	}},
}

// Each wait is late by one heartbeat at most, and the second that Step Functions
// takes at least before it tries again.
func TestLost(t *testing.T) {
	t.Parallel()
	beats := heartbeats(t)
	play(t, *fleet, 100, stack.Options{Events: noEvents}, func(n *night) {
		l := lost{Sources: len(n.ids), Added: n.added(), Late: map[string]spread{}, Heartbeat: map[string]float64{}}
		for what, w := range waits {
			l.Late[what], l.Heartbeat[what] = n.over(w.late), beats[w.state]+1
			late := l.Late[what].Max
			hold(n.t, late <= beats[w.state]+1,
				"that a source is %s was seen %.1f s late, want at most a heartbeat of %.0f s and a second", what, late,
				beats[w.state])
		}
		record(n.t, nightLost, l)
	})
}

// heartbeats are the states' heartbeats in seconds, as they are deployed.
func heartbeats(t *testing.T) map[string]float64 {
	t.Helper()
	type state struct{ HeartbeatSeconds float64 }
	var machine struct {
		States map[string]struct {
			ItemProcessor struct{ States map[string]state }
		}
	}
	if err := json.Unmarshal([]byte(workflow.Definition), &machine); err != nil {
		t.Fatal(err)
	}
	beats := map[string]float64{}
	for name, s := range machine.States["Image every source"].ItemProcessor.States {
		beats[name] = s.HeartbeatSeconds
	}
	for _, w := range waits {
		if beats[w.state] == 0 {
			t.Fatalf("the state machine has no state %q with a heartbeat", w.state)
		}
	}
	return beats
}

// An image that takes most of a day is looked at less than once a minute.
func TestSlow(t *testing.T) {
	t.Parallel()
	const hours = 20 * time.Hour
	timing := ec2.DefaultTiming()
	timing.SnapshotStored = ec2.Span{Min: hours, Max: hours}
	s := slow{Hours: hours.Hours(), Busiest: map[string]int{}}
	for _, events := range []map[string]eventbridge.Faults{noEvents, nil} {
		play(t, 4, 4, stack.Options{Events: events, EC2: ec2.Options{Timing: timing}}, func(n *night) {
			if events == nil {
				var d delivered
				d.count(n)
				s.Delivered = d.Calls
				return
			}
			s.Sources, s.Transitions = len(n.ids), n.transitions()
			s.look(n)
		})
	}
	record(t, nightSlow, s)
}

func (s *slow) look(n *night) {
	looks := map[string]map[string][]time.Time{}
	n.calls(func(c query.Record, function, source string) {
		if strings.HasPrefix(c.Action, "Describe") && (function == "watch" || function == "wake") {
			what := awaited(c, n.results[source].Times)
			if looks[source] == nil {
				looks[source] = map[string][]time.Time{}
			}
			looks[source][what] = append(looks[source][what], c.Time)
		}
	})
	var rates []float64
	for source, byWait := range looks {
		count := 0
		for what, at := range byWait {
			count += len(at)
			s.Busiest[what] = max(s.Busiest[what], busiest(at))
		}
		times := n.results[source].Times
		rate := float64(count) / times.Available.Sub(times.Claimed).Minutes()
		rates = append(rates, rate)
		hold(n.t, rate <= 1, "%s is looked at %.2f times a minute, want at most once", source, rate)
	}
	s.PerMinute = spreadOf(rates)
}

// awaited is what a source waited for when it was looked at.
func awaited(c query.Record, t job.Times) string {
	switch {
	case c.Action == "DescribeSnapshots":
		return "snapshotted"
	case c.Action == "DescribeImages":
		return "available"
	case c.Time.After(t.Stopped):
		return "running"
	default:
		return "stopped"
	}
}

// busiest is the most looks in any minute, the minute's end not counted.
func busiest(at []time.Time) int {
	most := 0
	for first := range at {
		last := first
		for last < len(at) && at[last].Sub(at[first]) < time.Minute {
			last++
		}
		most = max(most, last-first)
	}
	return most
}
