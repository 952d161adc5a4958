package eventbridge

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
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

func (f Faults) delay(drawn delivery) time.Duration {
	d := f.Delay + drawn.of("delay").upTo(f.Longest-f.Delay)
	if drawn.of("reorder").chance(f.Reorder) {
		d += drawn.of("hold").upTo(f.Hold)
	}
	return d
}

// delivery is what is decided of one event: a number from which everything that
// happens to it is drawn, each thing by its own name.
type delivery struct{ seed, key uint64 }

// deliveryOf is the event's by its content and by how often that content came before,
// so that it does not depend on what other events are sent meanwhile.
func (b *Bus) deliveryOf(source, detailType string, resources []string, detail []byte) delivery {
	content := hash(0, source, detailType, strings.Join(resources, "\n"), string(detail))
	b.mu.Lock()
	b.seen[content]++
	nth := b.seen[content]
	b.mu.Unlock()
	return delivery{b.options.Seed, content}.of(strconv.FormatUint(nth, 10))
}

// of is what is decided of something named within f.
func (f delivery) of(name string) delivery {
	return delivery{f.seed, hash(f.key, name)}
}

func (f delivery) draw() *rand.Rand { return rand.New(rand.NewPCG(f.seed, f.key)) }

func (f delivery) chance(p float64) bool { return p > 0 && f.draw().Float64() < p }

func (f delivery) upTo(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(f.draw().Int64N(int64(d) + 1))
}

// id is an event's id: a UUID by its looks.
func (f delivery) id() string {
	r := f.of("id").draw()
	a, b := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

// hash is FNV-1a from start over the parts, each followed by its length, so that
// no two lists of parts read the same.
func hash(start uint64, parts ...string) uint64 {
	const prime = 1099511628211
	h := start ^ 14695981039346656037
	for _, part := range parts {
		for i := range len(part) {
			h = (h ^ uint64(part[i])) * prime
		}
		h = (h ^ uint64(len(part))) * prime
	}
	return h
}
