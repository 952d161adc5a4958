package recovery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/metric"
	"goldsmith/shared/plan"
	"goldsmith/shared/schedule"
)

// grace is how long after its window a run may still be at work. The window bounds when
// its last instance is stopped; most images are done within an hour, a restart that waits
// for capacity takes a few. A run that takes longer is worth a look, and is silent again
// once it has ended.
const grace = 4 * time.Hour

// tellOverdue says of each plan with a schedule for how long its latest run has been
// missing. A plan that cannot be judged gets no value, and keeps no other from its own.
func (s Step) tellOverdue(ctx context.Context) error {
	var problems []error
	now := s.rescue.Now().UTC()
	for _, name := range s.plans.Names() {
		p := s.plans.Plans[name]
		late, known, err := s.overdue(ctx, p, now)
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("looking whether plan %s is overdue: %w", name, err))
		case known:
			metric.Put(ctx, handler.Log(ctx), metric.Overdue, name, late.Seconds())
		}
	}
	return errors.Join(problems...)
}

// overdue is how long ago the run that was due last should have been done, and zero when it
// ended ok or partial. Only a run that the schedule began counts: it alone has a name
// that is known beforehand. Nothing is known of a plan without a schedule, and of one at a
// rate, whose runs are counted from the creation of its schedule in Scheduler.
func (s Step) overdue(ctx context.Context, p plan.Plan, now time.Time) (late time.Duration, known bool, err error) {
	times, known, err := timesOf(p)
	if err != nil || !known {
		return 0, false, err
	}
	since, err := s.since(ctx, p, now)
	if err != nil {
		return 0, false, err
	}
	patience := time.Duration(p.Window) + grace
	due, ok := times.Last(now.Add(-patience))
	// The ledger has forgotten what became of a run that was due longer ago.
	if !ok || due.Before(since) || now.Sub(due) >= ledger.Remembered {
		return 0, true, nil
	}
	// A run without a record has no outcome, nor has one that is still at work.
	run, _, err := s.runs.GetRun(ctx, job.RunName(p.Name, due))
	if outcome := plan.Outcome(run.Outcome); err != nil || outcome == plan.OK || outcome == plan.Partial {
		return 0, err == nil, err
	}
	return now.Sub(due) - patience, true, nil
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

// since is when recover first saw the plan under its schedule. Runs that were due before
// could not begin, and are nobody's fault. The ledger keeps it, as a run's record under a
// name that no execution can have; a record of the plan's earlier runs would not do, since
// an outage that outlasts two of them would leave none to go by.
//
// Two sweeps at once write moments of the same minute. A plan that comes back under
// a schedule that it had before is judged by its old record: it may ring until its next
// run, which is better than silence.
func (s Step) since(ctx context.Context, p plan.Plan, now time.Time) (time.Time, error) {
	name := fmt.Sprintf("schedule of %s: %s %s", p.Name, p.Schedule, p.Timezone)
	seen, ok, err := s.runs.GetRun(ctx, name)
	if err != nil {
		return time.Time{}, err
	}
	if ok && now.Sub(seen.Scheduled) < ledger.Remembered/2 {
		return seen.Started, nil
	}
	if !ok {
		seen = ledger.Run{Name: name, Plan: p.Name, Started: now}
	}
	// The ledger forgets a run some time after Scheduled, so that moment is moved on.
	seen.Scheduled = now
	return seen.Started, s.runs.PutRun(ctx, seen)
}
