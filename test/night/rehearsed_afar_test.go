package night_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/local/account"
	"goldsmith/local/ec2"
	"goldsmith/shared/event"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// anyCopies draws where copies are made, and where they are rolled.
func anyCopies(random *rand.Rand) func(*plan.Plan) {
	return func(p *plan.Plan) {
		if random.IntN(2) == 0 {
			return
		}
		for _, region := range []string{virginia, paris} {
			c := plan.Copy{Region: region, Alias: random.IntN(3) > 0 && !p.Roll.Skip}
			if random.IntN(3) == 0 {
				c.Key = "alias/golden"
			}
			if random.IntN(3) == 0 {
				c.Keep = plan.Keep{Last: 1, Minimum: 1}
			}
			if random.IntN(3) > 0 {
				p.Copies = append(p.Copies, c)
			}
		}
	}
}

// anyAfar makes templates in a Region that want copies of the images of some of the fleet, and a key there.
func (n *night) anyAfar(random *rand.Rand) {
	n.t.Helper()
	n.golden(virginia, []ec2.KeyState{ec2.KeyUsable, ec2.KeyUsable, ec2.KeyDisabled}[random.IntN(3)])
	parameters := ssm.NewFromConfig(n.AWS(), func(o *ssm.Options) { o.Region = virginia })
	kinds := []types.InstanceType{"t3.micro", "m5.large", "m6g.large", "t4g.small"}
	for i := range random.IntN(6) {
		name := fmt.Sprintf("/golden/%d", i)
		must(parameters.PutParameter(n.ctx, &ssm.PutParameterInput{
			Name: aws.String(name), Value: aws.String(ec2.ImageX86), Type: "String", DataType: aws.String("aws:ec2:image"),
		}))(n.t)
		image := []string{ec2.ImageX86, ec2.ImageX86, "resolve:ssm:" + name, "resolve:ssm:" + name + ":1"}[random.IntN(4)]
		id := n.templateIn(virginia, fmt.Sprintf("template-%d", i), fmt.Sprintf("server-%d", i), image)
		n.rebased(random, id, kinds[random.IntN(len(kinds))])
	}
}

// rebased makes a version of a template with another instance type, and has it be the default in some cases.
func (n *night) rebased(random *rand.Rand, template string, kind types.InstanceType) {
	n.t.Helper()
	made := must(n.abroad(virginia).CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: &template, SourceVersion: aws.String("$Latest"), LaunchTemplateData: instanceType(kind),
	}))(n.t)
	if random.IntN(3) > 0 {
		n.makeDefaultIn(virginia, template, aws.ToInt64(made.LaunchTemplateVersion.VersionNumber))
	}
	if random.IntN(3) == 0 {
		must(n.abroad(virginia).CreateTags(n.ctx, &sdk.CreateTagsInput{Resources: []string{template},
			Tags: tag.List(map[string]string{tag.Base: []string{"latest", "default"}[random.IntN(2)]})}))(n.t)
	}
}

// meddleAfar has people launch a copy, or roll the name of a server back, or let it follow again.
func (n *night) meddleAfar(random *rand.Rand) {
	n.t.Helper()
	if copies := n.in(virginia); random.IntN(3) == 0 && len(copies) > 0 {
		if i := copies[random.IntN(len(copies))]; i.State == types.ImageStateAvailable {
			n.ok(n.used(virginia, aws.ToString(i.ImageId)))
		}
	}
	if random.IntN(3) > 0 {
		return
	}
	_, err := n.rolledBackOnce(event.Rollback{
		Name: fmt.Sprintf("server-%d", random.IntN(3)), By: "ada", Follow: random.IntN(2) == 0,
	})
	n.t.Log("rolled back, or let follow: ", err)
	time.Sleep(5 * time.Minute)
}

// problemsAfar are the problems of what is rolled in Regions, with "" for what is rolled.
func problemsAfar(said rehearsal.Night) (all []string) {
	for _, t := range said.Templates {
		if t.Region != "" {
			all = append(all, t.Problem)
		}
	}
	return all
}

// wantAfar wants problems that begin like this, and something that is rolled, to have been met.
func wantAfar(t *testing.T, met []string, beginnings ...string) {
	t.Helper()
	if !slices.Contains(met, "") {
		t.Error("nothing was said to be rolled in a Region")
	}
	for _, beginning := range beginnings {
		if !slices.ContainsFunc(met, func(problem string) bool { return strings.HasPrefix(problem, beginning) }) {
			t.Errorf("no problem in a Region was said to be %q: %q", beginning, met)
		}
	}
}

// Where one target at home cannot be rolled and the plan rolls all or none, its copy is rolled nowhere either, and a
// rehearsal says so.
func TestARehearsalOfACopyThatHomeDoesNotRoll(t *testing.T) {
	t.Parallel()
	play(t, rolledAfar(func(p *plan.Plan) { p.Roll.Together = true }), func(n *night) {
		n.launch("web", "gp3")
		n.template("web", "web", "m6g.large", ec2.ImageX86)
		n.templateIn(virginia, "web", "web", ec2.ImageX86)
		met := problemsAfar(n.rehearseAndRun(n.plans.Plans["nightly"]))
		want := "image new image of " + n.fleet["web"].id + ", which it would be the copy of, is not rolled at home, " +
			"or was rolled back there"
		n.want("problems", met, []string{want, want})
	})
}

// A Region that refuses, or that does not answer, is told of by a rehearsal, and costs nothing else: neither what would
// be rolled at home, nor what would in another Region.
func TestARehearsalOfARegionThatCannotBeSeen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		says   string
	}{
		"it refuses": {account.Deny, "UnauthorizedOperation: "},
		"it is silent": {
			func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			"EC2 did not answer DescribeLaunchTemplates in time",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var on atomic.Bool
			o := rolledAfar(func(p *plan.Plan) { p.Keep.Last, p.Copies[1].Alias = 5, true })
			o.Guard = guarded(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if on.Load() && strings.Contains(r.Header.Get("Authorization"), "/"+virginia+"/") {
						c.answer(w, r)
						return
					}
					next.ServeHTTP(w, r)
				})
			})
			play(t, o, func(n *night) {
				web := n.launch("web", "gp3")
				n.nights(0)
				p := n.plans.Plans["nightly"]
				well := n.rehearse(rehearsal.Scheduled(p, time.Now()), p)
				on.Store(true)
				begun := time.Now()
				bad := n.rehearse(rehearsal.Scheduled(p, time.Now()), p)
				on.Store(false)
				if took := time.Since(begun); took > 2*time.Minute {
					t.Errorf("it took %s", took)
				}
				n.want("unseen", []any{len(well.BlindIn), len(bad.BlindIn), bad.BlindIn[0].Region, bad.Blind},
					[]any{0, 1, virginia, ""})
				n.want("old images in "+paris, inRegion(bad, paris), inRegion(well, paris))
				n.want("copies there", len(inRegion(well, paris)), 1)
				for i, t := range bad.Templates {
					if t.Region != virginia {
						n.want("what takes the image of "+web, t, well.Templates[i])
						continue
					}
					n.want("told of", []any{t.Target, strings.Contains(t.Problem, c.says)},
						[]any{"what takes images of web", true})
				}
			})
		})
	}
}

// inRegion are the old images that a rehearsal tells of in a Region.
func inRegion(said rehearsal.Night, region string) (ids []string) {
	for _, i := range said.Images {
		if i.Region == region {
			ids = append(ids, i.ID)
		}
	}
	return ids
}
