package ledgertest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

func aRequest(source string) ledger.Request {
	return ledger.Request{
		Source: source, Kind: job.Instance, Value: "nightly", Version: 3, Since: night, Run: "monday", Again: true,
		Answered: true,
		Later:    &ledger.TagChange{Value: "weekly", Version: 4, At: night}, At: night,
	}
}

func testRequests(t *testing.T, open func(*testing.T) ledger.Ledger) {
	t.Run("listed over pages, in the order of their sources", func(t *testing.T) {
		l := open(t)
		for i := range largeRecords {
			each := aRequest(fmt.Sprintf("i-%02d", largeRecords-1-i))
			each.Value = large
			_, err := l.PutRequest(t.Context(), each)
			check(t, err)
		}
		all := requestsOf(t, l)
		equal(t, "requests", len(all), largeRecords)
		equal(t, "first", all[0].Source, "i-00")
	})
	t.Run("one of many who change what they read", func(t *testing.T) {
		l := open(t)
		read, err := l.PutRequest(t.Context(), aRequest("i-1"))
		check(t, err)
		var put atomic.Int32
		atOnce(func(int) {
			moved := (*ledger.MovedError)(nil)
			switch _, err := l.PutRequest(t.Context(), read); {
			case err == nil:
				put.Add(1)
			case !errors.As(err, &moved) || moved.Source != "i-1":
				t.Errorf("got %v, want *Moved of i-1", err)
			}
		})
		if put.Load() != 1 {
			t.Errorf("%d changed what they read", put.Load())
		}
	})
}

// putRequest puts a request as it stands, as one that is not there yet, or as it stood before.
func (m model) putRequest(r *rapid.T) {
	put := aRequest(source(r))
	put.At = moment(r)
	stored := m.asked[put.Source]
	put.Revision = rapid.SampledFrom([]string{stored.Revision, "", "stale"}).Draw(r, "revision")
	got, err := m.l.PutRequest(r.Context(), put)
	if moved := (*ledger.MovedError)(nil); put.Revision != stored.Revision {
		if !errors.As(err, &moved) {
			r.Fatalf("got %v, want *Moved", err)
		}
		return
	}
	check(r, err)
	if got.Revision == stored.Revision {
		r.Fatal("a request that was put keeps its revision")
	}
	put.Revision = got.Revision
	equal(r, "request", got, put)
	m.asked[put.Source] = put
}

func (m model) dropRequest(r *rapid.T) {
	stored, known := m.asked[source(r)]
	if !known {
		return
	}
	stale := rapid.Bool().Draw(r, "stale")
	drop := stored
	if stale {
		drop.Revision = "stale"
	}
	check(r, m.l.DropRequest(r.Context(), drop))
	if !stale {
		delete(m.asked, stored.Source)
	}
}

func (m model) getRequest(r *rapid.T) {
	name := source(r)
	got, ok, err := m.l.GetRequest(r.Context(), name)
	want, exists := m.asked[name]
	check(r, err)
	equal(r, "request", got, want)
	equal(r, "whether the request is known", ok, exists)
}

func (m model) listRequests(r *rapid.T) {
	equal(r, "requests", requestsOf(r, m.l), sorted(m.asked, func(ledger.Request) bool { return true }))
}
