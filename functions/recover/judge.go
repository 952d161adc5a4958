package recovery

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/functions/recover/executions"
	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
	"goldsmith/shared/source"
)

// action is what is to be done about an abandoned claim.
type action int

const (
	// later means that nothing can be done now.
	later action = iota
	// over means that nothing is left to undo.
	over
	// startable means that the instance is down and can be started.
	startable
)

// early begins what is said of a source whose run was cut off.
const early = cutShort + "; "

// judge says what is to be done, and for a claim that is over, what became of the source.
func (r Rescue) judge(c ledger.Claim, instance types.Instance, known bool) (action, string) {
	state := source.State(instance)
	switch {
	case !known, source.Ending(state):
		return over, early + "it was terminated"
	case !c.WasRunning, c.StopSent.IsZero():
		return over, "the run ended before its image was done"
	case c.StopMayLand(r.Now()):
		return later, ""
	case state == types.InstanceStateNameRunning:
		return over, early + "it is running again"
	case state == types.InstanceStateNameStopped && stoppedSince(instance, c):
		return over, early + "it was started again, and was stopped since by other hands"
	case state == types.InstanceStateNameStopped:
		return startable, ""
	default:
		return later, ""
	}
}

// sending is how long after its journal entry a StopInstances may be sent: until its function's timeout.
const sending = time.Minute

// stoppedSince reports whether a person stopped the instance after it was started again: what a person stops stays so.
func stoppedSince(i types.Instance, c ledger.Claim) bool {
	at, known := source.StoppedAt(i)
	last := c.StopTried
	if last.Before(c.StopSent) {
		last = c.StopSent
	}
	if !known || at.Before(last.Add(sending)) {
		return false
	}
	return !c.Started.IsZero() && at.After(c.Started) || aws.ToTime(i.LaunchTime).After(last)
}

// workedOn reports whether an execution still has the claim in hand. A claim
// that its job left behind has no owner, even while the rest of the run goes on.
func (r Rescue) workedOn(ctx context.Context, c ledger.Claim) (bool, error) {
	if !c.Left.IsZero() {
		return false, nil
	}
	if status, ok := r.listed[c.Execution]; ok {
		return executions.GoesOn(status), nil
	}
	out, err := r.Executions.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(c.Execution)})
	if fault.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking about execution %s: %w", c.Execution, err)
	}
	return executions.GoesOn(out.Status), nil
}
