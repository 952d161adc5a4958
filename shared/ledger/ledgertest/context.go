package ledgertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// testEndedContext wants an error of every method and no change.
func testEndedContext(t *testing.T, l ledger.Ledger) {
	kept := aClaim("i-1", "monday")
	_, err := l.Claim(t.Context(), kept)
	check(t, err)
	wait := aWait("i-1", job.ForStopped, "monday", "token")
	check(t, l.Await(t.Context(), wait))

	slot := aSlot("1", "i-1", "monday")
	takes(t, l, slot, time.Time{}, true)
	asked, err := l.PutRequest(t.Context(), aRequest("i-3"))
	check(t, err)
	image := registered(t, l, aRegistration("i-2", "web/monday"), "ami-1")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"Claim":         func() error { _, err := l.Claim(ctx, aClaim("i-2", "monday")); return err },
		"Record":        func() error { return l.Record(ctx, ledger.Claim{Source: "i-1", Run: "monday"}) },
		"Drop":          func() error { return l.Drop(ctx, "i-1", "monday") },
		"DropUnstopped": func() error { _, err := l.DropUnstopped(ctx, "i-1", "monday"); return err },
		"Claims":        func() error { return lastError(l.Claims(ctx)) },
		"Take":          func() error { _, err := l.Take(ctx, aSlot("1", "i-2", "monday"), night); return err },
		"Free":          func() error { return l.Free(ctx, aSlot("1", "i-1", "monday")) },
		"Slots":         func() error { return lastError(l.Slots(ctx, "")) },
		"Reserve": func() error {
			_, _, err := l.Reserve(ctx, ledger.Row{Name: "starts", Every: time.Second, Burst: 1}, night, 0)
			return err
		},
		"Await":         func() error { return l.Await(ctx, aWait("i-1", job.ForRunning, "monday", "token")) },
		"Waits":         func() error { _, err := l.Waits(ctx, "i-1"); return err },
		"Done":          func() error { return l.Done(ctx, wait) },
		"PutResult":     func() error { return l.PutResult(ctx, aResult("monday", "i-1")) },
		"Results":       func() error { return lastError(l.Results(ctx, "monday")) },
		"PutRetirement": func() error { return l.PutRetirement(ctx, aRetirement("nightly", "ami-1")) },
		"Retirements":   func() error { return lastError(l.Retirements(ctx, "nightly")) },
		"PutRun":        func() error { return l.PutRun(ctx, ledger.Run{Name: "monday"}) },
		"GetRun":        func() error { _, _, err := l.GetRun(ctx, "monday"); return err },
		"Notifying":     func() error { _, err := l.Notifying(ctx, "monday", night); return err },
		"Notified":      func() error { _, err := l.Notified(ctx, "monday", night); return err },
		"GetRequest":    func() error { _, _, err := l.GetRequest(ctx, "i-1"); return err },
		"PutRequest":    func() error { _, err := l.PutRequest(ctx, aRequest("i-1")); return err },
		"Requests":      func() error { return lastError(l.Requests(ctx)) },
		"DropRequest":   func() error { return l.DropRequest(ctx, asked) },
		"Targets":       func() error { return lastError(l.Targets(ctx, "web")) },
		"Held":          func() error { return lastError(l.Held(ctx)) },
		"PutTarget":     func() error { _, err := l.PutTarget(ctx, aTarget("web", "lt-1")); return err },
		"Register":      func() error { _, err := l.Register(ctx, aRegistration("i-1", "web/monday")); return err },
		"Amend":         func() error { _, err := l.Amend(ctx, image); return err },
		"Settle":        func() error { return l.Settle(ctx, image) },
		"Retire":        func() error { return l.Retire(ctx, image, night) },
		"Registration":  func() error { _, _, err := l.Registration(ctx, "ami-1"); return err },
		"Registrations": func() error { return lastError(l.Registrations(ctx, "")) },
		"Unsettled":     func() error { return lastError(l.Unsettled(ctx)) },
		"Heard":         func() error { return l.Heard(ctx, time.Now()) },
		"Since":         func() error { _, err := l.Since(ctx, time.Now()); return err },
		"Sight":         func() error { _, err := l.Sight(ctx, "schedule", time.Now()); return err },
		"Owner":         func() error { _, _, err := l.Owner(ctx, "web"); return err },
		"PutOwner":      func() error { _, err := l.PutOwner(ctx, ledger.Owner{Name: "web"}); return err },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", name, err)
		}
	}

	equal(t, "claims", claimsOf(t, l), []ledger.Claim{kept})
	equal(t, "slots", listSlots(t, l, ""), []ledger.Slot{slot})
	equal(t, "waits", waitsOf(t, l, "i-1"), []ledger.Wait{wait})
	equal(t, "results", resultsOf(t, l, "monday"), []job.Result(nil))
	equal(t, "retirements", retirementsOf(t, l, "nightly"), []job.Retirement(nil))
	equal(t, "requests", requestsOf(t, l), []ledger.Request{asked})
	equal(t, "targets", targetsOf(t, l, "web"), []ledger.TargetRecord(nil))
	equal(t, "registrations", registrationsOf(t, l, ""), []ledger.Registration{image})
	equal(t, "unsettled", unsettledOf(t, l), []ledger.Registration{image})
	if _, ok, err := l.GetRun(t.Context(), "monday"); ok || err != nil {
		t.Errorf("run: %v, %v", ok, err)
	}
}
