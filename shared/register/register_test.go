package register_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
	"goldsmith/shared/tag"
)

var claimed = time.Date(2026, 3, 22, 2, 30, 0, 500, time.UTC)

// facts are an image, and what is registered of it, for each creating call.
func facts(call ledger.Call) (ledger.Registration, types.Image) {
	r := ledger.Registration{
		Kind: ledger.MadeImage, Call: call, AMIName: "goldsmith/web", ID: "ami-1", Begun: claimed,
		Schema: ledger.RegisterSchema,
	}
	i := types.Image{
		ImageId: aws.String("ami-1"), Name: aws.String("goldsmith/web"), CreationDate: aws.String("2026-03-22T02:30:00.000Z"),
		RootDeviceName: aws.String("/dev/xvda"), BlockDeviceMappings: []types.BlockDeviceMapping{
			{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String("snap-2")}},
			{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String("snap-1")}},
		},
	}
	switch call {
	case ledger.CreateImage:
		r.Source, i.SourceInstanceId = "i-1", aws.String("i-1")
	case ledger.CopyImage:
		r.From, r.FromRegion = "ami-0", "eu-west-1"
		i.SourceImageId, i.SourceImageRegion = aws.String("ami-0"), aws.String("eu-west-1")
	case ledger.RegisterImage:
		r.From = "snap-1"
	case ledger.RunInstances:
	}
	return r, i
}

var calls = []ledger.Call{ledger.CreateImage, ledger.CopyImage, ledger.RegisterImage}

// An image is the registered one when every fact agrees, whatever its tags say; with any one fact otherwise it is not.
func TestImage(t *testing.T) {
	edits := map[string]func(r *ledger.Registration, i *types.Image){
		"its id":   func(_ *ledger.Registration, i *types.Image) { i.ImageId = aws.String("ami-2") },
		"its name": func(_ *ledger.Registration, i *types.Image) { i.Name = aws.String("web") },
		"made before the claim": func(_ *ledger.Registration, i *types.Image) {
			i.CreationDate = aws.String("2026-03-22T02:29:59.000Z")
		},
		"made at no time":           func(_ *ledger.Registration, i *types.Image) { i.CreationDate = nil },
		"a test instance":           func(r *ledger.Registration, _ *types.Image) { r.Kind = ledger.MadeTest },
		"a newer version's":         func(r *ledger.Registration, _ *types.Image) { r.Schema++ },
		"an unknown call":           func(r *ledger.Registration, _ *types.Image) { r.Call = "ImportImage" },
		"a launch":                  func(r *ledger.Registration, _ *types.Image) { r.Call = ledger.RunInstances },
		"of another instance":       func(_ *ledger.Registration, i *types.Image) { i.SourceInstanceId = aws.String("i-9") },
		"a copy of another":         func(_ *ledger.Registration, i *types.Image) { i.SourceImageId = aws.String("ami-9") },
		"of nothing":                func(r *ledger.Registration, _ *types.Image) { r.Source, r.From = "", "" },
		"registered of another one": func(_ *ledger.Registration, i *types.Image) { i.BlockDeviceMappings = nil },
	}
	// What one call leaves says nothing of an image that another made.
	silent := map[ledger.Call][]string{
		ledger.CreateImage: {"a copy of another", "registered of another one"},
		ledger.CopyImage:   {"registered of another one"},
	}
	for _, call := range calls {
		r, i := facts(call)
		i.Tags = tag.List(map[string]string{tag.Source: "i-9", tag.Name: "db", tag.Plan: "other"})
		if why := register.Image(r, i); why != nil {
			t.Errorf("%s: %v", call, why)
		}
		for name, edit := range edits {
			r, i := facts(call)
			edit(&r, &i)
			agrees := false
			for _, s := range silent[call] {
				agrees = agrees || s == name
			}
			if why := register.Image(r, i); (why == nil) != agrees {
				t.Errorf("%s, %s: %v", call, name, why)
			}
		}
	}
}

// Until the creating call was answered the id is not known; the other facts show which image it is.
func TestImageWithoutAnAnswer(t *testing.T) {
	for _, call := range calls {
		r, i := facts(call)
		r.ID = ""
		if why := register.Image(r, i); why != nil {
			t.Errorf("%s: %v", call, why)
		}
	}
}

func TestTest(t *testing.T) {
	j := job.Job{Run: job.Run{Name: "r", Plan: "nightly"},
		Source: job.Source{ID: "i-1", Name: "web", Lineage: "group/web"}, Image: job.Image{ID: "ami-1"}}
	r := register.TestOf(j, "token", claimed)
	i := types.Instance{InstanceId: aws.String("i-7"), ClientToken: aws.String("token"), ImageId: aws.String("ami-1")}
	if why := register.Test(r, i); why != nil {
		t.Error(why)
	}
	for name, edit := range map[string]func(r *ledger.Registration, i *types.Instance){
		"another token":     func(_ *ledger.Registration, i *types.Instance) { i.ClientToken = aws.String("other") },
		"no token":          func(r *ledger.Registration, i *types.Instance) { r.Token, i.ClientToken = "", nil },
		"another image":     func(_ *ledger.Registration, i *types.Instance) { i.ImageId = aws.String("ami-2") },
		"no image":          func(r *ledger.Registration, i *types.Instance) { r.From, i.ImageId = "", nil },
		"another id":        func(r *ledger.Registration, _ *types.Instance) { r.ID = "i-8" },
		"an image":          func(r *ledger.Registration, _ *types.Instance) { r.Kind = ledger.MadeImage },
		"another call":      func(r *ledger.Registration, _ *types.Instance) { r.Call = ledger.CreateImage },
		"a newer version's": func(r *ledger.Registration, _ *types.Instance) { r.Schema = ledger.RegisterSchema + 1 },
	} {
		r, i := r, i
		edit(&r, &i)
		if register.Test(r, i) == nil {
			t.Errorf("%s: it is the registered one", name)
		}
	}
}

// What is registered before a creating call has the source's lineage.
func TestLineages(t *testing.T) {
	for lineage, want := range map[string]string{"": "i-1", "group/web": "group/web"} {
		j := job.Job{Source: job.Source{ID: "i-1", Lineage: lineage}}
		if image, test := register.ImageOf(j), register.TestOf(j, "t",
			claimed); image.Lineage != want || test.Lineage != want || image.Source != "i-1" {
			t.Errorf("%q: %+v and %+v", lineage, image, test)
		}
	}
}

// The source's wish is registered as it was when it was claimed, and so is that it had none.
func TestImageOfKeepsTheWish(t *testing.T) {
	for _, tags := range []map[string]string{nil, {tag.Keep: ""}, {tag.Keep: "daily=7"}} {
		got := register.ImageOf(job.Job{Source: job.Source{ID: "i-1", Tags: tags}}).Keep
		if keep, wished := tags[tag.Keep]; (got != nil) != wished || wished && *got != keep {
			t.Errorf("%v: %v", tags, got)
		}
	}
}

// An image of an instance that a run stops is Goldsmith's only if it was made after the stop was sent.
func TestImageOfBeginsWithTheStop(t *testing.T) {
	for _, c := range []struct{ stop, want time.Time }{
		{time.Time{}, claimed}, {claimed.Add(-time.Hour), claimed}, {claimed.Add(time.Minute), claimed.Add(time.Minute)},
	} {
		j := job.Job{Source: job.Source{ID: "i-1"}, Times: job.Times{Claimed: claimed, StopSent: c.stop}}
		if got := register.ImageOf(j).Begun; !got.Equal(c.want) {
			t.Errorf("stopped at %s: begun at %s", c.stop, got)
		}
	}
}

// An image's snapshots are its own but for those that it was registered from, or that a person's image had before.
func TestSnapshots(t *testing.T) {
	for _, call := range calls {
		for _, adopted := range []string{"", "ada"} {
			r, i := facts(call)
			r.Adopted, r.Snapshots = adopted, []string{"snap-1"}
			want := map[bool][]string{true: {"snap-2", "snap-1"}, false: {"snap-1"}}[adopted == ""]
			if call == ledger.RegisterImage {
				want = []string{"snap-1"} // the registered copy
				r.Copies = map[string]string{"snap-0": "snap-1"}
			}
			if got := register.Snapshots(r, i); !slices.Equal(got, want) {
				t.Errorf("%s, adopted by %q: %v", call, adopted, got)
			}
		}
	}
}

func TestSnapshot(t *testing.T) {
	r := ledger.Registration{Kind: ledger.MadeImage, Snapshots: []string{"snap-1"}}
	if !register.Snapshot(r, "snap-1") || register.Snapshot(r, "snap-2") {
		t.Error("not the image's own")
	}
	test, newer := r, r
	test.Kind, newer.Schema = ledger.MadeTest, ledger.RegisterSchema+1
	if register.Snapshot(test, "snap-1") || register.Snapshot(newer, "snap-1") {
		t.Error("only an image's that this version understands")
	}
}

// Whatever tags an image carries, it is proved to be Goldsmith's only with the name that its run gives it, of the
// instance that the tags name.
func TestMadeByTagsAlone(t *testing.T) {
	value := rapid.SampledFrom([]string{"", "web", "i-1", "i-2", "nightly", "nightly-20260322T023000Z"})
	rapid.Check(t, func(r *rapid.T) {
		tags := map[string]string{tag.Managed: "true"}
		for _, key := range []string{tag.Source, tag.Name, tag.Plan, tag.Run} {
			tags[key] = value.Draw(r, key)
		}
		name := rapid.SampledFrom([]string{"web", "goldsmith/web/i-1/nightly-20260322T023000Z",
			"goldsmith/web/i-2/nightly"}).Draw(r, "AMI name")
		i := types.Image{Name: aws.String(name),
			SourceInstanceId: aws.String(rapid.SampledFrom([]string{"", "i-1", "i-2"}).Draw(r, "instance")),
			Tags:             tag.List(tags)}
		proved := register.Made(i) == nil
		if want := *i.SourceInstanceId == tags[tag.Source] &&
			name == "goldsmith/web/"+tags[tag.Source]+"/"+tags[tag.Run] && tags[tag.Name] == "web"; proved && !want {
			r.Fatalf("%s of %s with %v is proved", name, *i.SourceInstanceId, tags)
		}
	})
}

// What is adopted says what EC2 shows, and why it is not to be registered.
func TestAdopt(t *testing.T) {
	for _, call := range calls {
		_, i := facts(call)
		i.State = types.ImageStateAvailable
		i.Tags = tag.List(map[string]string{tag.Managed: "true", tag.Plan: "nightly", tag.Source: "i-9"})
		own := map[bool]int{true: 1}[call != ledger.RegisterImage]
		c := register.Adopt(i, []string{"snap-1"}, "ada")
		if c.Why != "" || c.Call != call || c.Adopted != "ada" || !c.Good || len(c.Snapshots) != own || c.Source == "i-9" {
			t.Errorf("%s: %+v", call, c)
		}
		for why, edit := range map[string]func(*types.Image){
			"it does not carry the tag goldsmith:managed=true": func(i *types.Image) { i.Tags = nil },
			"it does not say its plan in the tag goldsmith:plan": func(i *types.Image) {
				i.Tags = tag.List(map[string]string{tag.Managed: "true"})
			},
			"it is pending": func(i *types.Image) { i.State = types.ImageStatePending },
		} {
			i := i
			if edit(&i); register.Adopt(i, nil, "ada").Why != why {
				t.Errorf("%s: %q", call, register.Adopt(i, nil, "ada").Why)
			}
		}
	}
}

// A general image is of the clone that is registered, and neither of its source nor of anything else. Its source's own is
// no general image.
func TestGeneral(t *testing.T) {
	r, i := facts(ledger.CreateImage)
	r.General, r.From = true, "i-2"
	for instance, want := range map[string]bool{"i-1": false, "i-2": true, "i-3": false, "": false} {
		i.SourceInstanceId = aws.String(instance)
		if got := register.Image(r, i) == nil; got != want {
			t.Errorf("an image of %q counts as the general one: %v", instance, got)
		}
	}
	i.SourceInstanceId = aws.String("i-2")
	r.General = false
	if register.Image(r, i) == nil {
		t.Error("an image of the clone counts as the source's own")
	}
	r.General, r.From, i.SourceInstanceId = true, "", nil
	if register.Image(r, i) == nil {
		t.Error("an image of no instance counts as general")
	}
}

// Of the test instances that are registered only a clone's token says that it is one.
func TestIsClone(t *testing.T) {
	r := ledger.Registration{Kind: ledger.MadeTest, Source: "i-1", Run: "nightly-1",
		Token: register.CloneToken("nightly-1", "i-1")}
	other, another := r, r
	other.Run, another.Source = "nightly-2", "i-2"
	if !register.IsClone(r) || register.IsClone(other) || register.IsClone(another) {
		t.Error("another's token is a clone's, or its own is not")
	}
}
