package autoscaling_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	ec2sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"goldsmith/local/ec2"
)

func TestGroupLaunchesItsMembers(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.group("web", 2, func(in *sdk.CreateAutoScalingGroupInput) {
			in.Tags = []types.Tag{
				{Key: aws.String("goldsmith:plan"), Value: aws.String("nightly"), PropagateAtLaunch: aws.Bool(true)},
				{Key: aws.String("own"), Value: aws.String("x"), PropagateAtLaunch: aws.Bool(false)},
			}
		})
		s.want("2 InService Healthy")
		out, err := s.ec2.DescribeInstances(t.Context(), &ec2sdk.DescribeInstancesInput{InstanceIds: s.ids()})
		s.must(err)
		templates, err := s.ec2.DescribeLaunchTemplates(t.Context(), &ec2sdk.DescribeLaunchTemplatesInput{})
		s.must(err)
		want := map[string]string{
			"aws:autoscaling:groupName": "web", "goldsmith:plan": "nightly",
			"aws:ec2launchtemplate:id": *templates.LaunchTemplates[0].LaunchTemplateId, "aws:ec2launchtemplate:version": "1",
		}
		for _, r := range out.Reservations {
			if diff := cmp.Diff(want, tagsOf(r.Instances[0])); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
		}
	})
}

func tagsOf(i ec2types.Instance) map[string]string {
	tags := map[string]string{}
	for _, each := range i.Tags {
		tags[*each.Key] = *each.Value
	}
	return tags
}

func TestDescribeInstances(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.group("web", 2)
		instances, err := s.DescribeAutoScalingInstances(t.Context(),
			&sdk.DescribeAutoScalingInstancesInput{InstanceIds: s.ids()[:1]})
		s.must(err)
		if n := len(instances.AutoScalingInstances); n != 1 {
			t.Fatalf("%d instances", n)
		}
		i := instances.AutoScalingInstances[0]
		got := []string{*i.AutoScalingGroupName, *i.LifecycleState, *i.HealthStatus, *i.AvailabilityZone,
			*i.LaunchTemplate.LaunchTemplateName, *i.LaunchTemplate.Version}
		if want := []string{"web", "InService", "HEALTHY", zone, "web", "1"}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

// Stopping a member is the accident that standby exists for (Auto Scaling User Guide, health checks).
func TestStoppedMemberIsReplaced(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.group("web", 2)
		before := s.ids()
		_, err := s.ec2.StopInstances(t.Context(), &ec2sdk.StopInstancesInput{InstanceIds: before[:1]})
		s.must(err)
		time.Sleep(20 * time.Second)
		if s.describe("web").Instances[0].LifecycleState != types.LifecycleStateTerminating {
			t.Errorf("members %s", s.members())
		}
		time.Sleep(3 * time.Minute)
		s.want("2 InService Healthy")
		if slices.Contains(s.ids(), before[0]) || s.world.State(before[0]) != ec2.Terminated {
			t.Error("the stopped member is still there")
		}
	})
}

func TestSuspendedProcesses(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.group("web", 1)
		suspend := &sdk.SuspendProcessesInput{AutoScalingGroupName: aws.String("web"),
			ScalingProcesses: []string{"HealthCheck", "ReplaceUnhealthy"}}
		_, err := s.SuspendProcesses(t.Context(), suspend)
		s.must(err)
		if n := len(s.describe("web").SuspendedProcesses); n != 2 {
			t.Errorf("%d processes are suspended", n)
		}
		_, err = s.ec2.StopInstances(t.Context(), &ec2sdk.StopInstancesInput{InstanceIds: s.ids()})
		s.must(err)
		time.Sleep(10 * time.Minute)
		s.want("1 InService Healthy")
		_, err = s.ResumeProcesses(t.Context(),
			&sdk.ResumeProcessesInput{AutoScalingGroupName: aws.String("web"), ScalingProcesses: []string{"HealthCheck"}})
		s.must(err)
		time.Sleep(time.Minute)
		s.want("1 InService Unhealthy")
		_, err = s.ResumeProcesses(t.Context(), &sdk.ResumeProcessesInput{AutoScalingGroupName: aws.String("web")})
		s.must(err)
		time.Sleep(3 * time.Minute)
		s.want("1 InService Healthy")
		suspend.ScalingProcesses = []string{"Sleep"}
		_, err = s.SuspendProcesses(t.Context(), suspend)
		s.refused(err, "ValidationError", "Sleep")
	})
}

func TestStandby(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.group("web", 2, func(in *sdk.CreateAutoScalingGroupInput) { in.MinSize, in.MaxSize = aws.Int32(1), aws.Int32(2) })
		ids := s.ids()
		enter := &sdk.EnterStandbyInput{AutoScalingGroupName: aws.String("web"), InstanceIds: ids[:1],
			ShouldDecrementDesiredCapacity: aws.Bool(true)}
		out, err := s.EnterStandby(t.Context(), enter)
		s.must(err)
		if a := out.Activities[0]; a.StatusCode != types.ScalingActivityStatusCodeInProgress ||
			*a.Description != "Moving EC2 instance to Standby: "+ids[0] {
			t.Errorf("activity %+v", a)
		}
		s.want("1 EnteringStandby Healthy, 1 InService Healthy")
		_, err = s.EnterStandby(t.Context(), enter)
		s.refused(err, "ValidationError", "not in InService")
		enter.InstanceIds = ids[1:]
		_, err = s.EnterStandby(t.Context(), enter)
		s.refused(err, "ValidationError", "has min-size=1, max-size=2, and desired-size=1. To place into standby 1 instance")
		s.stopAndStart(ids[0])
		s.want("1 Standby Healthy, 1 InService Healthy")
		exit := &sdk.ExitStandbyInput{AutoScalingGroupName: aws.String("web"), InstanceIds: ids[:1]}
		_, err = s.ExitStandby(t.Context(), exit)
		s.must(err)
		time.Sleep(time.Minute)
		s.want("2 InService Healthy")
		if got := s.describe("web").DesiredCapacity; *got != 2 || !slices.Equal(s.ids(), ids) {
			t.Errorf("desired %d, members %v, before %v", *got, s.ids(), ids)
		}
		_, err = s.ExitStandby(t.Context(), exit)
		s.refused(err, "ValidationError", "not in Standby")
	})
}

func (s *scene) stopAndStart(id string) {
	s.t.Helper()
	time.Sleep(10 * time.Second)
	_, err := s.ec2.StopInstances(s.t.Context(), &ec2sdk.StopInstancesInput{InstanceIds: []string{id}})
	s.must(err)
	time.Sleep(2 * time.Minute)
	if s.world.State(id) != ec2.Stopped {
		s.t.Fatalf("%s is %s", id, s.world.State(id))
	}
	_, err = s.ec2.StartInstances(s.t.Context(), &ec2sdk.StartInstancesInput{InstanceIds: []string{id}})
	s.must(err)
	time.Sleep(2 * time.Minute)
}

func TestStandbyWithoutShrinking(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.group("web", 1, func(in *sdk.CreateAutoScalingGroupInput) { in.MaxSize = aws.Int32(1) })
		ids := s.ids()
		_, err := s.EnterStandby(t.Context(),
			&sdk.EnterStandbyInput{AutoScalingGroupName: aws.String("web"), InstanceIds: ids,
				ShouldDecrementDesiredCapacity: aws.Bool(false)})
		s.must(err)
		time.Sleep(3 * time.Minute)
		s.want("1 Standby Healthy, 1 InService Healthy")
		exit := &sdk.ExitStandbyInput{AutoScalingGroupName: aws.String("web"), InstanceIds: ids}
		_, err = s.ExitStandby(t.Context(), exit)
		s.refused(err, "ValidationError", "max-size=1")
		exit.InstanceIds = []string{"i-00000000000000000"}
		_, err = s.ExitStandby(t.Context(), exit)
		s.refused(err, "ValidationError", "not part of Auto Scaling group web")
	})
}

// A member that does not run when it leaves standby is replaced.
func TestLeavingStandbyWhileStopped(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.group("web", 1)
		ids := s.ids()
		_, err := s.EnterStandby(t.Context(),
			&sdk.EnterStandbyInput{AutoScalingGroupName: aws.String("web"), InstanceIds: ids,
				ShouldDecrementDesiredCapacity: aws.Bool(true)})
		s.must(err)
		time.Sleep(10 * time.Second)
		s.must(s.world.SetState(ids[0], ec2.Stopped))
		_, err = s.ExitStandby(t.Context(), &sdk.ExitStandbyInput{AutoScalingGroupName: aws.String("web"), InstanceIds: ids})
		s.must(err)
		time.Sleep(3 * time.Minute)
		s.want("1 InService Healthy")
		if slices.Equal(s.ids(), ids) {
			t.Error("it was not replaced")
		}
	})
}

func TestMixedInstances(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		base, own := s.template("base", ec2.ImageX86), s.template("own", ec2.ImageARM)
		policy := &types.MixedInstancesPolicy{
			LaunchTemplate: &types.LaunchTemplate{LaunchTemplateSpecification: base, Overrides: []types.LaunchTemplateOverrides{
				// An arm type with an x86 image cannot be launched; the next choice is taken.
				{InstanceType: aws.String("t4g.micro")},
				{InstanceType: aws.String("t4g.small"), LaunchTemplateSpecification: own},
				{InstanceType: aws.String("t3.small"), ImageId: aws.String(ec2.ImageX86)},
			}},
			InstancesDistribution: &types.InstancesDistribution{OnDemandPercentageAboveBaseCapacity: aws.Int32(50)},
		}
		s.group("mixed", 1, func(in *sdk.CreateAutoScalingGroupInput) { in.MixedInstancesPolicy = policy })
		g := s.describe("mixed")
		i := g.Instances[0]
		if *i.InstanceType != "t4g.small" || *i.LaunchTemplate.LaunchTemplateName != "own" || *i.ImageId != ec2.ImageARM {
			t.Errorf("launched %s of %s from %s", *i.InstanceType, *i.ImageId, *i.LaunchTemplate.LaunchTemplateName)
		}
		got := g.MixedInstancesPolicy
		overrides := got.LaunchTemplate.Overrides
		if len(overrides) != 3 || *overrides[1].LaunchTemplateSpecification.LaunchTemplateId != *own.LaunchTemplateId ||
			*overrides[2].ImageId != ec2.ImageX86 || *got.InstancesDistribution.OnDemandPercentageAboveBaseCapacity != 50 {
			t.Errorf("policy %+v", got)
		}
	})
}

func TestUpdate(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.group("web", 3)
		update := &sdk.UpdateAutoScalingGroupInput{AutoScalingGroupName: aws.String("web"), MaxSize: aws.Int32(1)}
		_, err := s.UpdateAutoScalingGroup(t.Context(), update)
		s.must(err)
		time.Sleep(3 * time.Minute)
		s.want("1 InService Healthy")
		if g := s.describe("web"); *g.DesiredCapacity != 1 || *g.MaxSize != 1 {
			t.Errorf("desired %d of %d", *g.DesiredCapacity, *g.MaxSize)
		}
		update.DesiredCapacity = aws.Int32(2)
		_, err = s.UpdateAutoScalingGroup(t.Context(), update)
		s.refused(err, "ValidationError", "between the specified min size:0 and max size:1")
		update.AutoScalingGroupName = aws.String("none")
		_, err = s.UpdateAutoScalingGroup(t.Context(), update)
		s.refused(err, "ValidationError", "name not found")
	})
}

func TestDelete(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.group("web", 2)
		ids := s.ids()
		in := &sdk.DeleteAutoScalingGroupInput{AutoScalingGroupName: aws.String("web")}
		_, err := s.DeleteAutoScalingGroup(t.Context(), in)
		s.refused(err, "ResourceInUse", "instances")
		in.ForceDelete = aws.Bool(true)
		_, err = s.DeleteAutoScalingGroup(t.Context(), in)
		s.must(err)
		if status := s.describe("web").Status; aws.ToString(status) != "Delete in progress" {
			t.Errorf("status %v", status)
		}
		time.Sleep(5 * time.Minute)
		out, err := s.DescribeAutoScalingGroups(t.Context(), &sdk.DescribeAutoScalingGroupsInput{})
		s.must(err)
		if len(out.AutoScalingGroups) != 0 || s.world.State(ids[0]) != ec2.Terminated ||
			s.world.State(ids[1]) != ec2.Terminated {
			t.Errorf("%d groups; instances are %s and %s", len(out.AutoScalingGroups), s.world.State(ids[0]),
				s.world.State(ids[1]))
		}
	})
}

func TestCreateIsRefused(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.group("taken", 0)
		good := s.template("good", ec2.ImageX86)
		for name, c := range map[string]struct {
			change func(*sdk.CreateAutoScalingGroupInput)
			code   string
		}{
			"name taken": {func(in *sdk.CreateAutoScalingGroupInput) { in.AutoScalingGroupName = aws.String("taken") },
				"AlreadyExists"},
			"no template": {func(in *sdk.CreateAutoScalingGroupInput) { in.LaunchTemplate = nil }, "ValidationError"},
			"two ways": {func(in *sdk.CreateAutoScalingGroupInput) {
				in.MixedInstancesPolicy = &types.MixedInstancesPolicy{LaunchTemplate: &types.LaunchTemplate{LaunchTemplateSpecification: good}}
			}, "ValidationError"},
			"version unknown": {func(in *sdk.CreateAutoScalingGroupInput) {
				in.LaunchTemplate = &types.LaunchTemplateSpecification{LaunchTemplateId: good.LaunchTemplateId,
					Version: aws.String("9")}
			}, "ValidationError"},
			"no place": {func(in *sdk.CreateAutoScalingGroupInput) { in.AvailabilityZones = nil }, "ValidationError"},
			"no such subnet": {func(in *sdk.CreateAutoScalingGroupInput) { in.VPCZoneIdentifier = aws.String("subnet-1") },
				"ValidationError"},
			"no such zone": {func(in *sdk.CreateAutoScalingGroupInput) {
				in.AvailabilityZones = []string{zone, "us-east-1z"}
			}, "ValidationError"},
			"a zone's name that is empty": {func(in *sdk.CreateAutoScalingGroupInput) {
				in.AvailabilityZones = []string{""}
			}, "ValidationError"},
			"an unknown health check": {func(in *sdk.CreateAutoScalingGroupInput) {
				in.HealthCheckType = aws.String("EC2,PING")
			}, "ValidationError"},
			"sizes": {func(in *sdk.CreateAutoScalingGroupInput) { in.MinSize = aws.Int32(2) }, "ValidationError"},
		} {
			in := &sdk.CreateAutoScalingGroupInput{AutoScalingGroupName: aws.String("new"), MinSize: aws.Int32(0),
				MaxSize: aws.Int32(1), AvailabilityZones: []string{zone}, LaunchTemplate: good}
			c.change(in)
			if _, err := s.CreateAutoScalingGroup(t.Context(), in); code(err) != c.code {
				t.Errorf("%s: %v, want %s", name, err, c.code)
			}
		}
		_, err := s.UpdateAutoScalingGroup(t.Context(), &sdk.UpdateAutoScalingGroupInput{
			AutoScalingGroupName: aws.String("taken"), HealthCheckType: aws.String("PING"),
		})
		s.refused(err, "ValidationError", "Unsupported health check type: PING")
		_, err = s.DescribePolicies(t.Context(), &sdk.DescribePoliciesInput{})
		s.refused(err, "InvalidAction", "DescribePolicies")
	})
}

// The number of names that one call takes is that of its page: 50, or MaxRecords (API reference,
// DescribeAutoScalingGroups).
func TestNamesOfOneCall(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		for _, c := range []struct {
			names int
			most  *int32
			taken bool
		}{{50, nil, true}, {51, nil, false}, {100, aws.Int32(100), true}, {11, aws.Int32(10), false}} {
			in := &sdk.DescribeAutoScalingGroupsInput{MaxRecords: c.most}
			for n := range c.names {
				in.AutoScalingGroupNames = append(in.AutoScalingGroupNames, fmt.Sprint("g", n))
			}
			if _, err := s.DescribeAutoScalingGroups(t.Context(), in); (err == nil) != c.taken {
				t.Errorf("%d names: %v", c.names, err)
			}
		}
	})
}

func TestListingsPageByPage(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		template := s.template("all", ec2.ImageX86)
		for i := range 5 {
			s.group(fmt.Sprintf("g%d", i), 1, func(in *sdk.CreateAutoScalingGroupInput) {
				in.LaunchTemplate = template
				in.Tags = []types.Tag{{Key: aws.String("odd"), Value: aws.String(fmt.Sprint(i % 2))}}
			})
		}
		var names []string
		groups := sdk.NewDescribeAutoScalingGroupsPaginator(s, &sdk.DescribeAutoScalingGroupsInput{
			MaxRecords: aws.Int32(2), Filters: []types.Filter{{Name: aws.String("tag:odd"), Values: []string{"0"}}},
		})
		for groups.HasMorePages() {
			out, err := groups.NextPage(t.Context())
			s.must(err)
			for _, g := range out.AutoScalingGroups {
				names = append(names, *g.AutoScalingGroupName)
			}
		}
		if !slices.Equal(names, []string{"g0", "g2", "g4"}) {
			t.Errorf("groups %v", names)
		}
		n := 0
		instances := sdk.NewDescribeAutoScalingInstancesPaginator(s,
			&sdk.DescribeAutoScalingInstancesInput{MaxRecords: aws.Int32(2)})
		for instances.HasMorePages() {
			out, err := instances.NextPage(t.Context())
			s.must(err)
			n += len(out.AutoScalingInstances)
		}
		if n != 5 {
			t.Errorf("%d instances", n)
		}
		_, err := s.DescribeAutoScalingGroups(t.Context(), &sdk.DescribeAutoScalingGroupsInput{NextToken: aws.String("x")})
		s.refused(err, "InvalidNextToken", "")
		_, err = s.DescribeAutoScalingGroups(t.Context(),
			&sdk.DescribeAutoScalingGroupsInput{Filters: []types.Filter{{Name: aws.String("color"), Values: []string{"x"}}}})
		s.refused(err, "ValidationError", "color")
	})
}

// A group launches what its launch configuration says, which stays for as long as a group has it.
func TestGroupOfALaunchConfiguration(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		create := func(name string) error {
			_, err := s.CreateAutoScalingGroup(t.Context(), &sdk.CreateAutoScalingGroupInput{
				AutoScalingGroupName: aws.String("old"), LaunchConfigurationName: aws.String(name), MinSize: aws.Int32(1),
				MaxSize: aws.Int32(2), AvailabilityZones: []string{zone},
			})
			return err
		}
		s.refused(create("base"), "ValidationError", "Launch configuration name not found")
		_, err := s.CreateLaunchConfiguration(t.Context(), &sdk.CreateLaunchConfigurationInput{
			LaunchConfigurationName: aws.String("base"), ImageId: aws.String(ec2.ImageX86), InstanceType: aws.String("t3.micro"),
		})
		s.must(err)
		s.must(create("base"))
		time.Sleep(5 * time.Minute)
		g := s.describe("old")
		got := []string{aws.ToString(g.LaunchConfigurationName), aws.ToString(g.Instances[0].LaunchConfigurationName),
			aws.ToString(g.Instances[0].InstanceType)}
		if want := []string{"base", "base", "t3.micro"}; !slices.Equal(got, want) || g.LaunchTemplate != nil {
			t.Errorf("%v, want %v", got, want)
		}
		_, err = s.DeleteLaunchConfiguration(t.Context(),
			&sdk.DeleteLaunchConfigurationInput{LaunchConfigurationName: aws.String("base")})
		s.refused(err, "ResourceInUse", "attached to AutoScalingGroup old")
	})
}
