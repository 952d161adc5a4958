package image_test

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// amiName is what every page of EC2's accepts: see the facts on names, of which
// the error page's character set and the console's length are the narrowest.
var amiName = regexp.MustCompile(`^[A-Za-z0-9._/()-]{3,127}$`)

var (
	sourceIDs = rapid.OneOf(rapid.StringMatching(`i-[0-9a-f]{17}`), rapid.StringMatching(`i-[0-9a-f]{8}`),
		rapid.StringMatching(`snap-[0-9a-f]{17}`))
	// runNames are execution names: at most 80 characters.
	runNames = rapid.StringMatching(`[A-Za-z0-9_-]{1,80}`)
	prefixes = rapid.StringMatching(plan.PrefixForm)
	// words are what people write into a tag, line breaks and broken UTF-8 included.
	words = rapid.OneOf(rapid.String(), rapid.StringN(0, 256, -1),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 300), func(b []byte) string { return string(b) }))
	keys = rapid.OneOf(words, rapid.SampledFrom([]string{
		"Name", "aws:autoscaling:groupName", "AWS:cloudformation:stack-name", "Aws:x", "goldsmith:image", "Goldsmith:managed",
		tag.Managed, tag.Source, tag.Name, tag.Plan, tag.Run,
	}))
)

func jobs(t *rapid.T, label string) job.Job {
	var j job.Job
	j.Source.ID = sourceIDs.Draw(t, label+" source")
	j.Source.Name = words.Draw(t, label+" name")
	j.Source.Tags = rapid.MapOfN(keys, words, 0, 60).Draw(t, label+" tags")
	j.Run.Name = runNames.Draw(t, label+" run")
	j.Run.Plan = rapid.StringMatching(plan.NameForm).Draw(t, label+" plan")
	j.Plan.Image.Prefix = prefixes.Draw(t, label+" prefix")
	j.Plan.Image.Tags = rapid.MapOfN(keys, words, 0, plan.MaxTags).Draw(t, label+" plan's tags")
	return j
}

func TestName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := jobs(t, "a"), jobs(t, "b")
		if rapid.Bool().Draw(t, "same source") {
			b.Source.ID = a.Source.ID
		}
		if rapid.Bool().Draw(t, "same run") {
			b.Run.Name = a.Run.Name
		}
		if !amiName.MatchString(image.Name(a)) {
			t.Fatalf("EC2 may refuse the name %q", image.Name(a))
		}
		if same := a.Source.ID == b.Source.ID && a.Run.Name == b.Run.Name; !same && image.Name(a) == image.Name(b) {
			t.Fatalf("two images would be named %q", image.Name(a))
		}
	})
}

// The name is not affected by what may change between two attempts of one run.
func TestNameStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := jobs(t, "job")
		before := image.Name(j)
		j.Source.Tags, j.Image, j.Execution = nil, job.Image{ID: "ami-1", State: "pending"}, "another"
		if after := image.Name(j); after != before {
			t.Fatalf("was %q, is %q", before, after)
		}
	})
}

func TestNameReads(t *testing.T) {
	j := job.Job{
		Run: job.Run{Name: "nightly-20260501T020000Z"}, Source: job.Source{ID: "i-0123456789abcdef0", Name: "web (eu) <1>"},
		Plan: plan.Plan{Image: plan.Image{Prefix: "golden"}},
	}
	if got, want := image.Name(j), "golden/web-(eu)--1-/i-0123456789abcdef0/nightly-20260501T020000Z"; got != want {
		t.Errorf("is %q, want %q", got, want)
	}
}

func TestTags(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := jobs(t, "job")
		got := image.Tags(j)
		if len(got) > 50 {
			t.Fatalf("%d tags; EC2 takes 50", len(got))
		}
		ours := map[string]string{tag.Managed: "true", tag.Source: j.Source.ID, tag.Plan: j.Run.Plan, tag.Run: j.Run.Name}
		for key, value := range ours {
			if got[key] != value {
				t.Fatalf("%s is %q, want %q", key, got[key], value)
			}
		}
		if name := got[tag.Name]; utf8.RuneCountInString(name) > 256 ||
			!strings.HasPrefix(string([]rune(j.Source.Name)), name) {
			t.Fatalf("the name %q became %q", j.Source.Name, name)
		}
		ours[tag.Name] = got[tag.Name]
		checkForeign(t, j, got, ours)
		if again := image.Tags(j); !maps.Equal(got, again) {
			t.Fatalf("they differ the next time: %s", cmp.Diff(got, again))
		}
	})
}

// The source's wish goes with its images, into the place that is kept for it, and none of its other tags of ours.
func TestTagsKeep(t *testing.T) {
	j := job.Job{Run: job.Run{Name: "r", Plan: "nightly"},
		Source: job.Source{ID: "i-1", Name: "web",
			Tags: map[string]string{tag.Keep: "daily=7", tag.Plan: "other", tag.Request: "now"}}}
	j.Plan.Image.Tags = map[string]string{}
	for n := range plan.MaxTags {
		j.Plan.Image.Tags[fmt.Sprintf("k%02d", n)] = ""
	}
	got := image.Tags(j)
	if got[tag.Keep] != "daily=7" || got[tag.Plan] != "nightly" || len(got) != 50 {
		t.Errorf("%d tags: %v", len(got), got)
	}
	if _, asked := got[tag.Request]; asked {
		t.Error("the request went with the image")
	}
}

// checkForeign holds the tags that are not ours to where they come from: the
// plan's win over the source's, and one is left out only when reserved or when there is no room.
func checkForeign(t *rapid.T, j job.Job, got, ours map[string]string) {
	given := maps.Clone(j.Source.Tags)
	maps.Copy(given, j.Plan.Image.Tags)
	maps.DeleteFunc(given, func(key, _ string) bool {
		lower := strings.ToLower(key)
		return strings.HasPrefix(lower, "aws:") || strings.HasPrefix(lower, "goldsmith:")
	})
	foreign := maps.Clone(got)
	maps.DeleteFunc(foreign, func(key, _ string) bool { _, own := ours[key]; return own })
	if len(got) < 50 {
		if diff := cmp.Diff(given, foreign, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("there is room, yet (-given +written):\n%s", diff)
		}
	}
	for key, value := range foreign {
		if want, ok := given[key]; !ok || value != want {
			t.Fatalf("%q is %q; given, and not reserved, is %q", key, value, want)
		}
	}
	for key := range j.Plan.Image.Tags {
		if _, wanted := given[key]; wanted && foreign[key] != given[key] {
			t.Fatalf("%q, which the plan asks for, had to make room", key)
		}
	}
}

// An instance with as many tags as EC2 allows keeps as many as there is room for, in key order.
func TestFiftyTags(t *testing.T) {
	j := job.Job{Source: job.Source{ID: "i-1", Tags: map[string]string{}}}
	for i := range 50 {
		j.Source.Tags[fmt.Sprintf("key-%02d", i)] = "value"
	}
	got := image.Tags(j)
	if _, last := got["key-44"]; len(got) != 50 || !last {
		t.Errorf("%d tags, with key-44: %v", len(got), last)
	}
}

// Values come from EC2 and from plans that were checked, so within 256 characters; only the
// source's name may be longer, when a person asked for one by hand.
func TestLongName(t *testing.T) {
	got := image.Tags(job.Job{Source: job.Source{Name: strings.Repeat("é", 300)}})[tag.Name]
	if want := strings.Repeat("é", 256); got != want {
		t.Errorf("is %d characters long, want 256", utf8.RuneCountInString(got))
	}
}

func TestDescription(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := jobs(t, "job")
		text := image.Description(j)
		if len(text) > 255 || strings.Trim(text, ascii) != "" {
			t.Fatalf("EC2 may refuse the description %q", text)
		}
		if len(j.Source.Name) < 80 && !strings.Contains(text, j.Source.ID) {
			t.Fatalf("%q does not name %s", text, j.Source.ID)
		}
	})
}

var ascii = func() string {
	var all strings.Builder
	for r := ' '; r <= '~'; r++ {
		all.WriteRune(r)
	}
	return all.String()
}()

func TestWhy(t *testing.T) {
	for name, c := range map[string]struct {
		reason *types.StateReason
		want   string
	}{
		"nothing":      {nil, "EC2 gave no reason"},
		"an empty one": {&types.StateReason{}, "EC2 gave no reason"},
		"a code":       {&types.StateReason{Code: aws.String("Server.InternalError")}, "EC2 says: Server.InternalError"},
		"code and words": {&types.StateReason{Code: aws.String("Client.X"), Message: aws.String("no key")},
			"EC2 says: no key"},
	} {
		if got := image.Why(types.Image{StateReason: c.reason}); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Every state that the SDK knows is classified on purpose.
func TestProgressOf(t *testing.T) {
	want := map[types.ImageState]image.Progress{
		types.ImageStatePending: image.Pending, types.ImageStateTransient: image.Pending,
		types.ImageStateAvailable: image.Available,
		types.ImageStateFailed:    image.Lost, types.ImageStateError: image.Lost, types.ImageStateInvalid: image.Lost,
		types.ImageStateDeregistered: image.Lost, types.ImageStateDisabled: image.Lost,
	}
	for _, state := range append(types.ImageState("").Values(), "new-in-2030") {
		if got, known := image.ProgressOf(state), want[state]; got != known {
			t.Errorf("%s is %d, want %d", state, got, known)
		}
	}
	if n := len(types.ImageState("").Values()); n != len(want) {
		t.Errorf("EC2 has %d states, this test knows %d", n, len(want))
	}
}

func TestSnapshots(t *testing.T) {
	mappings := []types.BlockDeviceMapping{
		{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String("snap-b")}},
		{DeviceName: aws.String("/dev/sdb"), VirtualName: aws.String("ephemeral0")},
		{DeviceName: aws.String("/dev/sdc"), Ebs: &types.EbsBlockDevice{}},
		{DeviceName: aws.String("/dev/sdd"), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String("snap-a")}},
	}
	if got := fmt.Sprint(image.Snapshots(types.Image{BlockDeviceMappings: mappings})); got != "[snap-b snap-a]" {
		t.Error(got)
	}
}

func FuzzName(f *testing.F) {
	f.Add("goldsmith", "web", "i-0123456789abcdef0", "nightly-20260501T020000Z")
	f.Add("a/b", strings.Repeat("é", 200), "snap-0123456789abcdef0", strings.Repeat("r", 80))
	f.Add("x", "\x00\xff*?", "i-0a1b2c3d", "request-i-0a1b2c3d-v7")
	prefix, id, run := regexp.MustCompile(plan.PrefixForm), regexp.MustCompile(`^(i|snap)-[0-9a-f]{8,17}$`), regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
	f.Fuzz(func(t *testing.T, p, name, source, execution string) {
		if !prefix.MatchString(p) || !id.MatchString(source) || !run.MatchString(execution) {
			return
		}
		j := job.Job{Plan: plan.Plan{Image: plan.Image{Prefix: p}}, Source: job.Source{ID: source, Name: name},
			Run: job.Run{Name: execution}}
		if got := image.Name(j); !amiName.MatchString(got) || !strings.HasSuffix(got, "/"+source+"/"+execution) {
			t.Errorf("the name is %q", got)
		}
	})
}
