package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/rollout"
	"goldsmith/test/steptest"
)

// What a rollback holds is listed with the image, and who holds it.
func TestHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(steptest.New(t))
		w.template(2, "a old", "a new")
		w.rolled(2, false)
		w.undoes("")
		holds, err := w.room().Holds(w.Context(), w.Ledger.Kept.Held(w.Context()), nil)
		w.Must(err)
		w.Same("holds", len(holds), 1)
		w.Same("hold", []string{holds[0].Source, holds[0].Target, holds[0].Title, holds[0].Image},
			[]string{"web", w.id, "fleet", w.images["old"]})
	})
}

// Where default and latest are equal in all but the image, a roll that left the default where it was moves both.
func TestADefaultThatStayedAndIsEqual(t *testing.T) {
	for latest, stays := range map[string]bool{"a new": false, "b new": true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(steptest.New(t))
			w.template(1, "a old", latest)
			w.rolled(2, true)
			w.Same(latest, w.looked().At.Stays, stays)
		})
	}
}

// looked is the template as it is.
func (w *world) looked() *rollout.Target {
	w.Helper()
	targets, err := w.room().Known(w.Context(), "web")
	w.Must(err)
	w.Must(w.room().LookAll(w.Context(), targets))
	return targets[0]
}

// A template whose default stays follows from its latest version on.
func TestFollowOfADefaultThatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(steptest.New(t))
		w.template(1, "a old", "b old", "b new")
		w.rolled(3, true, w.had(2, "old"), w.had(2, "old"), w.had(2, "old"))
		w.undoes("")
		target := w.looked()
		done, err := w.room().Follow(w.Context(), target, "ada")
		w.Must(err)
		p := w.looked().Record.Points[0]
		w.Same("follows", []any{done, p.Image, p.Version, p.Stays, p.By}, []any{true, w.images["old"], int64(4), true, "ada"})
	})
}

// Default and latest that had equal content go back by one version.
func TestOneVersionForBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(steptest.New(t))
		w.template(3, "a old", "a old", "a new")
		w.rolled(3, false, w.had(1, "old"), w.had(2, "old"), w.had(1, "old"))
		w.undoes("")
		w.Same("numbers", []int64{w.looked().At.Default, w.looked().At.Latest}, []int64{4, 4})
	})
}

// refusing is a ledger that does not take the nth record.
type refusing struct {
	rollout.Records
	nth int
}

var errRefused = errors.New("refused")

func (r *refusing) PutTarget(ctx context.Context, t ledger.TargetRecord) (ledger.TargetRecord, error) {
	if r.nth--; r.nth == 0 {
		return t, errRefused
	}
	return r.Records.PutTarget(ctx, t)
}

// That an undo failed for good has to be written down.
func TestAFailedUndoIsWrittenDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(steptest.New(t))
		w.template(2, "a old", "a new")
		w.rolled(2, false)
		w.Cloud.Inject(ec2.Fault{Action: "CreateLaunchTemplateVersion", Code: "UnauthorizedOperation"})
		room, target := w.room(), w.looked()
		room.Records = &refusing{room.Records, 2}
		to := target.Back("").To
		if err := room.Return(w.Context(), target, to); !errors.Is(err, errRefused) {
			t.Error(err)
		}
	})
}

// Whose image was rolled last cannot be told where the register cannot be read.
func TestAHolderThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(steptest.New(t))
		w.template(2, "a old", "a new")
		w.rolled(2, false)
		room := w.room()
		room.Ledger = w.Ledger
		w.Ledger.Break("Registration", 1)
		if _, _, err := room.Holder(w.Context(), "web"); err == nil {
			t.Error("no error")
		}
	})
}

// The volumes of what is launched from a template go with their instances, also where that takes its image from the
// source's alias and says nothing else.
func TestVolumesOfWhatFollowsTheAlias(t *testing.T) {
	for image, always := range map[string]bool{"resolve:ssm:/goldsmith/images/web": true,
		"resolve:ssm:/goldsmith/images/web2": false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(steptest.New(t))
			_, err := w.EC2.CreateLaunchTemplate(w.Context(), &sdk.CreateLaunchTemplateInput{
				LaunchTemplateName: aws.String("follower"),
				LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(image)},
			})
			w.Must(err)
			got, told, err := w.room().Volumes(w.Context(), plan.Plan{},
				job.Source{ID: w.Web, Name: "web", Kept: []string{"/dev/sdf"}})
			w.Must(err)
			w.Same(image, []any{got, told != nil}, []any{always, true})
		})
	}
}

// A template whose launchers disagree, and of which all take their image from the source's alias, is rolled by that.
func TestAllThatDisagreeTakeTheAlias(t *testing.T) {
	for other, alone := range map[string]bool{"b alias": true, "b old": false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(steptest.New(t))
			w.images["alias"] = "resolve:ssm:/goldsmith/images/web"
			w.parameter("/goldsmith/images/web", "old")
			w.template(1, "a alias", other)
			w.group("one", "1")
			w.group("two", "$Latest")
			target := w.finds(plan.Roll{})
			w.Same(other, target.Rolled.Parameter, alone)
			w.Same("problem of it", target.Rolled.Problem != "", !alone)
		})
	}
}

// A parameter of the source's former name is the source's under its name of today.
func TestAParameterOfAFormerName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(steptest.New(t))
		w.images["golden"] = "resolve:ssm:/golden/web"
		w.parameter("/golden/web", "old")
		w.template(1, "a golden")
		const name = "\x1fparameter\x1f/golden/web"
		_, err := w.Ledger.Kept.PutOwner(w.Context(),
			ledger.Owner{Name: name, Key: "former", Lineage: w.Web, Source: w.Web, At: time.Now()})
		w.Must(err)
		targets := []*rollout.Target{w.finds(plan.Roll{})}
		w.Must(w.room().Roll(w.Context(), targets, rollout.Image{ID: w.images["new"], Source: w.Web, Run: "tonight"}, false))
		o, _, err := w.Ledger.Kept.Owner(w.Context(), name)
		w.Must(err)
		w.Same("owner", []string{o.Key, o.Lineage}, []string{"web", w.Web})
	})
}

// An undo in which one call fails, and that is asked for again, ends as one in which none does.
func TestUndoingAgain(t *testing.T) {
	for _, name := range []string{"the latest had another image", "what was before is gone", "the default stayed",
		"a try before made the default's version and did not live to cover it", "to an image that is named, over an edit"} {
		t.Run(name, func(t *testing.T) {
			calls := undos[name].again(t, 0, steptest.Disturbance{})
			for n, call := range calls {
				for _, how := range steptest.Disturbances(call)[:2] {
					undos[name].again(t, n+1, how)
				}
			}
		})
	}
}

// unheard are calls about what launches from a template: where they are denied nothing is kept from being undone.
var unheard = []string{"DescribeAutoScalingGroups", "DescribeFleets", "DescribeSpotFleetRequests"}

func (c undo) again(t *testing.T, nth int, how steptest.Disturbance) (calls []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(steptest.New(t))
		c.given(w)
		_, _, before := w.shows()
		w.Disturb(nth, how)
		said := w.tries(c.to)
		calls = slices.Clone(w.Calls())
		if nth > 0 && nth <= len(calls) && !strings.Contains(said, how.Code) && !slices.Contains(unheard, calls[nth-1]) {
			w.Errorf("call %d, %s, was %s, and said is %q", nth, calls[nth-1], how.Name, said)
		}
		w.Disturb(0, steptest.Disturbance{})
		time.Sleep(time.Hour)
		w.tries(c.to)
		standard, latest, after := w.shows()
		call := ""
		if nth > 0 && nth <= len(calls) {
			call = calls[nth-1]
		}
		w.Same(fmt.Sprintf("default after call %d, %s, was %s", nth, call, how.Name), standard, c.standard)
		w.Same(fmt.Sprintf("latest after call %d, %s, was %s", nth, call, how.Name), latest, c.latest)
		if made := after - before; made < c.made || made > c.made+1 {
			w.Errorf("%d versions were made, want %d", made, c.made)
		}
	})
	return calls
}

// tries asks for an undo and gives why it failed.
func (w *world) tries(image string) (failed string) {
	w.Helper()
	room := w.room()
	room.Ledger, room.Records = w.Ledger, w.Ledger
	targets, err := room.Known(w.Context(), "web")
	if err == nil {
		err = room.LookAll(w.Context(), targets)
	}
	if err != nil {
		return err.Error()
	}
	t := targets[0]
	back := t.Back(w.images[image])
	if !back.There {
		if err = room.Return(w.Context(), t, back.To); err == nil && t.Rolled.Problem != "" {
			return t.Rolled.Problem
		}
		back.To.Version = t.Rolled.Version
	}
	if err == nil {
		err = room.Hold(w.Context(), t, back.To, back.There)
	}
	if err != nil {
		return err.Error()
	}
	return t.Rolled.Note
}
