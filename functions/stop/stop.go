// Package stop stops the instance, after the ledger says who must start it again.
package stop

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// Stopper stops instances.
type Stopper interface {
	StopInstances(context.Context, *ec2.StopInstancesInput, ...func(*ec2.Options)) (*ec2.StopInstancesOutput, error)
}

// Claims is the ledger as far as stopping needs it.
type Claims interface {
	Claim(ctx context.Context, c ledger.Claim) (ledger.Claim, error)
	Record(ctx context.Context, c ledger.Claim) error
}

// Step stops an instance.
type Step struct {
	ec2    Stopper
	claims Claims
	now    func() time.Time
}

// New makes the step.
func New(ec2 Stopper, claims Claims, now func() time.Time) Step { return Step{ec2, claims, now} }

// Handle stops the job's instance. Stopping a stopped instance changes nothing,
// so a repeated step does no harm; the journal keeps the first moment and the last.
func (s Step) Handle(ctx context.Context, j job.Job) (job.Job, error) {
	now := s.now().UTC()
	if !j.Run.Closes.IsZero() && now.After(j.Run.Closes) {
		return j, fault.Failure("Raise the plan's concurrency or its window.",
			"%s (%s) was not stopped: the window closed at %s", j.Source.Name, j.Source.ID, j.Run.Closes.UTC().Format(time.RFC3339))
	}
	claim, err := s.claims.Claim(ctx, ledger.ClaimOf(j, now))
	if err != nil {
		return j, fmt.Errorf("looking up the claim of %s: %w", j.Source.ID, err)
	}
	claim.StopTried = now
	if claim.StopSent.IsZero() {
		claim.StopSent = now
	}
	if err := s.claims.Record(ctx, claim); err != nil {
		return j, fmt.Errorf("recording the stop of %s: %w", j.Source.ID, err)
	}
	if err := s.stop(ctx, j); err != nil {
		return j, err
	}
	j.Times.StopSent = claim.StopSent
	return j, nil
}

// stop sends StopInstances, never with Force and never skipping the shutdown of
// the operating system: both can leave half-written data behind.
func (s Step) stop(ctx context.Context, j job.Job) error {
	_, err := s.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{j.Source.ID}})
	switch {
	case err == nil:
		return nil
	case fault.IsProtected(err):
		return fault.Failure("Switch stop protection off, or leave the instance out of the plan.",
			"%s (%s) was not stopped: %w", j.Source.Name, j.Source.ID, err)
	case fault.IsNotFound(err):
		return fault.Failure("Nothing is left to do for it.", "%s (%s) is gone: %w", j.Source.Name, j.Source.ID, err)
	default:
		return fmt.Errorf("stopping %s (%s): %w", j.Source.Name, j.Source.ID, err)
	}
}
