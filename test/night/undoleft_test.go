package night_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
)

// A group that launches the undone image from a launch configuration is named with that, whether it has members or not.
func TestUndoNamesWhoLaunchesItFromALaunchConfiguration(t *testing.T) {
	for members, says := range map[int32]string{
		0: "group old launches what is undone from launch configuration base, which is not led back: " +
			"have it launch another image",
		2: "group old runs what is undone in 2 members, and launches it from launch configuration base",
	} {
		t.Run(fmt.Sprint(members), func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				n.excused.slack = true
				web := n.launch("web", "")
				n.template("fleet", "web", "t3.micro", ec2.ImageX86)
				bad := n.results(n.nights(0))[web].Image.ID
				n.configured("old", "base", bad, members)
				n.configured("other", "another", ec2.ImageX86, members)
				said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
				n.want("named in "+said, strings.Contains(said, says), true)
				n.want("the other in "+said, strings.Contains(said, "group other"), false)
			})
		})
	}
}

// configured makes a group that launches an image from a launch configuration.
func (n *night) configured(group, configuration, image string, members int32) {
	n.t.Helper()
	must(n.scaling().CreateLaunchConfiguration(n.ctx, &autoscaling.CreateLaunchConfigurationInput{
		LaunchConfigurationName: aws.String(configuration), ImageId: aws.String(image), InstanceType: aws.String("t3.micro"),
	}))(n.t)
	n.group(group, "", "", func(in *autoscaling.CreateAutoScalingGroupInput) {
		in.LaunchTemplate, in.LaunchConfigurationName = nil, aws.String(configuration)
		in.DesiredCapacity = aws.Int32(members)
	})
}

// What a person has made the default stays, whatever its image, and $Latest is led back all the same.
func TestUndoLeadsLatestBackBesideAPersonsDefault(t *testing.T) {
	for _, own := range []bool{false, true} {
		t.Run(map[bool]string{false: "with the former image", true: "with one of their own"}[own], func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				n.excused.slack = true
				web := n.launch("web", "")
				fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
				image := ec2.ImageX86
				if own {
					n.second = n.registered("second", true)
					image = n.second
				}
				n.group("latest", fleet, "$Latest")
				bad := n.results(n.nights(0))[web].Image.ID
				n.grow("latest")
				n.edited(fleet, "1", types.RequestLaunchTemplateData{InstanceType: "t3.small", ImageId: aws.String(image)})
				n.makeDefault(fleet, "3")
				n.edited(fleet, "2", types.RequestLaunchTemplateData{UserData: aws.String("dGhlaXJz")})
				n.want("$Latest launches it", n.imageIn(fleet, "$Latest"), bad)
				time.Sleep(time.Hour)
				said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
				n.want("latest", n.imageIn(fleet, "$Latest"), ec2.ImageX86)
				n.want("the edit of the latest", aws.ToString(n.versionIn(fleet, "5").LaunchTemplateData.UserData), "dGhlaXJz")
				n.want("default", n.kindIn(fleet, "$Default"), types.InstanceType("t3.small"))
				n.want("image of the default", n.imageIn(fleet, "$Default"), image)
				n.want("named in "+said, strings.Contains(said, "group latest runs it in 2 members"), true)
				n.want("told in "+said, strings.Contains(said, "its default version 3 has "+image), own)
				r := n.nights(1)
				n.want("held", n.rolled(r, web, "fleet").Held, true)
			})
		})
	}
}

// Where a person has put an image of their own in the place of what was rolled, the template is left alone, and who
// runs or launches what was rolled is named.
func TestUndoNamesWhoRunsItWhereAPersonPutAnotherImage(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.second = n.registered("second", true)
		n.nights(0)
		n.group("by number", fleet, "2")
		n.group("by default", fleet, "$Default")
		n.edited(fleet, "2", types.RequestLaunchTemplateData{ImageId: aws.String(n.second), UserData: aws.String("dGhlaXJz")})
		n.makeDefault(fleet, "3")
		n.nights(1) // What launches from it disagrees, and it is left alone; the alias goes back to the first image.
		time.Sleep(time.Hour)
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
		for _, words := range []string{"which Goldsmith did not put there; name the image to go back to",
			"group by number launches version 2 and runs it in 2 members", "group by default runs it in 2 members"} {
			n.want(words+" in "+said, strings.Contains(said, words), true)
		}
		n.want("image", n.imageIn(fleet, "$Default"), n.second)
	})
}

// A template whose latest version was deleted keeps nobody from finding out what takes its image from an alias.
func TestUndoOfAnAliasWhereALatestVersionIsDeleted(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		n.alias(webAlias, ec2.ImageX86)
		time.Sleep(time.Minute)
		n.launch("web", "")
		n.nights(0)
		time.Sleep(time.Hour)
		follower := n.template("follower", "", "t3.micro", "resolve:ssm:"+webAlias)
		n.edited(follower, "1", types.RequestLaunchTemplateData{UserData: aws.String("dGhlaXJz")})
		n.group("one", follower, "$Latest")
		gone := n.template("gone", "", "t3.micro", ec2.ImageX86)
		n.edited(gone, "1", types.RequestLaunchTemplateData{UserData: aws.String("dGhlaXJz")})
		n.deleteVersion(gone, "2")
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
		n.want("named in "+said, strings.Contains(said, "group one runs it in 2 members"), true)
		n.want("found out in "+said, strings.Contains(said, "not found out"), false)
		n.deleteTemplate(gone)
	})
}
