// Package start brings back the instance that the run stopped, and nothing else.
package start

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/source"
)

// Starter starts instances.
type Starter interface {
	source.Lister
	StartInstances(context.Context, *ec2.StartInstancesInput, ...func(*ec2.Options)) (*ec2.StartInstancesOutput, error)
}

// Step starts an instance.
type Step struct {
	ec2 Starter
	now func() time.Time
}

// New makes the step.
func New(ec2 Starter, now func() time.Time) Step { return Step{ec2, now} }

// Handle starts the job's instance if the run stopped it. After a failure it
// looks first: nobody knows then how far the failed step came.
func (s Step) Handle(ctx context.Context, j job.Job) (job.Job, error) {
	if j.Decision != job.StopFirst || j.Back {
		j.Back = true
		return j, nil
	}
	if j.Failure != nil {
		if back, err := s.isBack(ctx, j); back || err != nil {
			j.Back = back
			return j, err
		}
	}
	_, err := s.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{j.Source.ID}})
	switch {
	case fault.IsNotFound(err):
		return j, fault.Failure("Nothing is left to bring back.", "%s (%s) is gone: %w", j.Source.Name, j.Source.ID, err)
	case err != nil:
		return j, fmt.Errorf("starting %s (%s): %w", j.Source.Name, j.Source.ID, err)
	}
	j.Times.StartSent = s.now().UTC()
	return j, nil
}

// isBack reports whether there is nothing to start: the instance was never
// stopped, somebody started it, or it does not exist any more.
func (s Step) isBack(ctx context.Context, j job.Job) (bool, error) {
	instance, ok, err := source.Find(ctx, s.ec2, j.Source.ID)
	if err != nil {
		return false, err
	}
	state := source.State(instance)
	if !ok || source.Ending(state) {
		return true, nil
	}
	switch state {
	case types.InstanceStateNameRunning:
		// A describe may lag behind a StopInstances whose answer was lost; only
		// a stop that is long past, or that never was, leaves it running for good.
		if s.now().Sub(j.Times.Claimed) < lag {
			return false, &fault.NotYet{Err: fmt.Errorf("%s (%s) is running, but was to be stopped a moment ago", j.Source.Name, j.Source.ID)}
		}
		return true, nil
	case types.InstanceStateNameStopping:
		return false, &fault.NotYet{Err: fmt.Errorf("%s (%s) is still stopping", j.Source.Name, j.Source.ID)}
	default:
		return false, nil
	}
}

// lag is how long a describe may show the state before a StopInstances.
const lag = 45 * time.Second
