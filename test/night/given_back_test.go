package night_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
)

// behind makes a template as CloudFormation leaves it: its default has another image than the latest, which is
// launched.
func (n *night) behind() (template string) {
	n.t.Helper()
	n.second = n.registered("second", true)
	template = n.template("fleet", "web", "m5.large", n.second)
	for _, image := range []string{ec2.ImageX86, n.second} {
		must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
			LaunchTemplateId: aws.String(template), SourceVersion: aws.String("1"),
			LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(image)},
		}))(n.t)
	}
	return template
}

// Each pointer goes back to what it had, and a group to the version that it named.
func TestUndoLeadsToWhatWasLaunched(t *testing.T) {
	play(t, refreshed(), func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		fleet := n.behind()
		n.group("two", fleet, "2")
		n.nights(0)
		n.want("moved", n.imageIn(fleet, aws.ToString(n.groupOf("two").LaunchTemplate.Version)) == ec2.ImageX86, false)
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada", Refresh: true}))
		n.grow("two")
		n.want("default", n.imageIn(fleet, "$Default"), n.second)
		n.want("latest", n.imageIn(fleet, "$Latest"), n.second)
		n.want("the group names "+said, aws.ToString(n.groupOf("two").LaunchTemplate.Version), "2")
		n.want("members", strings.Join(n.members("two"), " "), ec2.ImageX86)
	})
}

// The image of the default is gone, and what is launched is there: that is what all goes back to, and it is told.
func TestUndoGoesBackToWhatIsLeft(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		fleet := n.behind()
		must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
			LaunchTemplateId: aws.String(fleet), SourceVersion: aws.String("2"),
			LaunchTemplateData: &types.RequestLaunchTemplateData{},
		}))(t)
		n.group("latest", fleet, "$Latest")
		n.nights(0)
		must(n.cloud.DeregisterImage(n.ctx, &sdk.DeregisterImageInput{ImageId: aws.String(n.second)}))(t)
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
		n.want("default", n.imageIn(fleet, "$Default"), ec2.ImageX86)
		n.want("latest", n.imageIn(fleet, "$Latest"), ec2.ImageX86)
		n.want("told in "+said, strings.Contains(said, "its default version launched "+n.second+", which is gone"), true)
	})
}

// A person has put an image of their own on top since: it stays, and is told.
func TestUndoLeavesWhatAPersonPutOnTop(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		fleet := n.template("fleet", "web", "m5.large", ec2.ImageX86)
		n.nights(0)
		n.second = n.registered("second", true)
		must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
			LaunchTemplateId: aws.String(fleet), SourceVersion: aws.String("2"),
			LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(n.second)},
		}))(t)
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
		n.want("default", n.imageIn(fleet, "$Default"), ec2.ImageX86)
		n.want("latest", n.imageIn(fleet, "$Latest"), n.second)
		n.want("told in "+said, strings.Contains(said, "its latest version 3 has "+n.second+
			", which Goldsmith did not put there, and stays"), true)
	})
}

// A person has changed the instance type since: what the earlier image cannot run on is left alone, with the reason.
func TestUndoPointsAtNothingThatCannotBeLaunched(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		web := n.launch("web", "")
		n.second = n.registered("without ENA", false)
		fleet := n.template("fleet", "web", "t2.micro", n.second)
		n.group("latest", fleet, "$Latest")
		rolled := n.results(n.nights(0))[web].Image.ID
		must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
			LaunchTemplateId: aws.String(fleet), SourceVersion: aws.String("2"),
			LaunchTemplateData: &types.RequestLaunchTemplateData{InstanceType: types.InstanceTypeM5Large},
		}))(t)
		n.makeDefault(fleet, "3")
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
		n.want("told in "+said, strings.Contains(said, "it would not launch "+n.second+
			": its instance type m5.large needs images with ENA"), true)
		n.want("default", n.imageIn(fleet, "$Default"), rolled)
		n.want("latest", n.imageIn(fleet, "$Latest"), rolled)
	})
}
