package verify

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/register"
	"goldsmith/shared/source"
)

// ender ends instances.
type ender interface {
	ec2.DescribeInstancesAPIClient
	TerminateInstances(context.Context, *ec2.TerminateInstancesInput,
		...func(*ec2.Options)) (*ec2.TerminateInstancesOutput, error)
}

// end terminates the test instance, which EC2's own facts show to be it, whatever a job says. One that EC2 does not
// show yet is the sweep's.
func (s Step) end(ctx context.Context, j job.Job) (job.Job, error) {
	id, err := s.left(ctx, j)
	if err != nil || id == "" {
		return j, err
	}
	if j.TestInstance == "" {
		if is, err := s.answered(ctx, j, id); err != nil || !is {
			return j, err
		}
	}
	_, err = s.EC2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	if err != nil && !fault.IsNoInstance(err) {
		return j, fmt.Errorf("terminating test instance %s: %w", id, err)
	}
	return j, nil
}

// answered registers the id of a test instance whose launch was not answered. It reports false where another one is
// registered.
func (s Step) answered(ctx context.Context, j job.Job, id string) (is bool, err error) {
	registered, err := s.Ledger.Register(ctx, register.TestOf(j, token(j), s.Now().UTC()))
	if err != nil {
		return false, fmt.Errorf("registering the test instance of %s: %w", of(j), err)
	}
	if registered.ID != "" && registered.ID != id {
		return false, nil
	}
	j.TestInstance = id
	return true, s.launched(ctx, j, registered)
}

// left is the test instance to terminate: of those with the job's token that were launched from its image the first
// one, whatever its state; empty when it is gone, or not shown.
func (s Step) left(ctx context.Context, j job.Job) (string, error) {
	out, err := s.EC2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{
		{Name: aws.String("client-token"), Values: []string{token(j)}},
	}})
	if err != nil {
		return "", fmt.Errorf("looking for the test instance of %s: %w", of(j), err)
	}
	var shown []types.Instance
	for _, r := range out.Reservations {
		shown = append(shown, r.Instances...)
	}
	i, ok := register.TestAmong(register.TestOf(j, token(j), s.Now().UTC()), shown)
	id := aws.ToString(i.InstanceId)
	switch {
	case j.TestInstance != "" && id != j.TestInstance:
		handler.Log(ctx).WarnContext(ctx, "test instance not shown", "instance",
			j.TestInstance, "source", j.Source.ID, "run", j.Run.Name)
		return "", nil
	case !ok, source.Ending(source.State(i)):
		return "", nil
	}
	return id, nil
}
