package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestLastIsTheOneBefore holds Last against Next: it lies before, it is a run, and none lies between.
func TestLastIsTheOneBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := "cron(" + drawClock(t) + " " + drawDays(t) + ")"
		s, before := mustParse(t, text, drawZone(t)), drawMoment(t)
		last, ok := s.Last(before)
		if !ok {
			if next, ok := s.Next(earliest); ok && next.Before(before) {
				t.Fatalf("%s in %s before %s: none, and Next knows %s", s, s.zone, before, next)
			}
			return
		}
		if again, ok := s.Next(last.Add(-time.Second)); !ok || !again.Equal(last) || !last.Before(before) {
			t.Fatalf("%s in %s before %s: %s is no run before it", s, s.zone, before, last)
		}
		if next, ok := s.Next(last); ok && next.Before(before) {
			t.Fatalf("%s in %s before %s: got %s, and %s comes after it", s, s.zone, before, last, next)
		}
	})
}

// TestLastWalksBack wants what Next walked forward.
func TestLastWalksBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, at := mustParse(t, "cron("+drawClock(t)+" "+drawDays(t)+")", drawZone(t)), drawMoment(t)
		for range 20 {
			next, ok := s.Next(at)
			if !ok {
				return
			}
			if last, ok := s.Last(next.Add(time.Nanosecond)); !ok || !last.Equal(next) {
				t.Fatalf("%s in %s: %s comes after %s, and before it lies %s, %v", s, s.zone, next, at, last, ok)
			}
			at = next
		}
	})
}

func TestLast(t *testing.T) {
	for _, c := range []struct{ text, zone, before, want string }{
		{"cron(30 3 * * ? *)", "Europe/Berlin", "2026-01-16T02:30:00Z", "2026-01-15T02:30:00Z"},
		{"cron(30 3 * * ? *)", "Europe/Berlin", "2026-01-16T02:30:01Z", "2026-01-16T02:30:00Z"},
		{"cron(* * * * ? *)", "UTC", "2026-01-15T12:00:30Z", "2026-01-15T12:00:00Z"},
		{"cron(0 3 1 1 ? *)", "UTC", "2026-01-01T03:00:00Z", "2025-01-01T03:00:00Z"},
		{"cron(0 0 ? 2 2#5 *)", "UTC", "2044-02-29T00:00:00Z", "2016-02-29T00:00:00Z"},
		{"cron(0 0 1 1 ? 1970)", "UTC", "2199-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
		{"cron(0 0 1 1 ? 1970)", "Pacific/Kiritimati", "2026-01-01T00:00:00Z", "1970-01-01T10:40:00Z"},
		{"cron(0 0 1 1 ? 2027)", "UTC", "2026-01-15T12:00:00Z", ""},
		{"cron(0 0 30 2 ? *)", "UTC", "2026-01-15T12:00:00Z", ""},
		// 02:30 does not exist on 2026-03-08 in Los Angeles, and 01:30 comes twice on 2026-11-01: the first (PDT) counts.
		{"cron(30 2 * * ? *)", "America/Los_Angeles", "2026-03-09T09:30:00Z", "2026-03-07T10:30:00Z"},
		{"cron(30 1 * * ? *)", "America/Los_Angeles", "2026-11-01T09:45:00Z", "2026-11-01T08:30:00Z"},
		{"cron(0 * * * ? *)", "America/Los_Angeles", "2026-11-01T10:00:00Z", "2026-11-01T08:00:00Z"},
		{"at(2026-11-20T13:00:30)", "UTC", "2026-12-01T00:00:00Z", "2026-11-20T13:00:30Z"},
		{"at(2026-11-20T13:00:30)", "UTC", "2026-11-20T13:00:30Z", ""},
		{"at(2026-03-29T02:30:00)", "Europe/Berlin", "2027-01-15T12:00:00Z", ""},
		{"rate(1 day)", "UTC", "2026-01-15T12:00:00Z", ""},
	} {
		last, ok := mustParse(t, c.text, c.zone).Last(moment(t, c.before))
		got := ""
		if ok {
			got = last.UTC().Format(time.RFC3339)
		}
		if got != c.want {
			t.Errorf("%s in %s before %s: got %q, want %q", c.text, c.zone, c.before, got, c.want)
		}
	}
}

// BenchmarkLast shows that every minute costs no more than every leap year.
func BenchmarkLast(b *testing.B) {
	for _, text := range []string{"cron(* * * * ? *)", "cron(0 3 * * ? *)", "cron(0 3 1 1 ? *)", "cron(0 0 29 2 ? *)",
		"cron(0 0 30 2 ? *)"} {
		b.Run(text, func(b *testing.B) {
			s, err := Parse(text, time.UTC)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				s.Last(now)
			}
		})
	}
}
