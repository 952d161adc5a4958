package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // Neither a laptop nor Lambda's provided.al2023 need have a zone database.
)

// horizon is how many years ahead clock changes are looked for; governments
// change the rules too often for a longer look to mean anything.
const horizon = 3

// zoneForm is what an IANA name looks like; Scheduler takes at most 50 characters.
var zoneForm = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$`)

// Zone finds a time zone by its IANA name.
func Zone(name string) (*time.Location, error) {
	if zoneForm.MatchString(name) && len(name) <= 50 && name != "Local" {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	for _, guess := range zoneGuesses(name) {
		if _, err := time.LoadLocation(guess); err == nil && guess != "Local" {
			return nil, fmt.Errorf("%q is no time zone; did you mean %q?", name, guess)
		}
	}
	return nil, fmt.Errorf("%q is no time zone; want an IANA name such as UTC, Europe/Berlin or America/New_York", name)
}

// zoneGuesses tries the name in the database's own spelling, alone and as a city of each region.
func zoneGuesses(name string) []string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '_' })
	for i, word := range words {
		parts := strings.Split(word, "/")
		for j, part := range parts {
			if part != "" {
				parts[j] = strings.ToUpper(part[:1]) + strings.ToLower(part[1:])
			}
		}
		words[i] = strings.Join(parts, "/")
	}
	spelt := strings.Join(words, "_")
	if !zoneForm.MatchString(spelt) {
		return nil
	}
	guesses := []string{spelt, strings.ToUpper(name)}
	for _, region := range []string{"Europe", "America", "Asia", "Africa", "Australia", "Pacific", "Atlantic", "Indian"} {
		guesses = append(guesses, region+"/"+spelt)
	}
	return guesses
}

// Check looks for runs that will not happen: a schedule that is over or never
// comes, and within three years a run that Scheduler skips because the clocks
// go forward over it.
func (s Schedule) Check(now time.Time) error {
	for _, g := range gaps(s.zone, now, now.AddDate(horizon, 0, 0)) {
		if lost, ok := s.lost(g); ok {
			return fmt.Errorf("%s falls on %s, a time that %s does not have: "+
				"the clocks go from %s to %s that day and EventBridge Scheduler skips the run; choose a time outside %s-%s",
				s, lost.Format("2006-01-02 15:04"), s.zone, g.from.Format(clock), g.to.Format(clock), g.from.Format(clock),
				g.to.Format(clock))
		}
	}
	if _, ok := s.Next(now); ok {
		return nil
	}
	if s.cron == "" {
		return errors.New(s.text + " is over: it never runs; leave the schedule out for a plan that runs on request")
	}
	return errors.New(s.text + " never runs: no such day comes any more")
}

const clock = "15:04"

// lost is the first wall time inside a gap that the schedule names and does not
// make up for. The moment called 02:30 before the change is called 03:30 after
// it, so a schedule that names both, such as an hourly one, loses nothing.
func (s Schedule) lost(g gap) (time.Time, bool) {
	if s.every > 0 {
		return time.Time{}, false
	}
	for shown := g.from; shown.Before(g.to); shown = shown.Add(time.Minute) {
		if s.runsAt(shown) && !s.runsAt(shown.Add(g.to.Sub(g.from))) {
			return shown, true
		}
	}
	return time.Time{}, false
}

// gap is a stretch of wall time, written in UTC, that a zone's clocks jump over.
type gap struct{ from, to time.Time }

func gaps(zone *time.Location, from, until time.Time) []gap {
	var found []gap
	for at := from.In(zone); ; {
		_, change := at.ZoneBounds()
		if change.IsZero() || change.After(until) {
			return found
		}
		before, after := wall(change.Add(-time.Nanosecond), zone).Add(time.Nanosecond), wall(change, zone)
		if after.After(before) {
			found = append(found, gap{before, after})
		}
		at = change
	}
}

// wall is what the zone's clock shows at a moment, written in UTC.
func wall(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instant is the first moment at which the zone's clock shows a wall time; ok
// is false when it never does.
func instant(shown time.Time, zone *time.Location) (first time.Time, ok bool) {
	near := shown.In(zone)
	// Offsets lie within a day, so the zone's offset a day before and after are the only two in question.
	for _, day := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, offset := near.Add(day).Zone()
		moment := shown.Add(-time.Duration(offset) * time.Second).In(zone)
		if wall(moment, zone).Equal(shown) && (!ok || moment.Before(first)) {
			first, ok = moment, true
		}
	}
	return first, ok
}
