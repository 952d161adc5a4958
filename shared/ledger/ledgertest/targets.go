package ledgertest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"goldsmith/shared/ledger"
)

func aTarget(source, id string) ledger.TargetRecord {
	return ledger.TargetRecord{
		Source: source, ID: id, Title: "fleet",
		Points: []ledger.Point{{Image: "ami-1", Version: 2, Run: "monday", Source: "i-1", At: night}},
		Begun: &ledger.Change{From: ledger.Point{Image: "ami-1", Version: 2},
			To: ledger.Point{Image: "ami-2", Run: "tuesday"}},
		Back: &ledger.Point{Image: "ami-0", Version: 1, By: "ada", At: night},
	}
}

func testHeld(t *testing.T, l ledger.Ledger) {
	t.Helper()
	free := aTarget("free", "lt-1")
	free.Begun, free.Back = nil, nil
	rolling := aTarget("rolling", "lt-1")
	rolling.Back = nil
	begun := aTarget("web", "lt-2")
	begun.Begun.To.Run, begun.Back = "", nil
	for _, each := range []ledger.TargetRecord{begun, free, rolling, aTarget("web", "/alias"), aTarget("web", "lt-1"),
		aTarget("app", "lt-9")} {
		_, err := l.PutTarget(t.Context(), each)
		check(t, err)
	}
	equal(t, "held", heldOf(t, l), []string{"app lt-9 ami-0", "web /alias ami-0", "web lt-1 ami-0", "web lt-2 "})
	for _, each := range targetsOf(t, l, "web") {
		if each.ID == "lt-1" {
			each.Back = &ledger.Point{Image: "ami-7"}
			_, err := l.PutTarget(t.Context(), each)
			check(t, err)
		}
	}
	equal(t, "the last put counts", heldOf(t, l),
		[]string{"app lt-9 ami-0", "web /alias ami-0", "web lt-1 ami-7", "web lt-2 "})
}

func testTargets(t *testing.T, open func(*testing.T) ledger.Ledger) {
	t.Run("of one name, in the order of their ids", func(t *testing.T) {
		l := open(t)
		for _, each := range [][2]string{{"web", "lt-2"}, {"web", "/alias"}, {"web-2", "lt-3"}, {"web", "lt-1"}} {
			_, err := l.PutTarget(t.Context(), aTarget(each[0], each[1]))
			check(t, err)
		}
		var ids []string
		for _, each := range targetsOf(t, l, "web") {
			ids = append(ids, each.ID)
		}
		equal(t, "targets", ids, []string{"/alias", "lt-1", "lt-2"})
		equal(t, "targets of no name", targetsOf(t, l, "we"), []ledger.TargetRecord(nil))
	})
	t.Run("held ones of all names", func(t *testing.T) { testHeld(t, open(t)) })
	t.Run("listed over pages", func(t *testing.T) {
		l := open(t)
		for i := range largeRecords {
			each := aTarget("web", fmt.Sprintf("lt-%02d", i))
			each.Title = large
			_, err := l.PutTarget(t.Context(), each)
			check(t, err)
		}
		equal(t, "targets", len(targetsOf(t, l, "web")), largeRecords)
	})
	t.Run("one of many who change what they read", func(t *testing.T) {
		l := open(t)
		read, err := l.PutTarget(t.Context(), aTarget("web", "lt-1"))
		check(t, err)
		var put atomic.Int32
		atOnce(func(int) {
			moved := (*ledger.MovedError)(nil)
			switch _, err := l.PutTarget(t.Context(), read); {
			case err == nil:
				put.Add(1)
			case !errors.As(err, &moved) || moved.ID != "lt-1":
				t.Errorf("got %v, want *Moved of lt-1", err)
			}
		})
		if put.Load() != 1 {
			t.Errorf("%d changed what they read", put.Load())
		}
	})
}

// heldOf are the held targets: name, id, and what each was rolled back to.
func heldOf(t *testing.T, l ledger.Ledger) []string {
	t.Helper()
	var all []string
	for each, err := range l.Held(t.Context()) {
		check(t, err)
		back := ""
		if each.Back != nil {
			back = each.Back.Image
		}
		all = append(all, each.Source+" "+each.ID+" "+back)
	}
	return all
}
