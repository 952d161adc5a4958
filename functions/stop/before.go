package stop

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// stoppedBefore reports whether a person had stopped the instance before the run's first stop, which changed nothing
// then. An attempt of this call whose answer was lost may have been what stopped it: then it counts as the run's.
func stoppedBefore(out *ec2.StopInstancesOutput) bool {
	if len(out.StoppingInstances) != 1 || out.StoppingInstances[0].PreviousState == nil {
		return false
	}
	attempts, _ := retry.GetAttemptResults(out.ResultMetadata)
	for _, attempt := range attempts.Results {
		if attempt.Err != nil && !errors.As(attempt.Err, new(smithy.APIError)) {
			return false
		}
	}
	before := out.StoppingInstances[0].PreviousState.Name
	return before == types.InstanceStateNameStopping || before == types.InstanceStateNameStopped
}

// leave has an instance imaged and not started again: what a person stops stays so. The claim says that there is
// nothing to undo.
func (s Step) leave(ctx context.Context, j job.Job, c ledger.Claim) (job.Job, error) {
	c.WasRunning = false
	if err := s.book.Record(ctx, c); err != nil {
		return j, fmt.Errorf("recording that %s was stopped before: %w", j.Source.ID, err)
	}
	return left(j, c), nil
}

// left is the job of an instance that a person has stopped.
func left(j job.Job, c ledger.Claim) job.Job {
	j.Times.StopSent, j.Back, j.Source.WasRunning = c.StopSent, true, false
	j.Warnings = append(slices.Clone(j.Warnings), job.Reason{Code: job.StoppedSince,
		Text: "somebody stopped it before Goldsmith did: it stays stopped"})
	return j
}
