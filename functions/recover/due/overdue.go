package due

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
)

// grace is how long after its window a run may still be at work. The window bounds when
// its last instance is stopped; most images are done within an hour, a restart that waits
// for capacity takes a few. A run that takes longer is worth a look, and is silent again
// once it has ended.
const grace = 4 * time.Hour

// Overdue measures for how long plans have been without the run that was due last.
type Overdue struct{ Calendar }

// Notify says of each plan with a schedule for how long its latest run has been
// missing. A plan that cannot be judged gets no value, and keeps no other from its own.
func (o Overdue) Notify(ctx context.Context) error {
	var problems []error
	for _, name := range o.Plans.Names() {
		late, known, err := o.late(ctx, o.Plans.Plans[name])
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("looking whether plan %s is overdue: %w", name, err))
		case known:
			metric.Put(ctx, handler.Log(ctx), metric.Overdue, name, late.Seconds())
		}
	}
	return errors.Join(problems...)
}

// late is how long ago the run that was due last should have been done, and zero when it
// ended ok or partial. Only a run that the schedule began counts: it alone has a name
// that is known beforehand.
func (o Overdue) late(ctx context.Context, p plan.Plan) (late time.Duration, known bool, err error) {
	now := o.Now().UTC()
	patience := time.Duration(p.Window) + grace
	due, known, err := o.last(ctx, p, now.Add(-patience))
	// The ledger has forgotten what became of a run that was due longer ago.
	if now.Sub(due) >= ledger.Remembered { // When it was due is not known, too.
		return 0, known, err
	}
	// A run without a record has no outcome, nor has one that is still at work.
	run, _, err := o.Ledger.GetRun(ctx, job.RunName(p.Name, due))
	if outcome := plan.Outcome(run.Outcome); err != nil || outcome == plan.OK || outcome == plan.Partial {
		return 0, err == nil, err
	}
	return now.Sub(due) - patience, true, nil
}
