package command

import (
	"time"

	"goldsmith/shared/plan"
	"goldsmith/shared/schedule"
)

// upcoming are the next times that a plan is due, in its own zone. A rate counts
// from its last run, which its expression does not tell, so it has none.
func upcoming(p plan.Plan, now time.Time, most int) ([]time.Time, error) {
	if p.Schedule == "" {
		return nil, nil
	}
	zone, err := schedule.Zone(p.Timezone)
	if err != nil {
		return nil, err
	}
	due, err := schedule.Parse(p.Schedule, zone)
	if err != nil || due.Every() > 0 {
		return nil, err
	}
	var times []time.Time
	for len(times) < most {
		next, ok := due.Next(now)
		if !ok {
			break
		}
		times, now = append(times, next.In(zone)), next
	}
	return times, nil
}

// dueAt is a moment as its zone's clock shows it, and in UTC where that differs.
func dueAt(t time.Time) string {
	shown := t.Format("Mon 2 Jan 2006 15:04 MST")
	if _, offset := t.Zone(); offset == 0 {
		return shown
	}
	return shown + t.UTC().Format(" (15:04 UTC)")
}
