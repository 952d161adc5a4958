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

	"goldsmith/functions/rollback"
	"goldsmith/local/account"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/shared/event"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// deniedAtHome denies the functions actions in the suite's own Region while it is on.
type deniedAtHome struct{ actions atomic.Value }

func (d *deniedAtHome) set(actions ...string) { d.actions.Store(actions) }

func (d *deniedAtHome) layer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		denied, _ := d.actions.Load().([]string)
		if r.Header.Get(query.CallerHeader) != "" && slices.Contains(denied, account.Operation(r)) &&
			strings.Contains(r.Header.Get("Authorization"), "/"+homeRegion+"/") {
			account.Deny(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// A rollback that comes to nothing at home leads no Region back: nothing is held then, and a copy would be rolled over
// it. Where a part of home is held, the Regions go with that.
func TestARollbackThatFailsAtHome(t *testing.T) {
	t.Parallel()
	const stays = "it stays: nothing is rolled back at home"
	for name, c := range map[string]struct {
		denied []string
		goes   bool
	}{
		"all of it":    {[]string{"CreateLaunchTemplateVersion", "PutParameter"}, false},
		"the template": {[]string{"CreateLaunchTemplateVersion"}, true},
		"the alias":    {[]string{"PutParameter"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &deniedAtHome{}
			o := rolledAfar()
			o.Guard = guarded(d.layer)
			play(t, o, func(n *night) {
				n.excused.slack, n.excused.afar = true, true
				web := n.launch("web", "gp3")
				n.template("web", "web", "t3.micro", ec2.ImageX86)
				there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
				launched := func() []string { return []string{n.launchesAfar(virginia, there), n.aliasIn(virginia, "web")} }
				one := n.results(n.nights(0))[web]
				two := n.results(n.nights(1))[web]
				time.Sleep(5 * time.Minute)
				d.set(c.denied...)
				answer := n.rollBack(event.Rollback{Name: "web", By: "ada"})
				// One that had no time for the Regions goes on there.
				rest := must(n.rolledBackOnce(event.Rollback{Name: "web", By: "ada", After: "region/"}))(t)
				for _, each := range append(answer.Targets, rest.Targets...) {
					switch {
					case each.Region != "" && c.goes:
						n.want("problem of "+each.Target+" in "+each.Region, each.Problem, "")
					case each.Region != "":
						n.want("problem of "+each.Target+" in "+each.Region, each.Problem, stays)
					}
				}
				time.Sleep(5 * time.Minute)
				want := two.Copies[0].ID
				if c.goes {
					want = one.Copies[0].ID
				}
				n.want("there", launched(), []string{want, want})
				d.set()
				for _, each := range n.rollBack(event.Rollback{Name: "web", By: "ada"}).Targets {
					n.want("problem of "+each.Target+" in "+each.Region, each.Problem, "")
				}
				time.Sleep(5 * time.Minute)
				_, home := n.standard("web")
				n.want("once it is put right", append(launched(), home),
					[]string{one.Copies[0].ID, one.Copies[0].ID, one.Image.ID})
			})
		})
	}
}

// rehearsedRollbacks is how many worlds are drawn for rehearsals of rollbacks: enough to meet all that may differ.
const rehearsedRollbacks = 30

// What a rehearsal of a rollback says of each target, at home and in the Regions, is what the rollback does, whatever
// people have done to images, copies and templates before.
func TestARollbackDoesWhatItsRehearsalSays(t *testing.T) {
	t.Parallel()
	met := map[string]int{}
	for seed := range uint64(rehearsedRollbacks) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0xd2))
			o := rolledAfar(func(p *plan.Plan) { p.Copies[1].Alias = random.IntN(2) == 0 })
			o.Seed = seed + 1
			play(t, o, func(n *night) {
				n.excused.slack, n.excused.afar = true, true
				asked := n.anyRollback(random)
				asked.Dry = true
				said, refused := n.rolledBackOnce(asked)
				asked.Dry = false
				done, err := n.rolledBackOnce(asked)
				n.want("refused", fmt.Sprint(err), fmt.Sprint(refused))
				n.want("what was done", outcomes(done), outcomes(said))
				for _, each := range done.Targets {
					met[kindOf(each)]++
				}
				for _, i := range n.in(virginia) {
					if i.State == types.ImageStateDisabled {
						n.takeAway(virginia, aws.ToString(i.ImageId), false)
					}
				}
			})
		})
	}
	for _, kind := range []string{"goes back at home", "goes back in a Region", "stays in a Region"} {
		if met[kind] == 0 {
			t.Errorf("no target %s: %v", kind, met)
		}
	}
}

// kindOf is what becomes of a target, and where.
func kindOf(r rollback.Result) string {
	kind, where := "goes back", " at home"
	if r.Problem != "" {
		kind = "stays"
	}
	if r.Region != "" {
		where = " in a Region"
	}
	return kind + where
}

// outcomes are what becomes of each target.
func outcomes(a rollback.Answer) (all []string) {
	for _, each := range a.Targets {
		to := each.To
		if each.Problem != "" {
			to = ""
		}
		all = append(all, fmt.Sprintf("%s %s to %q, there %t: %s", each.Region, each.Target, to, each.There, each.Problem))
	}
	return all
}

// anyRollback plays some nights, lets people do what they do, and is what is asked for then.
func (n *night) anyRollback(random *rand.Rand) event.Rollback {
	n.t.Helper()
	web := n.launch("web", "gp3")
	home := n.template("web", "web", "t3.micro", ec2.ImageX86)
	n.ok(n.tagAs(home, map[string]string{tag.Base: "latest"}))
	if random.IntN(3) == 0 {
		n.template("more", "web", "t3.micro", ec2.ImageX86)
	}
	there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
	theirs := n.registered("theirs", true)
	n.second = theirs
	var images, copied []string
	for night := range 2 + random.IntN(2) {
		if night > 0 && random.IntN(2) == 0 { // Its default has another image than its latest version, which is rolled from.
			n.makeDefaultIn(homeRegion, home, n.personsVersion(homeRegion, home, theirs))
			n.personsVersion(homeRegion, home, images[night-1])
		}
		result := n.results(n.nights(night))[web]
		images, copied = append(images, result.Image.ID), append(copied, result.Copies[0].ID)
		time.Sleep(5 * time.Minute) // Parameter Store checks images.
	}
	asked := event.Rollback{Name: "web", By: "ada"}
	for range random.IntN(4) {
		which, disable := random.IntN(len(images)), random.IntN(2) == 0
		switch random.IntN(6) {
		case 0:
			n.takeAway(homeRegion, images[which], disable)
		case 1:
			n.takeAway(virginia, copied[which], disable)
		case 2:
			n.takeAway(homeRegion, theirs, disable)
		case 3:
			asked.To = images[which]
		default:
			n.meddle(random, map[string]string{homeRegion: home, virginia: there}, images[which])
		}
	}
	return asked
}

// meddle has somebody put an image of theirs into a template, or roll back before, or let all follow again.
func (n *night) meddle(random *rand.Rand, templates map[string]string, image string) {
	n.t.Helper()
	region := []string{homeRegion, virginia}[random.IntN(2)]
	switch random.IntN(4) {
	case 0:
		_, err := n.rolledBackOnce(event.Rollback{Name: "web", By: "bob", To: image})
		n.t.Log("an earlier rollback: ", err)
		time.Sleep(5 * time.Minute)
	case 1:
		_, err := n.rolledBackOnce(event.Rollback{Name: "web", By: "bob", Follow: true})
		n.t.Log("let follow: ", err)
	default:
		n.makeDefaultIn(region, templates[region], n.personsVersion(region, templates[region], ec2.ImageX86))
	}
}

// takeAway disables an image in a Region, or deregisters it.
func (n *night) takeAway(region, image string, disable bool) {
	n.t.Helper()
	var err error
	if disable {
		_, err = n.abroad(region).DisableImage(n.ctx, &sdk.DisableImageInput{ImageId: &image})
	} else {
		_, err = n.abroad(region).DeregisterImage(n.ctx, &sdk.DeregisterImageInput{ImageId: &image,
			DeleteAssociatedSnapshots: aws.Bool(true)})
	}
	n.t.Log("taken away: ", image, err) // It may be gone already.
}

// personsVersion makes a version of a template with another image, which is its latest then.
func (n *night) personsVersion(region, template, image string) int64 {
	n.t.Helper()
	out := must(n.abroad(region).CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: &template, SourceVersion: aws.String("$Latest"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: &image},
	}))(n.t)
	return aws.ToInt64(out.LaunchTemplateVersion.VersionNumber)
}
