package retention_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"goldsmith/shared/plan"
	"goldsmith/shared/retention"
)

// history is when images of one source were made, newest first: nights with some missed and some with
// several, in a zone, over clock changes, leap days and the turn of years.
func history(r *rapid.T, zone *time.Location) []time.Time {
	day := rapid.SampledFrom([]string{"2023-12-20", "2024-02-20", "2024-03-25", "2026-03-20", "2026-10-18",
		"2020-12-25"}).Draw(r, "begin")
	begin, err := time.ParseInLocation(time.DateOnly, day, zone)
	if err != nil {
		r.Fatal(err)
	}
	var made []time.Time
	for night, n := 0, rapid.IntRange(0, 60).Draw(r, "nights"); night < n; night++ {
		if rapid.IntRange(0, 3).Draw(r, "missed") == 0 {
			night += rapid.SampledFrom([]int{0, 1, 6, 30, 200}).Draw(r, "gap")
			n += rapid.SampledFrom([]int{0, 0, 100}).Draw(r, "longer")
			if len(made) > 80 {
				break
			}
			continue
		}
		for range rapid.SampledFrom([]int{1, 1, 1, 3}).Draw(r, "images") {
			minute := rapid.SampledFrom([]int{0, 1, 30, 90, 119, 120, 150, 180, 12 * 60, 23*60 + 59}).Draw(r, "minute")
			made = append(made, begin.AddDate(0, 0, night).Add(time.Duration(minute)*time.Minute))
		}
	}
	slices.SortFunc(made, func(a, b time.Time) int { return b.Compare(a) })
	return made
}

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia",
	"Asia/Kathmandu"}

func anyKeep(r *rapid.T) plan.Keep {
	n := func(name string) int { return rapid.SampledFrom([]int{0, 0, 1, 2, 3, 7, 12}).Draw(r, name) }
	return plan.Keep{
		Last: n("last"), Daily: n("daily"), Weekly: n("weekly"), Monthly: n("monthly"), Yearly: n("yearly"),
		Minimum: rapid.IntRange(1, 5).Draw(r, "minimum"),
	}
}

// oracle keeps by another way: it puts every image into its period's box by counting days, then takes
// the newest image of each of the newest boxes.
func oracle(made []time.Time, k plan.Keep, zone *time.Location) map[int]bool {
	kept := map[int]bool{}
	for _, rule := range []struct {
		most int
		of   func(y, m, days int) int
	}{
		{k.Daily, func(_, _, days int) int { return days }},
		{k.Weekly, func(_, _, days int) int { return (days + 3) / 7 }}, // 1970-01-01 was a Thursday; weeks begin on Monday
		{k.Monthly, func(y, m, _ int) int { return 12*y + m }},
		{k.Yearly, func(y, _, _ int) int { return y }},
	} {
		newest := map[int]int{}
		for i, at := range slices.Backward(made) {
			y, m, d := at.In(zone).Date()
			newest[rule.of(y, int(m), int(time.Date(y, m, d, 12, 0, 0, 0, time.UTC).Unix()/86400))] = i
		}
		boxes := slices.Sorted(maps.Keys(newest))
		for _, box := range boxes[max(0, len(boxes)-rule.most):] {
			kept[newest[box]] = true
		}
	}
	for i := range made {
		if i < max(1, k.Last) {
			kept[i] = true
		}
	}
	for i := 0; i < len(made) && len(kept) < k.Minimum; i++ {
		kept[i] = true
	}
	return kept
}

// The same images are kept as the oracle keeps, and each for a reason. Images made at the same moment
// are told apart by their place only, so histories have each moment once.
func TestKeptAsTheOracle(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(r, "zone"))
		if err != nil {
			r.Fatal(err)
		}
		made, k := slices.Compact(history(r, zone)), anyKeep(r)
		said, want := retention.Kept(made, k, zone), oracle(made, k, zone)
		for i, why := range said {
			if (why != "") != want[i] {
				r.Fatalf("%s: kept for %q, the oracle says %v\n%v\n%+v", made[i], why, want[i], made, k)
			}
		}
	})
}

// The newest and the minimum are always kept.
func TestKeptProperties(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		made, k := history(r, time.UTC), anyKeep(r)
		said := retention.Kept(made, k, time.UTC)
		kept := len(slices.DeleteFunc(slices.Clone(said), func(why string) bool { return why == "" }))
		if kept < min(k.Minimum, len(made)) || len(made) > 0 && !strings.HasPrefix(said[0], "the newest") {
			r.Fatalf("%d of %d are kept, the minimum is %d: %q", kept, len(made), k.Minimum, said)
		}
	})
}

// Whatever is kept beside an image is kept without it: a bad image costs no good one.
func TestKeptWithout(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		made, k := history(r, time.UTC), anyKeep(r)
		if len(made) < 2 {
			return
		}
		said, gone := retention.Kept(made, k, time.UTC), rapid.IntRange(0, len(made)-1).Draw(r, "gone")
		without := retention.Kept(slices.Delete(slices.Clone(made), gone, gone+1), k, time.UTC)
		for i, why := range said {
			if i != gone && why != "" && without[i-before(gone, i)] == "" && !strings.HasPrefix(why, "minimum") {
				r.Fatalf("%s is kept for %q and goes when %s does", made[i], why, made[gone])
			}
		}
	})
}

func before(a, b int) int {
	if a < b {
		return 1
	}
	return 0
}

func TestKeptReasons(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	var made []time.Time
	for _, at := range []string{
		"2026-03-30T01:30:00Z", "2026-03-29T01:30:00Z", // the night of the clock change: 03:30 in Berlin
		"2026-03-28T23:30:00Z", // already the 29th in Berlin
		"2026-03-28T02:30:00Z", "2026-03-27T02:30:00Z", "2026-02-28T02:30:00Z", "2025-12-31T23:30:00Z",
		"2025-12-30T02:30:00Z",
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, moment)
	}
	got := retention.Kept(made, plan.Keep{Daily: 3, Monthly: 3, Yearly: 1, Minimum: 1}, berlin)
	want := []string{
		"the newest, daily 1/3, monthly 1/3, yearly 1/1", "daily 2/3", "", "daily 3/3", "",
		"monthly 2/3", "monthly 3/3", "", // New Year's Eve in UTC is the first of January in Berlin
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = retention.Kept(made[:4], plan.Keep{Last: 1, Minimum: 3}, berlin)
	if diff := cmp.Diff([]string{"the newest, last 1/1", "minimum 3", "minimum 3", ""}, got); diff != "" {
		t.Error(diff)
	}
}

func TestWish(t *testing.T) {
	base := plan.Keep{Last: 9, Minimum: 9, Grace: plan.Duration(time.Hour), Disable: true}
	for value, want := range map[string]plan.Keep{
		"daily=7 weekly=4 minimum=2":        {Daily: 7, Weekly: 4, Minimum: 9},
		"daily=7 weekly=4 minimum=12":       {Daily: 7, Weekly: 4, Minimum: 12},
		"  yearly=1 ":                       {Yearly: 1, Minimum: 9},
		"last=1000 monthly=0":               {Last: 1000, Minimum: 9},
		"last=1 daily=2 weekly=3 monthly=4": {Last: 1, Daily: 2, Weekly: 3, Monthly: 4, Minimum: 9},
	} {
		for _, base.Disable = range []bool{false, true} {
			want.Grace, want.Disable = base.Grace, base.Disable
			got, err := retention.Override(value, base)
			if err != nil || got != want {
				t.Errorf("%q is %+v, %v", value, got, err)
			}
		}
	}
	for _, value := range []string{
		"", "all", "daily", "daily=", "daily=-1", "daily=1001", "daily=7,weekly=4", "daily=7 daily=8", "hourly=3",
		"minimum=2", "daily=0",
		"daily=7 minimum=0", "daily=x last=3", "weekly= daily=7", "daily=99999999999999999999", "daily = 7", "Daily=7",
		"daily=٧",
	} {
		if got, err := retention.Override(value, base); err == nil || got != base {
			t.Errorf("%q is understood as %+v", value, got)
		}
	}
}

func anyImage(r *rapid.T, n int, now time.Time) retention.Image {
	image := retention.Image{
		ID: fmt.Sprintf("ami-%02d", n), Name: rapid.SampledFrom([]string{"web", "db", "web-2"}).Draw(r, "name"),
		Source: "i-1", Run: "r",
		Lineage: rapid.SampledFrom(lineages).Draw(r, "lineage"),
		Made:    now.Add(-time.Duration(rapid.IntRange(0, 2000).Draw(r, "hours")) * time.Hour),
	}
	switch rapid.IntRange(0, 9).Draw(r, "state") {
	case 0:
		image.Available = true
	case 1:
		image.Disabled = true
	case 2:
		image.Available, image.Good, image.Held = true, true, "run r has it in hand"
	case 3:
		image.Available, image.Good, image.Override, image.Overridden = true, true, rapid.SampledFrom([]string{"daily=2",
			"x"}).Draw(r, "own"), true
	default:
		image.Available, image.Good = true, true
	}
	if rapid.Bool().Draw(r, "tagged") {
		tags := []string{"daily=3", "last=1", "yearly=1 minimum=1", "x", ""}
		image.Tag, image.Tagged = rapid.SampledFrom(tags).Draw(r, "tag"), true
	}
	if rapid.Bool().Draw(r, "touched") {
		image.Since = now.Add(-time.Duration(rapid.IntRange(0, 200).Draw(r, "since")) * time.Hour)
	}
	return image
}

// sound holds one decision against what must never be.
func sound(r *rapid.T, d retention.Decision, p plan.Plan, now time.Time) {
	if len(d.Why) == 0 || d.Why[0] == "" {
		r.Fatalf("no reason: %+v", d)
	}
	if d.Going() && (d.Held != "" || !d.Good && !d.Disabled) {
		r.Fatalf("it goes: %+v", d)
	}
	inTime(r, d, p, now)
}

// inTime holds a step against its grace: nothing is disabled or goes before it is over.
func inTime(r *rapid.T, d retention.Decision, p plan.Plan, now time.Time) {
	over := !d.Since.IsZero() && now.Sub(d.Since) >= time.Duration(p.Keep.Grace)
	switch d.Step {
	case retention.Retire:
		retiring(r, d, over && (d.Disabled || !p.Keep.Disable))
	case retention.Disable:
		disabling(r, d, over && p.Keep.Disable)
	default: // it stays another night
	}
}

func retiring(r *rapid.T, d retention.Decision, due bool) {
	if !due {
		r.Fatalf("it goes too early: %+v", d)
	}
}

func disabling(r *rapid.T, d retention.Decision, due bool) {
	if !due || d.Disabled {
		r.Fatalf("it is disabled too early, or though nobody wishes it: %+v", d)
	}
}

// newestStays: the newest good image stays, and nothing that is newer goes.
func newestStays(r *rapid.T, of []retention.Decision) {
	for _, d := range of {
		if d.Going() {
			r.Fatalf("%s goes though no newer good image stays", d.ID)
		}
		if d.Good {
			return
		}
	}
}

// What is in use stays, whatever is known of it, and nothing else changes.
func TestSettle(t *testing.T) {
	now := time.Date(2026, 3, 30, 3, 0, 0, 0, time.UTC)
	p := plan.Plan{Keep: plan.Keep{Last: 1, Minimum: 1, Grace: plan.Duration(72 * time.Hour)}}
	good := func(id string, days int, since time.Duration) retention.Image {
		i := retention.Image{ID: id, Name: "web", Made: now.AddDate(0, 0, -days), Available: true, Good: true}
		if since > 0 {
			i.Since = now.Add(-since)
		}
		return i
	}
	decisions := retention.Decide([]retention.Image{good("a", 1, 0), good("b", 2, 0), good("c", 3, time.Hour),
		good("d", 4, 80*time.Hour), good("e", 5, 80*time.Hour), good("f", 0, time.Hour)}, p, retention.Standing{}, now)
	uses := map[string][]string{"a": {"instance i-1 (running)"}, "e": {"public", "parameter /x"}, "f": {"public"}}
	var got []string
	for _, d := range retention.Settle(decisions, uses, nil) {
		got = append(got, d.ID+" "+d.String())
	}
	want := []string{
		"f keep, no longer deprecated: the newest, last 1/1",
		"a keep, in use by: instance i-1 (running)",
		"b deprecate now, retire from 2026-04-02 03:00 UTC: no rule keeps it",
		"c deprecated, until 2026-04-02 02:00 UTC: no rule keeps it",
		"d retire: no rule keeps it",
		"e keep, in use by: public; parameter /x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
