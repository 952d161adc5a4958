package night_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
)

// idle makes a group one without members: nothing but what it would launch tells of it.
func idle(in *autoscaling.CreateAutoScalingGroupInput) { in.DesiredCapacity = aws.Int32(0) }

// What launches the undone image from what is not led back is named with that, also where it runs nothing of it.
func TestUndoNamesWhoLaunchesItFromElsewhere(t *testing.T) {
	for name, c := range map[string]struct {
		launches func(n *night, bad string)
		says     string
	}{
		"a person's template": {func(n *night, bad string) {
			n.group("one", n.template("mine", "", "t3.micro", bad), "$Default", idle)
		}, "group one launches what is undone from version $Default of launch template mine, which is not led back: " +
			"have it launch another image"},
		"a version by its number": {func(n *night, bad string) {
			mine := n.template("mine", "", "t3.micro", bad)
			n.edited(mine, "1", types.RequestLaunchTemplateData{ImageId: aws.String(ec2.ImageX86)})
			n.makeDefault(mine, "2")
			n.group("one", mine, "1", idle)
		}, "group one launches what is undone from version 1 of launch template mine"},
		"a parameter of a person's": {func(n *night, bad string) {
			n.alias("/golden/mine", bad)
			time.Sleep(time.Minute)
			n.group("one", n.template("mine", "", "t3.micro", "resolve:ssm:/golden/mine"), "$Latest", idle)
		}, "group one launches what is undone from parameter /golden/mine, by version $Latest of launch template mine"},
		"an override": {func(n *night, bad string) {
			mine := n.template("mine", "", "t3.micro", ec2.ImageX86)
			n.group("one", mine, "1", idle, mixed(scaling.LaunchTemplateOverrides{InstanceType: aws.String("t3.micro"),
				ImageId: aws.String(bad)}))
		}, "group one launches what is undone from an image that it names itself"},
		"an override of what is led back": {func(n *night, bad string) {
			fleet := n.heads()[0].LaunchTemplateId
			n.group("one", *fleet, "$Default", idle, mixed(scaling.LaunchTemplateOverrides{
				InstanceType: aws.String("t3.micro"), ImageId: aws.String(bad)}))
		}, "group one launches what is undone from an image that it names itself"},
		"a fleet": {func(n *night, bad string) {
			n.fleetBy(n.template("mine", "", "t3.micro", bad), "$Latest")
		}, "launches what is undone from version $Latest of launch template mine"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				n.excused.slack = true
				web := n.launch("web", "")
				n.template("fleet", "web", "t3.micro", ec2.ImageX86)
				bad := n.results(n.nights(0))[web].Image.ID
				c.launches(n, bad)
				time.Sleep(5 * time.Minute)
				said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
				n.want("named in "+said, strings.Contains(said, c.says), true)
			})
		})
	}
}

// An alias that is not led back is launched from by whatever takes its image from it: each is named.
func TestUndoNamesWhoLaunchesFromAnAliasThatStays(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.nights(0)
		time.Sleep(5 * time.Minute)
		follower := n.template("follower", "", "t3.micro", "resolve:ssm:"+webAlias)
		n.group("one", follower, "1", idle)
		n.fleetBy(follower, "$Default")
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
		for _, who := range []string{"group one", "fleet fleet-"} {
			n.want(who+" in "+said, strings.Contains(said, who), true)
		}
		n.want("from what in "+said, strings.Contains(said, "launches what is undone from parameter "+webAlias+
			", by version 1"), true)
	})
}

// A rollback of an id leaves the alias of the name as it is, and names who launches from that.
func TestUndoOfAnIDNamesTheAliasOfTheName(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		n.alias(webAlias, ec2.ImageX86)
		time.Sleep(time.Minute)
		web := n.launch("web", "")
		n.template("byid", web, "t3.micro", ec2.ImageX86)
		n.group("one", n.template("follower", "", "t3.micro", "resolve:ssm:"+webAlias), "1", idle)
		n.nights(0)
		time.Sleep(5 * time.Minute)
		said := notesOf(n.rollBack(event.Rollback{Name: web, By: "ada"}))
		n.want("named in "+said, strings.Contains(said, "group one launches what is undone from parameter "+webAlias), true)
	})
}
