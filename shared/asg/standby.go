package asg

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

// Member is an instance of a group as Auto Scaling shows both.
type Member struct {
	ID    string
	Group types.AutoScalingGroup
	// Refreshing is whether an instance refresh of the group is under way.
	Refreshing bool
}

// Against is why the member must not be put into Standby with one less wanted of its group or, where it is replaced,
// with as many; "" when it may be. What lasts comes before what may differ tomorrow.
func (m Member) Against(replaced bool) string {
	own := m.own()
	if m.Group.AutoScalingGroupName == nil {
		return "Auto Scaling does not show it as a member of a group, as its tag says it is"
	}
	numbers := m.wanted
	if replaced {
		numbers = m.surplus
	}
	for _, rule := range []func(types.Instance) string{
		m.unmanaged, m.returnable, m.timed, numbers, m.undisturbed, m.serving, m.alone, m.shared, m.balanced,
	} {
		if why := rule(own); why != "" {
			return "group " + m.Name() + ": " + why
		}
	}
	return ""
}

// Name is the group's name.
func (m Member) Name() string { return aws.ToString(m.Group.AutoScalingGroupName) }

// own is the instance as the group shows it; the zero value where it does not.
func (m Member) own() types.Instance {
	for _, i := range m.Group.Instances {
		if aws.ToString(i.InstanceId) == m.ID {
			return i
		}
	}
	return types.Instance{}
}

// units are what a member counts for in its group's capacity.
func units(i types.Instance) int {
	if n, err := strconv.Atoi(aws.ToString(i.WeightedCapacity)); err == nil {
		return n
	}
	return 1
}

// Out reports whether the member is in Standby or on its way there.
func (m Member) Out() bool { return away(m.own()) }

func away(i types.Instance) bool {
	return i.LifecycleState == types.LifecycleStateStandby || i.LifecycleState == types.LifecycleStateEnteringStandby
}

// Targets are the ARNs of the group's target groups.
func (m Member) Targets() []string {
	all := slices.Clone(m.Group.TargetGroupARNs)
	for _, t := range m.Group.TrafficSources {
		if arn := aws.ToString(t.Identifier); aws.ToString(t.Type) == "elbv2" && !slices.Contains(all, arn) {
			all = append(all, arn)
		}
	}
	return all
}

func serves(i types.Instance) bool {
	return i.LifecycleState == types.LifecycleStateInService && aws.ToString(i.HealthStatus) == "Healthy"
}

func (m Member) unmanaged(types.Instance) string {
	if owner := OwnerOf(m.Group); owner != "" {
		return "it belongs to " + owner + ", which repairs it"
	}
	return ""
}

// returnable: what could not be put back into service is not taken out of it. "While Launch is suspended, you cannot
// return an instance in the Standby state to service"; without AddToLoadBalancer nothing registers it again (Auto
// Scaling User Guide, as-suspend-resume-processes). Of other load balancers than target groups its health cannot be
// told.
func (m Member) returnable(types.Instance) string {
	for _, p := range m.Group.SuspendedProcesses {
		name := aws.ToString(p.ProcessName)
		if name == "Launch" || name == "AddToLoadBalancer" && len(m.Targets()) > 0 {
			return "its process " + name + " is suspended, without which a member cannot be brought back into service: resume it"
		}
	}
	if len(m.Group.LoadBalancerNames) > 0 {
		return "it has a Classic Load Balancer, of which Goldsmith does not tell when a member serves again"
	}
	for _, t := range m.Group.TrafficSources {
		if kind := aws.ToString(t.Type); kind != "" && kind != "elbv2" {
			return "it has a traffic source of type " + kind + ", of which Goldsmith does not tell when a member serves again"
		}
	}
	return ""
}

// timed: a member that was started again leaves Standby long before it has booted, and passes no launch hook. Where
// load balancers' checks count at once it is terminated then: "A value of 0 turns off the health check grace period"
// (Auto Scaling User Guide, health-check-grace-period; compiler-explorer/infra#136).
func (m Member) timed(types.Instance) string {
	checks := strings.Contains(aws.ToString(m.Group.HealthCheckType), "ELB")
	if !checks || len(m.Targets()) == 0 || aws.ToInt32(m.Group.HealthCheckGracePeriod) > 0 {
		return ""
	}
	return "it goes by its load balancers' health checks without a grace period, and would terminate a member that " +
		"boots: give it one as long as a member takes to serve"
}

// wanted are the numbers: EnterStandby is refused where they do not allow it (API reference, EnterStandby).
func (m Member) wanted(own types.Instance) string {
	desired, least, n := int(aws.ToInt32(m.Group.DesiredCapacity)), int(aws.ToInt32(m.Group.MinSize)), units(own)
	if desired-n >= least {
		return ""
	}
	return fmt.Sprintf("it wants %d and its minimum is %d: without this member it would have less. "+
		"Raise what it wants, or lower its minimum", desired, least)
}

// surplus: a member that comes back beside its replacement is one too many, for which the group needs room, and which
// it has to terminate: it does not scale in while its process Terminate is suspended (Auto Scaling User Guide,
// as-suspend-resume-processes), and spares what is protected from scale-in.
func (m Member) surplus(own types.Instance) string {
	desired, most := int(aws.ToInt32(m.Group.DesiredCapacity)), int(aws.ToInt32(m.Group.MaxSize))
	switch {
	case m.suspended("Terminate"):
		return "its process Terminate is suspended, without which it keeps the member that is too many afterwards: resume it"
	case aws.ToBool(m.Group.NewInstancesProtectedFromScaleIn):
		return "it protects what it launches from scale-in, and would keep the member that is too many afterwards"
	case !slices.ContainsFunc(m.Group.Instances, func(i types.Instance) bool {
		return serves(i) && aws.ToString(i.InstanceId) != m.ID
	}):
		return "no other member of it serves, so that none would until its replacement does"
	case desired+units(own) > most:
		return fmt.Sprintf("it wants %d and its maximum is %d: with this member back beside its replacement it would have "+
			"more. Raise its maximum", desired, most)
	default:
		return ""
	}
}

// Protected reports whether the member is protected from scale-in.
func (m Member) Protected() bool { return aws.ToBool(m.own().ProtectedFromScaleIn) }

// Units are what the member counts for in its group's capacity.
func (m Member) Units() int { return units(m.own()) }

// TooMany are the units by which the group has more members than it wants, those that are on their way out aside.
func (m Member) TooMany() int {
	have := 0
	for _, i := range m.Group.Instances {
		if strings.HasPrefix(string(i.LifecycleState), "Pending") || i.LifecycleState == types.LifecycleStateInService {
			have += units(i)
		}
	}
	return have - int(aws.ToInt32(m.Group.DesiredCapacity))
}

func (m Member) suspended(process string) bool {
	return slices.ContainsFunc(m.Group.SuspendedProcesses, func(p types.SuspendedProcess) bool {
		return aws.ToString(p.ProcessName) == process
	})
}

func (m Member) undisturbed(types.Instance) string {
	switch {
	case m.Group.Status != nil:
		return "it is being deleted"
	case m.Refreshing:
		return "an instance refresh of it is under way"
	default:
		return ""
	}
}

func (m Member) serving(own types.Instance) string {
	switch {
	case own.InstanceId == nil:
		return "it does not show this instance as a member"
	case own.LifecycleState != types.LifecycleStateInService:
		return "this member is in lifecycle state " + string(own.LifecycleState)
	case !serves(own):
		return "this member is " + aws.ToString(own.HealthStatus) + " and about to be replaced"
	default:
		return ""
	}
}

func (m Member) alone(types.Instance) string {
	for _, i := range m.Group.Instances {
		if away(i) {
			return aws.ToString(i.InstanceId) + " of it is out of service already, in lifecycle state " +
				string(i.LifecycleState)
		}
	}
	return ""
}

// shared is the group's healthy share: what its instance maintenance policy says, or else all that it wants but this
// one.
func (m Member) shared(own types.Instance) string {
	desired, healthy := int(aws.ToInt32(m.Group.DesiredCapacity)), 0
	for _, i := range m.Group.Instances {
		if serves(i) && aws.ToString(i.InstanceId) != m.ID {
			healthy += units(i)
		}
	}
	least := desired - units(own)
	why := "which is all that it wants but this one"
	if p := m.Group.InstanceMaintenancePolicy; p != nil && aws.ToInt32(p.MinHealthyPercentage) > 0 {
		percent := int(*p.MinHealthyPercentage)
		least = (desired*percent + 99) / 100
		why = fmt.Sprintf("since its maintenance policy keeps %d%% healthy", percent)
	}
	if healthy >= least {
		return ""
	}
	return fmt.Sprintf("without this member %d of it would serve, and it needs %d, %s", healthy, least, why)
}

// balanced: zones that are two members apart are levelled out by launching and terminating members, unless AZRebalance
// is suspended (Auto Scaling User Guide, "Availability Zone rebalancing").
func (m Member) balanced(types.Instance) string {
	if m.suspended("AZRebalance") || len(m.Group.AvailabilityZones) < 2 {
		return ""
	}
	var in []int
	for _, zone := range m.Group.AvailabilityZones {
		in = append(in, count(m.Group.Instances, func(i types.Instance) bool {
			return aws.ToString(i.AvailabilityZone) == zone && aws.ToString(i.InstanceId) != m.ID &&
				i.LifecycleState == types.LifecycleStateInService
		}))
	}
	if slices.Max(in)-slices.Min(in) < 2 {
		return ""
	}
	return "without this member its Availability Zones would be two members apart, which Auto Scaling levels out " +
		"by launching and terminating some"
}

// Refreshes tells of instance refreshes.
type Refreshes interface {
	autoscaling.DescribeInstanceRefreshesAPIClient
}

// Members tells of members, their groups and those groups' instance refreshes.
type Members interface {
	autoscaling.DescribeAutoScalingInstancesAPIClient
	autoscaling.DescribeAutoScalingGroupsAPIClient
	Refreshes
}

// MemberOf asks Auto Scaling about an instance, its group and the group's newest instance refresh. An instance that it
// shows in no group is a member of a group without a name, which does not show it either.
func MemberOf(ctx context.Context, api Members, id string) (Member, error) {
	m := Member{ID: id}
	out, err := api.DescribeAutoScalingInstances(ctx,
		&autoscaling.DescribeAutoScalingInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return m, fmt.Errorf("asking which group %s is a member of: %w", id, err)
	}
	for _, i := range out.AutoScalingInstances {
		groups, err := List(ctx, api, true, aws.ToString(i.AutoScalingGroupName))
		if err != nil {
			return m, fmt.Errorf("looking at group %s: %w", aws.ToString(i.AutoScalingGroupName), err)
		}
		if len(groups) == 0 {
			continue
		}
		m.Group = groups[0]
		refreshes, err := api.DescribeInstanceRefreshes(ctx, &autoscaling.DescribeInstanceRefreshesInput{
			AutoScalingGroupName: m.Group.AutoScalingGroupName, MaxRecords: aws.Int32(1),
		})
		if err != nil {
			return m, fmt.Errorf("looking at the instance refreshes of group %s: %w", m.Name(), err)
		}
		m.Refreshing = slices.ContainsFunc(refreshes.InstanceRefreshes, func(r types.InstanceRefresh) bool {
			return ProgressOf(r.Status) == Going
		})
	}
	return m, nil
}
