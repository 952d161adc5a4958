// Package standby knows how a source comes back into service that a run has taken out of it. A member of an Auto
// Scaling group was put into Standby: it is brought back by ExitStandby once it runs, and serves once Auto Scaling says
// InService and each of the group's target groups says healthy. Any other instance was deregistered from its target
// groups: it is registered again once it runs, and serves once each says healthy in which it was so before.
package standby

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"goldsmith/shared/balancer"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// Look is how Auto Scaling shows a member; ok is false when it shows none.
func Look(ctx context.Context, api autoscaling.DescribeAutoScalingInstancesAPIClient, id string) (
	m scaling.AutoScalingInstanceDetails, ok bool, err error) {
	out, err := api.DescribeAutoScalingInstances(ctx,
		&autoscaling.DescribeAutoScalingInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return m, false, fmt.Errorf("asking Auto Scaling about %s: %w", id, err)
	}
	for _, m := range out.AutoScalingInstances {
		if aws.ToString(m.InstanceId) == id {
			return m, true, nil
		}
	}
	return m, false, nil
}

// Out reports whether a member is in Standby or on its way there.
func Out(m scaling.AutoScalingInstanceDetails) bool {
	state := scaling.LifecycleState(aws.ToString(m.LifecycleState))
	return state == scaling.LifecycleStateStandby || state == scaling.LifecycleStateEnteringStandby
}

// Slot is what the member of a claim holds of its group: one of its members is out of service at a time.
func Slot(c ledger.Claim) ledger.Slot {
	s := ledger.Slot{Plan: ledger.EveryPlan, Kind: ledger.Members, Source: c.Source, Name: c.Name, Run: c.Run,
		Execution: c.Execution}
	if c.Standby != nil {
		s.ID = c.Standby.Group
	}
	return s
}

// Groups is Auto Scaling as far as bringing back needs it.
type Groups interface {
	autoscaling.DescribeAutoScalingInstancesAPIClient
	autoscaling.DescribeAutoScalingGroupsAPIClient
	Protector
	SetDesiredCapacity(context.Context, *autoscaling.SetDesiredCapacityInput, ...func(*autoscaling.Options)) (
		*autoscaling.SetDesiredCapacityOutput, error)
	ExitStandby(context.Context, *autoscaling.ExitStandbyInput, ...func(*autoscaling.Options)) (
		*autoscaling.ExitStandbyOutput, error)
}

// Service brings members back.
type Service struct {
	Groups    Groups
	Balancers balancer.Registerer
	Claims    interface {
		Record(ctx context.Context, c ledger.Claim) error
	}
	Now func() time.Time
}

// Outcome is how far a member has come.
type Outcome int

const (
	// Waits means that it does not serve yet; the claim's problem says what keeps it.
	Waits Outcome = iota
	// Serves means that it does.
	Serves
	// Lost means that there is nothing to bring back any more; the claim's problem says why.
	Lost
)

// landing is how long an EnterStandby or DeregisterTargets may take effect after its journal entry: its function may
// send it until its own timeout, and a describe may lag for a while longer.
const landing = 2 * time.Minute

// Back brings the source of a claim nearer to the service that it was taken out of, and gives the claim with what keeps
// it from that. state is EC2's of the instance; "" when it is gone. The claim says that ExitStandby or RegisterTargets
// is sent before it is.
func (s Service) Back(ctx context.Context, c ledger.Claim,
	state types.InstanceStateName) (ledger.Claim, Outcome, error) {
	out := *c.Standby
	c.Standby = &out
	if out.Group == "" {
		return s.register(ctx, c, state)
	}
	m, ok, err := Look(ctx, s.Groups, c.Source)
	if err != nil {
		out.Problem = fault.Brief(err)
		return c, Waits, err
	}
	gone := ended(state)
	switch lifecycle := scaling.LifecycleState(aws.ToString(m.LifecycleState)); {
	case !ok && gone:
		out.Problem = "it was terminated"
		return s.lost(ctx, c)
	case !ok, lifecycle == scaling.LifecycleStateStandby:
		return s.exit(ctx, c, state, gone)
	case lifecycle == scaling.LifecycleStateEnteringStandby:
		out.Problem = "it is on its way into Standby: its load balancers let connections drain"
		return c, Waits, nil
	case goes(lifecycle), gone:
		out.Problem = "Auto Scaling shows it as " + string(lifecycle)
		return s.lost(ctx, c)
	case lifecycle == scaling.LifecycleStateInService:
		return s.serves(ctx, c, m)
	default: // Pending, with hooks or without.
		out.Problem = "Auto Scaling shows it as " + string(lifecycle)
		return c, Waits, nil
	}
}

// ended reports whether an instance is gone, or about to be.
func ended(state types.InstanceStateName) bool {
	return state == "" || state == types.InstanceStateNameTerminated || state == types.InstanceStateNameShuttingDown
}

// goes reports whether a member does not come back.
func goes(state scaling.LifecycleState) bool {
	return strings.HasPrefix(string(state), "Terminat") || strings.HasPrefix(string(state), "Detach")
}

// exit sends ExitStandby for what runs. What was terminated in Standby leaves it, too: its group replaces it only then
// (Auto Scaling User Guide, "Health status of an instance in a standby state"). What somebody has stopped in Standby
// stays there: out of it, it would be replaced.
func (s Service) exit(ctx context.Context, c ledger.Claim, state types.InstanceStateName, gone bool,
) (ledger.Claim, Outcome, error) {
	out := c.Standby
	switch {
	case state == types.InstanceStateNameStopped:
		out.Problem = "it was stopped by other hands, and is left in Standby: out of it, its group would replace it"
		return s.unprotected(ctx, c, Lost)
	case state != types.InstanceStateNameRunning && !gone:
		out.Problem = "it is " + string(state)
		return c, Waits, nil
	}
	c, err := s.counted(ctx, c)
	if err == nil {
		c, err = s.leaves(ctx, c)
	}
	if err != nil {
		return c, Waits, err
	}
	out = c.Standby
	_, err = s.Groups.ExitStandby(ctx, &autoscaling.ExitStandbyInput{
		AutoScalingGroupName: aws.String(out.Group), InstanceIds: []string{c.Source},
	})
	switch {
	case err == nil:
		out.Problem = ""
		return c, Waits, nil
	case notAMember(err):
		out.Problem = "it is no member of the group any more"
		return c, Lost, nil
	case fault.IsTransient(err):
		out.Problem = fault.Brief(err)
		return c, Waits, fmt.Errorf("bringing %s back into the service of group %s: %w", c.Source, out.Group, err)
	default:
		out.Problem = "it cannot leave Standby: " + fault.Brief(err)
		return c, Waits, nil
	}
}

// leaves has the claim say that its source is on its way back into service.
func (s Service) leaves(ctx context.Context, c ledger.Claim) (ledger.Claim, error) {
	if !c.Standby.Exited.IsZero() {
		return c, nil
	}
	c.Standby.Exited = s.Now().UTC()
	if err := s.Claims.Record(ctx, c); err != nil {
		return c, fmt.Errorf("recording that %s comes back into the service of %s: %w", c.Source, c.Standby.Of(), err)
	}
	return c, nil
}

// notAMember reports whether Auto Scaling says that the instance is not one of the group, or that there is none.
func notAMember(err error) bool {
	var api smithy.APIError
	return fault.IsNoGroup(err) || errors.As(err, &api) && api.ErrorCode() == "ValidationError" &&
		strings.Contains(api.ErrorMessage(), "is not part of Auto Scaling group")
}

// serves sees whether a member that Auto Scaling shows in service is healthy there and in each target group, and stays
// in service.
func (s Service) serves(ctx context.Context, c ledger.Claim, m scaling.AutoScalingInstanceDetails) (
	ledger.Claim, Outcome, error) {
	out := c.Standby
	if out.Exited.IsZero() && s.Now().Sub(out.Tried) < landing {
		out.Problem = "it was to be put into Standby a moment ago"
		return c, Waits, nil
	}
	if strings.EqualFold(aws.ToString(m.HealthStatus), "Unhealthy") {
		out.Problem = "Auto Scaling shows it as unhealthy, and replaces it unless that is suspended"
		return c, Waits, nil
	}
	for _, arn := range out.Targets {
		if problem, err := s.unhealthy(ctx, c.Source, arn); err != nil || problem != "" {
			out.Problem = problem
			return c, Waits, err
		}
	}
	out.Problem = ""
	return s.settled(ctx, c)
}

// unhealthy is why a member is not healthy in a target group; "" where it is, or the group is gone.
func (s Service) unhealthy(ctx context.Context, id, arn string) (string, error) {
	target := job.Target{Group: arn}
	_, problem, _, err := balancer.Look(ctx, s.Balancers, id, target)
	if err == nil {
		return problem, nil
	}
	problem = "whether it is healthy in target group " + target.Name() + " cannot be seen: " + fault.Brief(err)
	if fault.IsTransient(err) {
		return problem, err
	}
	return problem, nil
}
