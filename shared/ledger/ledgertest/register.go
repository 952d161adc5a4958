package ledgertest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"goldsmith/shared/ledger"
)

func aRegistration(lineage, name string) ledger.Registration {
	return ledger.Registration{
		Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: lineage, Source: "i-1", Name: "web", Plan: "nightly",
		Run:     "monday",
		AMIName: name, Begun: night,
	}
}

func testRegister(t *testing.T, open func(*testing.T) ledger.Ledger) {
	t.Run("from before the call until it is gone", func(t *testing.T) { testRegistered(t, open(t)) })
	t.Run("had back", func(t *testing.T) {
		l := open(t)
		first := registered(t, l, aRegistration("i-1", "web/monday"), "ami-1")
		check(t, l.Retire(t.Context(), first, night))
		back := first
		back.Anew, back.Revision = night.Add(time.Hour), ""
		back, err := l.Register(t.Context(), back)
		check(t, err)
		equal(t, "registration", registrationOf(t, l), back)
		equal(t, "registrations", registrationsOf(t, l, ""), []ledger.Registration{back})
	})
	t.Run("a call is registered once", func(t *testing.T) {
		l := open(t)
		var revisions atomic.Pointer[string]
		atOnce(func(int) {
			got, err := l.Register(t.Context(), aRegistration("i-1", "web/monday"))
			if err != nil {
				t.Error(err)
				return
			}
			if was := revisions.Swap(&got.Revision); was != nil && *was != got.Revision {
				t.Errorf("revisions %s and %s", *was, got.Revision)
			}
		})
		made := registered(t, l, aRegistration("i-1", "web/monday"), "ami-1")
		again, err := l.Register(t.Context(), aRegistration("i-1", "web/monday"))
		check(t, err)
		equal(t, "registered again", again, made)
	})
	t.Run("of a lineage", func(t *testing.T) {
		l := open(t)
		// The names are such that one is the other's beginning, with the separator in it.
		var all []ledger.Registration
		for _, lineage := range []string{"group/web", "group/web#lineage", "group/web2", "i-1"} {
			all = append(all, registered(t, l, aRegistration(lineage, "image"), "ami-"+lineage))
		}
		for _, each := range all {
			equal(t, each.Lineage, registrationsOf(t, l, each.Lineage), []ledger.Registration{each})
		}
		equal(t, "of no lineage", registrationsOf(t, l, "group/we"), []ledger.Registration(nil))
		equal(t, "all", len(registrationsOf(t, l, "")), len(all))
	})
	t.Run("listed over pages", func(t *testing.T) {
		l := open(t)
		for i := range largeRecords {
			each := aRegistration("i-1", fmt.Sprint(i))
			each.Snapshots = []string{large}
			_, err := l.Register(t.Context(), each)
			check(t, err)
		}
		equal(t, "registrations", len(registrationsOf(t, l, "i-1")), largeRecords)
		equal(t, "unsettled", len(unsettledOf(t, l)), largeRecords)
	})
	t.Run("copies of one name", func(t *testing.T) { testCopiesOfOneName(t, open(t)) })
	t.Run("one of many who amend what they read", func(t *testing.T) { testAmend(t, open(t)) })
}

// testCopiesOfOneName: an image and its copies in other Regions have one name, and are apart. A version that knows no
// copies understands their registrations not.
func testCopiesOfOneName(t *testing.T, l ledger.Ledger) {
	for _, region := range []string{"", "us-east-1", "eu-west-3"} {
		r := aRegistration("i-1", "web/monday")
		r.Region = region
		made, err := l.Register(t.Context(), r)
		check(t, err)
		equal(t, "understood by the first version", made.Schema == 1, region == "")
		made.ID = "ami-" + region
		_, err = l.Amend(t.Context(), made)
		check(t, err)
	}
	equal(t, "registrations", len(registrationsOf(t, l, "i-1")), 3)
	found, _, err := l.Registration(t.Context(), "ami-us-east-1")
	check(t, err)
	equal(t, "Region", found.Region, "us-east-1")
	check(t, l.Retire(t.Context(), found, time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)))
	equal(t, "registrations", len(registrationsOf(t, l, "i-1")), 2)
}

func testRegistered(t *testing.T, l ledger.Ledger) {
	intent, err := l.Register(t.Context(), aRegistration("i-1", "web/monday"))
	check(t, err)
	want := aRegistration("i-1", "web/monday")
	want.Schema, want.Revision = 1, intent.Revision
	equal(t, "registration before the call", intent, want)
	equal(t, "unsettled", unsettledOf(t, l), []ledger.Registration{intent})
	unregistered(t, l, "ami-1")

	intent.ID = "ami-1"
	made, err := l.Amend(t.Context(), intent)
	check(t, err)
	equal(t, "registration", registrationOf(t, l), made)
	equal(t, "unsettled", unsettledOf(t, l), []ledger.Registration{made})

	check(t, l.Settle(t.Context(), made))
	equal(t, "unsettled", unsettledOf(t, l), []ledger.Registration(nil))
	made.Snapshots = []string{"snap-1", "snap-2"}
	if made, err = l.Amend(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	equal(t, "registrations", registrationsOf(t, l, "i-1"), []ledger.Registration{made})

	stale := made
	stale.Revision = "stale"
	check(t, l.Retire(t.Context(), stale, night))
	equal(t, "registration", registrationOf(t, l), made)
	check(t, l.Retire(t.Context(), made, night))
	check(t, l.Retire(t.Context(), made, night))
	equal(t, "registrations", registrationsOf(t, l, ""), []ledger.Registration(nil))
	gone := made
	gone.Retired = night
	equal(t, "retired registration", registrationOf(t, l), gone)

	never, err := l.Register(t.Context(), aRegistration("i-1", "web/tuesday"))
	check(t, err)
	check(t, l.Retire(t.Context(), never, night))
	equal(t, "unsettled", unsettledOf(t, l), []ledger.Registration(nil))
	unregistered(t, l, "")
}

func testAmend(t *testing.T, l ledger.Ledger) {
	read, err := l.Register(t.Context(), aRegistration("i-1", "web/monday"))
	check(t, err)
	var put atomic.Int32
	atOnce(func(int) {
		moved := (*ledger.MovedError)(nil)
		switch _, err := l.Amend(t.Context(), read); {
		case err == nil:
			put.Add(1)
		case !errors.As(err, &moved):
			t.Errorf("got %v, want *Moved", err)
		}
	})
	if put.Load() != 1 {
		t.Errorf("%d amended what they read", put.Load())
	}
	newer := read
	newer.Schema = ledger.RegisterSchema + 1
	if _, err := l.Amend(t.Context(), newer); !errors.As(err, new(*ledger.NewerError)) {
		t.Errorf("got %v, want *NewerError", err)
	}
	if err := l.Retire(t.Context(), newer, night); !errors.As(err, new(*ledger.NewerError)) {
		t.Errorf("got %v, want *NewerError", err)
	}
	never := aRegistration("i-1", "web/tuesday")
	never.Revision = "never"
	if _, err := l.Amend(t.Context(), never); !errors.As(err, new(*ledger.MovedError)) {
		t.Errorf("got %v, want *Moved", err)
	}
}

func testOwners(t *testing.T, open func(*testing.T) ledger.Ledger) {
	l := open(t)
	if o, ok, err := l.Owner(t.Context(), "web"); ok || err != nil {
		t.Errorf("before it is put: %+v, %v, %v", o, ok, err)
	}
	first, err := l.PutOwner(t.Context(),
		ledger.Owner{Name: "web", Lineage: "i-1", Source: "i-1", Run: "monday", At: night})
	check(t, err)
	got, ok, err := l.Owner(t.Context(), "web")
	if check(t, err); !ok {
		t.Error("no owner")
	}
	equal(t, "owner", got, first)
	next := first
	next.Lineage, next.By, next.Former = "i-2", "ada", []string{"i-0", "i-1"}
	next, err = l.PutOwner(t.Context(), next)
	check(t, err)
	for _, stale := range []string{first.Revision, ""} {
		first.Revision = stale
		if _, err := l.PutOwner(t.Context(), first); !errors.As(err, new(*ledger.TakenError)) {
			t.Errorf("got %v, want *TakenError", err)
		}
	}
	got, _, err = l.Owner(t.Context(), "web")
	check(t, err)
	equal(t, "owner", got, next)
}

func testSince(t *testing.T, open func(*testing.T) ledger.Ledger) {
	l := open(t)
	for _, later := range []time.Duration{0, time.Hour, 400 * 24 * time.Hour} {
		at, err := l.Since(t.Context(), night.Add(later))
		check(t, err)
		equal(t, "beginning", at, night.UTC())
	}
	for _, h := range []struct{ until, want time.Duration }{
		{time.Hour, time.Hour}, {time.Minute, time.Hour}, {2 * time.Hour, 2 * time.Hour},
	} {
		check(t, l.Heard(t.Context(), night.Add(h.until)))
		at, err := l.Since(t.Context(), night.Add(3*time.Hour))
		check(t, err)
		equal(t, "beginning", at, night.Add(h.want).UTC())
	}
}

func testSightings(t *testing.T, open func(*testing.T) ledger.Ledger) {
	l := open(t)
	last := night.UTC()
	for _, later := range []time.Duration{0, time.Hour, ledger.Remembered / 2, ledger.Remembered, ledger.Remembered +
		time.Hour} {
		now := night.Add(later)
		if now.Sub(last) >= ledger.Remembered/2 {
			last = now.UTC()
		}
		seen, err := l.Sight(t.Context(), "a schedule", now)
		check(t, err)
		equal(t, "sighting", seen, ledger.Sighting{Key: "a schedule", First: night.UTC(), Last: last})
	}
	another, err := l.Sight(t.Context(), "another", night.Add(time.Hour))
	check(t, err)
	equal(t, "another", another.First, night.Add(time.Hour).UTC())
}

// registered is a registration whose call was answered with the id.
func registered(t tester, l ledger.Ledger, r ledger.Registration, id string) ledger.Registration {
	t.Helper()
	r, err := l.Register(t.Context(), r)
	check(t, err)
	r.ID = id
	r, err = l.Amend(t.Context(), r)
	check(t, err)
	return r
}

// registrationOf is that of ami-1.
func registrationOf(t tester, l ledger.Ledger) ledger.Registration {
	t.Helper()
	const id = "ami-1"
	r, ok, err := l.Registration(t.Context(), id)
	check(t, err)
	if !ok {
		t.Fatalf("%s is not registered", id)
	}
	return r
}

func unregistered(t tester, l ledger.Ledger, id string) {
	t.Helper()
	if r, ok, err := l.Registration(t.Context(), id); ok || err != nil {
		t.Errorf("%s is registered: %+v, %v", id, r, err)
	}
}

func registrationsOf(t tester, l ledger.Ledger, lineage string) []ledger.Registration {
	t.Helper()
	var all []ledger.Registration
	for each, err := range l.Registrations(t.Context(), lineage) {
		check(t, err)
		all = append(all, each)
	}
	return all
}

func unsettledOf(t tester, l ledger.Ledger) []ledger.Registration {
	t.Helper()
	var all []ledger.Registration
	for each, err := range l.Unsettled(t.Context()) {
		check(t, err)
		all = append(all, each)
	}
	return all
}
