package rollout

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"goldsmith/shared/ledger"
)

// A world of sources, of names that several have, and of lineages that end: a name is never rolled by another lineage
// than its owner while that lives, unless a person handed it over.
func TestANameHasOneOwner(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ended := map[string]bool{}
		lives := func(lineage string) bool { return !ended[lineage] }
		owners := map[string]ledger.Owner{}
		last := map[string]string{}
		for round := range rapid.IntRange(1, 60).Draw(r, "rounds") {
			all := []string{"i-1", "i-2", "i-3", "group/web", "vol-1", "copies/vol-2", "snap-3"}
			lineage := rapid.SampledFrom(all).Draw(r, "lineage")
			name := rapid.SampledFrom([]string{"web", "db"}).Draw(r, "name")
			switch rapid.IntRange(0, 9).Draw(r, "event") {
			case 0:
				ended[lineage] = true
				continue
			case 1:
				owners[name] = ledger.Owner{Name: name, Lineage: lineage, By: "ada", Revision: fmt.Sprint(round)}
				last[name] = lineage
				continue
			}
			if ended[lineage] {
				continue
			}
			image := Image{Source: lineage, Lineage: lineage, Name: name, Run: fmt.Sprint(round)}
			before, known := owners[name]
			title := entitle(before, known, image, time.Time{}, lives)
			if title.Takes {
				owners[name] = title.Owner
			}
			entitled(r, title, image, last[name], lives)
			if told := title.Reason(image) != nil; told != title.Other {
				r.Fatalf("told or not: %+v", title)
			}
			if !title.Other {
				last[name] = lineage
			}
		}
	})
}

// entitled holds a decision to the rule: last is the lineage that rolled the name last.
func entitled(r *rapid.T, title title, image Image, last string, lives func(string) bool) {
	r.Helper()
	free := last == "" || last == image.Lineage || !lives(last)
	may := free || yields(last, image.Lineage)
	switch {
	case title.Other && (free || may && title.Owner.By == ""):
		r.Fatalf("%s is kept from its own name %s, which %s rolled last", image.Lineage, image.Name, last)
	case !title.Other && !may:
		r.Fatalf("%s takes %s from %s, which lives", image.Lineage, image.Name, last)
	}
}

// yields reports whether a lineage may give way to another though it has not ended: nothing says of copies, and of
// snapshots by themselves, that they live.
func yields(last, to string) bool { return !strings.HasPrefix(last, "vol-") && rank(last) < rank(to) }

// Of the sources of one name that a run images, in any order, the one with the lowest id has it at the end.
func TestTheLowestOfARunHasTheName(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		order := rapid.Permutation([]string{"i-1", "i-2", "i-3", "i-4"}).Draw(r, "order")
		var o ledger.Owner
		for _, id := range order {
			title := entitle(o, o.Lineage != "", Image{Source: id, Lineage: id, Name: "web", Run: "tonight"}, time.Time{},
				func(string) bool { return true })
			if title.Takes {
				o = title.Owner
			}
		}
		if o.Lineage != "i-1" {
			r.Fatalf("%s has it", o.Lineage)
		}
	})
}

// Of the snapshots of one name that a run images, in any order, the newest has the name at the end, whether what they
// are of is there or not; and one of an instance that is there has it before them all.
func TestTheNewestSnapshotOfARunHasTheName(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		images := []Image{
			{Source: "snap-1", Lineage: "vol-1", Taken: begin.Add(time.Hour)},
			{Source: "snap-2", Lineage: "vol-2", Taken: begin},
			{Source: "snap-3", Lineage: "copies/vol-3", Taken: begin.Add(2 * time.Hour)},
			{Source: "snap-4", Lineage: "snap-4", Taken: begin.Add(3 * time.Hour)},
		}
		want := "copies/vol-3"
		if rapid.Bool().Draw(r, "one is there") {
			images = append(images, Image{Source: "snap-5", Lineage: "i-1", Taken: begin.Add(-time.Hour)})
			want = "i-1"
		}
		lives := rapid.Bool().Draw(r, "volumes are kept")
		var o ledger.Owner
		for _, image := range rapid.Permutation(images).Draw(r, "order") {
			image.Name, image.Run = "web", "tonight"
			title := entitle(o, o.Lineage != "", image, time.Time{}, func(string) bool { return lives })
			if title.Takes {
				o = title.Owner
			}
		}
		if o.Lineage != want {
			r.Fatalf("%s has it", o.Lineage)
		}
	})
}
