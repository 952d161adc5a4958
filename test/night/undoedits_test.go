package night_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/tag"
)

// edited makes a version of a template of another, with something changed.
func (n *night) edited(template, source string, changed types.RequestLaunchTemplateData) {
	n.t.Helper()
	must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: aws.String(template), SourceVersion: aws.String(source), LaunchTemplateData: &changed,
	}))(n.t)
}

// kindIn is the instance type that a version of a template names.
func (n *night) kindIn(template, version string) types.InstanceType {
	n.t.Helper()
	return must(n.cloud.DescribeLaunchTemplateVersions(n.ctx, &sdk.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: aws.String(template), Versions: []string{version},
	}))(n.t).LaunchTemplateVersions[0].LaunchTemplateData.InstanceType
}

// A group that names a version of a person's, made since the roll, goes back to one that is equal to it in all but the
// image.
func TestUndoKeepsWhatAGroupWasEditedTo(t *testing.T) {
	for _, before := range []bool{true, false} {
		t.Run(map[bool]string{true: "named a number before", false: "a new group"}[before], func(t *testing.T) {
			play(t, refreshed(), func(n *night) {
				n.excused.slack = true
				web := n.launch("web", "")
				fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
				if before {
					n.group("g", fleet, "1")
				}
				bad := n.results(n.nights(0))[web].Image.ID
				time.Sleep(2 * time.Hour)
				n.edited(fleet, "2", types.RequestLaunchTemplateData{InstanceType: "m5.large"})
				if before {
					must(n.scaling().UpdateAutoScalingGroup(n.ctx, &autoscaling.UpdateAutoScalingGroupInput{
						AutoScalingGroupName: aws.String("g"), LaunchTemplate: specOf(fleet, "3"),
					}))(t)
				} else {
					n.group("g", fleet, "3")
				}
				said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada", Refresh: true}))
				time.Sleep(3 * time.Hour)
				n.want("runs what is undone "+said, strings.Contains(strings.Join(n.members("g"), " "), bad), false)
				version := aws.ToString(n.groupOf("g").LaunchTemplate.Version)
				n.want("type in version "+version, n.kindIn(fleet, version), types.InstanceTypeM5Large)
			})
		})
	}
}

// A group that names a version to which no other is equal in all but the image is not refreshed, and told in what they
// differ.
func TestUndoMovesNoGroupToSomethingElse(t *testing.T) {
	play(t, refreshed(), func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.nights(0)
		n.edited(fleet, "2", types.RequestLaunchTemplateData{InstanceType: "m5.large"})
		n.edited(fleet, "2", types.RequestLaunchTemplateData{InstanceType: "t3.small"})
		n.group("g", fleet, "3")
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada", Refresh: true}))
		n.want("told in "+said, strings.Contains(said,
			"version 3, which it names, differs in InstanceType from version "), true)
		n.want("refreshes", len(n.refreshesOf("g")), 0)
	})
}

// An alias is not led back to an image that what takes its image from it cannot launch.
func TestUndoOfAnAliasAsksItsFollowers(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		n.second = n.registered("plain", false)
		n.alias("/goldsmith/images/web", n.second)
		web := n.launch("web", "")
		time.Sleep(time.Minute)
		follower := n.template("follower", "", "t2.micro", "resolve:ssm:/goldsmith/images/web")
		n.group("one", follower, "$Default")
		bad := n.results(n.nights(0))[web].Image.ID
		n.edited(follower, "1", types.RequestLaunchTemplateData{InstanceType: "m5.large"})
		n.makeDefault(follower, "2")
		time.Sleep(10 * time.Minute)
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
		n.want("told in "+said, strings.Contains(said, "launch template follower takes its image from it: its instance type "+
			"m5.large needs images with ENA"), true)
		value, _ := n.Parameters.Value("/goldsmith/images/web")
		n.want("alias", value, bad)
	})
}

// Nor to an image that a person names, of another architecture.
func TestUndoOfAnAliasToAnImageOfAnotherArchitecture(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		n.alias("/goldsmith/images/web", ec2.ImageX86)
		web := n.launch("web", "")
		time.Sleep(time.Minute)
		follower := n.template("follower", "", "t3.micro", "resolve:ssm:/goldsmith/images/web")
		n.group("one", follower, "1")
		n.second = aws.ToString(must(n.cloud.CopyImage(n.ctx, &sdk.CopyImageInput{
			Name: aws.String("arm"), SourceImageId: aws.String(ec2.ImageARM), SourceRegion: aws.String("eu-central-1"),
			TagSpecifications: []types.TagSpecification{{
				ResourceType: "image", Tags: tag.List(map[string]string{tag.Name: "web"}),
			}},
		}))(t).ImageId)
		bad := n.results(n.nights(0))[web].Image.ID
		time.Sleep(10 * time.Minute)
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada", To: n.second}))
		n.want("told in "+said, strings.Contains(said, "would not launch "+n.second), true)
		time.Sleep(5 * time.Minute)
		value, _ := n.Parameters.Value("/goldsmith/images/web")
		n.want("alias", value, bad)
	})
}

// What cannot launch the earlier image, and came to launch from the template since, is told.
func TestUndoTellsWhatCannotLaunchTheEarlierImage(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		n.second = n.registered("plain", false)
		fleet := n.template("fleet", "web", "t2.micro", n.second)
		n.nights(0)
		n.group("later", fleet, "$Default", mixed(scaling.LaunchTemplateOverrides{InstanceType: aws.String("m5.large")}))
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
		n.want("told in "+said, strings.Contains(said, "it would not launch "+n.second+": instance type m5.large of group "+
			"later needs images with ENA"), true)
		n.want("image", n.imageIn(fleet, "$Default"), n.second)
	})
}

// Where the quota is reached between the two versions of an undo, what $Latest launches is told.
func TestUndoAtTheQuotaBetweenItsVersions(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.group("standard", fleet, "$Default")
		n.group("latest", fleet, "$Latest")
		n.nights(0)
		n.edited(fleet, "2", types.RequestLaunchTemplateData{InstanceType: "t3.small"})
		n.makeDefault(fleet, "3")
		n.edited(fleet, "3", types.RequestLaunchTemplateData{InstanceType: "m5.large"})
		n.EC2.Inject(ec2.Fault{Action: "CreateLaunchTemplateVersion", Resource: fleet, Code: "VersionLimitExceeded",
			Status: 400, Nth: []int{2, 3, 4, 5}})
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
		n.want("told in "+said, strings.Contains(said, "its default and latest version is 5, which has "+ec2.ImageX86+
			", and differs in InstanceType from version 4, which $Latest launched before"), true)
		for _, version := range []string{"$Default", "$Latest"} {
			n.want(version, n.imageIn(fleet, version), ec2.ImageX86)
		}
	})
}
