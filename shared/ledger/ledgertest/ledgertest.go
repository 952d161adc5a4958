// Package ledgertest knows what every ledger must do, as testing/fstest does of
// file systems: a store passes Run or is no ledger.
package ledgertest

import (
	"context"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// Run holds the ledgers that open makes, each of them empty, to everything
// that ledger.Ledger documents.
func Run(t *testing.T, open func(t *testing.T) ledger.Ledger) {
	t.Run("claims", func(t *testing.T) { testClaims(t, open) })
	t.Run("slots", func(t *testing.T) { testSlots(t, open) })
	t.Run("moments", func(t *testing.T) { testMoments(t, open) })
	t.Run("waits", func(t *testing.T) { testWaits(t, open) })
	t.Run("results", func(t *testing.T) { testResults(t, open) })
	t.Run("retirements", func(t *testing.T) { testRetirements(t, open) })
	t.Run("runs", func(t *testing.T) { testRuns(t, open) })
	t.Run("requests", func(t *testing.T) { testRequests(t, open) })
	t.Run("targets", func(t *testing.T) { testTargets(t, open) })
	t.Run("register", func(t *testing.T) { testRegister(t, open) })
	t.Run("since", func(t *testing.T) { testSince(t, open) })
	t.Run("sightings", func(t *testing.T) { testSightings(t, open) })
	t.Run("owners", func(t *testing.T) { testOwners(t, open) })
	t.Run("values", func(t *testing.T) { testValues(t, open) })
	t.Run("ended context", func(t *testing.T) { testEndedContext(t, open(t)) })
	t.Run("model", func(t *testing.T) { testModel(t, open) })
}

// night has nanoseconds, which a store must not lose.
var night = time.Date(2026, 3, 1, 2, 30, 0, 123456789, time.UTC)

// claimants is how many at once want what only one may have.
const claimants = 50

// atOnce runs f for every number below claimants at the same time.
func atOnce(f func(i int)) {
	var ready, done sync.WaitGroup
	ready.Add(claimants)
	for i := range claimants {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			f(i)
		})
	}
	done.Wait()
}

// large is a text of which forty fill more than the 1 MB of a DynamoDB page.
var large = strings.Repeat("x", 30<<10)

const largeRecords = 40

// tester is a test or a property's draw.
type tester interface {
	rapid.TB
	Context() context.Context
}

func check(t tester, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t tester, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func claimsOf(t tester, l ledger.Ledger) []ledger.Claim {
	t.Helper()
	var all []ledger.Claim
	for c, err := range l.Claims(t.Context()) {
		check(t, err)
		all = append(all, c)
	}
	return all
}

func resultsOf(t tester, l ledger.Ledger, run string) []job.Result {
	t.Helper()
	var all []job.Result
	for r, err := range l.Results(t.Context(), run) {
		check(t, err)
		all = append(all, r)
	}
	return all
}

func retirementsOf(t tester, l ledger.Ledger, plan string) []job.Retirement {
	t.Helper()
	var all []job.Retirement
	for r, err := range l.Retirements(t.Context(), plan) {
		check(t, err)
		all = append(all, r)
	}
	return all
}

func requestsOf(t tester, l ledger.Ledger) []ledger.Request {
	t.Helper()
	var all []ledger.Request
	for each, err := range l.Requests(t.Context()) {
		check(t, err)
		all = append(all, each)
	}
	return all
}

func targetsOf(t tester, l ledger.Ledger, source string) []ledger.TargetRecord {
	t.Helper()
	var all []ledger.TargetRecord
	for each, err := range l.Targets(t.Context(), source) {
		check(t, err)
		all = append(all, each)
	}
	return all
}

func waitsOf(t tester, l ledger.Ledger, resource string) []ledger.Wait {
	t.Helper()
	all, err := l.Waits(t.Context(), resource)
	check(t, err)
	return all
}

func runOf(t tester, l ledger.Ledger, name string) ledger.Run {
	t.Helper()
	r, ok, err := l.GetRun(t.Context(), name)
	check(t, err)
	if !ok {
		t.Fatalf("run %s has no record", name)
	}
	return r
}

func lastError[T any](records iter.Seq2[T, error]) (last error) {
	for _, err := range records {
		last = err
	}
	return last
}
