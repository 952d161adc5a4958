package usage_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/test/steptest"
)

var update = flag.Bool("update", false, "write the transcripts in testdata anew")

// What is found in a world with a reference of each kind, to an image of its own, and what is said where one of the
// calls fails, each in its turn (-update writes testdata/disturbed.txt anew).
func TestDisturbedLooks(t *testing.T) {
	steptest.Transcripts(t, *update, "disturbed.txt", 2, func(t *testing.T, number int) (said string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			images, names := w.referenced()
			look := func() (string, error) { return w.looked(images) }
			if number == 1 {
				look = func() (string, error) { return w.lookedAtSnapshots(images) }
			}
			said = strings.NewReplacer(names...).Replace(w.disturbs(look))
		})
		return said
	})
}

// referenced are images with one reference each, and names for their ids.
func (w *world) referenced() (images []types.Image, names []string) {
	w.Helper()
	var ids []string
	for _, kind := range slices.Sorted(maps.Keys(references)) {
		id := w.image()
		references[kind](w, id)
		ids, names = append(ids, id), append(names, id, "the image of "+kind)
	}
	_, old := w.template(w.other, ids[0], ids[1], w.other)
	w.standard(old, 4)
	images = w.describe(ids...)
	for _, i := range images {
		names = append(names, snapshotOf(i), "the snapshot of "+*i.ImageId)
	}
	return images, append(names, old, "a template")
}

// disturbs looks once as it is, and then with each call failing.
func (w *world) disturbs(look func() (string, error)) string {
	w.Helper()
	w.Disturb(0, steptest.Disturbance{})
	said, err := look()
	w.Must(err)
	calls := w.Calls()
	for n, call := range calls {
		for _, how := range steptest.Disturbances(call) {
			w.Disturb(n+1, how)
			found, err := look()
			if err == nil {
				said += fmt.Sprintf("- %d %s %s: %s\n", n+1, call, how.Name, steptest.Difference(found, said))
				continue
			}
			said += fmt.Sprintf("- %d %s %s: %s\n", n+1, call, how.Name, steptest.Timeless(err.Error()))
		}
	}
	return said
}

func (w *world) looked(images []types.Image) (said string, err error) {
	found, err := w.finder().Look(w.Context(), images, nil)
	for _, i := range images {
		said += fmt.Sprintf("%s: %s; old %v\n", *i.ImageId, strings.Join(found.Uses[*i.ImageId], ", "),
			found.Old[*i.ImageId])
	}
	return said, err
}

func (w *world) lookedAtSnapshots(images []types.Image) (said string, err error) {
	var ids []string
	for _, i := range images {
		ids = append(ids, snapshotOf(i))
	}
	uses, err := w.finder().SnapshotUses(w.Context(), ids)
	for _, id := range ids {
		said += fmt.Sprintf("%s: %s\n", id, strings.Join(uses[id], ", "))
	}
	return said, err
}
