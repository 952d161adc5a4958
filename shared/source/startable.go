package source

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
)

// Starter starts instances.
type Starter interface {
	StartInstances(context.Context, *ec2.StartInstancesInput, ...func(*ec2.Options)) (*ec2.StartInstancesOutput, error)
}

// asking is how many instances one dry run asks about.
const asking = 50

// AllStartable asks EC2, without starting anything, whether all of these instances could be started
// after a stop. It is false when one cannot: which it is, Startable tells.
func AllStartable(ctx context.Context, api Starter, ids []string) (bool, error) {
	for part := range slices.Chunk(ids, asking) {
		_, err := api.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: part, DryRun: aws.Bool(true)})
		switch {
		case err == nil, fault.Code(err) == dryRun, fault.IsNoCapacity(err): // Room for it is not what a dry run tells.
		case fault.IsThrottled(err):
			return false, fmt.Errorf("asking whether instances could be started: %w", err)
		default:
			return false, nil
		}
	}
	return true, nil
}

// Startable asks EC2, without starting anything, whether the instance could be started after a
// stop; the reason why not, or nil. Permission is all that a dry run tells for sure.
func Startable(ctx context.Context, api Starter, id string) (*job.Reason, error) {
	_, err := api.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{id}, DryRun: aws.Bool(true)})
	switch {
	case err == nil, fault.Code(err) == dryRun, fault.IsNoCapacity(err), fault.IsNotYet(err), fault.IsNotFound(err):
		return nil, nil
	case fault.IsThrottled(err):
		return nil, fmt.Errorf("asking whether %s could be started: %w", id, err)
	default:
		return &job.Reason{Code: job.CannotStart, Text: "EC2 would not start it again: " + fault.Brief(err) +
			". It was not touched; see that function claim's role, and function start's with it, may start it"}, nil
	}
}

// dryRun is EC2's answer to a dry run of a call that it would have made.
const dryRun = "DryRunOperation"
