package recovery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// Ender finds and ends instances.
type Ender interface {
	source.Lister
	TerminateInstances(context.Context, *ec2.TerminateInstancesInput, ...func(*ec2.Options)) (*ec2.TerminateInstancesOutput, error)
}

// Proofs ends the test instances that runs left behind.
type Proofs struct {
	EC2   Ender
	Waits Waits
	// WorkedOn reports whether an execution still has a claim in hand.
	WorkedOn func(ctx context.Context, c ledger.Claim) (bool, error)
	Now      func() time.Time
}

const (
	// unclaimed is how old a test instance is at least that nobody's claim stands for: a
	// younger one may belong to a claim that was taken after the claims were read, and a
	// sweep ends before that.
	unclaimed = 5 * time.Minute
	// oldestProof is beyond what a plan's patience allows a test: once for the status
	// checks, once for the command, and half an hour for calls that were throttled.
	oldestProof = 2*time.Duration(plan.MaxPatience) + 30*time.Minute
)

// End terminates the test instances that nobody works with any more: their
// source's claim is gone or another run's, its execution has ended, or they are
// older than any test.
func (p Proofs) End(ctx context.Context, claims []ledger.Claim) error {
	held := map[string]ledger.Claim{}
	for _, c := range claims {
		held[c.Source] = c
	}
	pages := ec2.NewDescribeInstancesPaginator(p.EC2, &ec2.DescribeInstancesInput{
		MaxResults: aws.Int32(1000),
		Filters: []types.Filter{
			{Name: aws.String("tag-key"), Values: []string{tag.Proof}},
			{Name: aws.String("instance-state-name"), Values: []string{"pending", "running", "stopping", "stopped"}},
		},
	})
	var problems []error
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return errors.Join(append(problems, fmt.Errorf("looking for test instances: %w", err))...)
		}
		for _, reservation := range out.Reservations {
			for _, i := range reservation.Instances {
				problems = append(problems, p.end(ctx, i, held))
			}
		}
	}
	return errors.Join(problems...)
}

// end terminates one test instance, unless its test goes on.
func (p Proofs) end(ctx context.Context, i types.Instance, held map[string]ledger.Claim) error {
	id, tags, age := aws.ToString(i.InstanceId), source.Tags(i), p.Now().Sub(aws.ToTime(i.LaunchTime))
	if age < unclaimed {
		return nil
	}
	if c, ok := held[tags[tag.Source]]; ok && c.Run == tags[tag.Proof] && age < oldestProof {
		if worked, err := p.WorkedOn(ctx, c); err != nil || worked {
			return err
		}
	}
	_, err := p.EC2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	if fault.IgnoreNotFound(err) != nil {
		return fmt.Errorf("terminating test instance %s: %w", id, err)
	}
	handler.Log(ctx).WarnContext(ctx, "terminated a test instance that its run left behind", "instance", id,
		"source", tags[tag.Source], "run", tags[tag.Proof], "age", age)
	return forget(ctx, p.Waits, id, tags[tag.Proof])
}
