// Package executions knows the runs of the last days by their executions, and tells of those that could not tell of
// themselves.
package executions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/notify"
	"goldsmith/shared/plan"
)

// API is Step Functions as far as recovering needs it.
type API interface {
	DescribeExecution(context.Context, *sfn.DescribeExecutionInput,
		...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
	sfn.ListExecutionsAPIClient
}

// Ledger is the ledger's runs.
type Ledger interface {
	GetRun(ctx context.Context, name string) (r ledger.Run, ok bool, err error)
	PutRun(ctx context.Context, r ledger.Run) error
	Since(ctx context.Context, now time.Time) (time.Time, error)
	Heard(ctx context.Context, until time.Time) error
	Sight(ctx context.Context, key string, now time.Time) (ledger.Sighting, error)
}

// Reporter tells people how a run ended.
type Reporter interface {
	Notify(ctx context.Context, run ledger.Run, p plan.Plan) (plan.Outcome, error)
}

// Noticer tells people what no run tells.
type Noticer interface {
	Notice(ctx context.Context, n notify.Notice) (notify.Delivery, error)
}

// Runs knows the runs of the last days, and tells of those that were not told.
type Runs struct {
	Executions API
	Ledger     Ledger
	Notifier   Reporter
	Plans      plan.Plans
	// Machine is the state machine's ARN.
	Machine string
	Now     func() time.Time
}

const (
	// Lookback is how long ago a run may have begun to be looked at: an execution
	// ends after four days at the latest, and has another day to be told.
	Lookback = 5 * 24 * time.Hour
	// Hearing is how long a run's own status event, or its own last step, has the word:
	// they come within seconds or not at all.
	Hearing = 6 * time.Minute
)

// Run is an execution of the state machine.
type Run = sfntypes.ExecutionListItem

// Recent are the runs of the last days, the newest first, as ListExecutions sorts them
// (docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html).
// It is eventually consistent, so a run that has just begun may be missing.
func (r Runs) Recent(ctx context.Context) ([]Run, error) {
	var recent []Run
	pages := sfn.NewListExecutionsPaginator(r.Executions,
		&sfn.ListExecutionsInput{StateMachineArn: aws.String(r.Machine), MaxResults: 1000})
	oldest := r.Now().Add(-Lookback)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the runs: %w", err)
		}
		for _, run := range page.Executions {
			if aws.ToTime(run.StartDate).Before(oldest) {
				return recent, nil
			}
			recent = append(recent, run)
		}
	}
	return recent, nil
}

// GoesOn reports whether the execution has not ended.
func GoesOn(status sfntypes.ExecutionStatus) bool {
	return status == sfntypes.ExecutionStatusRunning || status == sfntypes.ExecutionStatusPendingRedrive
}

// NotifyOfEnded tells of runs that have ended and were not told: they
// were cut off and their event was lost, or Slack was down. What ended well before the ledger's Since is looked at no
// more, so that a sweep reads no more for all the runs of the days before: people have heard of it, or it was told by
// another ledger, which was lost.
func (r Runs) NotifyOfEnded(ctx context.Context, runs []Run) error {
	// Also with no run to tell of: what the ledger does not know was lost or never written, and this tells which.
	began, err := r.began(ctx)
	if err != nil {
		return err
	}
	var problems []error
	all := true
	for _, run := range runs {
		ended := aws.ToTime(run.StopDate)
		if GoesOn(run.Status) || r.Now().Sub(ended) <= Hearing || ended.Before(began.Add(-unseen)) {
			continue
		}
		heard, err := r.notifyOf(ctx, aws.ToString(run.Name), aws.ToString(run.ExecutionArn), string(run.Status))
		all = all && heard
		problems = append(problems, err)
	}
	if all {
		problems = append(problems, r.moveOn(ctx, began, runs))
	}
	return errors.Join(problems...)
}

// moves is how far the ledger's Since moves at a time.
const moves = time.Hour

// moveOn moves the ledger's Since on after a sweep that found that people have heard of all runs. It stays behind the
// latest moment that Step Functions itself named, since a clock that is ahead must hide no run that ends later, and a
// list may show one late.
func (r Runs) moveOn(ctx context.Context, began time.Time, runs []Run) error {
	var latest time.Time
	for _, run := range runs {
		for _, at := range []*time.Time{run.StartDate, run.StopDate} {
			if aws.ToTime(at).After(latest) {
				latest = *at
			}
		}
	}
	if now := r.Now(); latest.After(now) {
		latest = now
	}
	until := latest.Add(-Hearing)
	if until.Sub(began) < moves {
		return nil
	}
	if err := r.Ledger.Heard(ctx, until); err != nil {
		return fmt.Errorf("noting until when people have heard of all runs: %w", err)
	}
	return nil
}

// NotifyOf tells of a run that ended with that status, unless people have heard of it.
func (r Runs) NotifyOf(ctx context.Context, name, execution, status string) error {
	_, err := r.notifyOf(ctx, name, execution, status)
	return err
}

// notifyOf says whether people had heard of the run before.
func (r Runs) notifyOf(ctx context.Context, name, execution, status string) (before bool, err error) {
	run, known, err := r.Ledger.GetRun(ctx, name)
	switch {
	case err != nil:
		return false, fmt.Errorf("reading run %s: %w", name, err)
	case heard(run, known, status):
		return true, nil
	case !known || run.Plan == "":
		if run, err = r.unopened(ctx, name, execution); err != nil {
			return false, err
		}
	}
	// A run that has ended by its own doing only failed to be told; what it found stands.
	if run.Problem == "" && run.Ended.IsZero() {
		run.Problem, run.Cut = fmt.Sprintf("The execution ended as %s before the run was done", status), status
	}
	p, planned := r.Plans.Plans[run.Plan]
	if !planned {
		p = plan.Plan{Name: run.Plan, Notify: r.Plans.Plans[r.Plans.Default].Notify}
	}
	_, err = r.Notifier.Notify(ctx, run, p)
	return false, err
}

// heard reports whether people were told of a run. One that succeeded had a record until its end: a table that was
// restored to a moment before has lost it.
func heard(run ledger.Run, known bool, status string) bool {
	return !run.Told.IsZero() || !known && status == string(sfntypes.ExecutionStatusSucceeded)
}

// unopened is a run that was cut off before it had a record: what it was to do stands in
// its execution's input.
func (r Runs) unopened(ctx context.Context, name, execution string) (ledger.Run, error) {
	run := ledger.Run{Name: name, Plan: "unknown", Execution: execution}
	out, err := r.Executions.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(execution)})
	if fault.IsNotFound(err) {
		return run, nil
	}
	if err != nil {
		return run, fmt.Errorf("asking what run %s was to do: %w", name, err)
	}
	var page job.Batch
	// Somebody may have started the execution by hand, with an input of their own.
	if json.Unmarshal([]byte(aws.ToString(out.Input)), &page) == nil && page.Run.Name == name && page.Run.Plan != "" {
		run.Plan, run.Scheduled, run.Request = page.Run.Plan, page.Run.Scheduled, page.Run.Request
	}
	return run, nil
}

// fading is how long a describe may still show a tag that was taken off.
const fading = 2 * time.Minute

// Going is whether a run whose name begins like this goes on, or has ended and was not told
// until a moment ago.
func (r Runs) Going(ctx context.Context, runs []Run, prefix string) (bool, error) {
	for _, run := range runs {
		if !strings.HasPrefix(aws.ToString(run.Name), prefix) {
			continue
		}
		if GoesOn(run.Status) {
			return true, nil
		}
		record, _, err := r.Ledger.GetRun(ctx, aws.ToString(run.Name))
		if err != nil {
			return false, fmt.Errorf("reading run %s: %w", aws.ToString(run.Name), err)
		}
		if record.Told.IsZero() {
			if record.Told, err = r.lost(ctx, run); err != nil {
				return false, err
			}
		}
		if record.Told.IsZero() || r.Now().Sub(record.Told) < fading {
			return true, nil
		}
	}
	return false, nil
}

// unseen is how long a ledger may have been there before a sweep first writes down that it is. A run that ended within
// it may be told twice after a loss, rather than never.
const unseen = 30 * time.Minute

// began is from when on this ledger tells of runs.
func (r Runs) began(ctx context.Context) (time.Time, error) {
	began, err := r.Ledger.Since(ctx, r.Now())
	if err != nil {
		return time.Time{}, fmt.Errorf("reading from when on the ledger tells of runs: %w", err)
	}
	return began, nil
}

// lost is when a run ended that a ledger told of which was lost; zero for a run that this one has to tell of.
func (r Runs) lost(ctx context.Context, run Run) (time.Time, error) {
	began, err := r.began(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if ended := aws.ToTime(run.StopDate); ended.Before(began.Add(-unseen)) {
		return ended, nil
	}
	return time.Time{}, nil
}
