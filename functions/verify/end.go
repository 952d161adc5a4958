package verify

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/register"
)

// ender ends instances.
type ender interface {
	DescribeInstances(context.Context, *ec2.DescribeInstancesInput, ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error)
	TerminateInstances(context.Context, *ec2.TerminateInstancesInput,
		...func(*ec2.Options)) (*ec2.TerminateInstancesOutput, error)
}

// end terminates the test instance. One whose launch was never answered is
// found by its client token, or by the sweep if EC2 does not show it yet.
func (s Step) end(ctx context.Context, j job.Job) (job.Job, error) {
	ids, err := s.left(ctx, j)
	if err != nil || len(ids) == 0 {
		return j, err
	}
	if j.TestInstance == "" {
		if err := s.answered(ctx, j, ids[0]); err != nil {
			return j, err
		}
	}
	_, err = s.EC2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids})
	if err != nil && !fault.IsNoInstance(err) {
		return j, fmt.Errorf("terminating test instance %s: %w", ids[0], err)
	}
	return j, nil
}

// answered registers the id of a test instance whose launch was not answered.
func (s Step) answered(ctx context.Context, j job.Job, id string) error {
	registered, err := s.Ledger.Register(ctx, register.TestOf(j, token(j), s.Now().UTC()))
	if err != nil {
		return fmt.Errorf("registering the test instance of %s: %w", of(j), err)
	}
	j.TestInstance = id
	return s.launched(ctx, j, registered)
}

// left are the test instances to terminate. The id that a launch was answered with is the instance of its token.
func (s Step) left(ctx context.Context, j job.Job) ([]string, error) {
	if j.TestInstance != "" {
		return []string{j.TestInstance}, nil
	}
	out, err := s.EC2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{
		{Name: aws.String("client-token"), Values: []string{token(j)}},
		{Name: aws.String("instance-state-name"), Values: []string{"pending", "running", "stopping", "stopped"}},
	}})
	if err != nil {
		return nil, fmt.Errorf("looking for the test instance of %s: %w", of(j), err)
	}
	var ids []string
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			if register.Test(register.TestOf(j, token(j), s.Now().UTC()), i) == nil {
				ids = append(ids, aws.ToString(i.InstanceId))
			}
		}
	}
	return ids, nil
}
