package asg_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"pgregory.net/rapid"

	"goldsmith/shared/asg"
)

const targetGroup = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/73e2d6bc24d8a067"

// fit draws a group of which a member may leave service: all that it wants serve, spread evenly over its zones, and one
// more is wanted than its minimum.
func fit(t *rapid.T) asg.Member {
	zones := []string{"a", "b", "c"}[:rapid.IntRange(1, 3).Draw(t, "zones")]
	weight := rapid.SampledFrom([]string{"", "1", "2", "4"}).Draw(t, "weight")
	members := rapid.IntRange(1, 9).Draw(t, "members")
	g := types.AutoScalingGroup{AutoScalingGroupName: aws.String("web"), AvailabilityZones: zones,
		HealthCheckType: aws.String("EC2")}
	for i := range members {
		one := types.Instance{InstanceId: aws.String(fmt.Sprintf("i-%017d", i)), HealthStatus: aws.String("Healthy"),
			LifecycleState: types.LifecycleStateInService, AvailabilityZone: aws.String(zones[i%len(zones)])}
		if weight != "" {
			one.WeightedCapacity = aws.String(weight)
		}
		g.Instances = append(g.Instances, one)
	}
	units := map[string]int{"": 1, "1": 1, "2": 2, "4": 4}[weight]
	desired := members * units
	least := rapid.IntRange(0, desired-units).Draw(t, "minimum")
	more := rapid.IntRange(0, 3).Draw(t, "more")
	g.DesiredCapacity, g.MinSize, g.MaxSize = number(desired), number(least), number(desired+more)
	if rapid.Bool().Draw(t, "balanced by load balancers") {
		g.TargetGroupARNs = []string{targetGroup}
		g.HealthCheckType, g.HealthCheckGracePeriod = aws.String("ELB"), number(rapid.IntRange(1, 900).Draw(t, "grace"))
	}
	if rapid.Bool().Draw(t, "protected") {
		g.Instances[0].ProtectedFromScaleIn = aws.Bool(true)
	}
	// The last one is of a zone with as many members as any, or of one with one more: its zone stays level.
	return asg.Member{ID: aws.ToString(g.Instances[members-1].InstanceId), Group: g}
}

func number(n int) *int32 { return aws.Int32(int32(n)) } //nolint:gosec // small

func suspend(g *types.AutoScalingGroup, process string) {
	g.SuspendedProcesses = append(g.SuspendedProcesses, types.SuspendedProcess{ProcessName: aws.String(process)})
}

// disturbances each make a group one of which no member may leave service, and are why.
var disturbances = map[string]func(m *asg.Member, own *types.Instance){
	"minimum is":          func(m *asg.Member, _ *types.Instance) { m.Group.MinSize = m.Group.DesiredCapacity },
	"Launch is suspended": func(m *asg.Member, _ *types.Instance) { suspend(&m.Group, "Launch") },
	"AddToLoadBalancer is suspended": func(m *asg.Member, _ *types.Instance) {
		m.Group.TargetGroupARNs, m.Group.HealthCheckGracePeriod = []string{targetGroup}, aws.Int32(300)
		suspend(&m.Group, "AddToLoadBalancer")
	},
	"without a grace period": func(m *asg.Member, _ *types.Instance) {
		m.Group.TargetGroupARNs, m.Group.HealthCheckType = nil, aws.String("EC2,ELB")
		m.Group.TrafficSources = []types.TrafficSourceIdentifier{
			{Type: aws.String("elbv2"), Identifier: aws.String(targetGroup)},
		}
		m.Group.HealthCheckGracePeriod = nil
	},
	"Classic Load Balancer": func(m *asg.Member, _ *types.Instance) { m.Group.LoadBalancerNames = []string{"old"} },
	"traffic source of type vpc-lattice": func(m *asg.Member, _ *types.Instance) {
		m.Group.TrafficSources = []types.TrafficSourceIdentifier{{Type: aws.String("vpc-lattice")}}
	},
	"being deleted":        func(m *asg.Member, _ *types.Instance) { m.Group.Status = aws.String("Delete in progress") },
	"instance refresh":     func(m *asg.Member, _ *types.Instance) { m.Refreshing = true },
	"about to be replaced": func(_ *asg.Member, own *types.Instance) { own.HealthStatus = aws.String("Unhealthy") },
	"in lifecycle state Standby": func(_ *asg.Member, own *types.Instance) {
		own.LifecycleState = types.LifecycleStateStandby
	},
	"in lifecycle state Terminating:Wait": func(_ *asg.Member, own *types.Instance) {
		own.LifecycleState = types.LifecycleStateTerminatingWait
	},
	"of it is out of service already": func(m *asg.Member, _ *types.Instance) {
		m.Group.Instances = append(m.Group.Instances, types.Instance{InstanceId: aws.String("i-out"),
			LifecycleState: types.LifecycleStateEnteringStandby, HealthStatus: aws.String("Healthy"),
			AvailabilityZone: aws.String("a")})
	},
	"maintenance policy keeps 100% healthy": func(m *asg.Member, _ *types.Instance) {
		m.Group.InstanceMaintenancePolicy = &types.InstanceMaintenancePolicy{MinHealthyPercentage: aws.Int32(100),
			MaxHealthyPercentage: aws.Int32(110)}
	},
	"all that it wants but this one": func(m *asg.Member, _ *types.Instance) {
		m.Group.DesiredCapacity = number(int(*m.Group.DesiredCapacity) + 1) // One is launched, or waits for a hook.
	},
	"does not show this instance": func(m *asg.Member, _ *types.Instance) {
		m.Group.Instances = append(m.Group.Instances, m.Group.Instances[len(m.Group.Instances)-1])
		m.ID = "i-other"
	},
	"it belongs to": func(m *asg.Member, _ *types.Instance) {
		m.Group.Tags = []types.TagDescription{{Key: aws.String("eks:nodegroup-name"), Value: aws.String("blue")}}
	},
	"does not show it as a member": func(m *asg.Member, _ *types.Instance) { m.Group = types.AutoScalingGroup{} },
	"two members apart": func(m *asg.Member, own *types.Instance) {
		m.Group.AvailabilityZones = []string{"a", "z"}
		for i := range m.Group.Instances {
			m.Group.Instances[i].AvailabilityZone = aws.String("a")
		}
		own.AvailabilityZone = aws.String("z")
	},
}

// TestAgainst draws groups of which a member may leave service, and then lets one thing be wrong: each is refused, and
// for that.
func TestMemberAgainst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := fit(t)
		if why := m.Against(false); why != "" {
			t.Fatalf("may leave service, but: %s", why)
		}
		names := make([]string, 0, len(disturbances))
		for name := range disturbances {
			names = append(names, name)
		}
		slices.Sort(names)
		wrong := rapid.SampledFrom(names).Draw(t, "wrong")
		if wrong == "two members apart" && len(m.Group.Instances) < 3 {
			t.Skip("too few to be two apart")
		}
		disturbances[wrong](&m, &m.Group.Instances[len(m.Group.Instances)-1])
		if why := m.Against(false); !strings.Contains(why, wrong) {
			t.Fatalf("%s: refused for %q", wrong, why)
		}
	})
}

// A group that does not level out its zones does not keep a member in service for them.
func TestMemberOfAGroupThatIsNotLevelled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := fit(t)
		disturbances["two members apart"](&m, &m.Group.Instances[len(m.Group.Instances)-1])
		suspend(&m.Group, "AZRebalance")
		if why := m.Against(false); why != "" {
			t.Fatal(why)
		}
	})
}

// surplus each make a group one of which no member may be replaced while it is in Standby, and are why.
var surplus = map[string]func(m *asg.Member, own *types.Instance){
	"its maximum is": func(m *asg.Member, own *types.Instance) {
		m.Group.MaxSize = number(int(*m.Group.DesiredCapacity) + m.Units() - 1)
	},
	"Terminate is suspended": func(m *asg.Member, _ *types.Instance) { suspend(&m.Group, "Terminate") },
	"protects what it launches": func(m *asg.Member, _ *types.Instance) {
		m.Group.NewInstancesProtectedFromScaleIn = aws.Bool(true)
	},
	"no other member of it serves": func(m *asg.Member, own *types.Instance) {
		m.Group.Instances = []types.Instance{*own}
	},
}

// TestMemberAgainstReplacing: a member that is replaced may leave whatever its group's minimum is, and not where the
// group could not do with one too many afterwards.
func TestMemberAgainstReplacing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := fit(t)
		if len(m.Group.Instances) < 2 {
			t.Skip("nothing else would serve")
		}
		m.Group.MinSize = m.Group.DesiredCapacity
		m.Group.MaxSize = number(int(*m.Group.DesiredCapacity) + m.Units())
		if why := m.Against(true); why != "" {
			t.Fatalf("may leave service, but: %s", why)
		}
		if why := m.Against(false); !strings.Contains(why, "its minimum is") {
			t.Fatalf("may leave service with one less wanted: %s", why)
		}
		wrong := rapid.SampledFrom(slices.Sorted(maps.Keys(surplus))).Draw(t, "wrong")
		surplus[wrong](&m, &m.Group.Instances[len(m.Group.Instances)-1])
		if why := m.Against(true); !strings.Contains(why, wrong) {
			t.Fatalf("%s: refused for %q", wrong, why)
		}
	})
}
