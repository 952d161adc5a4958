package night_test

import (
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
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// A rollback holds a name: what comes to that name later is held as well, until it follows again.
func TestWhatComesToAHeldNameIsHeld(t *testing.T) {
	for name, given := range map[string]func(n *night, web, fleet string){
		"a template that went by the alias": func(n *night, _, fleet string) {
			must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
				LaunchTemplateId: aws.String(fleet), SourceVersion: aws.String("1"),
				LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(ec2.ImageX86)},
			}))(n.t)
			n.makeDefault(fleet, "2")
		},
		"a new one": func(n *night, _, _ string) { n.template("late", "web", "t3.micro", ec2.ImageX86) },
		"one that names the source by its id by now": func(n *night, web, _ string) {
			n.ok(n.tagAs(n.id("fleet"), map[string]string{tag.Source: web}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				n.excused.slack = true
				n.alias("/goldsmith/images/web", ec2.ImageX86)
				web := n.launch("web", "")
				time.Sleep(time.Minute)
				n.template("fleet", "web", "t3.micro", ec2.ImageX86)
				follower := n.template("follower", "web", "t3.micro", "resolve:ssm:/goldsmith/images/web")
				n.nights(0)
				time.Sleep(5 * time.Minute)
				n.rollBack(event.Rollback{Name: "web", By: "ada"})
				given(n, web, follower)
				r := n.nights(1)
				for _, each := range n.results(r)[web].Rolled {
					n.want("held: "+each.Name+each.Problem, each.Held && strings.HasPrefix(each.Problem, "held"), true)
				}
				for _, v := range n.defaults() {
					image := aws.ToString(v.LaunchTemplateData.ImageId)
					n.want("image of "+*v.LaunchTemplateName, image == ec2.ImageX86 || strings.HasPrefix(image, "resolve"), true)
				}
				n.want("ending", n.results(r)[web].Ending, job.Imaged)
				n.rollBack(event.Rollback{Name: "web", By: "ada", Follow: true})
				r = n.nights(2)
				for _, each := range n.results(r)[web].Rolled {
					n.want("rolled again: "+each.Name, each.Problem, "")
				}
			})
		})
	}
}

// id is the id of a template by its name.
func (n *night) id(name string) string {
	n.t.Helper()
	out := must(n.cloud.DescribeLaunchTemplates(n.ctx,
		&sdk.DescribeLaunchTemplatesInput{LaunchTemplateNames: []string{name}}))(n.t)
	return aws.ToString(out.LaunchTemplates[0].LaunchTemplateId)
}

// A template that is held by the source's id is held when it is tagged with the source's name, whether the name has
// rolled it before or not, and the command that is told lets it follow.
func TestWhatIsHeldByAnIDIsHeldByAName(t *testing.T) {
	for _, named := range []bool{false, true} {
		t.Run(fmt.Sprint("rolled by its name before: ", named), func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				n.excused.slack = true
				web := n.launch("web", "")
				fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
				if named {
					n.nights(0)
				}
				n.ok(n.tagAs(fleet, map[string]string{tag.Source: web}))
				n.nights(1)
				n.rollBack(event.Rollback{Name: web, By: "ada"})
				n.ok(n.tagAs(fleet, map[string]string{tag.Source: "web"}))
				was := n.imageIn(fleet, "$Default")
				r := n.nights(2)
				said := n.rolled(r, web, "fleet")
				n.want("held: "+said.Problem, said.Held && strings.Contains(said.Problem, "follow --name "+web), true)
				n.want("image", n.imageIn(fleet, "$Default"), was)
				n.saysOf(r, "OK: ")
				n.rollBack(event.Rollback{Name: web, By: "ada", Follow: true})
				r = n.nights(3)
				n.want("rolled", n.imageIn(fleet, "$Default"), n.results(r)[web].Image.ID)
			})
		})
	}
}
