package ledgertest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

func aResult(run, source string) job.Result {
	return job.Result{
		Run: run, Source: source, Kind: job.Instance, Plan: "nightly", Ending: job.Imaged, At: night,
		Image: job.Image{ID: "ami-1", Snapshots: []string{"snap-1"}}, Times: job.Times{StopSent: night},
	}
}

func testResults(t *testing.T, open func(*testing.T) ledger.Ledger) {
	t.Run("one for a run and source, in source order", func(t *testing.T) {
		l := open(t)
		check(t, l.PutResult(t.Context(), aResult("monday", "i-2")))
		check(t, l.PutResult(t.Context(), aResult("monday", "i-1")))
		check(t, l.PutResult(t.Context(), aResult("monday#2", "i-3")))
		broken := aResult("monday", "i-2")
		broken.Ending, broken.Image = job.Broken, job.Image{}
		check(t, l.PutResult(t.Context(), broken))
		equal(t, "results", resultsOf(t, l, "monday"), []job.Result{aResult("monday", "i-1"), broken})
		equal(t, "results of no run", resultsOf(t, l, "mon"), []job.Result(nil))
	})
	t.Run("listed over pages", func(t *testing.T) {
		l := open(t)
		var want []job.Result
		for i := range largeRecords {
			r := aResult("monday", fmt.Sprintf("i-%02d", i))
			r.Problem = large
			want = append(want, r)
			check(t, l.PutResult(t.Context(), r))
		}
		equal(t, "results", resultsOf(t, l, "monday"), want)
	})
}

func testRuns(t *testing.T, open func(*testing.T) ledger.Ledger) {
	monday := ledger.Run{Name: "monday", Plan: "nightly", Scheduled: night, Request: &job.Request{Source: "i-1"}}

	t.Run("known once put", func(t *testing.T) {
		l := open(t)
		if r, ok, err := l.GetRun(t.Context(), "monday"); ok || err != nil {
			t.Errorf("before it is put: %+v, %v, %v", r, ok, err)
		}
		check(t, l.PutRun(t.Context(), monday))
		equal(t, "run", runOf(t, l, "monday"), monday)
		over := monday
		over.Request, over.Outcome, over.Ended = nil, "ok", night.Add(time.Hour)
		check(t, l.PutRun(t.Context(), over))
		equal(t, "run put again", runOf(t, l, "monday"), over)
	})
	t.Run("told once, whatever is put", func(t *testing.T) {
		l := open(t)
		untold := monday
		untold.Told = night
		check(t, l.PutRun(t.Context(), untold))
		equal(t, "run, put as if told", runOf(t, l, "monday"), monday)
		told := monday
		told.Told = night.Add(time.Minute)
		tells(t, l, "monday", told.Told, true)
		tells(t, l, "monday", night.Add(time.Hour), false)
		equal(t, "told run", runOf(t, l, "monday"), told)
		check(t, l.PutRun(t.Context(), monday))
		equal(t, "told run, put again", runOf(t, l, "monday"), told)
		tells(t, l, "monday", told.Told, false)
	})
	t.Run("told before it was put", func(t *testing.T) {
		l := open(t)
		tells(t, l, "monday", night, true)
		equal(t, "run", runOf(t, l, "monday"), ledger.Run{Name: "monday", Told: night})
		check(t, l.PutRun(t.Context(), monday))
		tells(t, l, "monday", night, false)
		equal(t, "run put after it was told", runOf(t, l, "monday").Plan, "nightly")
		tells(t, l, "tuesday", night, true)
		equal(t, "another run", runOf(t, l, "tuesday"), ledger.Run{Name: "tuesday", Told: night})
	})
	t.Run("one at a time may tell, until it is told", func(t *testing.T) {
		l := open(t)
		check(t, l.PutRun(t.Context(), monday))
		telling(t, l, "monday", night, true)
		telling(t, l, "monday", night.Add(ledger.Notifier-time.Second), false)
		check(t, l.PutRun(t.Context(), monday))
		telling(t, l, "monday", night.Add(time.Minute), false)
		telling(t, l, "tuesday", night, true)
		telling(t, l, "monday", night.Add(ledger.Notifier), true)
		equal(t, "run", runOf(t, l, "monday"), monday)
		tells(t, l, "monday", night, true)
		telling(t, l, "monday", night.Add(3*ledger.Notifier), false)
	})
	t.Run("one of many tellers at once is the first", func(t *testing.T) {
		l := open(t)
		var first, may atomic.Int32
		// They share one moment, as the steps of a rehearsal do.
		atOnce(func(int) {
			ok, err := l.Notified(t.Context(), "monday", night)
			if err != nil {
				t.Error(err)
			}
			if ok {
				first.Add(1)
			}
			if ok, err = l.Notifying(t.Context(), "tuesday", night); err != nil {
				t.Error(err)
			}
			if ok {
				may.Add(1)
			}
		})
		if first.Load() != 1 || may.Load() != 1 {
			t.Errorf("%d were the first, %d may tell", first.Load(), may.Load())
		}
	})
}

func tells(t *testing.T, l ledger.Ledger, run string, at time.Time, want bool) {
	t.Helper()
	got, err := l.Notified(t.Context(), run, at)
	check(t, err)
	if got != want {
		t.Errorf("telling %s at %v is %v, want %v", run, at, got, want)
	}
}

func telling(t *testing.T, l ledger.Ledger, run string, at time.Time, want bool) {
	t.Helper()
	got, err := l.Notifying(t.Context(), run, at)
	check(t, err)
	if got != want {
		t.Errorf("whether %s may be told by this one at %v is %v, want %v", run, at, got, want)
	}
}
