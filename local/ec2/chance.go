package ec2

import (
	"fmt"
	"time"
)

// Timing says how long EC2 takes.
type Timing struct {
	Call           Span // an API call's answer
	Pending        Span // StartInstances or RunInstances to running
	Initializing   Span // running to both status checks passed
	Stopping       Span // StopInstances to stopped
	ShuttingDown   Span // TerminateInstances to terminated
	Reboot         Span // how long a rebooting instance writes nothing
	SnapshotShows  Span // CreateImage to each volume's snapshot being there
	SnapshotStored Span // a snapshot's start to completed
	ImageReady     Span // the last snapshot completed to available
	NameFree       Span // DeregisterImage to the name being free again
	VolumeCreating Span // CreateVolume to available
	SpotDisabled   Span // a Spot instance's stopped to its request's disabled, before which it cannot be started
}

// Span is a duration between two bounds; short ones are more frequent.
type Span struct{ Min, Max time.Duration }

// DefaultTiming is what a small Linux instance with gp3 volumes usually takes.
// AWS publishes no figures; these are observations, not promises.
func DefaultTiming() Timing {
	return Timing{
		Pending:        Span{8 * time.Second, 35 * time.Second},
		Initializing:   Span{60 * time.Second, 180 * time.Second},
		Stopping:       Span{15 * time.Second, 70 * time.Second},
		ShuttingDown:   Span{15 * time.Second, 60 * time.Second},
		Reboot:         Span{10 * time.Second, 30 * time.Second},
		SnapshotShows:  Span{1 * time.Second, 6 * time.Second},
		SnapshotStored: Span{45 * time.Second, 8 * time.Minute},
		ImageReady:     Span{2 * time.Second, 20 * time.Second},
		NameFree:       Span{0, 30 * time.Second},
		VolumeCreating: Span{2 * time.Second, 40 * time.Second},
		SpotDisabled:   Span{0, 60 * time.Second},
	}
}

// takes draws a duration from a span.
func (w *World) takes(what, id string, span Span) time.Duration {
	if span.Max <= span.Min {
		return span.Min
	}
	c := w.chance(what, id)
	return span.Min + time.Duration(c*c*float64(span.Max-span.Min)).Round(time.Millisecond)
}

// chance is a number in [0,1).
func (w *World) chance(what, id string) float64 {
	return float64(w.roll(what, id)>>11) / (1 << 53)
}

// newID is a fresh id of a kind: "i", "ami", "snap".
func (w *World) newID(kind, from string) string {
	// EC2's long ids are 17 hexadecimal digits and begin with 0.
	return fmt.Sprintf("%s-0%016x", kind, w.roll("id/"+kind, from))
}

// roll is the next number for what happens to id. It depends on the seed, on what
// and id and on how often they were asked before, and on nothing else, so a run
// replays whatever order goroutines run in.
func (w *World) roll(what, id string) uint64 {
	key := mix(digest(digest(14695981039346656037^w.options.Seed, what), id))
	n := w.chances[key]
	w.chances[key] = n + 1
	return mix(key + n*0x9e3779b97f4a7c15)
}

// digest is FNV-1a with a separator.
func digest(h uint64, text string) uint64 {
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return (h ^ 0xff) * 1099511628211
}

// mix is the finalizer of SplitMix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
