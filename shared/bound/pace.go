package bound

import "time"

const (
	// soon is how long whoever is next in turn waits before it asks again.
	soon = 20 * time.Second
	// each is how long a source in front is given: about what a stop, its snapshots and a start take.
	each = time.Minute
	// latest is how long anyone waits at most before asking again.
	latest = 5 * time.Minute
)

// Pause is how long to wait before asking again, with so many before: seldom at the end of
// a long row, often at its head.
func Pause(before, concurrency int) time.Duration {
	rounds := before / max(1, concurrency)
	return min(latest, soon+time.Duration(max(0, rounds-1))*each)
}
