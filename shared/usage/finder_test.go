package usage_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Each reference alone keeps its image, and no other.
func TestEachReferenceAlone(t *testing.T) {
	for name, refer := range references {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				used, free := w.image(), w.image()
				want := map[string][]string{used: strings.Split(refer(w, used), "\n")}
				uses, err := w.finder().Uses(w.Context(), w.describe(used, free))
				w.Must(err)
				w.Same("uses", sorted(uses), sorted(want))
			})
		})
	}
}

func TestNoReference(t *testing.T) {
	for name, refer := range noise {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				free := w.image()
				refer(w, free)
				uses, err := w.finder().Uses(w.Context(), w.describe(free))
				w.Must(err)
				w.Same("uses", uses, map[string][]string{})
			})
		})
	}
}

// isLaunch sorts the last launch behind everything else.
func isLaunch(kind string) string {
	if kind == "a launch in the last two days" {
		return "last"
	}
	return ""
}

// drawn is what refers to one image of a world.
type drawn struct{ references, noise []string }

// In any world every image is kept for exactly what refers to it.
func TestWorldsOfReferences(t *testing.T) {
	kinds, others := names(references), slices.DeleteFunc(names(noise), func(kind string) bool {
		return kind == "a launch long ago" // an image has one last launch
	})
	rapid.Check(t, func(r *rapid.T) {
		var images []drawn
		for range rapid.IntRange(1, 12).Draw(r, "images") {
			d := drawn{
				rapid.SliceOfNDistinct(rapid.SampledFrom(kinds), 0, 3, rapid.ID).Draw(r, "references"),
				rapid.SliceOfNDistinct(rapid.SampledFrom(others), 0, 2, rapid.ID).Draw(r, "noise"),
			}
			// An instance that is launched now makes the last launch a later one.
			slices.SortStableFunc(d.references, func(a, b string) int { return strings.Compare(isLaunch(a), isLaunch(b)) })
			images = append(images, d)
		}
		var diff string
		synctest.Test(t, func(t *testing.T) { diff = newWorld(t).difference(images) })
		if diff != "" {
			r.Fatal(diff)
		}
	})
}

// difference builds a world and compares what the finder says of it.
func (w *world) difference(images []drawn) string {
	want := map[string][]string{}
	var ids []string
	for _, d := range images {
		id := w.image()
		ids = append(ids, id)
		for _, kind := range d.references {
			want[id] = append(want[id], strings.Split(references[kind](w, id), "\n")...)
		}
		for _, kind := range d.noise {
			noise[kind](w, id)
		}
	}
	uses, err := w.finder().Uses(context.Background(), w.describe(ids...))
	w.Must(err)
	return cmp.Diff(sorted(want), sorted(uses))
}

func names[T any](of map[string]T) []string {
	var all []string
	for name := range of {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// sorted is for comparing: reasons come in the order of the look-ups.
func sorted(uses map[string][]string) map[string][]string {
	all := map[string][]string{}
	for image, of := range uses {
		slices.Sort(of)
		all[image] = slices.Compact(of)
	}
	return all
}
