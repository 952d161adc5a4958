package night_test

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// refreshed is a suite whose nightly plan refreshes groups.
func refreshed(edits ...func(*plan.Refresh)) stack.Options {
	return stack.Options{Plans: nightly(func(p *plan.Plan) {
		p.Roll.Refresh.Enabled = true
		for _, edit := range edits {
			edit(&p.Roll.Refresh)
		}
	})}
}

func (n *night) scaling() *autoscaling.Client { return autoscaling.NewFromConfig(n.AWS()) }

// group makes a group of two that launches a version of a template, and waits
// until it is there. Edits change the request.
func (n *night) group(name, template, version string, edits ...func(*autoscaling.CreateAutoScalingGroupInput)) {
	n.t.Helper()
	in := &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(name), MinSize: aws.Int32(0), MaxSize: aws.Int32(4), DesiredCapacity: aws.Int32(2),
		AvailabilityZones: []string{"eu-central-1a"}, LaunchTemplate: specOf(template, version),
	}
	for _, edit := range edits {
		edit(in)
	}
	must(n.scaling().CreateAutoScalingGroup(n.ctx, in))(n.t)
	time.Sleep(5 * time.Minute)
}

func specOf(template, version string) *types.LaunchTemplateSpecification {
	return &types.LaunchTemplateSpecification{LaunchTemplateId: aws.String(template), Version: aws.String(version)}
}

// mixed makes a group's template the base of a mixed instances policy.
func mixed(overrides ...types.LaunchTemplateOverrides) func(*autoscaling.CreateAutoScalingGroupInput) {
	return func(in *autoscaling.CreateAutoScalingGroupInput) {
		in.MixedInstancesPolicy = &types.MixedInstancesPolicy{
			LaunchTemplate: &types.LaunchTemplate{LaunchTemplateSpecification: in.LaunchTemplate, Overrides: overrides},
			InstancesDistribution: &types.InstancesDistribution{OnDemandBaseCapacity: aws.Int32(1),
				SpotAllocationStrategy: aws.String("capacity-optimized")},
		}
		in.LaunchTemplate = nil
	}
}

// members are the images that a group's members run on, each once.
func (n *night) members(name string) []string {
	n.t.Helper()
	var images []string
	for _, i := range n.groupOf(name).Instances {
		if image := aws.ToString(i.ImageId); i.LifecycleState == types.LifecycleStateInService &&
			!strings.Contains(strings.Join(images, " "), image) {
			images = append(images, image)
		}
	}
	return images
}

func (n *night) groupOf(name string) types.AutoScalingGroup {
	n.t.Helper()
	out := must(n.scaling().DescribeAutoScalingGroups(n.ctx,
		&autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{name}}))(n.t)
	return out.AutoScalingGroups[0]
}

// refreshesOf are all instance refreshes that a group has had, newest first.
func (n *night) refreshesOf(name string) []types.InstanceRefresh {
	n.t.Helper()
	out := must(n.scaling().DescribeInstanceRefreshes(n.ctx,
		&autoscaling.DescribeInstanceRefreshesInput{AutoScalingGroupName: aws.String(name)}))(n.t)
	return out.InstanceRefreshes
}

// onlyRefresh is the one that a group has had.
func (n *night) onlyRefresh(name string) types.InstanceRefresh {
	n.t.Helper()
	all := n.refreshesOf(name)
	if len(all) != 1 {
		n.t.Fatalf("group %s has had %d refreshes, want one", name, len(all))
	}
	return all[0]
}

// refreshIn is what a run says of a group.
func (n *night) refreshIn(r sfn.Execution, source, group string) job.Refresh {
	n.t.Helper()
	for _, each := range n.results(r)[source].Refreshes {
		if each.Group == group {
			return each
		}
	}
	n.t.Errorf("the run says nothing of group %s: %+v", group, n.results(r)[source].Refreshes)
	return job.Refresh{}
}

// isOn: every member of a group runs on the image that a run made of a source.
func (n *night) isOn(r sfn.Execution, group, source string) {
	n.t.Helper()
	n.want("images of group "+group, strings.Join(n.members(group), " "), n.results(r)[source].Image.ID)
}

// start begins a refresh as somebody else would; it bakes for two hours.
func (n *night) start(name string, desired *types.DesiredConfiguration) string {
	n.t.Helper()
	out := must(n.scaling().StartInstanceRefresh(n.ctx, &autoscaling.StartInstanceRefreshInput{
		AutoScalingGroupName: aws.String(name), DesiredConfiguration: desired,
		Preferences: &types.RefreshPreferences{BakeTime: aws.Int32(7200)},
	}))(n.t)
	return aws.ToString(out.InstanceRefreshId)
}
