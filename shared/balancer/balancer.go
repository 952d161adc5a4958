// Package balancer knows by which target groups load balancers send requests to an instance, how its targets are, and
// how they are deregistered and registered again. A target that is registered by its address, and whatever a Classic
// Load Balancer knows, is left alone.
package balancer

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2 "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Groups is Elastic Load Balancing as far as finding targets needs it.
type Groups interface {
	elasticloadbalancingv2.DescribeTargetGroupsAPIClient
	elasticloadbalancingv2.DescribeTargetHealthAPIClient
	DescribeTargetGroupAttributes(context.Context, *elasticloadbalancingv2.DescribeTargetGroupAttributesInput,
		...func(*elasticloadbalancingv2.Options)) (*elasticloadbalancingv2.DescribeTargetGroupAttributesOutput, error)
}

// Found is what there is of an instance in target groups.
type Found struct {
	// Targets are those that can be taken out and put back.
	Targets []job.Target
	// Against is why the instance must not be stopped for an image; "" when it may be.
	Against string
	// Told is what is left as it is, for people.
	Told []job.Reason
}

// Find looks for an instance in the target groups of its VPC: Elastic Load Balancing is not to be asked by instance,
// and each target group is asked for its targets. One that drains is on its way out by other hands.
func Find(ctx context.Context, api Groups, i ec2.Instance) (f Found, err error) {
	pages := elasticloadbalancingv2.NewDescribeTargetGroupsPaginator(api,
		&elasticloadbalancingv2.DescribeTargetGroupsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return f, fmt.Errorf("looking for the target groups of %s: %w", aws.ToString(i.InstanceId), err)
		}
		for _, g := range page.TargetGroups {
			if err := f.in(ctx, api, i, g); err != nil {
				return f, err
			}
		}
	}
	return f, nil
}

// in adds what there is of an instance in a target group.
func (f *Found) in(ctx context.Context, api Groups, i ec2.Instance, g types.TargetGroup) error {
	byID := g.TargetType == types.TargetTypeEnumInstance
	if aws.ToString(g.VpcId) != aws.ToString(i.VpcId) || !byID && g.TargetType != types.TargetTypeEnumIp {
		return nil
	}
	arn, name := aws.ToString(g.TargetGroupArn), aws.ToString(g.TargetGroupName)
	targets, err := targetsOf(ctx, api, arn, names(i))
	switch {
	case err != nil || len(targets) == 0:
		return err
	case !byID:
		f.Told = append(f.Told, job.Reason{Code: job.TargetGroups, Text: "it is in target group " + name +
			" by its address, and not by its id: it stays registered there while it is down"})
		return nil
	}
	f.Targets = append(f.Targets, targets...)
	return f.drains(ctx, api, arn, name)
}

// targetsOf are the targets of a target group that go by one of these names, without those that drain.
func targetsOf(ctx context.Context, api Groups, arn string, names []string) (targets []job.Target, err error) {
	found, err := healths(ctx, api, arn)
	for _, d := range found {
		if is := state(d); slices.Contains(names, aws.ToString(d.Target.Id)) && is != types.TargetHealthStateEnumDraining {
			targets = append(targets, job.Target{Group: arn, Port: int(aws.ToInt32(d.Target.Port)),
				Server:  aws.ToString(d.Target.QuicServerId),
				Healthy: is == types.TargetHealthStateEnumHealthy || is == types.TargetHealthStateEnumInitial})
		}
	}
	return targets, err
}

// healths are all targets of a target group; none of one that is gone.
func healths(ctx context.Context, api elasticloadbalancingv2.DescribeTargetHealthAPIClient, arn string) (
	[]types.TargetHealthDescription, error) {
	out, err := api.DescribeTargetHealth(ctx,
		&elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: aws.String(arn)})
	switch {
	case gone(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking at the targets of %s: %w", job.Target{Group: arn}.Name(), err)
	}
	return slices.DeleteFunc(out.TargetHealthDescriptions, func(d types.TargetHealthDescription) bool {
		return d.Target == nil || d.TargetHealth == nil
	}), nil
}

func gone(err error) bool { return fault.Code(err) == "TargetGroupNotFound" }

func state(d types.TargetHealthDescription) types.TargetHealthStateEnum { return d.TargetHealth.State }

// names are what an instance may be registered by.
func names(i ec2.Instance) []string {
	all := []string{aws.ToString(i.InstanceId)}
	for _, n := range i.NetworkInterfaces {
		for _, a := range n.PrivateIpAddresses {
			all = append(all, aws.ToString(a.PrivateIpAddress))
		}
		for _, a := range n.Ipv6Addresses {
			all = append(all, aws.ToString(a.Ipv6Address))
		}
	}
	return all
}

// delay is the attribute by which a target group says for how many seconds it shows a target as draining.
const delay = "deregistration_delay.timeout_seconds"

// drains sees whether a target group lets connections drain for longer than is waited for.
func (f *Found) drains(ctx context.Context, api Groups, arn, name string) error {
	out, err := api.DescribeTargetGroupAttributes(ctx,
		&elasticloadbalancingv2.DescribeTargetGroupAttributesInput{TargetGroupArn: aws.String(arn)})
	switch {
	case gone(err):
		return nil
	case err != nil:
		return fmt.Errorf("looking how long target group %s drains: %w", name, err)
	}
	for _, a := range out.Attributes {
		seconds, err := strconv.Atoi(aws.ToString(a.Value))
		if lasts := time.Duration(seconds) * time.Second; aws.ToString(a.Key) == delay && err == nil &&
			lasts >= time.Duration(plan.MaxDrain) {
			f.Against = fmt.Sprintf("target group %s lets connections drain for %s, and an image waits for less than %s: lower "+
				"its deregistration delay", name, plan.Duration(lasts), plan.MaxDrain)
		}
	}
	return nil
}

// Presence is how far a target is in its target group.
type Presence int

const (
	// Absent means that it is not registered, or the target group is gone.
	Absent Presence = iota
	// Draining means that it was deregistered, and its connections drain.
	Draining
	// Present means that it is registered.
	Present
)

// Look is how far a target of an instance is, and why it does not serve; "" where it does, or nothing is sent to it
// whatever it does. known is false where the target group is gone.
func Look(ctx context.Context, api elasticloadbalancingv2.DescribeTargetHealthAPIClient, id string, t job.Target) (
	is Presence, problem string, known bool, err error) {
	found, err := api.DescribeTargetHealth(ctx, &elasticloadbalancingv2.DescribeTargetHealthInput{
		TargetGroupArn: aws.String(t.Group), Targets: []types.TargetDescription{described(id, t, false)},
	})
	switch {
	case gone(err):
		return Absent, "", false, nil
	case err != nil:
		return Absent, "", true, fmt.Errorf("looking at %s in target group %s: %w", id, t.Name(), err)
	}
	for _, d := range found.TargetHealthDescriptions {
		if h := d.TargetHealth; h != nil {
			is, problem = judge(*h, t)
			return is, problem, true, nil
		}
	}
	return Absent, "", true, nil
}

// judge goes by the words of the API reference, TargetHealth.
func judge(h types.TargetHealth, t job.Target) (is Presence, problem string) {
	problem = fmt.Sprintf("it is %s in target group %s: %s", h.State, t.Name(), aws.ToString(h.Description))
	switch {
	case h.State == types.TargetHealthStateEnumDraining:
		return Draining, problem
	case h.Reason == types.TargetHealthReasonEnumNotRegistered:
		return Absent, problem
	case h.State == types.TargetHealthStateEnumHealthy, h.State == types.TargetHealthStateEnumUnavailable,
		h.Reason == types.TargetHealthReasonEnumNotInUse:
		return Present, ""
	default:
		return Present, problem
	}
}

// described is a target as calls name it. For instances a zone is not supported (API reference, TargetDescription).
func described(id string, t job.Target, registering bool) types.TargetDescription {
	d := types.TargetDescription{Id: aws.String(id)}
	if t.Port != 0 {
		d.Port = aws.Int32(int32(t.Port)) //nolint:gosec // a port
	}
	if registering && t.Server != "" {
		d.QuicServerId = aws.String(t.Server)
	}
	return d
}

// Deregisterer takes targets out.
type Deregisterer interface {
	elasticloadbalancingv2.DescribeTargetHealthAPIClient
	DeregisterTargets(context.Context, *elasticloadbalancingv2.DeregisterTargetsInput,
		...func(*elasticloadbalancingv2.Options)) (*elasticloadbalancingv2.DeregisterTargetsOutput, error)
}

// Deregister takes a target out. That is no error where there is none.
func Deregister(ctx context.Context, api Deregisterer, id string, t job.Target,
	options ...func(*elasticloadbalancingv2.Options)) error {
	_, err := api.DeregisterTargets(ctx, &elasticloadbalancingv2.DeregisterTargetsInput{
		TargetGroupArn: aws.String(t.Group), Targets: []types.TargetDescription{described(id, t, false)},
	}, options...)
	if gone(err) {
		return nil
	}
	return err
}

// Registerer puts targets back.
type Registerer interface {
	elasticloadbalancingv2.DescribeTargetHealthAPIClient
	RegisterTargets(context.Context, *elasticloadbalancingv2.RegisterTargetsInput,
		...func(*elasticloadbalancingv2.Options)) (*elasticloadbalancingv2.RegisterTargetsOutput, error)
}

// Register puts a target back.
func Register(ctx context.Context, api Registerer, id string, t job.Target) error {
	_, err := api.RegisterTargets(ctx, &elasticloadbalancingv2.RegisterTargetsInput{
		TargetGroupArn: aws.String(t.Group), Targets: []types.TargetDescription{described(id, t, true)},
	})
	if gone(err) {
		return nil
	}
	return err
}
