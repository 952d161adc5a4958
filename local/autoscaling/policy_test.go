package autoscaling_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/local/ec2"
)

// policy is a mixed instances policy over two types.
func policy(s *scene, name string, edit func(*types.MixedInstancesPolicy)) *types.MixedInstancesPolicy {
	p := &types.MixedInstancesPolicy{
		LaunchTemplate: &types.LaunchTemplate{LaunchTemplateSpecification: s.template(name, ec2.ImageX86),
			Overrides: []types.LaunchTemplateOverrides{
				{InstanceType: aws.String("t3.small")}, {InstanceType: aws.String("t3.micro")}}},
		InstancesDistribution: &types.InstancesDistribution{},
	}
	edit(p)
	return p
}

func weights(first, second string) func(*types.MixedInstancesPolicy) {
	return func(p *types.MixedInstancesPolicy) {
		p.LaunchTemplate.Overrides[0].WeightedCapacity = aws.String(first)
		p.LaunchTemplate.Overrides[1].WeightedCapacity = aws.String(second)
	}
}

func requiring(vcpus, memory bool) func(*types.MixedInstancesPolicy) {
	r := &types.InstanceRequirements{VCpuCount: &types.VCpuCountRequest{}, MemoryMiB: &types.MemoryMiBRequest{}}
	if r.VCpuCount.Max = aws.Int32(4); vcpus {
		r.VCpuCount.Min = aws.Int32(1)
	}
	if r.MemoryMiB.Max = aws.Int32(8192); memory {
		r.MemoryMiB.Min = aws.Int32(1)
	}
	return func(p *types.MixedInstancesPolicy) {
		p.LaunchTemplate.Overrides = []types.LaunchTemplateOverrides{{InstanceRequirements: r}}
	}
}

// API reference, LaunchTemplateOverrides: "the capacity units count toward the desired capacity".
func TestWeightsCount(t *testing.T) {
	for _, c := range []struct {
		first, second string
		desired       int32
		instances     int
	}{{"2", "2", 4, 2}, {"1", "1", 3, 3}, {"3", "1", 4, 2}, {"4", "1", 3, 1}} {
		play(t, func(t *testing.T, s *scene) {
			s.group("web", c.desired, func(in *sdk.CreateAutoScalingGroupInput) {
				in.MixedInstancesPolicy = policy(s, "weighted", weights(c.first, c.second))
			})
			time.Sleep(time.Hour)
			g := s.describe("web")
			if len(g.Instances) != c.instances || aws.ToString(g.Instances[0].WeightedCapacity) != c.first {
				t.Errorf("%+v: %d instances, of weight %q", c, len(g.Instances), aws.ToString(g.Instances[0].WeightedCapacity))
			}
			before := s.ids()
			_, err := s.StartInstanceRefresh(t.Context(),
				&sdk.StartInstanceRefreshInput{AutoScalingGroupName: aws.String("web")})
			s.must(err)
			time.Sleep(3 * time.Hour)
			out, err := s.DescribeInstanceRefreshes(t.Context(),
				&sdk.DescribeInstanceRefreshesInput{AutoScalingGroupName: aws.String("web")})
			s.must(err)
			if r := out.InstanceRefreshes[0]; r.Status != types.InstanceRefreshStatusSuccessful || len(s.ids()) != c.instances {
				t.Errorf("%+v: %s, %d instances after it", c, r.Status, len(s.ids()))
			}
			for _, id := range s.ids() {
				if strings.Contains(strings.Join(before, " "), id) {
					t.Errorf("%+v: %s was not replaced", c, id)
				}
			}
		})
	}
}

func TestPoliciesThatAreRefused(t *testing.T) {
	of := func(edit func(*types.InstancesDistribution)) func(*types.MixedInstancesPolicy) {
		return func(p *types.MixedInstancesPolicy) { edit(p.InstancesDistribution) }
	}
	for name, c := range map[string]struct {
		words string
		edit  func(*types.MixedInstancesPolicy)
	}{
		// app-sre/qontract-schemas#400
		"pools beside another strategy": {"only available with the lowest-price allocation strategy",
			of(func(d *types.InstancesDistribution) {
				d.SpotAllocationStrategy, d.SpotInstancePools = aws.String("price-capacity-optimized"), aws.Int32(2)
			})},
		"no pools beside another strategy": {"", of(func(d *types.InstancesDistribution) {
			d.SpotAllocationStrategy, d.SpotInstancePools = aws.String("price-capacity-optimized"), aws.Int32(0)
		})},
		// cattle-ops/terraform-aws-gitlab-runner#1381
		"prioritized with requirements": {"not compatible with instance requirements",
			func(p *types.MixedInstancesPolicy) {
				requiring(true, true)(p)
				p.InstancesDistribution.OnDemandAllocationStrategy = aws.String("prioritized")
			}},
		// API reference, InstancesDistribution
		"unknown Spot strategy": {"SpotAllocationStrategy is not valid",
			of(func(d *types.InstancesDistribution) { d.SpotAllocationStrategy = aws.String("diversified") })},
		"unknown On-Demand strategy": {"OnDemandAllocationStrategy is not valid",
			of(func(d *types.InstancesDistribution) { d.OnDemandAllocationStrategy = aws.String("cheapest") })},
		"150 percent": {"between 0 and 100",
			of(func(d *types.InstancesDistribution) { d.OnDemandPercentageAboveBaseCapacity = aws.Int32(150) })},
		"21 pools": {"between 0 and 20",
			of(func(d *types.InstancesDistribution) { d.SpotInstancePools = aws.Int32(21) })},
		"negative base": {"between 0 and",
			of(func(d *types.InstancesDistribution) { d.OnDemandBaseCapacity = aws.Int32(-1) })},
		// API reference, LaunchTemplateOverrides
		"one weight of two": {"for all instance types", func(p *types.MixedInstancesPolicy) {
			p.LaunchTemplate.Overrides[0].WeightedCapacity = aws.String("3")
		}},
		"a weight of 1000":  {"between 1 and 999", weights("1000", "1")},
		"a weight of 0":     {"between 1 and 999", weights("0", "1")},
		"a weight in words": {"between 1 and 999", weights("two", "1")},
		"a weight of 2":     {"", weights("2", "1")},
		"type and requirements": {"both InstanceType and InstanceRequirements", func(p *types.MixedInstancesPolicy) {
			requiring(true, true)(p)
			p.LaunchTemplate.Overrides[0].InstanceType = aws.String("t3.small")
		}},
		// API reference, InstanceRequirements
		"no memory": {"MemoryMiB.Min", requiring(true, false)},
		"no vCPUs":  {"VCpuCount.Min", requiring(false, true)},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, s *scene) {
				wanted := policy(s, "web", c.edit)
				refused := func(what string, err error) {
					t.Helper()
					if c.words == "" && err == nil {
						return
					}
					if c.words == "" || err == nil || !strings.Contains(err.Error(), c.words) {
						t.Errorf("%s: %v", what, err)
					}
				}
				_, err := s.CreateAutoScalingGroup(t.Context(), &sdk.CreateAutoScalingGroupInput{
					AutoScalingGroupName: aws.String("web"), MinSize: aws.Int32(0), MaxSize: aws.Int32(4),
					AvailabilityZones: []string{zone}, MixedInstancesPolicy: wanted})
				refused("a group", err)
				s.group("plain", 1, func(in *sdk.CreateAutoScalingGroupInput) {
					in.MixedInstancesPolicy = policy(s, "plain", func(*types.MixedInstancesPolicy) {})
				})
				_, err = s.StartInstanceRefresh(t.Context(),
					&sdk.StartInstanceRefreshInput{AutoScalingGroupName: aws.String("plain"),
						DesiredConfiguration: &types.DesiredConfiguration{MixedInstancesPolicy: wanted}})
				refused("a refresh", err)
				_, err = s.UpdateAutoScalingGroup(t.Context(), &sdk.UpdateAutoScalingGroupInput{
					AutoScalingGroupName: aws.String("plain"), MixedInstancesPolicy: wanted})
				if c.words != "" {
					refused("an update", err)
				}
			})
		})
	}
}

// API reference, CreateAutoScalingGroup and RefreshPreferences; User Guide, "Tag Auto Scaling groups".
func TestGroupsAndPreferencesThatAreRefused(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		tags := func(keys ...string) func(*sdk.CreateAutoScalingGroupInput) {
			return func(in *sdk.CreateAutoScalingGroupInput) {
				for _, key := range keys {
					in.Tags = append(in.Tags, types.Tag{Key: aws.String(key), Value: aws.String("x")})
				}
			}
		}
		named := func(name string) func(*sdk.CreateAutoScalingGroupInput) {
			return func(in *sdk.CreateAutoScalingGroupInput) { in.AutoScalingGroupName = aws.String(name) }
		}
		template := s.template("launched", ec2.ImageX86)
		for words, edit := range map[string]func(*sdk.CreateAutoScalingGroupInput){
			"a colon":                   named("a:b"),
			"less than or equal to 255": named(strings.Repeat("n", 256)),
			"can't begin with aws:":     tags("aws:autoscaling:groupName"),
			"given twice":               tags("a", "a"),
		} {
			in := &sdk.CreateAutoScalingGroupInput{AutoScalingGroupName: aws.String("web"), MinSize: aws.Int32(0),
				MaxSize: aws.Int32(4), AvailabilityZones: []string{zone}, LaunchTemplate: template}
			edit(in)
			_, err := s.CreateAutoScalingGroup(t.Context(), in)
			s.refused(err, "ValidationError", words)
		}
		s.group("web", 1)
		for words, p := range map[string]types.RefreshPreferences{
			"unique":     {CheckpointPercentages: []int32{50, 50, 100}},
			"at least 0": {InstanceWarmup: aws.Int32(-5)},
		} {
			_, err := s.StartInstanceRefresh(t.Context(), &sdk.StartInstanceRefreshInput{AutoScalingGroupName: aws.String("web"),
				Preferences: &p})
			s.refused(err, "ValidationError", words)
		}
	})
}
