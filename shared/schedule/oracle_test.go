package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The oracle walks real time minute by minute and reads the expression anew at
// each, in the plainest way and without the package's own parser or gronx.

func TestNextEqualsOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := "cron(" + drawClock(t) + " " + drawDays(t) + ")"
		after := drawMoment(t)
		s := mustParse(t, text, drawZone(t))
		until := after.Add(20 * 24 * time.Hour)
		got, ok := s.Next(after)
		if want := oracle(text, s.zone, after, until); !want.IsZero() {
			if !ok || !got.Equal(want) {
				t.Fatalf("%s in %s after %s: got %s %v, want %s", text, s.zone, after, got, ok, want)
			}
		} else if ok && !got.After(until) {
			t.Fatalf("%s in %s after %s: got %s, the oracle none before %s", text, s.zone, after, got, until)
		}
	})
}

// TestNextFindsRareDays compares days only, over decades.
func TestNextFindsRareDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		year := rapid.SampledFrom([]string{"*", "2030-2060", "2026/7", "*/5", "2031,2048"}).Draw(t, "year")
		month := rapid.SampledFrom([]string{"*", "2", "FEB", "4-6", "11/2", "2,12"}).Draw(t, "month")
		days := rapid.SampledFrom([]string{"29 %s ?", "31 %s ?", "L %s ?", "1W %s ?", "30W %s ?", "? %s 2#5", "? %s 7L",
			"? %s SUN"}).Draw(t, "days")
		text := "cron(0 0 " + fmt.Sprintf(days, month) + " " + year + ")"
		after := drawMoment(t)
		got, ok := mustParse(t, text, "UTC").Next(after)
		fields := split(text)
		for day := after.Truncate(24 * time.Hour).Add(24 * time.Hour); day.Year() < 2062; day = day.Add(24 * time.Hour) {
			if named(fields, day) {
				if !ok || !got.Equal(day) {
					t.Fatalf("%s after %s: got %s %v, want %s", text, after, got, ok, day)
				}
				return
			}
		}
		if ok && got.Year() < 2062 {
			t.Fatalf("%s after %s: got %s, the oracle none", text, after, got)
		}
	})
}

// TestRunsEnd walks schedules that are over some day to their end.
func TestRunsEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := fmt.Sprintf("cron(0 0 %d %s ? %s)", rapid.IntRange(1, 31).Draw(t, "day"),
			rapid.SampledFrom([]string{"2", "12", "*/3", "4,6"}).Draw(t,
				"month"), rapid.SampledFrom([]string{"2026", "2020-2028", "2027,2199"}).Draw(t, "year"))
		s := mustParse(t, text, drawZone(t))
		at, runs := now, 0
		for next, ok := s.Next(at); ok; next, ok = s.Next(at) {
			if runs++; !next.After(at) || runs > 100 {
				t.Fatalf("%s: after %s comes %s, the run %d", s, at, next, runs)
			}
			at = next
		}
	})
}

// TestCheckTellsOfEveryLoss holds Check against Next: a daily schedule is
// refused exactly when some day of the next year passes without a run; the
// zones drawn change their clocks every year by the same rule.
func TestCheckTellsOfEveryLoss(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := fmt.Sprintf("cron(%d %d * * ? *)", rapid.IntRange(0, 59).Draw(t, "minute"),
			rapid.IntRange(0, 5).Draw(t, "hour"))
		s := mustParse(t, text, drawZone(t))
		lost, last := false, now
		for at, ok := s.Next(now); ok && at.Before(now.AddDate(1, 0, 0)); at, ok = s.Next(at) {
			lost = lost || at.Sub(last) > 36*time.Hour
			last = at
		}
		if err := s.Check(now); lost != (err != nil) {
			t.Fatalf("%s in %s: a run is lost: %v; Check says %v", text, s.zone, lost, err)
		}
	})
}

func oracle(text string, zone *time.Location, after, until time.Time) time.Time {
	seen := map[time.Time]bool{}
	fields := split(text)
	for at := after.Truncate(time.Minute).Add(-26 * time.Hour); at.Before(until); at = at.Add(time.Minute) {
		_, offset := at.In(zone).Zone()
		shown := at.Add(time.Duration(offset) * time.Second).UTC()
		if !seen[shown] && at.After(after) && named(fields, shown) {
			return at
		}
		seen[shown] = true
	}
	return time.Time{}
}

func split(text string) []string {
	return strings.Fields(strings.TrimSuffix(strings.TrimPrefix(text, "cron("), ")"))
}

func named(f []string, shown time.Time) bool {
	return in(f[0], shown.Minute(), 0, 59, "") && in(f[1], shown.Hour(), 0, 23, "") &&
		inDays(f[2], shown) && in(f[3], int(shown.Month()), 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC") &&
		inWeekdays(f[4], shown) && in(f[5], shown.Year(), 1970, 2199, "")
}

func in(text string, v, low, high int, names string) bool {
	for part := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			step, _ = strconv.Atoi(stepText)
		}
		from, to, ranged := strings.Cut(span, "-")
		first, last := low, high
		if from != "*" && from != "?" {
			first = valueOf(from, names)
			if ranged {
				last = valueOf(to, names)
			} else if !stepped {
				last = first
			}
		}
		if v >= first && v <= last && (v-first)%step == 0 {
			return true
		}
	}
	return false
}

func valueOf(text, names string) int {
	if i := strings.Index(names, text); i >= 0 && names != "" {
		return i/3 + 1
	}
	v, _ := strconv.Atoi(text)
	return v
}

func inDays(text string, shown time.Time) bool {
	last := time.Date(shown.Year(), shown.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	if text == "L" {
		return shown.Day() == last
	}
	target, isNearest := strings.CutSuffix(text, "W")
	if !isNearest {
		return in(text, shown.Day(), 1, 31, "")
	}
	day, _ := strconv.Atoi(target)
	if day > last {
		return false
	}
	switch time.Date(shown.Year(), shown.Month(), day, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		day--
		if day == 0 {
			day = 3
		}
	case time.Sunday:
		day++
		if day > last {
			day -= 3
		}
	default:
	}
	return shown.Day() == day
}

func inWeekdays(text string, shown time.Time) bool {
	today := int(shown.Weekday()) + 1
	if text == "L" {
		return today == 7
	}
	if day, ok := strings.CutSuffix(text, "L"); ok {
		return strconv.Itoa(today) == day && shown.AddDate(0, 0, 7).Month() != shown.Month()
	}
	if day, nth, ok := strings.Cut(text, "#"); ok {
		return strconv.Itoa(today) == day && strconv.Itoa((shown.Day()+6)/7) == nth
	}
	return in(text, today, 1, 7, "SUNMONTUEWEDTHUFRISAT")
}

func drawClock(t *rapid.T) string {
	minute := rapid.SampledFrom([]string{"0", "30", "59", "*/20", "5/25", "10-12", "0,45", "*", "00", "50-59/3"}).Draw(t,
		"minute")
	hour := rapid.SampledFrom([]string{"0", "1", "2", "3", "23", "*", "1-3", "*/2", "1/6", "0,2,22"}).Draw(t, "hour")
	return minute + " " + hour
}

func drawDays(t *rapid.T) string {
	month := rapid.SampledFrom([]string{"*", "*", "3-4", "MAR,APR,10,11", "*/2", "JAN/3"}).Draw(t, "month")
	year := rapid.SampledFrom([]string{"*", "*", "2026-2028", "2025/2", "2024/4"}).Draw(t, "year")
	if rapid.Bool().Draw(t, "by weekday") {
		day := rapid.SampledFrom([]string{"*", "1", "7", "SUN", "L", "1L", "6L", "3#2", "1#5", "1#1", "MON-FRI", "2-6",
			"SUN,WED", "1,7"}).Draw(t, "day-of-week")
		return "? " + month + " " + day + " " + year
	}
	day := rapid.SampledFrom([]string{"*", "1", "L", "15W", "1W", "31W", "28W", "*/5", "25-31", "2/7", "29",
		"1,29"}).Draw(t, "day-of-month")
	return day + " " + month + " ? " + year
}

// drawMoment likes the weeks around changes of the clocks.
func drawMoment(t *rapid.T) time.Time {
	around := rapid.SampledFrom([]string{"2026-03-08", "2026-03-29", "2026-10-25", "2026-11-01", "2026-04-05",
		"2028-02-29", "2026-12-31"}).Draw(t, "around")
	day, _ := time.Parse(time.DateOnly, around)
	return day.Add(time.Duration(rapid.IntRange(-3*24*3600, 2*24*3600).Draw(t, "seconds")) * time.Second)
}

func drawZone(t *rapid.T) string {
	return rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/Los_Angeles", "Australia/Lord_Howe",
		"Asia/Kolkata", "Africa/Cairo", "America/Santiago", "Pacific/Chatham"}).Draw(t, "zone")
}
