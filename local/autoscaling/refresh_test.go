package autoscaling_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	ec2sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

// other is an image that the second version of a template launches.
const other = ec2.ImageWindows

// fleet is a group of size on version 1 of a template that has a version 2.
func (s *scene) fleet(size int32) *types.LaunchTemplateSpecification {
	s.t.Helper()
	one := s.template("web", ec2.ImageX86, other)
	s.group("web", size, func(in *sdk.CreateAutoScalingGroupInput) { in.LaunchTemplate = one })
	return &types.LaunchTemplateSpecification{LaunchTemplateId: one.LaunchTemplateId, Version: aws.String("2")}
}

func (s *scene) start(to *types.LaunchTemplateSpecification, p *types.RefreshPreferences) error {
	s.t.Helper()
	in := &sdk.StartInstanceRefreshInput{AutoScalingGroupName: aws.String("web"), Preferences: p}
	if to != nil {
		in.DesiredConfiguration = &types.DesiredConfiguration{LaunchTemplate: to}
	}
	_, err := s.StartInstanceRefresh(s.t.Context(), in)
	return err
}

func (s *scene) refresh() types.InstanceRefresh {
	s.t.Helper()
	out, err := s.DescribeInstanceRefreshes(s.t.Context(),
		&sdk.DescribeInstanceRefreshesInput{AutoScalingGroupName: aws.String("web")})
	s.must(err)
	return out.InstanceRefreshes[0]
}

// others are how many members run the other image.
func (s *scene) others() int {
	s.t.Helper()
	n := 0
	for _, i := range s.describe("web").Instances {
		if aws.ToString(i.ImageId) == other {
			n++
		}
	}
	return n
}

// ends waits for the refresh and holds its status, its events and the group's version.
func (s *scene) ends(status types.InstanceRefreshStatus, events, version string) {
	s.t.Helper()
	for range 600 {
		if time.Sleep(time.Minute); s.refresh().EndTime != nil {
			break
		}
	}
	r := s.refresh()
	if r.Status != status || s.heard() != events {
		s.t.Errorf("%s (%s) after %s; want %s after %s", r.Status, aws.ToString(r.StatusReason), s.heard(), status, events)
	}
	if got := *s.describe("web").LaunchTemplate.Version; got != version {
		s.t.Errorf("the group is on version %s, want %s", got, version)
	}
}

func TestRefresh(t *testing.T) {
	for name, p := range map[string]*types.RefreshPreferences{
		"defaults":             nil,
		"launch before":        {MinHealthyPercentage: aws.Int32(100), MaxHealthyPercentage: aws.Int32(100)},
		"half and half again":  {MinHealthyPercentage: aws.Int32(50), MaxHealthyPercentage: aws.Int32(150)},
		"all at once":          {MinHealthyPercentage: aws.Int32(0)},
		"warmup of 10 minutes": {InstanceWarmup: aws.Int32(600), SkipMatching: aws.Bool(true)},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, s *scene) {
				two := s.fleet(3)
				began := time.Now()
				s.must(s.start(two, p))
				least := s.leastInService()
				s.ends(types.InstanceRefreshStatusSuccessful, "Started, Succeeded", "2")
				if s.others() != 3 || *s.refresh().PercentageComplete != 100 || *s.refresh().InstancesToUpdate != 0 {
					t.Errorf("%d are replaced; %+v", s.others(), s.refresh())
				}
				if name == "launch before" && least < 3 {
					t.Errorf("only %d in service", least)
				}
				if took := time.Since(began); name == "warmup of 10 minutes" && took < 30*time.Minute {
					t.Errorf("three warmups within %s", took)
				}
				time.Sleep(5 * time.Minute)
				s.want("3 InService Healthy")
			})
		})
	}
}

// leastInService watches the first minutes of a refresh.
func (s *scene) leastInService() int {
	s.t.Helper()
	least := 99
	for range 60 {
		time.Sleep(10 * time.Second)
		n := 0
		for _, i := range s.describe("web").Instances {
			if i.LifecycleState == types.LifecycleStateInService {
				n++
			}
		}
		least = min(least, n)
	}
	return least
}

func TestSkipMatchingLeavesWhatMatches(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		s.fleet(2)
		before := s.ids()
		s.must(s.start(nil, &types.RefreshPreferences{SkipMatching: aws.Bool(true)}))
		s.ends(types.InstanceRefreshStatusSuccessful, "Started, Succeeded", "1")
		if after := s.ids(); after[0] != before[0] || after[1] != before[1] {
			t.Errorf("members %v, before %v", after, before)
		}
	})
}

func TestOneRefreshAtATime(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		two := s.fleet(2)
		s.must(s.start(two, nil))
		s.refused(s.start(two, nil), "InstanceRefreshInProgress", "")
		_, err := s.UpdateAutoScalingGroup(t.Context(),
			&sdk.UpdateAutoScalingGroupInput{AutoScalingGroupName: aws.String("web"), LaunchTemplate: two})
		s.refused(err, "ValidationError", "An active instance refresh with a desired configuration exists.")
		_, err = s.UpdateAutoScalingGroup(t.Context(),
			&sdk.UpdateAutoScalingGroupInput{AutoScalingGroupName: aws.String("web"), MaxSize: aws.Int32(3)})
		s.must(err)
		_, err = s.CancelInstanceRefresh(t.Context(),
			&sdk.CancelInstanceRefreshInput{AutoScalingGroupName: aws.String("web")})
		s.must(err)
		s.ends(types.InstanceRefreshStatusCancelled, "Cancelled", "1")
		_, err = s.CancelInstanceRefresh(t.Context(),
			&sdk.CancelInstanceRefreshInput{AutoScalingGroupName: aws.String("web")})
		s.refused(err, "ActiveInstanceRefreshNotFound", "")
		_, err = s.RollbackInstanceRefresh(t.Context(),
			&sdk.RollbackInstanceRefreshInput{AutoScalingGroupName: aws.String("web")})
		s.refused(err, "ActiveInstanceRefreshNotFound", "")
	})
}

func TestCheckpointsAndBaking(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		two := s.fleet(4)
		s.must(s.start(two, &types.RefreshPreferences{
			CheckpointPercentages: []int32{50, 100}, CheckpointDelay: aws.Int32(7200), BakeTime: aws.Int32(1800),
		}))
		time.Sleep(time.Hour)
		if s.others() != 2 || *s.refresh().PercentageComplete != 50 {
			t.Errorf("at the checkpoint: %d replaced, %d%%", s.others(), *s.refresh().PercentageComplete)
		}
		s.ends(types.InstanceRefreshStatusSuccessful, "Started, Checkpoint Reached 50/7200, Started Baking, Succeeded", "2")
	})
}

func TestManualRollback(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		two := s.fleet(3)
		s.must(s.start(two, &types.RefreshPreferences{CheckpointPercentages: []int32{30, 100}}))
		time.Sleep(10 * time.Minute)
		if s.others() != 1 {
			t.Fatalf("%d replaced before the rollback", s.others())
		}
		_, err := s.RollbackInstanceRefresh(t.Context(),
			&sdk.RollbackInstanceRefreshInput{AutoScalingGroupName: aws.String("web")})
		s.must(err)
		s.ends(types.InstanceRefreshStatusRollbackSuccessful,
			"Started, Checkpoint Reached 30/3600, Rollback Started, Rollback Succeeded", "1")
		if details := s.refresh().RollbackDetails; s.others() != 0 || *details.PercentageCompleteOnRollback != 33 {
			t.Errorf("%d are still new; %+v", s.others(), details)
		}
		s.must(s.start(nil, nil))
		_, err = s.RollbackInstanceRefresh(t.Context(),
			&sdk.RollbackInstanceRefreshInput{AutoScalingGroupName: aws.String("web")})
		s.refused(err, "IrreversibleInstanceRefresh", "")
	})
}

// When nothing can be launched the refresh tries for an hour, then fails or rolls back.
func TestLaunchesFail(t *testing.T) {
	for name, c := range map[string]struct {
		preferences *types.RefreshPreferences
		status      types.InstanceRefreshStatus
		events      string
	}{
		"fails": {nil, types.InstanceRefreshStatusFailed, "Started, Failed"},
		"rolls back": {&types.RefreshPreferences{AutoRollback: aws.Bool(true)},
			types.InstanceRefreshStatusRollbackSuccessful, "Started, Rollback Started, Rollback Succeeded"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, s *scene) {
				two := s.fleet(2)
				gone := aws.String(s.world.SeedImage("gone", time.Now(), nil))
				_, err := s.ec2.CreateLaunchTemplateVersion(t.Context(), &ec2sdk.CreateLaunchTemplateVersionInput{
					LaunchTemplateName: aws.String("web"), SourceVersion: aws.String("2"),
					LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: gone},
				})
				s.must(err)
				two.Version = aws.String("3")
				began := time.Now()
				s.must(s.start(two, c.preferences))
				_, err = s.ec2.DeregisterImage(t.Context(), &ec2sdk.DeregisterImageInput{ImageId: gone})
				s.must(err)
				s.ends(c.status, c.events, "1")
				if took := time.Since(began); took < time.Hour || took > 90*time.Minute {
					t.Errorf("it took %s", took)
				}
				time.Sleep(10 * time.Minute)
				s.want("2 InService Healthy")
			})
		})
	}
}

func TestStandbyInTheWay(t *testing.T) {
	for wish, c := range map[types.StandbyInstances]struct {
		status types.InstanceRefreshStatus
		events string
		after  string
	}{
		types.StandbyInstancesWait: {types.InstanceRefreshStatusFailed, "Started, Failed",
			"1 Standby Healthy, 1 InService Healthy"},
		types.StandbyInstancesIgnore: {types.InstanceRefreshStatusSuccessful, "Started, Succeeded",
			"1 Standby Healthy, 1 InService Healthy"},
		types.StandbyInstancesTerminate: {types.InstanceRefreshStatusSuccessful, "Started, Succeeded", "1 InService Healthy"},
	} {
		t.Run(string(wish), func(t *testing.T) {
			play(t, func(t *testing.T, s *scene) {
				two := s.fleet(2)
				_, err := s.EnterStandby(t.Context(), &sdk.EnterStandbyInput{
					AutoScalingGroupName: aws.String("web"), InstanceIds: s.ids()[:1], ShouldDecrementDesiredCapacity: aws.Bool(true),
				})
				s.must(err)
				time.Sleep(time.Minute)
				s.must(s.start(two, &types.RefreshPreferences{StandbyInstances: wish}))
				version := "2"
				if c.status == types.InstanceRefreshStatusFailed {
					version = "1"
				}
				s.ends(c.status, c.events, version)
				time.Sleep(5 * time.Minute)
				s.want(c.after)
			})
		})
	}
}

func TestRefreshIsRefused(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		two := s.fleet(1)
		s.service.SetAlarm("off", true)
		for name, p := range map[string]*types.RefreshPreferences{
			"below 0":                  {MinHealthyPercentage: aws.Int32(-1)},
			"max without min":          {MaxHealthyPercentage: aws.Int32(110)},
			"max above 200":            {MinHealthyPercentage: aws.Int32(100), MaxHealthyPercentage: aws.Int32(201)},
			"too far apart":            {MinHealthyPercentage: aws.Int32(50), MaxHealthyPercentage: aws.Int32(151)},
			"checkpoints not in order": {CheckpointPercentages: []int32{50, 20}},
			"checkpoint above 100":     {CheckpointPercentages: []int32{50, 101}},
			"checkpoint delay":         {CheckpointPercentages: []int32{50}, CheckpointDelay: aws.Int32(172_801)},
			"bake time":                {BakeTime: aws.Int32(172_801)},
			"unknown alarm":            {AlarmSpecification: &types.AlarmSpecification{Alarms: []string{"a"}}},
			"alarm that went off":      {AlarmSpecification: &types.AlarmSpecification{Alarms: []string{"off"}}},
			"standby":                  {StandbyInstances: "Hope"},
			"protected":                {ScaleInProtectedInstances: "Hope"},
		} {
			if err := s.start(two, p); code(err) != "ValidationError" {
				t.Errorf("%s: %v", name, err)
			}
		}
		s.refused(s.start(nil, &types.RefreshPreferences{AutoRollback: aws.Bool(true)}), "ValidationError",
			"desired configuration")
		_, err := s.StartInstanceRefresh(t.Context(),
			&sdk.StartInstanceRefreshInput{AutoScalingGroupName: aws.String("none")})
		s.refused(err, "ValidationError", "name not found")
	})
}

// A describe gives a template's id and name; a request holds one of them.
func TestATemplateIsNamedOnce(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		two := s.fleet(1)
		two.LaunchTemplateName = aws.String("web")
		s.refused(s.start(two, nil), "ValidationError", "either launchTemplateId or LaunchTemplateName")
	})
}

// An alarm fails a refresh while it replaces instances, and while it bakes.
func TestAlarms(t *testing.T) {
	watched := func(p types.RefreshPreferences) *types.RefreshPreferences {
		p.AlarmSpecification = &types.AlarmSpecification{Alarms: []string{"errors"}}
		return &p
	}
	for name, c := range map[string]struct {
		preferences *types.RefreshPreferences
		after       time.Duration
		status      types.InstanceRefreshStatus
		events      string
	}{
		"fails": {watched(types.RefreshPreferences{}), 30 * time.Second, types.InstanceRefreshStatusFailed,
			"Started, Failed"},
		"rolls back, baking": {watched(types.RefreshPreferences{AutoRollback: aws.Bool(true), BakeTime: aws.Int32(7200)}),
			time.Hour,
			types.InstanceRefreshStatusRollbackSuccessful, "Started, Started Baking, Rollback Started, Rollback Succeeded"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, s *scene) {
				two := s.fleet(2)
				s.service.SetAlarm("errors", false)
				s.must(s.start(two, c.preferences))
				time.Sleep(c.after)
				s.service.SetAlarm("errors", true)
				s.ends(c.status, c.events, "1")
				if why := aws.ToString(s.refresh().StatusReason); why != "The alarm errors went off" {
					t.Errorf("the reason is %q", why)
				}
			})
		})
	}
}

// Groups whose template takes its image from a parameter, names $Latest, or
// asks for attributes (Auto Scaling User Guide, instance refresh).
func TestRefreshOfGroupsThatCannot(t *testing.T) {
	skip := &types.RefreshPreferences{SkipMatching: aws.Bool(true)}
	for name, c := range map[string]struct {
		image  string
		change func(*sdk.CreateAutoScalingGroupInput)
		ask    *types.RefreshPreferences
		words  string
	}{
		"parameter": {"resolve:ssm:/golden", func(*sdk.CreateAutoScalingGroupInput) {}, skip, "Systems Manager parameter"},
		"$Latest": {ec2.ImageX86,
			func(in *sdk.CreateAutoScalingGroupInput) { in.LaunchTemplate.Version = aws.String("$Latest") },
			&types.RefreshPreferences{AutoRollback: aws.Bool(true)}, "number"},
		"attributes": {ec2.ImageX86, func(in *sdk.CreateAutoScalingGroupInput) {
			in.MixedInstancesPolicy = &types.MixedInstancesPolicy{LaunchTemplate: &types.LaunchTemplate{
				LaunchTemplateSpecification: in.LaunchTemplate,
				Overrides: []types.LaunchTemplateOverrides{{InstanceRequirements: &types.InstanceRequirements{
					MemoryMiB: &types.MemoryMiBRequest{Min: aws.Int32(1)}, VCpuCount: &types.VCpuCountRequest{Min: aws.Int32(1)},
				}}},
			}}
			in.LaunchTemplate = nil
		}, skip, "attribute-based"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, s *scene) {
				template := s.template("web", c.image)
				s.group("web", 1, func(in *sdk.CreateAutoScalingGroupInput) { in.LaunchTemplate = template; c.change(in) })
				s.want("1 InService Healthy")
				if policy := s.describe("web").MixedInstancesPolicy; policy != nil {
					if r := policy.LaunchTemplate.Overrides[0].InstanceRequirements; r == nil || *r.MemoryMiB.Min != 1 {
						t.Errorf("the requirements are described as %+v", r)
					}
				}
				var to *types.LaunchTemplateSpecification
				if aws.ToBool(c.ask.AutoRollback) {
					to = &types.LaunchTemplateSpecification{LaunchTemplateId: template.LaunchTemplateId, Version: aws.String("1")}
				}
				s.refused(s.start(to, c.ask), "ValidationError", c.words)
				s.must(s.start(nil, nil))
				time.Sleep(10 * time.Minute)
				if status := s.refresh().Status; status != types.InstanceRefreshStatusSuccessful {
					t.Errorf("a plain refresh is %s", status)
				}
			})
		})
	}
}
