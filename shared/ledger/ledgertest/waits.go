package ledgertest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

func aWait(resource string, what job.For, run, token string) ledger.Wait {
	return ledger.Wait{
		Resource: resource, For: what, Run: run, Token: token, Since: night,
		Job: job.Document{Job: job.Job{
			Run:    job.Run{Name: run, Plan: "nightly"},
			Source: job.Source{ID: "i-1", Tags: map[string]string{"Name": "web <&> " + resource}},
			Await:  &job.Await{Resource: resource, For: what, Until: night},
		}},
	}
}

func testWaits(t *testing.T, open func(*testing.T) ledger.Ledger) {
	t.Run("what another release wrote into the job stays", func(t *testing.T) {
		l := open(t)
		w := aWait("i-1", job.ForStopped, "monday", "token")
		check(t, json.Unmarshal([]byte(`{"run":{"name":"monday"},"lane":"fast"}`), &w.Job))
		check(t, l.Await(t.Context(), w))
		text, err := json.Marshal(waitsOf(t, l, "i-1")[0].Job)
		check(t, err)
		if !strings.Contains(string(text), `"lane":"fast"`) {
			t.Errorf("the job is %s", text)
		}
	})
	t.Run("kept by resource, in the order of what is awaited, then run", func(t *testing.T) {
		l := open(t)
		want := []ledger.Wait{
			aWait("i-1", job.ForRunning, "monday", "1"), aWait("i-1", job.ForRunning, "tuesday", "2"),
			aWait("i-1", job.ForStopped, "monday", "3"),
		}
		check(t, l.Await(t.Context(), aWait("i-12", job.ForStopped, "monday", "4")))
		for i := range want {
			check(t, l.Await(t.Context(), want[len(want)-1-i]))
		}
		equal(t, "waits", waitsOf(t, l, "i-1"), want)
		equal(t, "waits for nothing known", waitsOf(t, l, "i-"), []ledger.Wait(nil))
	})
	t.Run("a new token of the run replaces the old", func(t *testing.T) {
		l := open(t)
		old, now := aWait("i-1", job.ForStopped, "monday", "old"), aWait("i-1", job.ForStopped, "monday", "new")
		check(t, l.Await(t.Context(), old))
		check(t, l.Await(t.Context(), now))
		equal(t, "waits", waitsOf(t, l, "i-1"), []ledger.Wait{now})
	})
	t.Run("removed by its own token alone", func(t *testing.T) {
		l := open(t)
		old, now := aWait("i-1", job.ForStopped, "monday", "old"), aWait("i-1", job.ForStopped, "monday", "new")
		check(t, l.Done(t.Context(), old))
		check(t, l.Await(t.Context(), now))
		check(t, l.Done(t.Context(), old))
		equal(t, "waits after the old token is done", waitsOf(t, l, "i-1"), []ledger.Wait{now})
		check(t, l.Done(t.Context(), ledger.Wait{Resource: "i-1", For: job.ForStopped, Run: "monday", Token: "new"}))
		equal(t, "waits after the new one is", waitsOf(t, l, "i-1"), []ledger.Wait(nil))
		check(t, l.Done(t.Context(), now))
	})
	t.Run("listed over pages", func(t *testing.T) {
		l := open(t)
		var want []ledger.Wait
		for i := range largeRecords {
			w := aWait("i-1", job.ForStopped, fmt.Sprintf("run-%02d", i), "token")
			w.Job.Source.Name = large
			want = append(want, w)
			check(t, l.Await(t.Context(), w))
		}
		equal(t, "waits", waitsOf(t, l, "i-1"), want)
	})
}
