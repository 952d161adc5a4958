package recovery

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/shared/source"
)

// unanswered is how long after its stop an instance whose run was cut off waits for EC2 to say how it is.
const unanswered = 15 * time.Minute

// unseen starts, once, what a run that is over has stopped and EC2 does not describe: that changes nothing if it runs.
// What EC2 has accepted a start of is not started again without a look: a person may have stopped it since. But what it
// was seen to take back it may take back again, so that a start is sent each time until EC2 answers that it ran already.
func (r Rescue) unseen(ctx context.Context, c ledger.Claim) error {
	now := r.Now().UTC()
	if !c.WasRunning || c.StopSent.IsZero() || now.Sub(c.StopTried) < unanswered || now.Sub(c.StopSent) < unanswered {
		return nil
	}
	if accepted, err := r.accepted(ctx, c); err != nil || accepted {
		return err
	}
	return r.startUnseen(ctx, c)
}

// startUnseen starts an instance of which EC2 does not say how it is.
func (r Rescue) startUnseen(ctx context.Context, c ledger.Claim) error {
	out, err := r.EC2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{c.Source}})
	if err != nil {
		return fmt.Errorf("starting it without a look: %w", err)
	}
	handler.Log(ctx).WarnContext(ctx, "started an instance that a run left stopped, without a look", "source", c.Source,
		"run", c.Run)
	c.Started = r.Now().UTC()
	if source.Before(out) == types.InstanceStateNameRunning {
		c.TakenBack = time.Time{}
	}
	if err := r.Claims.Record(ctx, c); err != nil {
		return fmt.Errorf("recording the start: %w", err)
	}
	return nil
}

// accepted reports whether EC2 has accepted a start of the source, recover's or its job's, and has neither refused one
// since nor taken one back. A job that could not bring it back may have had all of its own refused: its result says so.
func (r Rescue) accepted(ctx context.Context, c ledger.Claim) (bool, error) {
	switch {
	case !c.TakenBack.IsZero():
		return false, nil
	case !c.Started.IsZero(), c.Left.IsZero():
		return !c.Started.IsZero(), nil
	}
	known, _, err := r.known(ctx, c)
	return known.Times.StartSent.After(cmp.Or(c.RefusedLast, c.Refused)), err
}
