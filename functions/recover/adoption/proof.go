package adoption

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/functions/recover/executions"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
)

// prove is why the facts do not show that Goldsmith made the image, and that it is good.
func (a Adoption) prove(ctx context.Context, v view, i types.Image, r ledger.Registration) (unproved, err error) {
	if why := register.Made(i); why != nil {
		return why, nil
	}
	ran, err := a.span(ctx, v, r)
	if err != nil {
		return nil, err
	}
	if why := ran.covers(r); why != nil {
		return why, nil
	}
	return a.good(ctx, v, r)
}

// good is why the image does not count as good, as far as that is known.
func (a Adoption) good(ctx context.Context, v view, r ledger.Registration) (unproved, err error) {
	if _, read := v.results[r.Run]; !read {
		v.results[r.Run] = map[string]job.Result{}
		for result, err := range a.Ledger.Results(ctx, r.Run) {
			if err != nil {
				return nil, fmt.Errorf("reading the results of run %s: %w", r.Run, err)
			}
			v.results[r.Run][result.Source] = result
		}
	}
	result, known := v.results[r.Run][r.Source]
	switch {
	case known && !result.Counts(r.ID):
		return errors.New("the result of its run does not count it as good"), nil
	case !known && a.Tests(r.Plan):
		return errors.New("its plan tests images, and whether this one passed is not known any more"), nil
	}
	return nil, nil
}

// span is when a run went on, as far as anything but tags says so, and of which plan it was.
type span struct {
	from, to time.Time
	plan     string
}

// span asks Step Functions, which forgets executions after 90 days (Developer Guide, quotas); a scheduled run
// says in its name when it was due.
func (a Adoption) span(ctx context.Context, v view, r ledger.Registration) (span, error) {
	key := r.Plan + "\n" + r.Run
	if s, asked := v.spans[key]; asked {
		return s, nil
	}
	out, err := a.Executions.DescribeExecution(ctx,
		&sfn.DescribeExecutionInput{ExecutionArn: aws.String(a.Execution(r.Run))})
	s := ofSchedule(r)
	switch {
	case err == nil:
		var page job.Batch
		_ = json.Unmarshal([]byte(aws.ToString(out.Input)), &page) // What is no run's input names no plan.
		s = span{from: aws.ToTime(out.StartDate).UTC(), to: aws.ToTime(out.StopDate).UTC(), plan: page.Run.Plan}
	// Anybody may write a run's tag.
	case fault.IsNotFound(err), fault.Code(err) == "InvalidArn", fault.Code(err) == "ValidationException":
	default:
		return s, fmt.Errorf("asking when run %s went on: %w", r.Run, err)
	}
	v.spans[key] = s
	return s, nil
}

// ofSchedule is the span that the name of a scheduled run tells.
func ofSchedule(r ledger.Registration) span {
	due, _ := time.Parse(job.Basic, r.Run[max(0, len(r.Run)-len(job.Basic)):])
	if job.RunName(r.Plan, due) != r.Run { // A moment that is none is no run's.
		return span{}
	}
	return span{from: due, to: due.Add(executions.Lookback), plan: r.Plan}
}

// covers is nil when the image was created while its run went on. EC2 may give whole seconds.
func (s span) covers(r ledger.Registration) error {
	switch {
	case s.from.IsZero():
		return fmt.Errorf("nothing but its tags says that there was a run %s", r.Run)
	case s.plan != r.Plan:
		return fmt.Errorf("run %s was not of plan %s", r.Run, r.Plan)
	case r.Begun.Before(s.from.Truncate(time.Second)), !s.to.IsZero() && r.Begun.After(s.to):
		return fmt.Errorf("it was created on %s, while its run did not go on", r.Begun.UTC().Format(time.RFC3339))
	}
	return nil
}
