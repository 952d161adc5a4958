package rollout_test

import (
	"strings"
	"testing"
	"testing/synctest"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/ec2"
	"goldsmith/shared/plan"
	"goldsmith/shared/rollout"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// sight is a template, and what is read of it before a roll.
type sight struct {
	given func(w *world)
	base  plan.Base
	at    rollout.State
	// from is the image that is rolled from.
	from string
	// reads is how many calls read versions.
	reads         int
	problem, note string
}

// Where templates point, by which launchers there are.
var sights = map[string]sight{
	"one version": {
		given: func(w *world) { w.template(1, "a old") },
		at:    rollout.State{Version: 1, Default: 1, Latest: 1}, from: "old", reads: 1,
	},
	"default and latest are equal in all but the image": {
		given: func(w *world) { w.template(1, "a old", "a other") },
		at:    rollout.State{Version: 1, Default: 1, Latest: 2}, from: "old", reads: 1,
	},
	"they differ, and nothing is seen to launch": {
		given: func(w *world) { w.template(1, "a old", "b old") },
		at:    rollout.State{Version: 1, Default: 1, Latest: 2}, from: "old", reads: 1,
		problem: "nothing is seen to launch from it, and its default version 1 and its latest 2 differ in KeyName",
	},
	"they differ, and the plan says the latest": {
		given: func(w *world) { w.template(1, "a old", "b old") }, base: plan.BaseLatest,
		at: rollout.State{Version: 2, Default: 1, Latest: 2, Stays: true}, from: "old", reads: 1,
		note: "its default version 1 differs in KeyName from what is launched, and stays",
	},
	"they differ, and the tag says the latest, whatever the plan says": {
		given: func(w *world) { w.template(1, "a old", "b old"); w.says("latest") }, base: plan.BaseDefault,
		at: rollout.State{Version: 2, Default: 1, Latest: 2, Stays: true}, from: "old", reads: 1,
		note: "its default version 1 differs in KeyName from what is launched, and stays",
	},
	"the tag says something else": {
		given: func(w *world) { w.template(1, "a old", "b old"); w.says("newest") }, base: plan.BaseDefault,
		at: rollout.State{Version: 2, Default: 1, Latest: 2, Stays: true}, from: "old", reads: 1,
		problem: `its tag goldsmith:base is "newest"; want default or latest`,
	},
	"a group launches the latest": {
		given: func(w *world) { w.template(1, "a old", "b old"); w.group("web", "$Latest") },
		at:    rollout.State{Version: 2, Default: 1, Latest: 2, Stays: true}, from: "old", reads: 1,
		note: "its default version 1 differs in KeyName from what is launched, and stays",
	},
	"a group launches a number that is neither": {
		given: func(w *world) { w.template(1, "a old", "b old", "a other"); w.group("web", "2") },
		at:    rollout.State{Version: 3, Default: 1, Latest: 3, Stays: true}, from: "other", reads: 2,
		note: "its default version 1 differs in KeyName from what is launched, and stays; " +
			"its latest version 3, which nothing is seen to launch, differs in KeyName from version 2, " +
			"of which the new latest is made; group web (version 2) goes on launching what it has now",
	},
	"a group launches a number that is the default": {
		given: func(w *world) { w.template(2, "a old", "b old"); w.group("web", "2") },
		at:    rollout.State{Version: 2, Default: 2, Latest: 2}, from: "old", reads: 1,
		note: "group web (version 2) goes on launching what it has now",
	},
	"two groups launch what differs": {
		given: func(w *world) { w.template(1, "a old", "b old"); w.group("one", "1"); w.group("two", "$Latest") },
		at:    rollout.State{Version: 2, Default: 1, Latest: 2, Stays: true}, from: "old", reads: 1,
		problem: "group two launches version 2 and group one version 1, which differ in KeyName",
	},
	"a group launches a number that is gone": {
		given: func(w *world) {
			w.template(1, "a old", "b old", "a other")
			w.group("web", "2")
			w.deletes("2")
		},
		at: rollout.State{Version: 1, Default: 1, Latest: 3}, from: "old", reads: 2,
		note: "group web names version 2, of which there is none",
	},
	"a version that a group names cannot be read": {
		given: func(w *world) {
			w.template(1, "a old", "b old", "a other")
			w.group("web", "2")
			w.Cloud.Inject(ec2.Fault{Action: "DescribeLaunchTemplateVersions", Nth: []int{2}, Code: "UnauthorizedOperation"})
		},
		reads: 2, problem: "UnauthorizedOperation",
	},
	"what launches cannot be read": {
		given: func(w *world) {
			w.template(1, "a old")
			w.Cloud.Inject(ec2.Fault{Action: "DescribeFleets", Code: "UnauthorizedOperation"})
		},
		reads: 1, problem: "UnauthorizedOperation",
	},
	"EC2 does not list it": {
		given: func(w *world) {
			w.template(1, "a old")
			w.Cloud.Inject(ec2.Fault{Action: "DescribeLaunchTemplateVersions", Code: "InvalidLaunchTemplateId.NotFound"})
		},
		reads: 1, problem: "there is no such launch template",
	},
}

func TestSurvey(t *testing.T) {
	for name, c := range sights {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(steptest.New(t))
				c.given(w)
				was := len(w.Sent("DescribeLaunchTemplateVersions"))
				target := w.finds(plan.Roll{Base: c.base})
				r, at := target.Rolled, target.At
				w.Same("calls", len(w.Sent("DescribeLaunchTemplateVersions"))-was, c.reads)
				w.Same("problem: "+r.Problem, strings.Contains(r.Problem, c.problem) && (r.Problem == "") == (c.problem == ""),
					true)
				w.Same("note", r.Note, c.note)
				w.Same("from", at.Image, w.images[c.from])
				w.Same("numbers", []int64{at.Version, at.Default, at.Latest}, []int64{c.at.Version, c.at.Default, c.at.Latest})
				w.Same("stays", at.Stays, c.at.Stays)
			})
		})
	}
}

// finds is what becomes of the template when web's image "new" is rolled.
func (w *world) finds(roll plan.Roll) *rollout.Target {
	w.Helper()
	out, err := w.EC2.DescribeImages(w.Context(), &sdk.DescribeImagesInput{ImageIds: []string{w.images["new"]}})
	w.Must(err)
	found, err := w.room().Find(w.Context(), roll, rollout.Image{
		ID: w.images["new"], Machine: rollout.MachineOf(out.Images[0]), Source: w.Web, Lineage: w.Web, Name: "web",
		Run: "tonight",
	})
	w.Must(err)
	return found.Targets[0]
}

// says tags the template with which version to build on.
func (w *world) says(base string) {
	w.Helper()
	_, err := w.EC2.CreateTags(w.Context(), &sdk.CreateTagsInput{
		Resources: []string{w.id}, Tags: tag.List(map[string]string{tag.Base: base}),
	})
	w.Must(err)
}
