package ledgertest

import (
	"fmt"
	"testing"
	"time"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

func aRetirement(plan, subject string) job.Retirement {
	return job.Retirement{
		Plan: plan, Subject: subject, Name: "web", Run: "monday", Status: job.Deprecated, Why: []string{"no rule keeps it"},
		Since: night, Due: night.Add(72 * time.Hour), At: night,
	}
}

func testRetirements(t *testing.T, open func(*testing.T) ledger.Ledger) {
	t.Run("one for a plan and subject, in subject order", func(t *testing.T) {
		l := open(t)
		check(t, l.PutRetirement(t.Context(), aRetirement("nightly", "ami-2")))
		check(t, l.PutRetirement(t.Context(), aRetirement("nightly", "ami-1")))
		check(t, l.PutRetirement(t.Context(), aRetirement("nightly-db", "ami-3")))
		gone := aRetirement("nightly", "ami-2")
		gone.Status, gone.Since = job.Retired, time.Time{}
		check(t, l.PutRetirement(t.Context(), gone))
		equal(t, "retirements", retirementsOf(t, l, "nightly"), []job.Retirement{aRetirement("nightly", "ami-1"), gone})
		equal(t, "retirements of no plan", retirementsOf(t, l, "night"), []job.Retirement(nil))
	})
	t.Run("listed over pages", func(t *testing.T) {
		l := open(t)
		var want []job.Retirement
		for i := range largeRecords {
			r := aRetirement("nightly", fmt.Sprintf("ami-%02d", i))
			r.Name = large
			want = append(want, r)
			check(t, l.PutRetirement(t.Context(), r))
		}
		equal(t, "retirements", retirementsOf(t, l, "nightly"), want)
	})
}
