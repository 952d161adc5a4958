// Package due knows when the runs of plans were due: it makes up for those that did not begin, and measures for how
// long one has been missing.
package due

import (
	"context"
	"fmt"
	"time"

	"goldsmith/functions/recover/executions"
	"goldsmith/shared/plan"
	"goldsmith/shared/schedule"
)

// Calendar knows when the plans' runs are due, and since when.
type Calendar struct {
	Ledger executions.Ledger
	Plans  plan.Plans
	Now    func() time.Time
}

// last is when the plan's run was due last, at a moment. Nothing is known of a plan without
// a schedule, of one at a rate, whose runs are counted from the creation of its schedule
// in Scheduler, and of one that was due only before it was deployed.
func (c Calendar) last(ctx context.Context, p plan.Plan, moment time.Time) (due time.Time, known bool, err error) {
	times, known, err := timesOf(p)
	if err != nil || !known {
		return time.Time{}, false, err
	}
	since, err := c.since(ctx, p)
	if err != nil {
		return time.Time{}, false, err
	}
	due, ok := times.Last(moment)
	if !ok || due.Before(since) {
		return time.Time{}, true, nil
	}
	return due, true, nil
}

// timesOf is when the plan's runs are due, if that is known beforehand.
func timesOf(p plan.Plan) (times schedule.Schedule, known bool, err error) {
	if p.Schedule == "" {
		return schedule.Schedule{}, false, nil
	}
	zone, err := schedule.Zone(p.Timezone)
	if err != nil {
		return schedule.Schedule{}, false, err
	}
	times, err = schedule.Parse(p.Schedule, zone)
	return times, times.Every() == 0, err
}

// since is when recover first saw the plan under its schedule. Runs that were due before could not begin, and are no
// failure. A record of the plan's earlier runs would not do, since an outage that outlasts two of them would leave none
// to go by. A plan that comes back under a schedule that it had before is judged by its old sighting: it may ring until
// its next run, which is better than silence.
func (c Calendar) since(ctx context.Context, p plan.Plan) (time.Time, error) {
	seen, err := c.Ledger.Sight(ctx, fmt.Sprintf("schedule of %s: %s %s", p.Name, p.Schedule, p.Timezone), c.Now())
	return seen.First, err
}
