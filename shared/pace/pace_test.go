package pace_test

import (
	"testing"
	"time"

	"goldsmith/shared/ledger"
	"goldsmith/shared/pace"
)

// Over is when the last of so many has begun that ask at the same moment.
func TestOver(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 40, 41, 1000, 2500} {
		memory, now, last := ledger.NewMemory(), time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC), time.Time{}
		for range n {
			at, err := pace.Begin(t.Context(), memory, now, true)
			if err != nil {
				t.Fatal(err)
			}
			last = at
		}
		if over := last.Sub(now); over != pace.Over(n) {
			t.Errorf("%d sources begin over %s, told are %s", n, over, pace.Over(n))
		}
	}
}

// A function whose clock is years ahead holds up no other for longer than a day.
func TestBeginAfterAWrongClock(t *testing.T) {
	t.Parallel()
	memory, now := ledger.NewMemory(), time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC)
	for _, at := range []time.Time{now.AddDate(40, 0, 0), now} {
		begins, err := pace.Begin(t.Context(), memory, at, true)
		if err != nil || begins.Sub(at) > 24*time.Hour {
			t.Errorf("at %s one begins at %s: %v", at, begins, err)
		}
	}
}

// What nothing stops takes no moment of those that are.
func TestBeginWithoutAStop(t *testing.T) {
	t.Parallel()
	memory, now := ledger.NewMemory(), time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC)
	for range 2000 {
		if _, err := pace.Begin(t.Context(), memory, now, false); err != nil {
			t.Fatal(err)
		}
	}
	later := now.Add(time.Hour)
	if at, err := pace.Begin(t.Context(), memory, later, true); err != nil || at.After(later) {
		t.Errorf("one begins at %s: %v", at, err)
	}
}
