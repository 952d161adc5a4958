package retention_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"goldsmith/shared/plan"
	"goldsmith/shared/retention"
)

// While a lineage lives no other one changes what becomes of its images, whatever they are called. Those of
// lineages that have ended go only for a newer good one of their name.
func TestDecideByLineage(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		now := time.Date(2026, 3, 30, 3, 0, 0, 0, time.UTC)
		p := plan.Plan{Name: "nightly", Timezone: "Europe/Berlin", Keep: anyKeep(r)}
		p.Keep.Last++
		p.Keep.Grace, p.Keep.Disable = plan.Duration(72*time.Hour), rapid.Bool().Draw(r, "disable")
		living := map[string]bool{}
		for _, l := range lineages {
			living[l] = rapid.Bool().Draw(r, l+" lives")
		}
		standing := retention.Standing{Apart: living, Former: map[string][]string{}}
		for _, name := range []string{"web", "db"} {
			standing.Former[name] = rapid.SliceOfDistinct(rapid.SampledFrom(lineages), rapid.ID).Draw(r, "former of "+name)
		}
		images := map[string][]retention.Image{}
		var all []retention.Image
		for n := range rapid.IntRange(1, 30).Draw(r, "images") {
			image := anyImage(r, n, now)
			images[image.Lineage], all = append(images[image.Lineage], image), append(all, image)
		}
		got := retention.Decide(all, p, standing, now)
		if len(got) != len(all) {
			r.Fatalf("%d decisions about %d images", len(got), len(all))
		}
		ofOne, ended := byLineage(r, got, p, standing, now)
		for l, of := range images {
			if !living[l] {
				continue
			}
			alone := retention.Decide(rapid.Permutation(of).Draw(r, "order"), p, standing, now)
			if diff := cmp.Diff(alone, ofOne[l]); diff != "" {
				r.Fatal(diff)
			}
			newestStays(r, ofOne[l])
		}
		for _, of := range ended {
			goForNewer(r, of, got, standing)
		}
	})
}

// byLineage are the decisions of each lineage, and those of each pool of lineages that have ended; each is sound.
func byLineage(
	r *rapid.T, got []retention.Decision, p plan.Plan, standing retention.Standing, now time.Time,
) (ofOne, ended map[string][]retention.Decision) {
	ofOne, ended = map[string][]retention.Decision{}, map[string][]retention.Decision{}
	for _, d := range got {
		ofOne[d.Lineage] = append(ofOne[d.Lineage], d)
		sound(r, d, p, now)
		if !standing.Apart[d.Lineage] {
			pool := fmt.Sprint(d.Name, slices.Contains(standing.Former[d.Name], d.Lineage))
			ended[pool] = append(ended[pool], d)
		}
	}
	return ofOne, ended
}

// goForNewer: an image goes only if a newer good one of its lineage stays, or one of its name that another lineage
// made which had the name as well as its own, or as little.
func goForNewer(r *rapid.T, of, all []retention.Decision, standing retention.Standing) {
	had := func(d retention.Decision) bool { return slices.Contains(standing.Former[d.Name], d.Lineage) }
	for _, d := range of {
		if d.Going() && !slices.ContainsFunc(all, func(o retention.Decision) bool {
			alike := o.Name == d.Name && had(o) == had(d)
			return o.Good && !o.Going() && !o.Made.Before(d.Made) && o.ID != d.ID && (alike || o.Lineage == d.Lineage)
		}) {
			r.Fatalf("%s goes though no newer good image of its name stays", d.ID)
		}
	}
}

// Three servers called web each have a history of their own; the images of one that was replaced go as its
// successor's come, and stay when two might be it.
func TestOneNameManyLineages(t *testing.T) {
	now := time.Date(2026, 3, 30, 3, 0, 0, 0, time.UTC)
	p := plan.Plan{Keep: plan.Keep{Daily: 2, Minimum: 2, Grace: plan.Duration(time.Hour)}}
	images := threeNightsOf(now, "i-1", "i-2", "i-3")
	going := func(living ...string) []string {
		lives := map[string]bool{}
		for _, l := range living {
			lives[l] = true
		}
		var ids []string
		for _, d := range retention.Decide(images, p, retention.Standing{Apart: lives}, now) {
			if d.Going() {
				ids = append(ids, d.ID)
			}
		}
		slices.Sort(ids)
		return ids
	}
	third := []string{"i-1 of 2", "i-2 of 2", "i-3 of 2"}
	for _, living := range [][]string{{"i-1", "i-2", "i-3"}, {"i-1", "i-2"}} {
		if diff := cmp.Diff(third, going(living...)); diff != "" {
			t.Errorf("living %v: %s", living, diff)
		}
	}
	// The ended ones' six images are counted together, and beside none of the one that lives.
	if diff := cmp.Diff([]string{"i-1 of 2", "i-2 of 0", "i-2 of 1", "i-2 of 2", "i-3 of 2"}, going("i-1")); diff != "" {
		t.Error(diff)
	}
}

// What has ended and had the name loses nothing to what has ended and only went by it, nor the other way.
func TestFormerOwnersAndStrangers(t *testing.T) {
	now := time.Date(2026, 3, 30, 3, 0, 0, 0, time.UTC)
	p := plan.Plan{Keep: plan.Keep{Last: 2, Minimum: 2, Grace: plan.Duration(time.Hour)}}
	images := threeNightsOf(now, "i-1", "i-2", "i-3", "i-4")
	standing := retention.Standing{Apart: map[string]bool{"i-4": true}, Former: map[string][]string{"web": {"i-1", "i-2"}}}
	left := map[string]int{}
	for _, d := range retention.Decide(images, p, standing, now) {
		if !d.Going() {
			left[d.History]++
		}
	}
	want := map[string]int{"web\n": 2, "web\n-": 2, "web\ni-4": 2}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Error(diff)
	}
}

// threeNightsOf are good images called web, one of each night and lineage.
func threeNightsOf(now time.Time, lineages ...string) (images []retention.Image) {
	for _, l := range lineages {
		for night := range 3 {
			images = append(images, retention.Image{
				ID: fmt.Sprintf("%s of %d", l, night), Name: "web", Lineage: l, Available: true, Good: true,
				Made: now.AddDate(0, 0, -night).Add(-time.Minute),
			})
		}
	}
	return images
}

// lineages are few, so that they meet.
var lineages = []string{"i-1", "i-2", "group/web"}

// Of one lineage general images and others are judged as if the other kind were not there, living or ended.
func TestDecideByKind(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		now := time.Date(2026, 3, 30, 3, 0, 0, 0, time.UTC)
		p := plan.Plan{Name: "nightly", Timezone: "Europe/Berlin", Keep: anyKeep(r)}
		p.Keep.Last++
		p.Keep.Grace = plan.Duration(72 * time.Hour)
		// A name that no other lineage has, so that nothing but the kind tells them apart, or one that others have had.
		several := rapid.Bool().Draw(r, "several lineages")
		kinds := map[bool][]retention.Image{}
		var all []retention.Image
		for n := range rapid.IntRange(1, 30).Draw(r, "images") {
			image := anyImage(r, n, now)
			image.Name, image.General = "web", rapid.Bool().Draw(r, "general")
			if !several {
				image.Lineage = "i-1"
			}
			kinds[image.General], all = append(kinds[image.General], image), append(all, image)
		}
		standing := retention.Standing{Apart: map[string]bool{}, Former: map[string][]string{}}
		for _, l := range retention.Ambiguous(all) { // What is ambiguous is so by both kinds.
			standing.Apart[l] = rapid.Bool().Draw(r, l+" lives")
		}
		got := map[bool][]retention.Decision{}
		for _, d := range retention.Decide(all, p, standing, now) {
			got[d.General] = append(got[d.General], d)
		}
		for general, of := range kinds {
			if !slices.Equal(retention.Ambiguous(of), retention.Ambiguous(all)) {
				continue
			}
			if diff := cmp.Diff(retention.Decide(of, p, standing, now), got[general]); diff != "" {
				r.Fatalf("general %v: %s", general, diff)
			}
		}
	})
}
