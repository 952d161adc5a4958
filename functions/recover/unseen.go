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

// unseen starts what a run that is over has stopped and EC2 does not describe: that changes nothing if it runs. What
// EC2 has accepted a start of is sent one more, the next sweep's, of which EC2 answers whether it was up before. After
// that it is not started again without a look: a person may have stopped it since. But what EC2 was seen to take back
// it may take back again, so that a start is sent each time until EC2 answers that it ran already.
func (r Rescue) unseen(ctx context.Context, c ledger.Claim) error {
	now := r.Now().UTC()
	if !c.WasRunning || c.StopSent.IsZero() || now.Sub(c.StopTried) < unanswered || now.Sub(c.StopSent) < unanswered {
		return nil
	}
	if accepted, err := r.accepted(ctx, c); err != nil || accepted && !unsure(c, now) {
		return err
	}
	return r.startUnseen(ctx, c)
}

const (
	// takingBack is how long EC2 may take to take a start back.
	takingBack = time.Minute
	// asking is how long after an accepted start the next sweep is, and not the one after that.
	asking = 9 * time.Minute
)

// unsure reports whether it is to be found out whether EC2 has taken the sweep's accepted start back.
func unsure(c ledger.Claim, now time.Time) bool {
	since := now.Sub(c.Started) // Of none that is an age.
	return takingBack <= since && since < asking
}

// startUnseen starts an instance of which EC2 does not say how it is.
func (r Rescue) startUnseen(ctx context.Context, c ledger.Claim) error {
	out, err := r.EC2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{c.Source}})
	if err != nil {
		return fmt.Errorf("starting it without a look: %w", err)
	}
	handler.Log(ctx).WarnContext(ctx, "instance started unseen", "source", c.Source,
		"run", c.Run)
	c = answered(c, source.Before(out, c.Source), r.Now().UTC())
	if err := r.Claims.Record(ctx, c); err != nil {
		return fmt.Errorf("recording the start: %w", err)
	}
	return nil
}

// answered notes a start that was accepted without a look, by how the instance was before it.
func answered(c ledger.Claim, before types.InstanceStateName, now time.Time) ledger.Claim {
	switch {
	case before == types.InstanceStateNameRunning:
		c.TakenBack, c.Started = time.Time{}, cmp.Or(c.Started, now)
		return c
	case before == types.InstanceStateNameStopped && unsure(c, now):
		c.TakenBack = now
	}
	c.Started = now
	return c
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
