package ledgertest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"goldsmith/shared/ledger"
)

func aSlot(id, source, run string) ledger.Slot {
	return ledger.Slot{Plan: "nightly", Kind: ledger.Places, ID: id, Source: source, Run: run, Since: night}
}

// slotName sorts as the ledger does.
func slotName(s ledger.Slot) string { return s.Plan + "#" + string(s.Kind) + "#" + s.ID }

func testSlots(t *testing.T, open func(*testing.T) ledger.Ledger) {
	t.Run("who has one keeps it, and may write it again", func(t *testing.T) {
		l := open(t)
		mine := aSlot("1", "i-1", "monday")
		takes(t, l, mine, time.Time{}, true)
		takes(t, l, aSlot("1", "i-2", "monday"), time.Time{}, false)
		takes(t, l, aSlot("1", "i-1", "tuesday"), night, false)
		mine.Stopping = night.Add(time.Minute)
		takes(t, l, mine, time.Time{}, true)
		equal(t, "slots", listSlots(t, l, "nightly"), []ledger.Slot{mine})
	})
	t.Run("one that was taken before a moment is free", func(t *testing.T) {
		l := open(t)
		takes(t, l, aSlot("1", "i-1", "monday"), time.Time{}, true)
		next := aSlot("1", "i-2", "tuesday")
		next.Since = night.Add(time.Hour)
		takes(t, l, next, night, false)
		takes(t, l, next, night.Add(time.Minute), true)
		equal(t, "slots", listSlots(t, l, "nightly"), []ledger.Slot{next})
	})
	t.Run("given up by who has it alone", func(t *testing.T) {
		l := open(t)
		mine := aSlot("1", "i-1", "monday")
		check(t, l.Free(t.Context(), mine))
		takes(t, l, mine, time.Time{}, true)
		check(t, l.Free(t.Context(), aSlot("1", "i-2", "monday")))
		check(t, l.Free(t.Context(), aSlot("1", "i-1", "tuesday")))
		equal(t, "slots", listSlots(t, l, ""), []ledger.Slot{mine})
		check(t, l.Free(t.Context(), mine))
		takes(t, l, aSlot("1", "i-2", "monday"), time.Time{}, true)
	})
	t.Run("of a plan, by kind and id, or all", func(t *testing.T) {
		l := open(t)
		turn, other, every := aSlot("1", "i-1", "monday"), aSlot("1", "i-2", "monday"), aSlot("i-3", "i-3", "monday")
		turn.Kind, other.Plan, every.Plan = ledger.Turns, "nightly-db", ledger.EveryPlan
		for _, s := range []ledger.Slot{turn, aSlot("2", "i-1", "monday"), aSlot("10", "i-5", "monday"), other, every} {
			takes(t, l, s, time.Time{}, true)
		}
		ours := []ledger.Slot{aSlot("10", "i-5", "monday"), aSlot("2", "i-1", "monday"), turn}
		equal(t, "slots of a plan", listSlots(t, l, "nightly"), ours)
		equal(t, "slots of no plan", listSlots(t, l, "night"), []ledger.Slot(nil))
		equal(t, "slots of every plan", listSlots(t, l, ledger.EveryPlan), []ledger.Slot{every})
		equal(t, "all slots", len(listSlots(t, l, "")), 5)
	})
	t.Run("one of many at once wins", func(t *testing.T) {
		l := open(t)
		var winners atomic.Int32
		atOnce(func(i int) {
			mine, err := l.Take(t.Context(), aSlot("1", fmt.Sprintf("i-%02d", i), "monday"), time.Time{})
			if err != nil {
				t.Error(err)
			}
			if mine {
				winners.Add(1)
			}
		})
		if n := winners.Load(); n != 1 {
			t.Errorf("%d have one slot", n)
		}
	})
}

func takes(t tester, l ledger.Ledger, s ledger.Slot, before time.Time, want bool) {
	t.Helper()
	got, err := l.Take(t.Context(), s, before)
	check(t, err)
	if got != want {
		t.Fatalf("taking slot %s for %s in run %s is %v, want %v", s.ID, s.Source, s.Run, got, want)
	}
}

func listSlots(t tester, l ledger.Ledger, plan string) []ledger.Slot {
	t.Helper()
	var all []ledger.Slot
	for s, err := range l.Slots(t.Context(), plan) {
		check(t, err)
		all = append(all, s)
	}
	return all
}
