package ec2

import (
	"fmt"
	"time"

	"goldsmith/local/draw"
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
func (w *World) chance(what, id string) float64 { return w.draw(what, id).Fraction() }

// newID is a fresh id of a kind: "i", "ami", "snap".
func (w *World) newID(kind, from string) string {
	// EC2's long ids are 17 hexadecimal digits and begin with 0.
	return fmt.Sprintf("%s-0%016x", kind, w.draw("id/"+kind, from).Number())
}

// draw is the next draw of what happens to id.
func (w *World) draw(what, id string) draw.Draw {
	return w.drawn.Next(draw.Of(w.options.Seed, what, id))
}
