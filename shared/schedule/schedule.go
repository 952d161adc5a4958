// Package schedule knows EventBridge Scheduler's expressions: what it accepts,
// when they run in their time zone, and which runs a change of the clocks loses.
//
// Facts are from docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html.
// Where that page is silent the stricter reading is taken, so that whatever is
// accepted here is accepted by Scheduler.
package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/adhocore/gronx"
)

// longest is Scheduler's limit on ScheduleExpression.
const longest = 256

// Schedule is a cron, rate or at expression read in a time zone.
type Schedule struct {
	text string
	zone *time.Location
	// cron is the expression in gronx's dialect; empty unless the schedule is a cron.
	cron string
	// every is the period of a rate.
	every time.Duration
	// once is the moment of an at as the zone's clock shows it, written in UTC.
	once time.Time
}

// Parse reads an expression. Several things wrong with it are one error that
// unwraps to a list.
func Parse(text string, zone *time.Location) (Schedule, error) {
	kind, inner, ok := open(text)
	if !ok {
		return Schedule{}, formError(text)
	}
	if len(text) > longest {
		return Schedule{}, fmt.Errorf("is %d characters long, Scheduler takes at most %d", len(text), longest)
	}
	words := strings.Fields(inner)
	s := Schedule{text: kind + "(" + strings.Join(words, " ") + ")", zone: zone}
	var err error
	switch kind {
	case "cron":
		s.cron, err = parseCron(words)
	case "rate":
		s.every, err = parseRate(words)
	default:
		s.once, err = parseAt(inner)
	}
	if err != nil {
		return Schedule{}, err
	}
	return s, nil
}

// String is the expression with single spaces, as it is handed to Scheduler.
func (s Schedule) String() string { return s.text }

// Next is the first run after a moment; ok is false when there is none.
// A rate counts from its last run, so for a rate after must be that run.
func (s Schedule) Next(after time.Time) (next time.Time, ok bool) {
	switch {
	case s.every > 0:
		return after.Add(s.every), true
	case s.cron == "":
		next, ok = instant(s.once, s.zone)
		return next, ok && next.After(after)
	default:
		return s.nextCron(after)
	}
}

// nextCron walks the clock on the zone's wall. A wall time that the zone skips
// is skipped, and one that it shows twice runs at its first showing only.
func (s Schedule) nextCron(after time.Time) (time.Time, bool) {
	shown := wall(after, s.zone)
	for {
		named, err := gronx.NextTickAfter(s.cron, shown, false)
		// After the last run gronx answers with that run again, and no error.
		if err != nil || !named.After(shown) {
			return time.Time{}, false
		}
		shown = named
		if next, ok := instant(shown, s.zone); ok && next.After(after) {
			return next, true
		}
	}
}

// runsAt reports whether the expression names this wall time.
func (s Schedule) runsAt(shown time.Time) bool {
	if s.cron == "" {
		return s.every == 0 && shown.Equal(s.once.Truncate(time.Minute))
	}
	due, err := gronx.New().IsDue(s.cron, shown)
	return err == nil && due
}

var form = regexp.MustCompile(`^(cron|rate|at)\((.*)\)$`)

func open(text string) (kind, inner string, ok bool) {
	found := form.FindStringSubmatch(text)
	if found == nil {
		return "", "", false
	}
	return found[1], found[2], true
}

func formError(text string) error {
	const want = "want cron(minute hour day-of-month month day-of-week year), rate(value unit) or at(yyyy-mm-ddThh:mm:ss)"
	guess := "cron(" + text + ")"
	if _, err := Parse(guess, time.UTC); len(strings.Fields(text)) == fieldCount && err == nil {
		return fmt.Errorf("%q is no schedule; did you mean %q?", text, guess)
	}
	return fmt.Errorf("%q is no schedule; %s", text, want)
}

// units are Scheduler's, one per line of its API reference for ScheduleExpression.
var units = map[string]time.Duration{
	"minute": time.Minute, "minutes": time.Minute,
	"hour": time.Hour, "hours": time.Hour,
	"day": 24 * time.Hour, "days": 24 * time.Hour,
}

// longestRate keeps a rate within what a person can mean and a Duration can hold.
const longestRate = 3660 * 24 * time.Hour

func parseRate(words []string) (time.Duration, error) {
	if len(words) != 2 {
		return 0, errors.New("a rate has two parts, a value and a unit, such as rate(12 hours)")
	}
	value, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil || value < 1 {
		return 0, fmt.Errorf("the value of a rate is a whole number from 1, not %q", words[0])
	}
	unit, ok := units[words[1]]
	if !ok {
		return 0, fmt.Errorf("the unit of a rate is minutes, hours or days, not %q", words[1])
	}
	// Scheduler's own pages write both rate(1 day) and rate(1 days); no page writes a singular after a larger value.
	if value > 1 && !strings.HasSuffix(words[1], "s") {
		return 0, fmt.Errorf("after %d the unit is %ss: rate(%d %ss)", value, words[1], value, words[1])
	}
	if value > int64(longestRate/unit) {
		return 0, fmt.Errorf("a rate of %d %s is longer than ten years", value, words[1])
	}
	return time.Duration(value) * unit, nil
}

func parseAt(inner string) (time.Time, error) {
	once, err := time.Parse("2006-01-02T15:04:05", inner)
	if err != nil || len(inner) != len("2006-01-02T15:04:05") {
		return time.Time{}, fmt.Errorf("%q is no moment; want at(yyyy-mm-ddThh:mm:ss) with a date that exists", inner)
	}
	return once, nil
}
