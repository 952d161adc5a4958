package main

import (
	"testing"

	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

// TestFrozen plays a night in which nothing is stopped and all is frozen: from the moment that a source's last snapshot
// is seen it is thawed within three seconds.
func TestFrozen(t *testing.T) {
	t.Parallel()
	play(t, *fleet, 100, stack.Options{}, func(n *night) {
		d := frozen{Sources: len(n.ids), Several: n.several, Transitions: n.transitions()}
		var long, after []float64
		for _, f := range n.Parameters.Frozen() {
			long = append(long, f.Until.Sub(f.Since).Seconds())
			after = append(after, f.Until.Sub(n.results[f.Instance].Times.Snapshotted).Seconds())
			hold(n.t, !f.Watchdog, "%s was let go on by its watchdog", f.Instance)
		}
		d.Frozen, d.After = spreadOf(long), spreadOf(after)
		hold(n.t, len(long) == len(n.ids), "%d of %d were frozen", len(long), len(n.ids))
		hold(n.t, d.After.Max < 3, "thawed up to %.2f s after the last snapshot was seen, want less than 3", d.After.Max)
		record(t, nightFrozen, d)
	}, func(p *plan.Plan) { p.Consistency = plan.Frozen })
}
