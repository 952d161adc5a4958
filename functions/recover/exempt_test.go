package recovery_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	recovery "goldsmith/functions/recover"
	"goldsmith/local/ec2"
	"goldsmith/shared/breaker"
	"goldsmith/shared/event"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// downFor marks sources as down for too long, each with a place of its plan.
func downFor(s *steptest.Stage, ids ...string) {
	s.Helper()
	for n, id := range ids {
		left(s, id, "web")
		c := *s.Held(id)
		s.Must(breaker.Mark(s.Context(), s.Ledger.Kept, c))
		place(s, ledger.Slot{Kind: ledger.Places, ID: string(rune('a' + n)), Source: id, Run: c.Run})
	}
}

func place(s *steptest.Stage, slot ledger.Slot) {
	s.Helper()
	slot.Plan, slot.Since = "nightly", time.Now()
	_, err := s.Ledger.Kept.Take(s.Context(), slot, slot.Since)
	s.Must(err)
}

// held are the slots of a kind, by source.
func held(s *steptest.Stage, kind ledger.SlotKind) (sources []string) {
	s.Helper()
	for slot, err := range s.Ledger.Kept.Slots(s.Context(), "") {
		s.Must(err)
		if slot.Kind == kind {
			sources = append(sources, slot.Source)
		}
	}
	return sources
}

func exempting(s *steptest.Stage, e event.Exempt) (recovery.Answer, error) {
	s.Helper()
	raw, err := e.MarshalJSON()
	s.Must(err)
	return account(s, nightlyOf(s)).Handle(s.Context(), raw)
}

// A source that is down is exempted by its id, or by its name where that is one's alone: it gives up its own place and
// no other's, and taken back it is as before.
func TestExempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		other := s.Launch("web", nil)
		downFor(s, s.Web, other)
		place(s, ledger.Slot{Kind: ledger.Turns, ID: "t", Source: s.Web, Run: steptest.RunName})
		place(s, ledger.Slot{Kind: ledger.Places, ID: "z", Source: s.Web, Run: "another"})

		if _, err := exempting(s, event.Exempt{Source: "web", By: "ada"}); err == nil ||
			!strings.Contains(err.Error(), "2 sources that are down are called web") {
			t.Errorf("a name of two: %v", err)
		}
		if _, err := exempting(s, event.Exempt{Source: "db", By: "ada"}); err == nil {
			t.Error("nothing of that name is down")
		}
		if _, err := exempting(s, event.Exempt{Source: s.Web, By: "ada", Undo: true}); err == nil {
			t.Error("it is not exempted, and that is taken back")
		}
		s.Same("exempted so far", len(held(s, ledger.Exempt)), 0)

		a, err := exempting(s, event.Exempt{Source: s.Web, By: "ada"})
		s.Must(err)
		s.Same("answer", []any{a.Exempted.Source, a.Exempted.Name, a.Exempted.Run, a.Exempted.Undone, a.Exempted.Why != ""},
			[]any{s.Web, "web", steptest.RunName, false, true})
		s.Same("exempted", held(s, ledger.Exempt), []string{s.Web})
		s.Same("places", held(s, ledger.Places), []string{other, s.Web}) // that of another run
		s.Same("turns", held(s, ledger.Turns), []string{s.Web})
		said := s.Slack.Messages()[0].Terminal(false)
		s.Same("told", strings.Contains(said, "ada has exempted web ("+s.Web+")"), true)

		a, err = exempting(s, event.Exempt{Source: s.Web, By: "ada", Undo: true})
		s.Must(err)
		s.Same("undone", []any{a.Exempted.Undone, len(held(s, ledger.Exempt))}, []any{true, 0})
		said = s.Slack.Messages()[1].Terminal(false)
		s.Same("told", strings.Contains(said, "ada has taken back that web ("+s.Web+") is exempted"), true)
	})
}

// What the ledger does not take is no exemption.
func TestExemptFails(t *testing.T) {
	for _, call := range []string{"Claims", "Slots", "Take", "Free"} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			downFor(s, s.Web)
			s.Ledger.Break(call, steptest.Attempts)
			if _, err := exempting(s, event.Exempt{Source: s.Web, By: "ada"}); err == nil {
				t.Errorf("%s fails, and it is exempted", call)
			}
			s.Same("told", len(s.Slack.Messages()), 0)
		})
	}
}

// A slot that cannot be read keeps no source from being exempted.
func TestExemptBesideWhatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		downFor(s, s.Web)
		a := accountOf(s, nightlyOf(s))
		a.Ledger = smudged{Ledger: s.Ledger}
		raw, err := event.Exempt{Source: s.Web, By: "ada"}.MarshalJSON()
		s.Must(err)
		_, err = recovery.New(a).Handle(s.Context(), raw)
		s.Must(err)
		s.Same("exempted", []any{held(s, ledger.Exempt), len(held(s, ledger.Places))}, []any{[]string{s.Web}, 0})
	})
}

// Nor is it taken back when the ledger does not take that, and asked again it is.
func TestTakingBackFails(t *testing.T) {
	for _, call := range []string{"Claims", "Slots", "Take", "Free"} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			downFor(s, s.Web)
			_, err := exempting(s, event.Exempt{Source: s.Web, By: "ada"})
			s.Must(err)
			s.Ledger.Break(call, steptest.Attempts)
			if _, err := exempting(s, event.Exempt{Source: s.Web, By: "ada", Undo: true}); err == nil {
				t.Errorf("%s fails, and it is taken back", call)
			}
			s.Same("exempted", held(s, ledger.Exempt), []string{s.Web})
			s.Same("told", len(s.Slack.Messages()), 1)
		})
	}
}

// A sweep gives up each place that was left behind, and none whose source is down, or that was taken just now.
func TestAbandonedPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		stopped, gone := s.Launch("stopped", nil), s.Launch("gone", nil)
		s.Set(stopped, ec2.Stopped)
		s.Set(gone, ec2.Terminated)
		now := time.Now()
		for n, slot := range []ledger.Slot{
			{Source: s.Web, Stopping: now}, {Source: stopped, Stopping: now}, {Source: gone, Stopping: now}, {Source: "i-never"},
			{Source: "i-0123456789abcdef0", Stopping: now},
		} {
			slot.Kind, slot.ID, slot.Run = ledger.Places, string(rune('a'+n)), "before"
			place(s, slot)
		}
		place(s, ledger.Slot{Kind: ledger.Stops, ID: "s", Source: s.Web, Run: "before"})
		place(s, ledger.Slot{Kind: ledger.Turns, ID: "t", Source: s.Web, Run: "before", Seen: now.Add(10 * time.Minute)})
		place(s, ledger.Slot{Kind: ledger.Turns, ID: "u", Source: gone, Run: "before", Seen: now.Add(-time.Hour)})
		sweep := func() {
			s.Helper()
			_, err := account(s, nightlyOf(s)).Handle(s.Context(), s.Sample("sweep"))
			s.Must(err)
		}
		time.Sleep(10*time.Minute - time.Second)
		sweep()
		s.Same("places of a moment ago", len(held(s, ledger.Places)), 5)
		time.Sleep(time.Second)
		sweep()
		s.Same("places", held(s, ledger.Places), []string{stopped})
		s.Same("stops", held(s, ledger.Stops), []string{s.Web})
		s.Same("turns", held(s, ledger.Turns), []string{s.Web})
	})
}

// The breaker opens for whatever should run again by now, and for nothing before.
func TestOverduePlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		ids := []string{s.Launch("a", nil), s.Launch("b", nil), s.Launch("c", nil)}
		slices.Sort(ids)
		now := time.Now()
		for n, id := range ids {
			s.Set(id, ec2.Stopped)
			arn, _ := s.Execute("run-" + id) // It goes on: nobody but its run starts it.
			s.Hold(ledger.Claim{Source: id, Name: "web", Run: steptest.RunName, Plan: "nightly", Execution: arn, Since: now,
				WasRunning: true, StopSent: now})
			due := []time.Time{now.Add(10 * time.Minute), now.Add(10*time.Minute + time.Second), {}}[n]
			place(s, ledger.Slot{Kind: ledger.Places, ID: string(rune('a' + n)), Source: id, Run: steptest.RunName, Due: due})
		}
		time.Sleep(10 * time.Minute)
		_, err := account(s, nightlyOf(s)).Handle(s.Context(), s.Sample("sweep"))
		s.Must(err)
		s.Same("down for too long", held(s, ledger.Downs), ids[:1])
	})
}

// A page of images is as large as it may be.
func TestAdoptAsksInLargePages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		_, err := account(s, nightlyOf(s)).Handle(s.Context(), asking(s, event.Adopt{All: true, By: "ada"}))
		s.Must(err)
		form := s.Sent("DescribeImages")[0]
		s.Same("asked", []string{form.Get("MaxResults"), form.Get("Filter.1.Name"), form.Get("Owner.1")},
			[]string{"1000", "tag:goldsmith:managed", "self"})
	})
}
