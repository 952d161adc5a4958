package retention_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"goldsmith/shared/plan"
	"goldsmith/shared/retention"
)

// What is said of images that no rule is about, in words.
func TestDecideInWords(t *testing.T) {
	now := time.Date(2026, 3, 30, 3, 0, 0, 0, time.UTC)
	keep := plan.Keep{Last: 1, Minimum: 1, Grace: plan.Duration(time.Hour)}
	image := func(id string, days int, edit func(*retention.Image)) retention.Image {
		i := retention.Image{ID: id, Name: "web", Lineage: "i-1", Made: now.AddDate(0, 0, -days), Available: true, Good: true}
		if edit != nil {
			edit(&i)
		}
		return i
	}
	disabled := func(since time.Time) func(*retention.Image) {
		return func(i *retention.Image) { i.Available, i.Good, i.Disabled, i.Since = false, false, true, since }
	}
	for _, c := range []struct {
		what   string
		plan   plan.Plan
		images []retention.Image
		want   string
	}{
		{"no rule", plan.Plan{Keep: plan.Keep{Minimum: 1}}, []retention.Image{image("a", 1, nil)},
			"keep: the plan has no rule"},
		{
			"disabled by a person", plan.Plan{Keep: keep},
			[]retention.Image{image("a", 1, nil), image("b", 2, disabled(time.Time{}))},
			"keep: the newest, last 1/1\nkeep: disabled, and not by Goldsmith",
		},
		{
			"disabled by Goldsmith, and its grace is over", plan.Plan{Keep: keep},
			[]retention.Image{image("a", 1, nil), image("b", 2, disabled(now.Add(-time.Hour)))},
			"keep: the newest, last 1/1\nretire: no rule keeps it",
		},
		{
			"disabled by Goldsmith, between two good ones", plan.Plan{Keep: keep},
			[]retention.Image{image("a", 1, nil), image("b", 2, disabled(now.Add(-time.Hour))), image("c", 3, nil)},
			"keep: the newest, last 1/1\nretire: no rule keeps it\ndeprecate now, retire from 2026-03-30 04:00 UTC: no rule " +
				"keeps it",
		},
		{
			"disabled by Goldsmith, and newer than every good one", plan.Plan{Keep: keep},
			[]retention.Image{image("a", 2, nil), image("b", 1, disabled(now.Add(-time.Hour)))},
			"keep: disabled, and not by Goldsmith\nkeep: the newest, last 1/1",
		},
		{
			"to be disabled", plan.Plan{Keep: plan.Keep{Last: 1, Minimum: 1, Grace: plan.Duration(time.Hour), Disable: true}},
			[]retention.Image{image("a", 1, nil), image("b", 2, func(i *retention.Image) { i.Since = now.Add(-time.Hour) })},
			"keep: the newest, last 1/1\ndisable now: no rule keeps it",
		},
		{
			"the second grace of one that is disabled",
			plan.Plan{Keep: plan.Keep{Last: 1, Grace: plan.Duration(time.Hour), Disable: true}},
			[]retention.Image{image("a", 1, nil), image("b", 2, disabled(now.Add(-59*time.Minute)))},
			"keep: the newest, last 1/1\ndeprecated, until 2026-03-30 03:01 UTC: no rule keeps it",
		},
		{
			"not known to be good", plan.Plan{Keep: keep},
			[]retention.Image{image("a", 1, nil), image("b", 2, func(i *retention.Image) { i.Good = false })},
			"keep: the newest, last 1/1\nkeep: not known to be good: it is neither counted nor retired",
		},
	} {
		var got []string
		for _, d := range retention.Decide(c.images, c.plan, retention.Standing{}, now) {
			got = append(got, d.String())
		}
		if diff := cmp.Diff(c.want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("%s: %s", c.what, diff)
		}
	}
}

// A zone that is not known is a problem of the source.
func TestDecideWithoutAZone(t *testing.T) {
	images := []retention.Image{{ID: "a", Good: true}, {ID: "b", Good: true}}
	got := retention.Decide(images, plan.Plan{Keep: plan.Keep{Last: 1}, Timezone: "Mars/Olympus"}, retention.Standing{},
		time.Now())
	if len(got) != 2 || got[0].Problem == "" || got[1].Going() {
		t.Errorf("%+v", got)
	}
}

// Images of a lineage that has ended go for none of a living one, and for none of an ended one when theirs owns the
// name.
func TestWhoSharesAName(t *testing.T) {
	now := time.Date(2026, 3, 30, 3, 0, 0, 0, time.UTC)
	p := plan.Plan{Keep: plan.Keep{Last: 1, Minimum: 1, Grace: plan.Duration(time.Hour)}}
	good := func(lineage, name string, days int) retention.Image {
		return retention.Image{
			ID: lineage + " " + name, Name: name, Lineage: lineage, Made: now.AddDate(0, 0, -days), Available: true, Good: true,
		}
	}
	images := []retention.Image{good("i-old", "web", 5), good("i-new", "web", 1)}
	for what, c := range map[string]struct {
		apart map[string]bool
		goes  bool
	}{
		"the other lives":          {map[string]bool{"i-new": true}, false},
		"it owns the name":         {map[string]bool{"i-old": true}, false},
		"both have ended":          {nil, true},
		"both live":                {map[string]bool{"i-old": true, "i-new": true}, false},
		"a third one stands apart": {map[string]bool{"i-3": true}, true},
	} {
		for _, d := range retention.Decide(images, p, retention.Standing{Apart: c.apart}, now) {
			if d.ID == "i-old web" && d.Going() != c.goes {
				t.Errorf("%s: %s", what, d)
			}
		}
	}
}

// The own of one ended source lets no image of another go.
func TestAWishOfAnotherSource(t *testing.T) {
	now := time.Date(2026, 3, 30, 3, 0, 0, 0, time.UTC)
	p := plan.Plan{Keep: plan.Keep{Last: 9, Minimum: 1, Grace: plan.Duration(time.Hour)}}
	var images []retention.Image
	for n, lineage := range []string{"i-1", "i-2", "i-2", "i-2"} {
		i := retention.Image{ID: fmt.Sprint(n), Name: "web", Lineage: lineage, Made: now.AddDate(0, 0, -n)}
		i.Available, i.Good = true, true
		if lineage == "i-1" {
			i.Override, i.Overridden = "last=1", true
		}
		images = append(images, i)
	}
	for _, d := range retention.Decide(images, p, retention.Standing{}, now) {
		if d.Going() {
			t.Errorf("%s: %s", d.ID, d)
		}
	}
}

// A number of goldsmith:keep is made of digits only.
func TestWishIsOfDigits(t *testing.T) {
	for _, own := range []string{"daily=", "daily=+7", "daily=7:", "daily=7/", "daily=-1", "daily=7a", "daily= 7"} {
		if k, err := retention.Override(own, plan.Keep{Minimum: 2}); err == nil {
			t.Errorf("%q is read as %+v", own, k)
		}
	}
	for _, own := range []string{"daily=0 last=9", "daily=9 last=0"} {
		if _, err := retention.Override(own, plan.Keep{Minimum: 2}); err != nil {
			t.Errorf("%q: %v", own, err)
		}
	}
}

// Whatever living sources of their name make, and in whatever order, the plan's minimum stays of those that have ended.
func TestTheMinimumOfWhatHasEnded(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		now := time.Date(2026, 3, 30, 3, 0, 0, 0, time.UTC)
		p := plan.Plan{Keep: anyKeep(r)}
		p.Keep.Last, p.Keep.Grace = max(p.Keep.Last, 1), plan.Duration(time.Hour)
		apart := map[string]bool{"i-1": true, "i-2": rapid.Bool().Draw(r, "i-2 lives")}
		var images []retention.Image
		ended := map[string]bool{}
		for n := range rapid.IntRange(1, 30).Draw(r, "images") {
			i := anyImage(r, n, now)
			i.Name = "web"
			images = append(images, i)
			ended[i.ID] = i.Good && !apart[i.Lineage]
		}
		stay, all := 0, 0
		for _, d := range retention.Decide(images, p, retention.Standing{Apart: apart}, now) {
			if !ended[d.ID] {
				continue
			}
			if all++; !d.Going() {
				stay++
			}
		}
		if stay < min(p.Keep.Minimum, all) {
			r.Fatalf("%d of %d stay, the minimum is %d", stay, all, p.Keep.Minimum)
		}
	})
}

// A tag on an image only ever keeps more of them, whatever it says and whichever image carries it.
func TestATagOnAnImageOnlyKeepsMore(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		now := time.Date(2026, 3, 30, 3, 0, 0, 0, time.UTC)
		p := plan.Plan{Name: "nightly", Keep: anyKeep(r)}
		p.Keep.Grace = plan.Duration(72 * time.Hour)
		living := map[string]bool{"i-1": true, "i-2": rapid.Bool().Draw(r, "i-2 lives")}
		var tagged, untagged []retention.Image
		for n := range rapid.IntRange(1, 30).Draw(r, "images") {
			image := anyImage(r, n, now)
			tagged = append(tagged, image)
			image.Tag, image.Tagged = "", false
			untagged = append(untagged, image)
		}
		stays := map[string]bool{}
		for _, d := range retention.Decide(untagged, p, retention.Standing{Apart: living}, now) {
			stays[d.ID] = !d.Going()
		}
		for _, d := range retention.Decide(tagged, p, retention.Standing{Apart: living}, now) {
			if d.Going() && stays[d.ID] {
				r.Fatalf("%s goes for a tag: %s", d.ID, d)
			}
		}
	})
}
