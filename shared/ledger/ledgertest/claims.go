package ledgertest

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

func aClaim(source, run string) ledger.Claim {
	return ledger.Claim{
		Source: source, Kind: job.Instance, Name: "web", Run: run, Plan: "nightly",
		Execution: "arn:aws:states:eu-west-1:123456789012:execution:goldsmith:" + run,
		Since:     night, Left: night.Add(24 * time.Hour),
	}
}

func testClaims(t *testing.T, open func(*testing.T) ledger.Ledger) {
	t.Run("the first run gets the source, another is told who holds it", func(t *testing.T) {
		l := open(t)
		first := aClaim("i-1", "monday")
		got, err := l.Claim(t.Context(), first)
		check(t, err)
		equal(t, "claim", got, first)
		refuses(t, l, aClaim("i-1", "tuesday"), first)
		_, err = l.Claim(t.Context(), aClaim("i-2", "tuesday"))
		check(t, err)
	})
	t.Run("a retried claim sees what was recorded", func(t *testing.T) {
		l := open(t)
		c := aClaim("i-1", "monday")
		_, err := l.Claim(t.Context(), c)
		check(t, err)
		c.WasRunning, c.Looked, c.StopSent = true, true, night.Add(time.Second)
		check(t, l.Record(t.Context(), c))
		again := aClaim("i-1", "monday")
		again.Since = night.Add(time.Minute)
		got, err := l.Claim(t.Context(), again)
		check(t, err)
		equal(t, "claim", got, c)
		refuses(t, l, aClaim("i-1", "tuesday"), c)
	})
	t.Run("only the holder records", func(t *testing.T) {
		l := open(t)
		c := aClaim("i-1", "monday")
		_, err := l.Claim(t.Context(), c)
		check(t, err)
		loses(t, l, aClaim("i-1", "tuesday"))
		equal(t, "claims", claimsOf(t, l), []ledger.Claim{c})
		check(t, l.Drop(t.Context(), "i-1", "monday"))
		loses(t, l, c)
		equal(t, "claims after the drop", claimsOf(t, l), []ledger.Claim(nil))
	})
	t.Run("what has a stop is not dropped as unstopped", func(t *testing.T) {
		l := open(t)
		c := aClaim("i-1", "monday")
		c.StopSent = time.Time{}
		_, err := l.Claim(t.Context(), c)
		check(t, err)
		unstopped := func(run string, want bool) {
			t.Helper()
			dropped, err := l.DropUnstopped(t.Context(), "i-1", run)
			check(t, err)
			equal(t, "dropped", dropped, want)
		}
		unstopped("tuesday", true) // It holds nothing.
		equal(t, "claims", claimsOf(t, l), []ledger.Claim{c})
		c.Problem, c.StopSent = `"stopSent"`, c.Since
		check(t, l.Record(t.Context(), c))
		unstopped("monday", false)
		equal(t, "claims", claimsOf(t, l), []ledger.Claim{c})
		c.StopSent = time.Time{}
		check(t, l.Record(t.Context(), c))
		unstopped("monday", true)
		equal(t, "claims", claimsOf(t, l), []ledger.Claim(nil))
		unstopped("monday", true)
	})
	t.Run("only the holder drops", func(t *testing.T) {
		l := open(t)
		c := aClaim("i-1", "monday")
		check(t, l.Drop(t.Context(), "i-1", "monday"))
		_, err := l.Claim(t.Context(), c)
		check(t, err)
		check(t, l.Drop(t.Context(), "i-1", "tuesday"))
		equal(t, "claims", claimsOf(t, l), []ledger.Claim{c})
		check(t, l.Drop(t.Context(), "i-1", "monday"))
		next := aClaim("i-1", "tuesday")
		got, err := l.Claim(t.Context(), next)
		check(t, err)
		equal(t, "next claim", got, next)
	})
	t.Run("one of many at once wins", func(t *testing.T) { testOneClaimWins(t, open(t)) })
	t.Run("listed in source order over pages", func(t *testing.T) { testClaimPages(t, open(t)) })
}

func testOneClaimWins(t *testing.T, l ledger.Ledger) {
	var winners atomic.Int32
	atOnce(func(i int) {
		run := fmt.Sprintf("run-%02d", i)
		held := (*ledger.HeldError)(nil)
		switch c, err := l.Claim(t.Context(), aClaim("i-1", run)); {
		case err == nil && c.Run == run:
			winners.Add(1)
		case !errors.As(err, &held) || held.By.Run == run || held.By.Run == "":
			t.Errorf("run %s got %+v, %v", run, c, err)
		}
	})
	if n := winners.Load(); n != 1 {
		t.Errorf("%d runs hold one source", n)
	}
}

func testClaimPages(t *testing.T, l ledger.Ledger) {
	var want []ledger.Claim
	for i := range largeRecords {
		c := aClaim(fmt.Sprintf("i-%02d", i), "monday")
		c.Name = large
		want = append(want, c)
	}
	for i := range want {
		_, err := l.Claim(t.Context(), want[len(want)-1-i])
		check(t, err)
	}
	equal(t, "claims", claimsOf(t, l), want)

	for _, err := range l.Claims(t.Context()) {
		check(t, err)
		break
	}
	for c, err := range l.Claims(t.Context()) {
		check(t, err)
		check(t, l.Drop(t.Context(), c.Source, c.Run))
	}
	equal(t, "claims after dropping all in a loop", claimsOf(t, l), []ledger.Claim(nil))
}

func refuses(t *testing.T, l ledger.Ledger, c, holder ledger.Claim) {
	t.Helper()
	got, err := l.Claim(t.Context(), c)
	held := (*ledger.HeldError)(nil)
	if !errors.As(err, &held) {
		t.Fatalf("claim of %s is %v, want *Held", c.Run, err)
	}
	equal(t, "what a refused claim returns", got, ledger.Claim{})
	equal(t, "refusal", *held, ledger.HeldError{Source: c.Source, By: holder})
	if !strings.Contains(err.Error(), holder.Run) {
		t.Errorf("%q does not name run %s", err, holder.Run)
	}
}

func loses(t *testing.T, l ledger.Ledger, c ledger.Claim) {
	t.Helper()
	err := l.Record(t.Context(), c)
	lost := (*ledger.LostError)(nil)
	if !errors.As(err, &lost) {
		t.Fatalf("record of run %s is %v, want *Lost", c.Run, err)
	}
	equal(t, "loss", *lost, ledger.LostError{Source: c.Source, Run: c.Run})
}
