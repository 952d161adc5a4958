package ledgertest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"goldsmith/shared/ledger"
)

func testMoments(t *testing.T, open func(*testing.T) ledger.Ledger) {
	t.Run("a row lets in what a token bucket does", func(t *testing.T) {
		rapid.Check(t, func(r *rapid.T) { likeABucket(r, open(t)) })
	})
	t.Run("rows do not know of each other", func(t *testing.T) {
		l := open(t)
		for _, name := range []string{"starts", "images"} {
			at, ok, err := l.Reserve(t.Context(), ledger.Row{Name: name, Every: time.Second, Burst: 1}, night, 0)
			check(t, err)
			equal(t, name, []any{at, ok}, []any{night.UTC().Truncate(time.Millisecond), true})
		}
	})
	t.Run("many at once take one each", func(t *testing.T) {
		l, row := open(t), ledger.Row{Name: "starts", Every: time.Second, Burst: 5}
		var mu sync.Mutex
		taken := map[time.Time]int{}
		atOnce(func(int) {
			at, ok, err := l.Reserve(t.Context(), row, night, time.Hour)
			mu.Lock()
			defer mu.Unlock()
			if taken[at]++; err != nil || !ok {
				t.Errorf("%v, %v", ok, err)
			}
		})
		for after := range claimants - row.Burst + 1 {
			at, want := night.UTC().Truncate(time.Millisecond).Add(time.Duration(after)*time.Second), 1
			if after == 0 {
				want = row.Burst
			}
			equal(t, fmt.Sprintf("taken after %d s", after), taken[at], want)
		}
	})
}

// likeABucket asks a row at moments and with patience of chance, beside a bucket of tokens.
func likeABucket(r *rapid.T, l ledger.Ledger) {
	row := ledger.Row{Name: "starts", Every: time.Duration(rapid.IntRange(1, 5000).Draw(r, "every")) * time.Millisecond,
		Burst: rapid.IntRange(1, 6).Draw(r, "burst")}
	// spent is how much of the bucket is out, as the time in which it comes back.
	now, spent := night.UTC().Truncate(time.Millisecond), time.Duration(0)
	for range rapid.IntRange(1, 20).Draw(r, "asks") {
		passed := time.Duration(rapid.IntRange(0, 10000).Draw(r, "passed")) * time.Millisecond
		patience := time.Duration(rapid.IntRange(0, 10000).Draw(r, "patience")) * time.Millisecond
		now, spent = now.Add(passed), max(0, spent-passed)
		wait := max(0, spent-time.Duration(row.Burst-1)*row.Every)
		at, ok, err := l.Reserve(r.Context(), row, now, patience)
		check(r, err)
		equal(r, "moment", []any{at, ok}, []any{now.Add(wait), wait <= patience})
		if ok {
			spent += row.Every
		}
	}
}
