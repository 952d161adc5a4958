package night_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

// deleted is whether what is launched from the image of that id has the volume deleted with it that a kept source
// keeps.
func (n *night) deleted(image string) bool {
	n.t.Helper()
	for _, i := range n.images() {
		for _, m := range i.BlockDeviceMappings {
			if aws.ToString(i.ImageId) == image && aws.ToString(m.DeviceName) == "/dev/sdk" {
				return aws.ToBool(m.Ebs.DeleteOnTermination)
			}
		}
	}
	n.t.Fatalf("image %s has no /dev/sdk", image)
	return false
}

// An image that a launch template takes has its volumes deleted with what is launched from it, unless the plan says
// otherwise; one that none takes keeps them, as its source does.
func TestWhoseVolumesAreDeleted(t *testing.T) {
	refreshes := func(p *plan.Plan) { p.Roll.Refresh.Enabled = true }
	for name, c := range map[string]struct {
		edit     func(*plan.Plan)
		template string // what the template takes its image from, and whose it is by its tag
		of       string
		want     bool
	}{
		"a template that is tagged":                  {func(*plan.Plan) {}, ec2.ImageX86, "web", true},
		"a template that takes the alias":            {func(*plan.Plan) {}, "resolve:ssm:/goldsmith/images/web", "", true},
		"none, in a plan that refreshes groups":      {refreshes, ec2.ImageX86, "db", false},
		"a template that takes the alias of another": {func(*plan.Plan) {}, "resolve:ssm:/goldsmith/images/db", "", false},
		"one that is tagged, and the plan rolls none": {func(p *plan.Plan) { p.Roll.Skip = true },
			ec2.ImageX86, "web", false},
		"one that is tagged, and the plan keeps them": {func(p *plan.Plan) {
			p.Image.DeleteOnTermination = plan.DeleteAsSource
		}, ec2.ImageX86, "web", false},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{Plans: nightly(c.edit)}, func(n *night) {
				web := n.launch("web", "kept")
				n.alias("/goldsmith/images/web", ec2.ImageX86)
				n.alias("/goldsmith/images/db", ec2.ImageX86)
				n.template("fleet", c.of, "t3.micro", c.template)
				n.want("deleted", n.deleted(n.results(n.nights(0))[web].Image.ID), c.want)
			})
		})
	}
}

// What launches by a version's number from the alias takes the image as well; a version that nothing launches does not.
func TestVolumesOfWhatANumberTakes(t *testing.T) {
	for name, c := range map[string]struct {
		launches func(n *night, follower string)
		want     bool
	}{
		"a group":             {func(n *night, follower string) { n.group("one", follower, "1") }, true},
		"a group elsewhere":   {func(n *night, follower string) { n.group("one", follower, "2") }, false},
		"a mixed group":       {func(n *night, follower string) { n.group("one", follower, "1", mixedAs("t3.small")) }, true},
		"a fleet":             {func(n *night, follower string) { n.fleetBy(follower, "1") }, true},
		"a fleet elsewhere":   {func(n *night, follower string) { n.fleetBy(follower, "$Latest") }, false},
		"nothing, so no roll": {func(*night, string) {}, false},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				web := n.launch("web", "kept")
				n.alias("/goldsmith/images/web", ec2.ImageX86)
				time.Sleep(time.Minute)
				follower := n.versioned("follower", rollTemplate{standard: 2, first: types.RequestLaunchTemplateData{
					ImageId: aws.String("resolve:ssm:/goldsmith/images/web"), InstanceType: types.InstanceTypeT3Micro,
				}, versions: []types.RequestLaunchTemplateData{{ImageId: aws.String(ec2.ImageX86)}}})
				c.launches(n, follower)
				n.want("deleted", n.deleted(n.results(n.nights(0))[web].Image.ID), c.want)
			})
		})
	}
}

// mixedAs makes a group one that launches a type by an override.
func mixedAs(kind string) func(*autoscaling.CreateAutoScalingGroupInput) {
	return mixed(scaling.LaunchTemplateOverrides{InstanceType: aws.String(kind)})
}

func (n *night) fleetBy(template, version string) {
	n.t.Helper()
	n.ok(n.fleetOf(template, rollLauncher{fleet: true, version: version}))
}
