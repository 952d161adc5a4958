package ledgertest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// testValues puts in whatever the types can hold and wants it back, in UTC.
// rapid.Make fills every field, so one that comes later is tested too.
func testValues(t *testing.T, open func(*testing.T) ledger.Ledger) {
	l := open(t)
	t.Run("claim", func(t *testing.T) {
		whatever(t, func(r *rapid.T, c ledger.Claim) {
			got, err := l.Claim(r.Context(), c)
			check(r, err)
			equal(r, "claim", got, c)
			got, err = l.Claim(r.Context(), c)
			check(r, err)
			equal(r, "retried claim", got, c)
			inUTC(r, got.Since, got.StopSent, got.StopTried, got.Left, got.Started)
			check(r, l.Drop(r.Context(), c.Source, c.Run))
		})
	})
	t.Run("slot", func(t *testing.T) {
		whatever(t, func(r *rapid.T, s ledger.Slot) {
			takes(r, l, s, time.Time{}, true)
			got := listSlots(r, l, s.Plan)
			equal(r, "slots", got, []ledger.Slot{s})
			inUTC(r, got[0].Since, got[0].Seen, got[0].Stopping, got[0].Due)
			check(r, l.Free(r.Context(), s))
		})
	})
	t.Run("wait", func(t *testing.T) {
		whatever(t, func(r *rapid.T, w ledger.Wait) {
			check(r, l.Await(r.Context(), w))
			got, err := l.Waits(r.Context(), w.Resource)
			check(r, err)
			equal(r, "waits", got, []ledger.Wait{w})
			inUTC(r, got[0].Since)
			check(r, l.Done(r.Context(), w))
		})
	})
	t.Run("result", func(t *testing.T) {
		whatever(t, func(r *rapid.T, want job.Result) {
			want.Source = "i-1"
			check(r, l.PutResult(r.Context(), want))
			got := resultsOf(r, l, want.Run)
			equal(r, "results", got, []job.Result{want})
			inUTC(r, got[0].At, got[0].Times.Claimed, got[0].Times.Running)
		})
	})
	t.Run("retirement", func(t *testing.T) {
		whatever(t, func(r *rapid.T, want job.Retirement) {
			want.Subject = "ami-1"
			check(r, l.PutRetirement(r.Context(), want))
			got := retirementsOf(r, l, want.Plan)
			equal(r, "retirements", got, []job.Retirement{want})
			inUTC(r, got[0].Since, got[0].Due, got[0].At)
		})
	})
	t.Run("run", func(t *testing.T) {
		whatever(t, func(r *rapid.T, want ledger.Run) {
			want.Told = time.Time{}
			check(r, l.PutRun(r.Context(), want))
			got, _, err := l.GetRun(r.Context(), want.Name)
			check(r, err)
			equal(r, "run", got, want)
			inUTC(r, got.Scheduled, got.Started, got.Ended)
		})
	})
	t.Run("target", func(t *testing.T) {
		n := 0
		whatever(t, func(r *rapid.T, want ledger.TargetRecord) {
			n++
			want.ID, want.Revision = fmt.Sprintf("%d#%s", n, want.ID), ""
			put, err := l.PutTarget(r.Context(), want)
			check(r, err)
			want.Revision = put.Revision
			got := targetsOf(r, l, want.Source)
			equal(r, "target", got[slices.IndexFunc(got, func(t ledger.TargetRecord) bool { return t.ID == want.ID })], want)
			equal(r, "target put", put, want)
		})
	})
	t.Run("request", func(t *testing.T) {
		n := 0
		whatever(t, func(r *rapid.T, want ledger.Request) {
			n++
			want.Source, want.Revision = fmt.Sprintf("%d#%s", n, want.Source), ""
			put, err := l.PutRequest(r.Context(), want)
			check(r, err)
			want.Revision = put.Revision
			got, _, err := l.GetRequest(r.Context(), want.Source)
			check(r, err)
			equal(r, "request", got, want)
			equal(r, "request put", put, want)
			inUTC(r, got.Since, got.At)
		})
	})
	t.Run("registration", func(t *testing.T) {
		n := 0
		whatever(t, func(r *rapid.T, want ledger.Registration) {
			n++
			want.AMIName, want.Retired, want.Revision = fmt.Sprintf("%d#%s", n, want.AMIName), time.Time{}, ""
			put, err := l.Register(r.Context(), want)
			check(r, err)
			want.Schema, want.Revision = 1, put.Revision
			switch {
			case want.General:
				want.Schema = ledger.RegisterSchema
			case want.IsCopy():
				want.Schema = 2
			}
			equal(r, "registration put", put, want)
			got := registrationsOf(r, l, want.Lineage)
			equal(r, "registration", got[slices.IndexFunc(got,
				func(g ledger.Registration) bool { return g.AMIName == want.AMIName })], want)
			inUTC(r, put.Begun, put.Gone, put.Anew)
		})
	})
	t.Run("nothing is shared with the caller", func(t *testing.T) { testCopies(t, open(t)) })
}

// testCopies spoils what it put in and what it got out.
func testCopies(t *testing.T, l ledger.Ledger) {
	spoilt := aWait("i-1", job.ForStopped, "monday", "token")
	check(t, l.Await(t.Context(), spoilt))
	result := aResult("monday", "i-1")
	check(t, l.PutResult(t.Context(), result))
	run := ledger.Run{Name: "monday", Request: &job.Request{Source: "i-1"}}
	check(t, l.PutRun(t.Context(), run))
	target, err := l.PutTarget(t.Context(), aTarget("web", "lt-1"))
	check(t, err)
	want := aTarget("web", "lt-1")
	want.Revision = target.Revision
	for range 2 {
		target.Points[0].Image, target.Begun.To.Image, target.Back.By = "spoilt", "spoilt", "spoilt"
		target = targetsOf(t, l, "web")[0]
		equal(t, "target", target, want)
		spoilt.Job.Source.Tags["Name"], spoilt.Job.Await.Resource = "spoilt", "spoilt"
		result.Image.Snapshots[0] = "spoilt"
		run.Request.Source = "spoilt"

		spoilt = waitsOf(t, l, "i-1")[0]
		equal(t, "wait", spoilt, aWait("i-1", job.ForStopped, "monday", "token"))
		result = resultsOf(t, l, "monday")[0]
		equal(t, "result", result, aResult("monday", "i-1"))
		run = runOf(t, l, "monday")
		equal(t, "run", run, ledger.Run{Name: "monday", Request: &job.Request{Source: "i-1"}})
	}
}

// whatever runs the property for any value of a type.
func whatever[T any](t *testing.T, property func(*rapid.T, T)) {
	values := rapid.MakeCustom[T](rapid.MakeConfig{Types: map[reflect.Type]*rapid.Generator[any]{
		reflect.TypeFor[time.Time](): moments().AsAny(),
		// A limit is a number or a percentage, never both.
		reflect.TypeFor[plan.Limit](): rapid.Just(plan.Limit{Percent: 20}).AsAny(),
		// The fields of another release, in the order in which they are written.
		reflect.TypeFor[json.RawMessage](): rapid.Just(json.RawMessage(nil)).AsAny(),
	}})
	rapid.Check(t, func(r *rapid.T) { property(r, values.Draw(r, "value")) })
}

// moments are zero, or of any nanosecond and zone.
func moments() *rapid.Generator[time.Time] {
	return rapid.Custom(func(r *rapid.T) time.Time {
		if rapid.Bool().Draw(r, "zero") {
			return time.Time{}
		}
		zone := time.FixedZone("", 60*rapid.IntRange(-14*60, 14*60).Draw(r, "minutes east"))
		return time.Unix(0, rapid.Int64Min(0).Draw(r, "nanoseconds")).In(zone)
	})
}

func inUTC(r *rapid.T, times ...time.Time) {
	r.Helper()
	for _, t := range times {
		if t.Location() != time.UTC {
			r.Fatalf("%v is not in UTC", t)
		}
	}
}
