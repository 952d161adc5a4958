package autoscaling_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	ec2sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/ec2"
)

func (s *scene) enter(id string) error {
	_, err := s.EnterStandby(s.t.Context(), &sdk.EnterStandbyInput{
		AutoScalingGroupName: aws.String("web"), InstanceIds: []string{id}, ShouldDecrementDesiredCapacity: aws.Bool(true),
	})
	return err
}

func (s *scene) exit(id string) error {
	_, err := s.ExitStandby(s.t.Context(), &sdk.ExitStandbyInput{
		AutoScalingGroupName: aws.String("web"), InstanceIds: []string{id},
	})
	return err
}

// Nothing leaves Standby while Launch is suspended (User Guide, as-suspend-resume-processes).
func TestNothingLeavesStandbyWhileLaunchIsSuspended(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.group("web", 2)
		id := s.ids()[0]
		s.must(s.enter(id))
		time.Sleep(time.Minute)
		launch := []string{"Launch"}
		_, err := s.SuspendProcesses(t.Context(),
			&sdk.SuspendProcessesInput{AutoScalingGroupName: aws.String("web"), ScalingProcesses: launch})
		s.must(err)
		s.refused(s.exit(id), "ValidationError", "Launch")
		_, err = s.ResumeProcesses(t.Context(),
			&sdk.ResumeProcessesInput{AutoScalingGroupName: aws.String("web"), ScalingProcesses: launch})
		s.must(err)
		s.must(s.exit(id))
		time.Sleep(time.Minute)
		s.want("2 InService Healthy")
	})
}

// What is terminated in Standby is shown as healthy, and replaced once it leaves Standby (User Guide,
// as-enter-exit-standby).
func TestTerminatedInStandby(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.group("web", 2)
		id := s.ids()[0]
		s.must(s.enter(id))
		time.Sleep(time.Minute)
		s.must(s.world.SetState(id, ec2.Terminated))
		time.Sleep(time.Hour)
		s.want("1 Standby Healthy, 1 InService Healthy")
		s.must(s.exit(id))
		time.Sleep(5 * time.Minute)
		s.want("2 InService Healthy")
		if slices.Contains(s.ids(), id) {
			t.Error("it was not replaced")
		}
	})
}

// A group that is deleted terminates what is in Standby with all else.
func TestDeletedWithAMemberInStandby(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.group("web", 2)
		ids := s.ids()
		s.must(s.enter(ids[0]))
		time.Sleep(time.Minute)
		_, err := s.DeleteAutoScalingGroup(t.Context(), &sdk.DeleteAutoScalingGroupInput{
			AutoScalingGroupName: aws.String("web"), ForceDelete: aws.Bool(true),
		})
		s.must(err)
		time.Sleep(5 * time.Minute)
		if s.world.State(ids[0]) != ec2.Terminated || s.world.State(ids[1]) != ec2.Terminated {
			t.Errorf("they are %s and %s", s.world.State(ids[0]), s.world.State(ids[1]))
		}
		s.refused(s.exit(ids[0]), "ValidationError", "name not found")
	})
}

// A member is registered with the group's target groups before it serves, and drains before it is in Standby.
func TestTargetGroups(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		arn := s.targets.Add("web", 5*time.Minute)
		s.group("web", 2, func(in *sdk.CreateAutoScalingGroupInput) {
			in.TargetGroupARNs, in.HealthCheckType, in.HealthCheckGracePeriod = []string{arn}, aws.String("ELB"), aws.Int32(300)
		})
		if got := s.describe("web").TargetGroupARNs; !slices.Equal(got, []string{arn}) {
			t.Errorf("target groups %v", got)
		}
		time.Sleep(5 * time.Minute)
		id := s.ids()[0]
		is := func(want string) {
			t.Helper()
			if got := s.targets.State(arn, id); got != want {
				t.Errorf("target is %s, want %s", got, want)
			}
		}
		is("healthy")
		s.must(s.enter(id))
		is("draining")
		time.Sleep(4 * time.Minute)
		s.want("1 EnteringStandby Healthy, 1 InService Healthy")
		s.refused(s.exit(id), "ValidationError", "not in Standby")
		time.Sleep(2 * time.Minute)
		s.want("1 Standby Healthy, 1 InService Healthy")
		is("unused")
		s.must(s.exit(id))
		time.Sleep(20 * time.Second)
		s.want("2 InService Healthy")
		is("initial")
		time.Sleep(time.Minute)
		is("healthy")
		s.targets.Fail(id, true)
		time.Sleep(5 * time.Minute)
		if slices.Contains(s.ids(), id) {
			t.Error("a member that its load balancer says is unhealthy was not replaced")
		}
	})
}

func TestTargetGroupThatIsNone(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		_, err := s.CreateAutoScalingGroup(t.Context(), &sdk.CreateAutoScalingGroupInput{
			AutoScalingGroupName: aws.String("web"), MinSize: aws.Int32(0), MaxSize: aws.Int32(1),
			AvailabilityZones: []string{zone}, LaunchTemplate: s.template("web", ec2.ImageX86),
			TargetGroupARNs: []string{"arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/none/73e2d6bc24d8a067"},
		})
		s.refused(err, "ValidationError", "Provided Target Groups may not be valid")
	})
}

// A launched member waits for its hook, and one that leaves Standby does not.
func TestLaunchHook(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.group("web", 1)
		put := &sdk.PutLifecycleHookInput{
			AutoScalingGroupName: aws.String("web"), LifecycleHookName: aws.String("prepare"),
			LifecycleTransition: aws.String("autoscaling:EC2_INSTANCE_LAUNCHING"), HeartbeatTimeout: aws.Int32(600),
		}
		_, err := s.PutLifecycleHook(t.Context(), put)
		s.must(err)
		hooks, err := s.DescribeLifecycleHooks(t.Context(),
			&sdk.DescribeLifecycleHooksInput{AutoScalingGroupName: aws.String("web")})
		s.must(err)
		if h := hooks.LifecycleHooks; len(h) != 1 || *h[0].DefaultResult != "ABANDON" || *h[0].HeartbeatTimeout != 600 {
			t.Errorf("hooks %+v", h)
		}
		s.must(s.enter(s.ids()[0]))
		time.Sleep(time.Minute)
		s.must(s.exit(s.ids()[0]))
		time.Sleep(time.Minute)
		s.want("1 InService Healthy")
		s.grow(2)
		time.Sleep(2 * time.Minute)
		s.want("1 InService Healthy, 1 Pending:Wait Healthy")
		complete := &sdk.CompleteLifecycleActionInput{
			AutoScalingGroupName: aws.String("web"), LifecycleHookName: aws.String("prepare"),
			LifecycleActionResult: aws.String("CONTINUE"), InstanceId: aws.String(s.ids()[1]),
		}
		_, err = s.CompleteLifecycleAction(t.Context(), complete)
		s.must(err)
		time.Sleep(time.Minute)
		s.want("2 InService Healthy")
		_, err = s.CompleteLifecycleAction(t.Context(), complete)
		s.refused(err, "ValidationError", "No active Lifecycle Action found with instance ID")
		put.HeartbeatTimeout = aws.Int32(29)
		_, err = s.PutLifecycleHook(t.Context(), put)
		s.refused(err, "ValidationError", "HeartbeatTimeout")
	})
}

// A hook that nobody completes ends with its default result: what was launched is terminated, what terminates goes.
func TestHooksEndByThemselves(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.group("web", 1)
		hook := func(transition, result string) {
			_, err := s.PutLifecycleHook(t.Context(), &sdk.PutLifecycleHookInput{
				AutoScalingGroupName: aws.String("web"), LifecycleHookName: aws.String("wait"),
				LifecycleTransition: aws.String(transition), HeartbeatTimeout: aws.Int32(300), DefaultResult: aws.String(result),
			})
			s.must(err)
		}
		hook("autoscaling:EC2_INSTANCE_LAUNCHING", "ABANDON")
		s.grow(2)
		time.Sleep(2 * time.Minute)
		launched := s.ids()[1]
		s.want("1 InService Healthy, 1 Pending:Wait Healthy")
		time.Sleep(5 * time.Minute)
		if s.world.State(launched) != ec2.Terminated {
			t.Errorf("%s is %s", launched, s.world.State(launched))
		}
		hook("autoscaling:EC2_INSTANCE_TERMINATING", "CONTINUE")
		s.grow(0)
		time.Sleep(time.Minute)
		if got := s.describe("web").Instances[0]; got.LifecycleState != types.LifecycleStateTerminatingWait ||
			s.world.State(*got.InstanceId) != ec2.Running {
			t.Errorf("members %s", s.members())
		}
		time.Sleep(10 * time.Minute)
		s.want("")
	})
}

func (s *scene) grow(to int32) {
	s.t.Helper()
	_, err := s.UpdateAutoScalingGroup(s.t.Context(), &sdk.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("web"), DesiredCapacity: aws.Int32(to),
	})
	s.must(err)
}

func TestMaintenancePolicy(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.group("web", 2)
		policy := func(least, most int32) error {
			_, err := s.UpdateAutoScalingGroup(t.Context(), &sdk.UpdateAutoScalingGroupInput{
				AutoScalingGroupName: aws.String("web"), InstanceMaintenancePolicy: &types.InstanceMaintenancePolicy{
					MinHealthyPercentage: aws.Int32(least), MaxHealthyPercentage: aws.Int32(most),
				},
			})
			return err
		}
		s.must(policy(50, 120))
		if p := s.describe("web").InstanceMaintenancePolicy; p == nil || *p.MinHealthyPercentage != 50 ||
			*p.MaxHealthyPercentage != 120 {
			t.Errorf("policy %+v", p)
		}
		out, err := s.StartInstanceRefresh(t.Context(),
			&sdk.StartInstanceRefreshInput{AutoScalingGroupName: aws.String("web")})
		s.must(err)
		refreshes, err := s.DescribeInstanceRefreshes(t.Context(), &sdk.DescribeInstanceRefreshesInput{
			AutoScalingGroupName: aws.String("web"), InstanceRefreshIds: []string{*out.InstanceRefreshId},
		})
		s.must(err)
		if p := refreshes.InstanceRefreshes[0].Preferences; *p.MinHealthyPercentage != 50 || *p.MaxHealthyPercentage != 120 {
			t.Errorf("the refresh goes by %d and %d", *p.MinHealthyPercentage, *p.MaxHealthyPercentage)
		}
		s.refused(policy(50, 151), "ValidationError", "100 above")
		s.refused(policy(101, 120), "ValidationError", "MinHealthyPercentage")
		s.must(policy(-1, -1))
		if p := s.describe("web").InstanceMaintenancePolicy; p != nil {
			t.Errorf("policy %+v", p)
		}
	})
}

// A member that is brought out of Standby before it has booted is terminated where load balancers' checks count at once
// (compiler-explorer/infra#136).
func TestOutOfStandbyBeforeItHasBooted(t *testing.T) {
	for grace, kept := range map[int32]bool{0: false, 300: true} {
		play(t, func(t *testing.T, s *scene) {
			arn := s.targets.Add("web", time.Minute)
			s.group("web", 2, func(in *sdk.CreateAutoScalingGroupInput) { in.TargetGroupARNs = []string{arn} })
			time.Sleep(5 * time.Minute)
			_, err := s.UpdateAutoScalingGroup(t.Context(), &sdk.UpdateAutoScalingGroupInput{
				AutoScalingGroupName: aws.String("web"), HealthCheckType: aws.String("ELB"),
				HealthCheckGracePeriod: aws.Int32(grace),
			})
			s.must(err)
			id := s.ids()[0]
			s.must(s.enter(id))
			time.Sleep(2 * time.Minute)
			_, err = s.ec2.StopInstances(t.Context(), &ec2sdk.StopInstancesInput{InstanceIds: []string{id}})
			s.must(err)
			time.Sleep(5 * time.Minute)
			_, err = s.ec2.StartInstances(t.Context(), &ec2sdk.StartInstancesInput{InstanceIds: []string{id}})
			s.must(err)
			for s.world.State(id) != ec2.Running {
				time.Sleep(time.Second)
			}
			s.must(s.exit(id))
			time.Sleep(10 * time.Minute)
			if got := slices.Contains(s.ids(), id); got != kept {
				t.Errorf("with a grace period of %d s it is kept: %t", grace, got)
			}
		})
	}
}

// Zones that Standby leaves two members apart are levelled out meanwhile, unless AZRebalance is suspended.
func TestZonesAreLevelledOut(t *testing.T) {
	for name, c := range map[string]struct {
		suspended []string
		launched  int
	}{"levelled out": {nil, 1}, "suspended": {[]string{"AZRebalance"}, 0}} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, s *scene) {
				s.group("web", 3, func(in *sdk.CreateAutoScalingGroupInput) {
					in.AvailabilityZones = []string{"eu-west-1a", "eu-west-1b"}
				})
				if len(c.suspended) > 0 {
					_, err := s.SuspendProcesses(t.Context(),
						&sdk.SuspendProcessesInput{AutoScalingGroupName: aws.String("web"), ScalingProcesses: c.suspended})
					s.must(err)
				}
				zones := map[string][]string{}
				for _, i := range s.describe("web").Instances {
					zones[aws.ToString(i.AvailabilityZone)] = append(zones[aws.ToString(i.AvailabilityZone)], *i.InstanceId)
				}
				if len(zones["eu-west-1a"]) != 2 || len(zones["eu-west-1b"]) != 1 {
					t.Fatalf("members by zone: %v", zones)
				}
				before := s.ids()
				s.must(s.enter(zones["eu-west-1b"][0]))
				time.Sleep(10 * time.Minute)
				var launched int
				for _, id := range s.ids() {
					if !slices.Contains(before, id) {
						launched++
					}
				}
				if len(s.ids()) != 3 {
					t.Errorf("members: %s", s.members())
				}
				if launched != c.launched {
					t.Errorf("launched %d, want %d", launched, c.launched)
				}
			})
		})
	}
}
