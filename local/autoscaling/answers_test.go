package autoscaling_test

import (
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

// answer is one answer that Auto Scaling gives, with what says so.
type answer struct {
	what, source string
	holds        func(*testing.T, *scene)
}

// TestAnswersOfAutoScaling holds the embedded Auto Scaling to what Auto Scaling answers, through the
// real client. Standby, suspended processes and instance refreshes have tests of their own.
func TestAnswersOfAutoScaling(t *testing.T) {
	for _, a := range answers {
		if a.source == "" {
			t.Errorf("%s: nothing is cited", a.what)
		}
		t.Run(a.what, func(t *testing.T) { play(t, a.holds) })
	}
}

// launching is a group that launches a version of a template; nil names none.
func launching(template *types.LaunchTemplateSpecification, version *string) func(*sdk.CreateAutoScalingGroupInput) {
	return func(in *sdk.CreateAutoScalingGroupInput) {
		template.Version = version
		in.LaunchTemplate = template
	}
}

func (s *scene) resize(name string, to int32) {
	_, err := s.UpdateAutoScalingGroup(s.t.Context(),
		&sdk.UpdateAutoScalingGroupInput{AutoScalingGroupName: &name, MinSize: aws.Int32(0), DesiredCapacity: &to})
	s.must(err)
	time.Sleep(10 * time.Minute)
}

var answers = []answer{
	{
		"protected members stay when a group shrinks", "Auto Scaling User Guide, Use instance scale-in protection",
		func(t *testing.T, s *scene) {
			s.group("web", 3)
			s.want("3 InService Healthy")
			kept := s.ids()[:2]
			_, err := s.SetInstanceProtection(t.Context(),
				&sdk.SetInstanceProtectionInput{AutoScalingGroupName: aws.String("web"), InstanceIds: kept,
					ProtectedFromScaleIn: aws.Bool(true)})
			s.must(err)
			s.resize("web", 1)
			if ids := s.ids(); len(ids) != 2 || ids[0] != kept[0] || ids[1] != kept[1] {
				t.Errorf("left are %v, protected were %v", ids, kept)
			}
			_, err = s.SetInstanceProtection(t.Context(),
				&sdk.SetInstanceProtectionInput{AutoScalingGroupName: aws.String("web"),
					InstanceIds: []string{"i-00000000000000000"}, ProtectedFromScaleIn: aws.Bool(true)})
			s.refused(err, "ValidationError", "is not part of Auto Scaling group web")
		},
	},
	{
		"new members are protected when the group says so",
		"API reference, UpdateAutoScalingGroup: NewInstancesProtectedFromScaleIn",
		func(t *testing.T, s *scene) {
			s.group("web", 1)
			s.want("1 InService Healthy")
			_, err := s.UpdateAutoScalingGroup(t.Context(),
				&sdk.UpdateAutoScalingGroupInput{AutoScalingGroupName: aws.String("web"),
					NewInstancesProtectedFromScaleIn: aws.Bool(true)})
			s.must(err)
			s.resize("web", 2)
			protected := 0
			g := s.describe("web")
			for _, i := range g.Instances {
				if aws.ToBool(i.ProtectedFromScaleIn) {
					protected++
				}
			}
			if protected != 1 || !aws.ToBool(g.NewInstancesProtectedFromScaleIn) {
				t.Errorf("%d of %d protected", protected, len(g.Instances))
			}
		},
	},
	{
		"a warm pool holds stopped instances that are no members", "Auto Scaling User Guide, Warm pools",
		func(t *testing.T, s *scene) {
			s.group("web", 1)
			s.want("1 InService Healthy")
			_, err := s.PutWarmPool(t.Context(),
				&sdk.PutWarmPoolInput{AutoScalingGroupName: aws.String("web"), MinSize: aws.Int32(2),
					MaxGroupPreparedCapacity: aws.Int32(0)})
			s.must(err)
			time.Sleep(20 * time.Minute)
			out, err := s.DescribeWarmPool(t.Context(), &sdk.DescribeWarmPoolInput{AutoScalingGroupName: aws.String("web")})
			s.must(err)
			if len(out.Instances) != 2 || out.Instances[0].LifecycleState != "Warmed:Stopped" ||
				out.WarmPoolConfiguration.PoolState != "Stopped" {
				t.Errorf("the pool is %+v", out)
			}
			g := s.describe("web")
			if len(g.Instances) != 1 || aws.ToInt32(g.WarmPoolSize) != 2 {
				t.Errorf("%d members, %d in the pool", len(g.Instances), aws.ToInt32(g.WarmPoolSize))
			}
			remove := func(force bool) error {
				_, err := s.DeleteWarmPool(t.Context(),
					&sdk.DeleteWarmPoolInput{AutoScalingGroupName: aws.String("web"), ForceDelete: &force})
				return err
			}
			s.refused(remove(false), "ResourceInUse", "while there are instances in it")
			s.must(remove(true))
			time.Sleep(20 * time.Minute)
			if g := s.describe("web"); g.WarmPoolConfiguration != nil || len(g.Instances) != 1 {
				t.Errorf("after the pool went the group is %+v", g)
			}
		},
	},
	{
		"a group without a version is described without one",
		"LaunchTemplateSpecification, API reference: the default version is used if none is given",
		func(t *testing.T, s *scene) {
			s.group("web", 1, launching(s.template("web", ec2.ImageX86), nil))
			s.want("1 InService Healthy")
			g := s.describe("web")
			if g.LaunchTemplate.Version != nil || aws.ToString(g.Instances[0].LaunchTemplate.Version) != "1" {
				t.Errorf("the group launches %v, its member is of %v", g.LaunchTemplate.Version,
					g.Instances[0].LaunchTemplate.Version)
			}
		},
	},
	{
		"the defaults of a mixed instances policy", "API reference, InstancesDistribution",
		func(t *testing.T, s *scene) {
			template := s.template("web", ec2.ImageX86)
			for strategy, pools := range map[string]int32{"": 2, "lowest-price": 2, "price-capacity-optimized": 0} {
				s.group("mixed"+strategy, 0, func(in *sdk.CreateAutoScalingGroupInput) {
					in.MixedInstancesPolicy = &types.MixedInstancesPolicy{LaunchTemplate: &types.LaunchTemplate{LaunchTemplateSpecification: template}}
					if strategy != "" {
						in.MixedInstancesPolicy.InstancesDistribution = &types.InstancesDistribution{SpotAllocationStrategy: &strategy}
					}
				})
				d := s.describe("mixed" + strategy).MixedInstancesPolicy.InstancesDistribution
				if aws.ToInt32(d.SpotInstancePools) != pools || aws.ToInt32(d.OnDemandPercentageAboveBaseCapacity) != 100 ||
					aws.ToString(d.OnDemandAllocationStrategy) != "prioritized" {
					t.Errorf("%s: %+v", strategy, d)
				}
			}
		},
	},
	{
		"skip matching reads what $Latest, $Default and no version stand for",
		"Auto Scaling User Guide, Use an instance refresh with skip matching",
		func(t *testing.T, s *scene) {
			for name, version := range map[string]*string{"latest": aws.String("$Latest"), "default": aws.String("$Default"),
				"none": nil} {
				s.group(name, 1, launching(s.template(name, ec2.ImageX86, ec2.ImageX86), version))
				time.Sleep(10 * time.Minute)
				before := *s.describe(name).Instances[0].InstanceId
				_, err := s.StartInstanceRefresh(t.Context(),
					&sdk.StartInstanceRefreshInput{AutoScalingGroupName: aws.String(name),
						Preferences: &types.RefreshPreferences{SkipMatching: aws.Bool(true)}})
				s.must(err)
				time.Sleep(30 * time.Minute)
				if after := *s.describe(name).Instances[0].InstanceId; after != before {
					t.Errorf("%s: %s was replaced by %s", name, before, after)
				}
			}
		},
	},
	{
		"a template's tags merged with the group's",
		"API reference, CreateAutoScalingGroup: the group's value wins, and volumes have the template's alone",
		func(t *testing.T, s *scene) {
			template := s.taggedTemplate()
			s.group("web", 1, launching(template, aws.String("1")), func(in *sdk.CreateAutoScalingGroupInput) {
				in.Tags = []types.Tag{
					{Key: aws.String("owner"), Value: aws.String("group"), PropagateAtLaunch: aws.Bool(true)},
					{Key: aws.String("team"), Value: aws.String("group"), PropagateAtLaunch: aws.Bool(true)},
					{Key: aws.String("kept"), Value: aws.String("group"), PropagateAtLaunch: aws.Bool(false)},
				}
			})
			out, err := s.ec2.DescribeInstances(t.Context(), &ec2sdk.DescribeInstancesInput{InstanceIds: s.ids()})
			s.must(err)
			i := out.Reservations[0].Instances[0]
			s.tags(aws.ToString(i.InstanceId), map[string]string{
				"owner": "group", "team": "group", "kept": "template", "kind": "template", "aws:autoscaling:groupName": "web",
				"aws:ec2launchtemplate:id": aws.ToString(template.LaunchTemplateId), "aws:ec2launchtemplate:version": "1",
			})
			s.tags(aws.ToString(i.BlockDeviceMappings[0].Ebs.VolumeId), map[string]string{"owner": "template"})
		},
	},
}

// taggedTemplate is template web, which tags instances and volumes.
func (s *scene) taggedTemplate() *types.LaunchTemplateSpecification {
	s.t.Helper()
	tagged := func(kind ec2types.ResourceType, keys ...string) ec2types.LaunchTemplateTagSpecificationRequest {
		specification := ec2types.LaunchTemplateTagSpecificationRequest{ResourceType: kind}
		for _, key := range keys {
			specification.Tags = append(specification.Tags, ec2types.Tag{Key: aws.String(key), Value: aws.String("template")})
		}
		return specification
	}
	out, err := s.ec2.CreateLaunchTemplate(s.t.Context(), &ec2sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("web"), LaunchTemplateData: &ec2types.RequestLaunchTemplateData{
			ImageId: aws.String(ec2.ImageX86), InstanceType: ec2types.InstanceTypeT3Micro,
			TagSpecifications: []ec2types.LaunchTemplateTagSpecificationRequest{
				tagged("instance", "owner", "kept", "kind"), tagged("volume", "owner"),
			},
		},
	})
	s.must(err)
	return &types.LaunchTemplateSpecification{LaunchTemplateId: out.LaunchTemplate.LaunchTemplateId}
}

// tags wants a resource's tags to be these.
func (s *scene) tags(id string, want map[string]string) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.world.Tags(id)); diff != "" {
		s.t.Errorf("tags of %s (-want +got):\n%s", id, diff)
	}
}
