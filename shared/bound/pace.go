package bound

import "time"

const (
	// soon is how long the next in turn waits before it asks again.
	soon = 20 * time.Second
	// each is how long a source in front is given: about what a stop, its snapshots and a start take.
	each = time.Minute
	// latest is how long anyone waits at most before asking again.
	latest = 5 * time.Minute
)

// part of the time that a source has waited is how long it waits at least before it asks again: a round takes some nine
// events of an execution's history, which has 25,000, and a turn may be hours away.
const part = 60

// Pause is how long to wait before asking again, with so many before and after so long a wait: seldom at the end of a
// long row, often at its head while that moves.
func Pause(before, concurrency int, waited time.Duration) time.Duration {
	rounds := before / max(1, concurrency)
	return min(latest, max(soon+time.Duration(max(0, rounds-1))*each, waited/part))
}
