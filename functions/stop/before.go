package stop

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

// attempts hears of each attempt of a call that failed.
type attempts struct {
	aws.Retryer
	// unsure is whether AWS may have done what was asked all the same.
	unsure bool
}

// IsErrorRetryable is asked after each attempt that failed.
func (a *attempts) IsErrorRetryable(err error) bool {
	a.unsure = a.unsure || !fault.IsRefused(err) && !notAllowed(err)
	return a.Retryer.IsErrorRetryable(err)
}

// notAllowed reports whether Auto Scaling says that a request is not valid: by the numbers of a group, or by how a
// member is.
func notAllowed(err error) bool { return fault.Code(err) == "ValidationError" }

// listen has the attempts of one call heard.
func (a *attempts) listen(o *ec2.Options) {
	a.Retryer = o.Retryer
	o.Retryer = a
}

// stoppedBefore reports whether the instance had been stopped before this call, which changed nothing then.
func stoppedBefore(out *ec2.StopInstancesOutput) bool {
	if len(out.StoppingInstances) != 1 || out.StoppingInstances[0].PreviousState == nil {
		return false
	}
	before := out.StoppingInstances[0].PreviousState.Name
	return before == types.InstanceStateNameStopping || before == types.InstanceStateNameStopped
}

// noting is how long the ledger has to take back a stop when the function's time is over: what a write takes at most.
const noting = 5 * time.Second

// untouched takes back that a stop may have been sent: EC2 has refused each attempt. Else what a person stops from now
// on would count as stopped by the run. What cannot be taken back stays the run's.
func (s Step) untouched(ctx context.Context, c ledger.Claim) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noting)
	defer cancel()
	c.StopSent, c.StopTried = time.Time{}, time.Time{}
	if err := s.Ledger.Record(ctx, c); err != nil {
		handler.Log(ctx).WarnContext(ctx, "a stop that was refused counts as sent", "source", c.Source, "error", err)
	}
}

// byAPerson reports whether an earlier attempt found that a person had stopped the instance.
func byAPerson(c ledger.Claim) bool { return c.Looked && !c.WasRunning && !c.StopSent.IsZero() }

// leave has an instance imaged and not started again: what a person stops stays so. The claim says that there is
// nothing to undo.
func (s Step) leave(ctx context.Context, j job.Job, c ledger.Claim) (job.Job, error) {
	c.WasRunning = false
	if err := s.Ledger.Record(ctx, c); err != nil {
		return j, fmt.Errorf("recording that %s was stopped before: %w", j.Source.ID, err)
	}
	return s.left(ctx, j, c)
}

// left is the job of an instance that a person has stopped. Its tag does not name the execution any more: once the
// claim is gone, a stop in the same second would look like the execution's own, and be undone.
func (s Step) left(ctx context.Context, j job.Job, c ledger.Claim) (job.Job, error) {
	err := s.tag(ctx, j, map[string]string{tag.Stopped: ""})
	if fault.IsTransient(err) || fault.IsNotYet(err) {
		return j, fmt.Errorf("emptying tag %s of %s (%s): %w", tag.Stopped, j.Source.Name, j.Source.ID, err)
	}
	if err != nil {
		handler.Log(ctx).WarnContext(ctx, "stop tag not emptied", "tag", tag.Stopped,
			"source", j.Source.ID, "error", err)
	}
	j.Times.StopSent, j.Back, j.Source.WasRunning = c.StopSent, true, false
	j.Warnings = append(slices.Clone(j.Warnings), job.Reason{Code: job.StoppedSince,
		Text: "it was stopped by other hands before Goldsmith did: it stays stopped"})
	return j, nil
}
