package due

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/functions/recover/executions"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/runs"
)

// Schedules tells how a schedule is set.
type Schedules interface {
	GetSchedule(context.Context, *scheduler.GetScheduleInput,
		...func(*scheduler.Options)) (*scheduler.GetScheduleOutput, error)
}

// Missed makes up for scheduled runs that did not begin.
type Missed struct {
	Calendar
	Executions executions.API
	Schedules  Schedules
	Notifier   executions.Reporter
	Starter    runs.Starter
}

const (
	// delivery is how long a schedule may take to start its run: a flexible time window
	// of five minutes, a minute of Scheduler's own, and trigger's retries.
	delivery = 15 * time.Minute
	// reported is how long after its window a run that did not begin is still news.
	reported = 24 * time.Hour
)

// MakeUp starts each run that its schedule has not started, while its window
// holds, and tells people of it when the window is over.
func (m Missed) MakeUp(ctx context.Context, runs []executions.Run) error {
	var problems []error
	for _, name := range m.Plans.Names() {
		p := m.Plans.Plans[name]
		due, err := m.missed(ctx, p, runs)
		if err == nil && !due.IsZero() {
			err = m.makeUp(ctx, p, due)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("looking whether plan %s has run: %w", name, err))
		}
	}
	return errors.Join(problems...)
}

// missed is when the plan's latest run was due that never began; zero when there is none.
func (m Missed) missed(ctx context.Context, p plan.Plan, runs []executions.Run) (time.Time, error) {
	due, _, err := m.last(ctx, p, m.Now().Add(-delivery))
	if m.Now().Sub(due) > time.Duration(p.Window)+reported { // One that is not known, too.
		return time.Time{}, err
	}
	name := job.RunName(p.Name, due)
	if slices.ContainsFunc(runs, func(r executions.Run) bool { return aws.ToString(r.Name) == name }) {
		return time.Time{}, nil
	}
	// The list may be late; one execution's description is not.
	_, err = m.Executions.DescribeExecution(ctx,
		&sfn.DescribeExecutionInput{ExecutionArn: aws.String(m.Starter.Execution(name))})
	if !fault.IsNotFound(err) {
		return time.Time{}, err
	}
	return due, nil
}

func (m Missed) makeUp(ctx context.Context, p plan.Plan, due time.Time) error {
	name := job.RunName(p.Name, due)
	run, _, err := m.Ledger.GetRun(ctx, name)
	if err != nil || !run.Told.IsZero() {
		return err
	}
	if on, err := m.on(ctx, p); err != nil || !on {
		return err
	}
	if m.Now().Before(due.Add(time.Duration(p.Window))) {
		handler.Log(ctx).WarnContext(ctx, "missed run started", "run", name, "due", due)
		_, err := m.Starter.Scheduled(ctx, p, due)
		return err
	}
	_, err = m.Notifier.Notify(ctx, ledger.Run{
		Name: name, Plan: p.Name, Scheduled: due,
		Problem: fmt.Sprintf("The schedule started no run at %s, and no sweep did before the window closed",
			due.UTC().Format(time.RFC3339)),
	}, p)
	return err
}

// on reports whether the plan's schedule is enabled. Somebody who switched it off
// wants no run, late or not, and knows that there was none.
func (m Missed) on(ctx context.Context, p plan.Plan) (bool, error) {
	// The suite's schedules have a group of the machine's name, which begins theirs.
	group := m.Starter.Base()[strings.LastIndex(m.Starter.Base(), ":")+1:]
	out, err := m.Schedules.GetSchedule(ctx, &scheduler.GetScheduleInput{
		Name: aws.String(group + "-" + p.Name), GroupName: aws.String(group),
	})
	if fault.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking whether the schedule is enabled: %w", err)
	}
	return out.State == schedulertypes.ScheduleStateEnabled, nil
}
