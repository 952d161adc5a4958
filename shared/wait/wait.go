// Package wait knows how a waiting step ends: AWS is described once, and when
// what is awaited is there, or will never be, the step's task token is completed.
// Events and heartbeats only say when to look; what a describe says decides.
package wait

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"goldsmith/shared/bound"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// tokensAPI completes waiting steps.
type tokensAPI interface {
	SendTaskSuccess(context.Context, *sfn.SendTaskSuccessInput, ...func(*sfn.Options)) (*sfn.SendTaskSuccessOutput, error)
	SendTaskFailure(context.Context, *sfn.SendTaskFailureInput, ...func(*sfn.Options)) (*sfn.SendTaskFailureOutput, error)
}

// waitsAPI is the ledger as far as waiting needs it.
type waitsAPI interface {
	Done(ctx context.Context, w ledger.Wait) error
	bound.Freer
}

// shutdown is less than any guest takes to shut down: before, a look at an instance whose stop was
// sent a moment ago only says that it is stopping. One that was sent by an earlier
// try of the step is older, and worth a look.
const shutdown = 5 * time.Second

// boot is less than EC2 takes to show an instance as running. The token is stored by then, so that the event of one
// that is quicker yet finds it.
const boot = 2 * time.Second

// TooSoon reports whether what the job waits for cannot be there yet.
func TooSoon(j job.Job, now time.Time) bool {
	switch j.Await.For {
	case job.ForStopped:
		return now.Sub(j.Times.StopSent) < shutdown
	case job.ForRunning:
		return now.Sub(j.Times.StartSent) < boot
	default:
		return false
	}
}

// Settler looks at what steps wait for, and completes the steps.
type Settler struct {
	EC2    awsAPI
	Groups autoscaling.DescribeInstanceRefreshesAPIClient
	Tokens tokensAPI
	Ledger waitsAPI
	Now    func() time.Time
}

// Settle looks once, and completes the step if its wait is over either way.
// Settling twice, or after the step has ended otherwise, does no harm.
func (s Settler) Settle(ctx context.Context, w ledger.Wait) error {
	j, done, err := s.Look(ctx, w)
	var failed *fault.Failed
	switch {
	case done:
		return s.Succeed(ctx, w, j)
	case errors.As(err, &failed):
		return s.end(ctx, w, func(ctx context.Context) error { return s.fail(ctx, w, failed) })
	default:
		return err
	}
}

// Succeed ends a wait well.
func (s Settler) Succeed(ctx context.Context, w ledger.Wait, j job.Document) error {
	return s.end(ctx, w, func(ctx context.Context) error { return s.succeed(ctx, w.Token, j) })
}

// Look looks once, and spends no token. The job is as it is handed on when the wait is done; a *fault.Failed ends the
// wait badly, any other error asks for another look.
func (s Settler) Look(ctx context.Context, w ledger.Wait) (j job.Document, done bool, err error) {
	now := s.Now().UTC()
	j = w.Job
	j.Job, done, err = s.look(ctx, j.Job, now)
	var failed *fault.Failed
	switch {
	case done:
		if w.For == job.ForRunning && !j.NoRoom || j.Back && !w.Job.Back {
			if err := bound.Back(ctx, s.Ledger, j.Job); err != nil {
				return w.Job, false, err
			}
		}
		j.Await = nil
		return j, true, nil
	case errors.As(err, &failed):
		return w.Job, false, err
	case err != nil:
		return w.Job, false, unanswered(w, now, err)
	case now.After(w.Job.Await.Until):
		return w.Job, false, overdue(w, now)
	default:
		return w.Job, false, nil
	}
}

const (
	// unseen is how long an instance may be down without an answer of EC2's to whether it has to be.
	unseen = 15 * time.Minute
	// ending is how long it may take to end a wait whose look was cut short, within what that leaves of its heartbeat.
	ending = 5 * time.Second
)

// unanswered gives the error of a look, for another look, unless there were enough: an instance is not kept down by an
// EC2 that does not say how it is. Where none is down for it a busy AWS decides nothing.
func unanswered(w ledger.Wait, now time.Time, problem error) error {
	var since time.Time
	switch w.For {
	case job.ForStopped:
		since = w.Job.Times.StopSent
	case job.ForSnapshots:
		since = w.Job.Times.ImageSent
	default:
		return problem
	}
	if now.Sub(since) <= unseen {
		return problem
	}
	return fault.Failure("", "%s (%s): whether %s is %s is not known, EC2 does not answer: %w",
		w.Job.Source.Name, w.Job.Source.ID, w.Resource, w.For, problem)
}

func overdue(w ledger.Wait, now time.Time) *fault.Failed {
	a := w.Job.Await
	return fault.Failure("Look at it in the EC2 console.",
		"%s (%s): %s is not %s, %s after it should have been at the latest",
		w.Job.Source.Name, w.Job.Source.ID, a.Resource, a.For, now.Sub(a.Until).Round(time.Second))
}

func (s Settler) succeed(ctx context.Context, token string, output any) error {
	text, err := json.Marshal(output)
	if err != nil {
		return fmt.Errorf("writing the job: %w", err)
	}
	_, err = s.Tokens.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String(string(text))})
	return err
}

// FailureName is what the machine of this release calls a failure: the type of a Lambda's error.
const FailureName = "Failed"

// fail reports the failure as a Lambda of the waiting machine's release would, so that a Catch sees one form.
func (s Settler) fail(ctx context.Context, w ledger.Wait, failed *fault.Failed) error {
	name := cmp.Or(w.Failure, FailureName)
	cause, err := json.Marshal(map[string]string{"errorMessage": fault.Edge(failed).Error(), "errorType": name})
	if err != nil {
		return fmt.Errorf("writing the failure: %w", err)
	}
	_, err = s.Tokens.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{
		TaskToken: &w.Token, Error: &name, Cause: aws.String(string(cause)),
	})
	return err
}

// end forgets the wait and then spends its token. A crash in between costs one
// heartbeat, after which the step waits anew; the other way round the wait of a
// step that has gone on would stay, since what it waited for is soon past. A token
// that Step Functions no longer knows belongs to a step that has ended or was
// retried with a new one.
func (s Settler) end(ctx context.Context, w ledger.Wait, spend func(context.Context) error) error {
	ctx, cancel := lasting(ctx)
	defer cancel()
	if err := s.Forget(ctx, w); err != nil {
		return err
	}
	if err := spend(ctx); err != nil && !spent(err) {
		return fmt.Errorf("completing the wait of %s for %s: %w", w.Resource, w.For, err)
	}
	return nil
}

// lasting is a context for what ends a wait, also after a look that took all its time.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx, func() {}
	}
	return context.WithTimeout(context.WithoutCancel(ctx), ending)
}

// Forget forgets a wait that is over.
func (s Settler) Forget(ctx context.Context, w ledger.Wait) error {
	ctx, cancel := lasting(ctx)
	defer cancel()
	if err := s.Ledger.Done(ctx, w); err != nil {
		return fmt.Errorf("forgetting the wait of %s for %s: %w", w.Resource, w.For, err)
	}
	return nil
}

func spent(err error) bool {
	var timedOut *sfntypes.TaskTimedOut
	var gone *sfntypes.TaskDoesNotExist
	var invalid *sfntypes.InvalidToken
	return errors.As(err, &timedOut) || errors.As(err, &gone) || errors.As(err, &invalid)
}
