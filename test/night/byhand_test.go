package night_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
)

// versionOf makes one more version of a template from another.
func (n *night) versionOf(template, source string, data types.RequestLaunchTemplateData) {
	n.t.Helper()
	must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: aws.String(template), SourceVersion: aws.String(source), LaunchTemplateData: &data,
	}))(n.t)
}

func (n *night) deleteVersion(template, version string) {
	n.t.Helper()
	must(n.cloud.DeleteLaunchTemplateVersions(n.ctx, &sdk.DeleteLaunchTemplateVersionsInput{
		LaunchTemplateId: aws.String(template), Versions: []string{version},
	}))(n.t)
}

// An alias is not written where a group or a fleet launches from it by a version's number, and could not launch the
// image: neither default nor latest takes its image from it.
func TestAnAliasThatIsFollowedByANumber(t *testing.T) {
	for name, c := range map[string]struct {
		source string
		data   types.RequestLaunchTemplateData
		fleet  bool
		told   string
	}{
		"a group, and the root has grown": {"grown", types.RequestLaunchTemplateData{InstanceType: "t3.micro",
			BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMappingRequest{{DeviceName: aws.String("/dev/xvda"),
				Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(8)}}}}, false,
			"its /dev/xvda has 8 GiB, the image needs 50"},
		"a fleet, and another architecture": {"arm64", types.RequestLaunchTemplateData{InstanceType: "t3.micro"}, true,
			"its instance type t3.micro does not run arm64 images"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				n.alias("/goldsmith/images/web", ec2.ImageX86)
				web := n.launch("web", c.source)
				time.Sleep(time.Minute)
				c.data.ImageId = aws.String("resolve:ssm:/goldsmith/images/web")
				follower := n.versioned("follower", rollTemplate{first: c.data, standard: 2,
					versions: []types.RequestLaunchTemplateData{{ImageId: aws.String(ec2.ImageX86)}}})
				if c.fleet {
					n.ok(n.fleetOf(follower, rollLauncher{fleet: true, version: "1"}))
				} else {
					n.group("one", follower, "1")
				}
				problem := n.rolled(n.nights(0), web, "/goldsmith/images/web").Problem
				n.want("told in "+problem, strings.Contains(problem, c.told), true)
				value, _ := n.Parameters.Value("/goldsmith/images/web")
				n.want("alias", value, ec2.ImageX86)
			})
		})
	}
}

// What $Latest launches was set back by hand, by a version that differs from the rolled one in the image alone: it
// stays until it is to follow again. A version that differs in more is an edit, and is rolled from.
func TestWhatIsSetBackByHandOnLatest(t *testing.T) {
	for name, edited := range map[string]bool{"the image alone": false, "user data, too": true} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				n.excused.slack = true
				web := n.launch("web", "")
				fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
				n.group("latest", fleet, "$Latest")
				n.nights(0)
				data := types.RequestLaunchTemplateData{ImageId: aws.String(ec2.ImageX86)}
				if edited {
					data.UserData = aws.String("ZWRpdGVk")
				}
				n.versionOf(fleet, "2", data)
				r := n.nights(1)
				problem := n.rolled(r, web, "fleet").Problem
				n.want("left alone: "+problem,
					strings.Contains(problem, "it was set back by hand; ask goldsmith follow --name web"), !edited)
				n.want("latest is as it was", n.imageIn(fleet, "$Latest") == ec2.ImageX86, !edited)
				n.rollBack(event.Rollback{Name: "web", By: "ada", Follow: true})
				made := n.results(n.nights(2))[web].Image.ID
				n.want("latest once it follows", n.imageIn(fleet, "$Latest"), made)
				n.want("default once it follows", n.imageIn(fleet, "$Default") == made, !edited)
			})
		})
	}
}

// A template whose latest version was deleted, another's or the source's own: nothing is left unrolled for it, and
// nothing is told that is not so.
func TestALatestVersionThatIsDeleted(t *testing.T) {
	for _, many := range []int{1, 20} {
		t.Run(fmt.Sprint(many), func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				n.excused.slack = true
				n.alias("/goldsmith/images/web", ec2.ImageX86)
				web := n.launch("web", "")
				for i := range many {
					n.template(fmt.Sprintf("fleet-%d", i), "web", "t3.micro", ec2.ImageX86)
				}
				for name, source := range map[string]string{"stranger": "", "own": "web"} {
					id := n.template(name, source, "t3.micro", ec2.ImageX86)
					n.versionOf(id, "1", types.RequestLaunchTemplateData{InstanceType: "m5.large"})
					n.deleteVersion(id, "2")
				}
				result := n.results(n.nights(0))[web]
				n.want("rolled", len(result.Rolled), many+2)
				for _, each := range result.Rolled {
					n.want("problem of "+each.Name+each.Target, each.Problem, "")
				}
				for _, v := range n.defaults() {
					if id := aws.ToString(v.LaunchTemplateId); aws.ToString(v.LaunchTemplateName) == "stranger" {
						// What holds after every night reads $Latest.
						n.versionOf(id, "1", types.RequestLaunchTemplateData{InstanceType: "m5.large"})
					}
				}
			})
		})
	}
}

// What a roll leaves beneath the new version, and who names a version that there is not, is told.
func TestVersionsThatNothingLaunches(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		web := n.launch("web", "")
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.versionOf(fleet, "1", types.RequestLaunchTemplateData{InstanceType: "m5.large"})
		n.group("gone", fleet, "2")
		n.versionOf(fleet, "1", types.RequestLaunchTemplateData{InstanceType: "t3.small"})
		n.deleteVersion(fleet, "2")
		n.group("standard", fleet, "$Default")
		note := n.rolled(n.nights(0), web, "fleet").Note
		for _, words := range []string{"its latest version 3, which nothing is seen to launch, differs in InstanceType",
			"group gone names version 2, of which there is none"} {
			n.want(words+" in "+note, strings.Contains(note, words), true)
		}
	})
}

// A mapping that was a volume beside the root is not made the root.
func TestARootByAnotherName(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		sda := n.registered("sda", true, func(in *sdk.RegisterImageInput) {
			in.RootDeviceName = aws.String("/dev/sda1")
			in.BlockDeviceMappings[0].DeviceName = aws.String("/dev/sda1")
		})
		web := n.launch("web", "image="+sda)
		n.versioned("fleet", rollTemplate{tags: map[string]string{"goldsmith:source": "web"}, standard: 1,
			first: types.RequestLaunchTemplateData{ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro",
				BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMappingRequest{{DeviceName: aws.String("/dev/sda1"),
					Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(20)}}}}})
		problem := n.rolled(n.nights(0), web, "fleet").Problem
		n.want("told in "+problem,
			strings.Contains(problem, "its /dev/sda1 is a volume of 20 GiB beside the root /dev/xvda"), true)
		// It is no golden image.
		must(n.cloud.DeregisterImage(n.ctx, &sdk.DeregisterImageInput{ImageId: aws.String(sda)}))(n.t)
	})
}

// A hand-over of a held name says that it is held.
func TestAHeldNameIsHandedOver(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.nights(0)
		time.Sleep(10 * time.Minute)
		n.rollBack(event.Rollback{Name: "web", By: "ada"})
		payload := must(json.Marshal(event.Handover{Name: "web", To: n.launch("web", ""), By: "ada"}))(t)
		said := string(must(n.Invoke(n.ctx, "goldsmith-rollback", payload))(t))
		n.want("held in "+said, strings.Contains(said, "What was rolled back of web is held"), true)
		n.want("rolled in "+said, strings.Contains(said, "is rolled into"), false)
	})
}
