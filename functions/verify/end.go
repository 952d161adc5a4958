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

// end terminates an instance, which EC2's own facts show to be the job's, whatever a job says. One that EC2 does not
// show yet is the sweep's.
func (s Step) end(ctx context.Context, j job.Job, l launched) (job.Job, error) {
	id, err := s.left(ctx, j, l)
	if err != nil || id == "" {
		return j, err
	}
	if l.id == "" {
		if is, err := s.answered(ctx, j, l, id); err != nil || !is {
			return j, err
		}
	}
	_, err = s.EC2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	if err != nil && !fault.IsNoInstance(err) {
		return j, fmt.Errorf("terminating %s %s: %w", l.is, id, err)
	}
	return j, nil
}

// answered registers the id of an instance whose launch was not answered. It reports false where another one is
// registered.
func (s Step) answered(ctx context.Context, j job.Job, l launched, id string) (is bool, err error) {
	registered, err := s.Ledger.Register(ctx, register.TestOf(j, l.token, s.Now().UTC()))
	if err != nil {
		return false, fmt.Errorf("registering the %s of %s: %w", l.is, of(j), err)
	}
	if registered.ID != "" && registered.ID != id {
		return false, nil
	}
	return true, s.known(ctx, j, l, id, registered)
}

// left is the instance to terminate; empty when it is gone, or not shown.
func (s Step) left(ctx context.Context, j job.Job, l launched) (string, error) {
	i, ok, err := s.shown(ctx, j, l)
	id := aws.ToString(i.InstanceId)
	switch {
	case err != nil:
		return "", err
	case l.id != "" && id != l.id:
		handler.Log(ctx).WarnContext(ctx, "instance not shown", "what", l.is, "instance", l.id, "source", j.Source.ID,
			"run", j.Run.Name)
		return "", nil
	case !ok, source.Ending(source.State(i)):
		return "", nil
	}
	return id, nil
}

// shown is the job's instance, as EC2 shows it: of those with its token that were launched from its image the first
// one, whatever its state.
func (s Step) shown(ctx context.Context, j job.Job, l launched) (i types.Instance, ok bool, err error) {
	out, err := s.EC2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{
		{Name: aws.String("client-token"), Values: []string{l.token}},
	}})
	if err != nil {
		return i, false, fmt.Errorf("looking for the %s of %s: %w", l.is, of(j), err)
	}
	var shown []types.Instance
	for _, r := range out.Reservations {
		shown = append(shown, r.Instances...)
	}
	i, ok = register.TestAmong(register.TestOf(j, l.token, s.Now().UTC()), shown)
	return i, ok, nil
}
