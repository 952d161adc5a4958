package permissions

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/tag"
)

func refreshedGroup(n *night) {
	web := n.launch(ec2.ImageX86, "", enrolled("web", "grouped"))
	scaling := autoscaling.NewFromConfig(n.AWS())
	must(scaling.CreateAutoScalingGroup(n.ctx, &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("fleet"), MinSize: aws.Int32(1), MaxSize: aws.Int32(2),
		AvailabilityZones: []string{here.Region + "a"},
		LaunchTemplate: &scalingtypes.LaunchTemplateSpecification{
			LaunchTemplateId: aws.String(n.template("base", ec2.ImageX86, map[string]string{tag.Source: "web"})),
			Version:          aws.String("1"),
		},
	}))(n.t)
	n.run(due.Add(5 * time.Hour))
	time.Sleep(time.Hour)
	refreshes := n.result(web).Refreshes
	n.want("refreshes", len(refreshes), 1)
	n.want("status", refreshes[0].Status, "Successful")
}

// emptyGroup is a group without members that launches from a template.
func (n *night) emptyGroup(template string) {
	n.t.Helper()
	must(autoscaling.NewFromConfig(n.AWS()).CreateAutoScalingGroup(n.ctx, &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("empty"), MinSize: aws.Int32(0), MaxSize: aws.Int32(0),
		AvailabilityZones: []string{here.Region + "a"},
		LaunchTemplate:    &scalingtypes.LaunchTemplateSpecification{LaunchTemplateName: aws.String(template)},
	}))(n.t)
}

// cutOffBeforeItWasWhole: an image of which only an old version of a template is left that names it is removed, once it
// is clear that no refresh of the template's group is to launch it.
func cutOffBeforeItWasWhole(n *night) {
	n.launch(ec2.ImageX86, "", enrolled("web", "nightly"))
	id := ""
	n.before("watch:snapshotted", func(string) {
		out := must(n.cloud.DescribeImages(n.ctx, &sdk.DescribeImagesInput{Filters: []types.Filter{
			{Name: aws.String("tag:" + tag.Managed), Values: []string{"true"}},
		}}))(n.t)
		id = aws.ToString(out.Images[0].ImageId)
		n.version(n.template("by-hand", id, nil), ec2.ImageX86)
		n.emptyGroup("by-hand")
		n.ok(n.States.Stop(n.onlyRun(), "", ""))
	})
	n.run(due)
	time.Sleep(time.Hour)
	n.want("gone", n.image(id).ImageId == nil, true)
}

// refreshedBack: the group is set back by hand and refreshed once more, and a person rolls back meanwhile.
func refreshedBack(n *night) {
	refreshedGroup(n)
	scaling, fleet := autoscaling.NewFromConfig(n.AWS()), aws.String("fleet")
	launches := must(scaling.DescribeAutoScalingGroups(n.ctx,
		&autoscaling.DescribeAutoScalingGroupsInput{}))(n.t).AutoScalingGroups[0].LaunchTemplate
	version := func(number string) *scalingtypes.LaunchTemplateSpecification {
		return &scalingtypes.LaunchTemplateSpecification{LaunchTemplateId: launches.LaunchTemplateId,
			Version: aws.String(number)}
	}
	must(scaling.UpdateAutoScalingGroup(n.ctx,
		&autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: fleet, LaunchTemplate: version("1")}))(n.t)
	must(scaling.StartInstanceRefresh(n.ctx, &autoscaling.StartInstanceRefreshInput{
		AutoScalingGroupName: fleet, DesiredConfiguration: &scalingtypes.DesiredConfiguration{LaunchTemplate: version("2")},
		Preferences: &scalingtypes.RefreshPreferences{BakeTime: aws.Int32(7200)},
	}))(n.t)
	time.Sleep(time.Minute)
	must(n.Stack.Invoke(n.ctx, here.ARN("lambda", "function:goldsmith-rollback"),
		[]byte(`{"goldsmith":"rollback","version":"1","name":"web","by":"ada"}`)))(n.t)
	time.Sleep(time.Hour)
	refreshes := must(scaling.DescribeInstanceRefreshes(n.ctx,
		&autoscaling.DescribeInstanceRefreshesInput{AutoScalingGroupName: fleet}))(n.t).InstanceRefreshes
	n.want("refresh", string(refreshes[0].Status), "RollbackSuccessful")
}

// refreshedAndTakenBack: a person rolls back what a finished refresh has moved a group to, and the group with it.
// Another group launches from a launch configuration.
func refreshedAndTakenBack(n *night) {
	refreshedGroup(n)
	scaling := autoscaling.NewFromConfig(n.AWS())
	must(scaling.CreateLaunchConfiguration(n.ctx, &autoscaling.CreateLaunchConfigurationInput{
		LaunchConfigurationName: aws.String("old"), ImageId: aws.String(ec2.ImageX86), InstanceType: aws.String("t3.micro"),
	}))(n.t)
	must(scaling.CreateAutoScalingGroup(n.ctx, &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("old"), LaunchConfigurationName: aws.String("old"), MinSize: aws.Int32(0),
		MaxSize: aws.Int32(1), AvailabilityZones: []string{"eu-central-1a"},
	}))(n.t)
	must(n.Stack.Invoke(n.ctx, here.ARN("lambda", "function:goldsmith-rollback"),
		[]byte(`{"goldsmith":"rollback","version":"1","name":"web","by":"ada","refresh":true}`)))(n.t)
	time.Sleep(time.Hour)
	refreshes := must(scaling.DescribeInstanceRefreshes(n.ctx,
		&autoscaling.DescribeInstanceRefreshesInput{
			AutoScalingGroupName: aws.String("fleet"),
		}))(n.t).InstanceRefreshes
	n.want("refreshes", len(refreshes), 2)
	n.want("refresh", string(refreshes[0].Status), "Successful")
}
