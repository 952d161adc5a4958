package night_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// rolledAfar is an account whose copies in one Region are rolled there, and those in another are not.
func rolledAfar(edits ...func(*plan.Plan)) stack.Options {
	return afar(nightly(func(p *plan.Plan) {
		p.Copies = []plan.Copy{{Region: virginia, Alias: true}, {Region: paris}}
		for _, edit := range edits {
			edit(p)
		}
	}))
}

// templateIn is a template in a Region that subscribes to a source.
func (n *night) templateIn(region, name, source, image string) string {
	n.t.Helper()
	out := must(n.abroad(region).CreateLaunchTemplate(n.ctx, &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String(name),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(image),
			InstanceType: types.InstanceTypeT3Micro},
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeLaunchTemplate, Tags: tag.List(map[string]string{tag.Source: source}),
		}},
	}))(n.t)
	return aws.ToString(out.LaunchTemplate.LaunchTemplateId)
}

// launchesAfar is what a template in a Region launches by its default version.
func (n *night) launchesAfar(region, id string) string {
	n.t.Helper()
	out := must(n.abroad(region).DescribeLaunchTemplateVersions(n.ctx, &sdk.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: aws.String(id), Versions: []string{"$Default"},
	}))(n.t)
	return aws.ToString(out.LaunchTemplateVersions[0].LaunchTemplateData.ImageId)
}

// aliasIn is what the alias of a name holds in a Region.
func (n *night) aliasIn(region, name string) string {
	value, _ := n.Beside[region].Parameters.Value("/goldsmith/images/" + name)
	return value
}

// A copy is rolled in its Region once it is there, where the plan says so: into the alias and the templates that are
// tagged with its name there, and nothing else. Home does not wait for it.
func TestACopyIsRolledInItsRegion(t *testing.T) {
	play(t, rolledAfar(), func(n *night) {
		web := n.launch("web", "gp3")
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
		other := n.templateIn(virginia, "api", "api", ec2.ImageX86)
		untouched := n.templateIn(paris, "web", "web", ec2.ImageX86)
		r := n.run()[0]
		time.Sleep(5 * time.Minute) // Parameter Store checks images.
		n.wasImaged(r, web)
		result := n.results(r)[web]
		made := result.Copies[0]
		_, home := n.standard("web")
		n.want("home", home, result.Image.ID)
		n.want("the template there", n.launchesAfar(virginia, there), made.ID)
		n.want("the alias there", n.aliasIn(virginia, "web"), made.ID)
		n.want("another name's template", n.launchesAfar(virginia, other), ec2.ImageX86)
		n.want("where copies are not rolled", []string{n.launchesAfar(paris, untouched), n.aliasIn(paris, "web")},
			[]string{ec2.ImageX86, ""})
		n.want("told", len(made.Rolled), 2)
		n.saysOf(r, "OK: nightly", "in us-east-1")
	})
}

// What is rolled back at home is not rolled abroad, until it follows again; the copy of an image that was undone never
// is, though it comes about when that is so.
func TestWhatIsRolledBackAtHomeIsNotRolledAfar(t *testing.T) {
	t.Parallel()
	for _, follows := range []bool{false, true} {
		play(t, rolledAfar(), func(n *night) {
			n.excused.slack = true // the rollback is told as well
			web := n.launch("web", "gp3")
			there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
			first := n.results(n.nights(0))[web].Copies[0].ID
			n.want("rolled", n.launchesAfar(virginia, there), first)
			time.Sleep(time.Until(due.Add(24*time.Hour + 11*time.Minute))) // Rolled at home, and on its way.
			n.rollBack(event.Rollback{Name: "web", By: "ada"})
			if follows {
				n.rollBack(event.Rollback{Name: "web", By: "ada", Follow: true})
			}
			r := n.nights(1)
			second := n.results(r)[web].Copies[0]
			n.want("the undone one", []string{n.launchesAfar(virginia, there), n.aliasIn(virginia, "web")},
				[]string{first, first})
			if follows {
				n.saysOf(r, "PARTIAL: ", "in us-east-1", "was rolled back there")
			} else {
				n.saysOf(r, "OK: ", "held, as ", "in us-east-1")
			}
			n.want("told", []any{len(second.Rolled), second.Rolled[0].Held, second.Rolled[1].Held}, []any{2, !follows, !follows})
			third := n.results(n.nights(2))[web].Copies[0].ID
			time.Sleep(5 * time.Minute)
			if !follows {
				third = first
			}
			n.want("the third night", []string{n.launchesAfar(virginia, there), n.aliasIn(virginia, "web")},
				[]string{third, third})
		})
	}
}

// A copy that comes about later than the next night's is not rolled over that.
func TestALateCopyIsNotRolledOverALaterOne(t *testing.T) {
	t.Parallel()
	play(t, rolledAfar(), func(n *night) {
		web := n.launch("web", "gp3")
		there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
		n.after("copy", web, func(work) {
			for _, i := range n.in(virginia) {
				n.EC2.In(virginia).Inject(ec2.Fault{Action: "DescribeImages", Resource: aws.ToString(i.ImageId),
					Code: "InternalError", Until: time.Now().Add(26 * time.Hour)})
			}
		})
		n.begin()
		time.Sleep(4 * 24 * time.Hour)
		runs := n.runs()
		slices.Reverse(runs)
		late, next := n.results(runs[0])[web].Copies[0], n.results(runs[1])[web].Copies[0]
		n.want("both are there, the first as the last", []bool{late.At.After(next.At), next.At.IsZero()}, []bool{true, false})
		for _, rolled := range late.Rolled {
			n.want("why it was not rolled", rolled.Problem, next.ID+" is there, the copy of a later image")
		}
		last := n.results(runs[3])[web].Copies[0].ID
		n.want("what is launched", n.launchesAfar(virginia, there), last)
	})
}

// A copy that comes about only once its image is what home was rolled back to, and follows from, is rolled as home is:
// also over the copy of what was undone, whether that was rolled before or comes about later.
func TestALateCopyOfWhatHomeWentBackToIsRolled(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]time.Duration{"before the later copy": 11 * time.Minute,
		"after it": 3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, rolledAfar(), func(n *night) {
				n.excused.slack, n.excused.afar = true, true
				web := n.launch("web", "gp3")
				n.template("web", "web", "t3.micro", ec2.ImageX86)
				there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
				n.after("copy", web, func(work) {
					for _, i := range n.in(virginia) {
						n.EC2.In(virginia).Inject(ec2.Fault{Action: "DescribeImages", Resource: aws.ToString(i.ImageId),
							Code: "InternalError", Until: time.Now().Add(28 * time.Hour)})
					}
				})
				n.begin()
				time.Sleep(time.Until(due.Add(24*time.Hour + back)))
				n.rollBack(event.Rollback{Name: "web", By: "ada"})
				n.rollBack(event.Rollback{Name: "web", By: "ada", Follow: true})
				time.Sleep(time.Until(due.Add(46 * time.Hour)))
				runs := n.runs()
				slices.Reverse(runs)
				late := n.results(runs[0])[web]
				_, home := n.standard("web")
				n.want("home", home, late.Image.ID)
				for _, rolled := range late.Copies[0].Rolled {
					n.want("problem of "+rolled.Target, rolled.Problem, "")
				}
				n.want("there", []string{n.launchesAfar(virginia, there), n.aliasIn(virginia, "web")},
					[]string{late.Copies[0].ID, late.Copies[0].ID})
			})
		})
	}
}

// A rollback leads a Region back to the copy of the image that home goes back to, and holds it; who lets the name
// follow has it rolled there again.
func TestARollbackCoversTheRegionsOfCopies(t *testing.T) {
	t.Parallel()
	play(t, rolledAfar(), func(n *night) {
		n.excused.slack = true // the rollback is told as well
		web := n.launch("web", "gp3")
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
		launched := func() []string { return []string{n.launchesAfar(virginia, there), n.aliasIn(virginia, "web")} }
		first := n.results(n.nights(0))[web].Copies[0].ID
		second := n.results(n.nights(1))[web].Copies[0].ID
		time.Sleep(5 * time.Minute)
		n.want("rolled", launched(), []string{second, second})

		dry := n.rollBack(event.Rollback{Name: "web", Dry: true})
		n.want("targets of a rehearsal", len(dry.Targets), 4)
		n.want("after a rehearsal", launched(), []string{second, second})
		for range 2 {
			answer := n.rollBack(event.Rollback{Name: "web", By: "ada"})
			for _, each := range answer.Targets {
				n.want("problem of "+each.Target+" in "+each.Region, each.Problem, "")
			}
			n.want("told", []any{len(answer.Targets), answer.Targets[3].Region, answer.Targets[3].To}, []any{4, virginia, first})
			time.Sleep(5 * time.Minute)
			n.want("rolled back", launched(), []string{first, first})
		}
		n.want("messages of the rollback", strings.Count(n.said(), "Goldsmith: web is rolled back by ada"), 1)
		third := n.nights(2)
		n.want("held", launched(), []string{first, first})
		n.saysOf(third, "OK: ", "held: it was rolled back to "+first, "in us-east-1")
		n.rollBack(event.Rollback{Name: "web", By: "ada", Follow: true})
		fourth := n.results(n.nights(3))[web].Copies[0].ID
		time.Sleep(5 * time.Minute)
		n.want("followed", launched(), []string{fourth, fourth})
		n.rollBack(event.Rollback{Name: "web", By: "ada"})
		time.Sleep(5 * time.Minute)
		n.want("rolled back again", launched(), []string{first, first})
	})
}

// A Region whose copy of the image that home goes back to is gone is told plainly, and stays as it is; nothing is
// rolled there while home is held.
func TestARollbackWhoseCopyIsGone(t *testing.T) {
	t.Parallel()
	play(t, rolledAfar(), func(n *night) {
		n.excused.slack, n.excused.afar = true, true
		web := n.launch("web", "gp3")
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
		made := n.results(n.nights(0))[web]
		second := n.results(n.nights(1))[web].Copies[0].ID
		time.Sleep(5 * time.Minute)
		must(n.abroad(virginia).DeregisterImage(n.ctx, &sdk.DeregisterImageInput{
			ImageId: aws.String(made.Copies[0].ID), DeleteAssociatedSnapshots: aws.Bool(true)}))(t)
		answer := n.rollBack(event.Rollback{Name: "web", By: "ada"})
		_, image := n.standard("web")
		n.want("home", image, made.Image.ID)
		for _, each := range answer.Targets[2:] {
			if want := "it stays, and has " + second + ": "; !strings.HasPrefix(each.Problem, want) ||
				!strings.Contains(each.Problem, made.Image.ID+", which home goes back to, is gone") {
				t.Errorf("%s in %s is told as %q", each.Target, each.Region, each.Problem)
			}
		}
		n.want("targets", len(answer.Targets), 4)
		n.want("there", n.launchesAfar(virginia, there), second)
		n.nights(2)
		n.want("there after another night", n.launchesAfar(virginia, there), second)
	})
}

// makeDefaultIn makes a version of a template the default in a Region.
func (n *night) makeDefaultIn(region, template string, version int64) {
	n.t.Helper()
	must(n.abroad(region).ModifyLaunchTemplate(n.ctx, &sdk.ModifyLaunchTemplateInput{
		LaunchTemplateId: aws.String(template), DefaultVersion: aws.String(strconv.FormatInt(version, 10)),
	}))(n.t)
}

func instanceType(kind types.InstanceType) *types.RequestLaunchTemplateData {
	return &types.RequestLaunchTemplateData{InstanceType: kind}
}
