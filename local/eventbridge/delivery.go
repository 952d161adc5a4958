package eventbridge

import (
	"strings"
	"time"

	"goldsmith/local/draw"
)

// Faults are how events of one source are delivered. Chances are from 0 to 1.
type Faults struct {
	// Delay and Longest bound the time from the event to its target, evenly
	// drawn. Both zero: 200 ms and 1 s. AWS publishes no figure beyond "near real time".
	Delay   time.Duration
	Longest time.Duration
	// Loss is the chance that no rule ever sees the event.
	Loss float64
	// Until is when the faults end; zero for never.
	Until time.Time
	// Double is the chance that a target gets the event twice.
	Double float64
	// Reorder is the chance that a delivery is held back by up to Hold longer,
	// so that later events overtake it. Hold's default is 5 s.
	Reorder float64
	Hold    time.Duration
}

func (b *Bus) faultsOf(source string) Faults {
	faults, ok := b.options.Faults[source]
	if !ok {
		faults = b.options.Faults[""]
	}
	if !faults.Until.IsZero() && !b.options.Clock.Now().Before(faults.Until) {
		faults = Faults{}
	}
	if faults.Delay == 0 && faults.Longest == 0 {
		faults.Delay, faults.Longest = 200*time.Millisecond, time.Second
	}
	if faults.Hold == 0 {
		faults.Hold = 5 * time.Second
	}
	return faults
}

func (f Faults) delay(d draw.Draw) time.Duration {
	delay := f.Delay + d.Of("delay").UpTo(f.Longest-f.Delay)
	if d.Of("reorder").Chance(f.Reorder) {
		delay += d.Of("hold").UpTo(f.Hold)
	}
	return delay
}

// drawOf is an event's draw, by its content and by how often that content came before, so that it does not depend on
// what other events are sent meanwhile.
func (b *Bus) drawOf(source, detailType string, resources []string, detail []byte) draw.Draw {
	content := draw.Of(b.options.Seed, source, detailType, strings.Join(resources, "\n"), string(detail))
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen.Next(content)
}
