package retention_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
		{"no rule", plan.Plan{Keep: plan.Keep{Minimum: 1}}, []retention.Image{image("a", 1, nil)}, "keep: the plan has no rule"},
		{
			"disabled by a person", plan.Plan{Keep: keep}, []retention.Image{image("a", 1, nil), image("b", 2, disabled(time.Time{}))},
			"keep: the newest, last 1/1\nkeep: disabled, and not by Goldsmith",
		},
		{
			"disabled by Goldsmith, and its grace is over", plan.Plan{Keep: keep},
			[]retention.Image{image("a", 1, nil), image("b", 2, disabled(now.Add(-time.Hour)))},
			"keep: the newest, last 1/1\nretire: no rule keeps it",
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
			"the second grace of one that is disabled", plan.Plan{Keep: plan.Keep{Last: 1, Grace: plan.Duration(time.Hour), Disable: true}},
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
		for _, d := range retention.Decide(c.images, c.plan, nil, now) {
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
	got := retention.Decide(images, plan.Plan{Keep: plan.Keep{Last: 1}, Timezone: "Mars/Olympus"}, nil, time.Now())
	if len(got) != 2 || got[0].Problem == "" || got[1].Going() {
		t.Errorf("%+v", got)
	}
}

// The images of a lineage that has ended are judged beside those that its successor made under their name.
func TestSuccessors(t *testing.T) {
	now := time.Date(2026, 3, 30, 3, 0, 0, 0, time.UTC)
	p := plan.Plan{Keep: plan.Keep{Last: 1, Minimum: 1, Grace: plan.Duration(time.Hour)}}
	good := func(lineage, name string, days int) retention.Image {
		return retention.Image{ID: lineage + " " + name, Name: name, Lineage: lineage, Made: now.AddDate(0, 0, -days), Available: true, Good: true}
	}
	others := []retention.Image{good("i-a", "a", 1), good("i-b", "b", 1), good("i-y", "y", 1), good("i-z", "z", 1)}
	for what, c := range map[string]struct {
		images []retention.Image
		goes   bool
	}{
		"a newer image of its successor": {[]retention.Image{good("i-old", "web", 5), good("i-new", "web", 1)}, true},
		"the successor is called otherwise by now": {
			[]retention.Image{good("i-old", "web", 5), good("i-new", "web", 9), good("i-new", "mail", 1)}, false,
		},
		"the successor's newer image has another name": {
			[]retention.Image{good("i-old", "web", 5), good("i-new", "web", 1), good("i-new", "mail", 2)}, true,
		},
		"an older image of its successor": {[]retention.Image{good("i-old", "web", 5), good("i-new", "web", 9)}, false},
	} {
		for _, d := range retention.Decide(append(c.images, others...), p, map[string]bool{"i-new": true}, now) {
			if d.ID == "i-old web" && d.Going() != c.goes {
				t.Errorf("%s: %s", what, d)
			}
		}
	}
}

// A number of goldsmith:keep is made of digits only.
func TestWishIsOfDigits(t *testing.T) {
	for _, wish := range []string{"daily=", "daily=+7", "daily=7:", "daily=7/", "daily=-1", "daily=7a", "daily= 7"} {
		if k, err := retention.Wish(wish, plan.Keep{Minimum: 2}); err == nil {
			t.Errorf("%q is read as %+v", wish, k)
		}
	}
	for _, wish := range []string{"daily=0 last=9", "daily=9 last=0"} {
		if _, err := retention.Wish(wish, plan.Keep{Minimum: 2}); err != nil {
			t.Errorf("%q: %v", wish, err)
		}
	}
}
