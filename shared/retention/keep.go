// Package retention knows which images go and when: what a plan's rules keep and why, what
// is still in use, and what the next step is for the others. It decides and never changes anything.
package retention

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"goldsmith/shared/plan"
)

// Kept says for images of one source, made at these times and given newest first, why each is
// kept; "" means that no rule keeps it. Days, weeks, months and years are the zone's: a rule keeps the
// newest image of each of the last that have one, so missed nights cost nothing.
func Kept(made []time.Time, k plan.Keep, zone *time.Location) []string {
	reasons := make([][]string, len(made))
	if len(made) > 0 {
		reasons[0] = append(reasons[0], "the newest")
	}
	for _, r := range rules(k) {
		periods, last := 0, ""
		for i, at := range made {
			period := r.period(i, at.In(zone))
			if period == last {
				continue
			}
			if last, periods = period, periods+1; periods > r.most {
				break
			}
			reasons[i] = append(reasons[i], fmt.Sprintf("%s %d/%d", r.name, periods, r.most))
		}
	}
	fill(reasons, k.Minimum)
	said := make([]string, len(made))
	for i, of := range reasons {
		said[i] = strings.Join(of, ", ")
	}
	return said
}

// rule keeps the newest image of each of the most last periods.
type rule struct {
	name string
	most int
	// period names the period of the i-th newest image.
	period func(i int, at time.Time) string
}

func rules(k plan.Keep) []rule {
	return []rule{
		{"last", k.Last, func(i int, _ time.Time) string { return fmt.Sprint(i) }},
		{"daily", k.Daily, func(_ int, at time.Time) string { return at.Format(time.DateOnly) }},
		{"weekly", k.Weekly, func(_ int, at time.Time) string { year, week := at.ISOWeek(); return fmt.Sprint(year, week) }},
		{"monthly", k.Monthly, func(_ int, at time.Time) string { return at.Format("2006-01") }},
		{"yearly", k.Yearly, func(_ int, at time.Time) string { return at.Format("2006") }},
	}
}

// fill keeps the newest of the others until the minimum is reached.
func fill(reasons [][]string, minimum int) {
	kept := 0
	for _, of := range reasons {
		if len(of) > 0 {
			kept++
		}
	}
	for i := 0; i < len(reasons) && kept < minimum; i++ {
		if len(reasons[i]) == 0 {
			reasons[i] = []string{fmt.Sprintf("minimum %d", minimum)}
			kept++
		}
	}
}

// Override reads the tag goldsmith:keep, such as "daily=7 weekly=4 minimum=2": rules that stand in for
// the plan's. What they leave out is 0. The plan's minimum stays the least that is kept.
func Override(value string, k plan.Keep) (plan.Keep, error) {
	own := plan.Keep{Grace: k.Grace, Disable: k.Disable}
	numbers := map[string]*int{
		"last": &own.Last, "daily": &own.Daily, "weekly": &own.Weekly, "monthly": &own.Monthly, "yearly": &own.Yearly,
		"minimum": &own.Minimum,
	}
	var seen []string
	for _, word := range strings.Fields(value) {
		name, number, _ := strings.Cut(word, "=")
		into, known := numbers[name]
		if !known || slices.Contains(seen, name) {
			return k, fmt.Errorf("%q is not understood: want each of last, daily, weekly, monthly, yearly and minimum at "+
				"most once, such as daily=7", word)
		}
		seen = append(seen, name)
		within := plan.Rule
		if name == "minimum" {
			within = plan.Minimum
		}
		n, err := parse(number, within)
		if err != nil {
			return k, fmt.Errorf("%q: %w", word, err)
		}
		*into = n
	}
	own.Minimum = max(own.Minimum, k.Minimum)
	if !own.Rules() {
		return k, fmt.Errorf("%q holds no rule: want at least one of last, daily, weekly, monthly and yearly above 0", value)
	}
	return own, nil
}

func parse(number string, within plan.Range) (int, error) {
	// ParseUint takes digits alone: no sign and, in base 10, no underscore.
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil || int(n) < within.Low || int(n) > within.High {
		return 0, fmt.Errorf("want a number from %d to %d", within.Low, within.High)
	}
	return int(n), nil
}
