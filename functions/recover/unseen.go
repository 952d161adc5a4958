package recovery

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
)

// unanswered is how long after its stop an instance whose run was cut off waits for EC2 to say how it is.
const unanswered = 15 * time.Minute

// unseen starts, once, what a dead run has stopped and EC2 does not describe: that changes nothing if it runs. A job
// that has ended by itself has done so already.
func (r Rescue) unseen(ctx context.Context, c ledger.Claim) error {
	now := r.Now().UTC()
	if !c.WasRunning || c.StopSent.IsZero() || !c.Left.IsZero() || !c.Started.IsZero() ||
		now.Sub(c.StopTried) < unanswered ||
		now.Sub(c.StopSent) < unanswered {
		return nil
	}
	if _, err := r.EC2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{c.Source}}); err != nil {
		return fmt.Errorf("starting it without a look: %w", err)
	}
	handler.Log(ctx).WarnContext(ctx, "started an instance that a run left stopped, without a look", "source", c.Source,
		"run", c.Run)
	c.Started = now
	if err := r.Claims.Record(ctx, c); err != nil {
		return fmt.Errorf("recording the start: %w", err)
	}
	return nil
}
