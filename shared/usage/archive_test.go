package usage_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// archive archives a snapshot, which its image allows once it is disabled.
func (w *world) archive(image types.Image) {
	w.Helper()
	_, err := w.EC2.DisableImage(w.Context(), &sdk.DisableImageInput{ImageId: image.ImageId})
	w.Must(err)
	_, err = w.EC2.ModifySnapshotTier(w.Context(), &sdk.ModifySnapshotTierInput{
		SnapshotId: aws.String(snapshotOf(image)), StorageTier: types.TargetStorageTierArchive,
	})
	w.Must(err)
}

// unarchive has it back, for some days or for good.
func (w *world) unarchive(image types.Image, days int32) {
	w.Helper()
	in := &sdk.RestoreSnapshotTierInput{SnapshotId: aws.String(snapshotOf(image)), PermanentRestore: aws.Bool(true)}
	if days > 0 {
		in.PermanentRestore, in.TemporaryRestoreDays = nil, &days
	}
	_, err := w.EC2.RestoreSnapshotTier(w.Context(), in)
	w.Must(err)
}

// What a person has archived is kept on purpose, and what is on its way into or out of the archive, too.
func TestArchivedSnapshotsAreKept(t *testing.T) {
	const long = 80 * time.Hour // more than EC2 takes
	for _, c := range []struct {
		name string
		set  func(w *world, image types.Image)
		kept bool
	}{
		{"never archived", func(*world, types.Image) {}, false},
		{"on its way into the archive", func(w *world, i types.Image) { w.archive(i) }, true},
		{"archived", func(w *world, i types.Image) { w.archive(i); time.Sleep(long) }, true},
		{"on its way back", func(w *world, i types.Image) { w.archive(i); time.Sleep(long); w.unarchive(i, 0) }, true},
		{"on its way back for some days",
			func(w *world, i types.Image) { w.archive(i); time.Sleep(long); w.unarchive(i, 30) }, true},
		{"back for some days",
			func(w *world, i types.Image) { w.archive(i); time.Sleep(long); w.unarchive(i, 30); time.Sleep(long) }, true},
		{"back for good",
			func(w *world, i types.Image) { w.archive(i); time.Sleep(long); w.unarchive(i, 0); time.Sleep(long) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				images := w.describe(w.image(), w.image())
				c.set(w, images[0])
				want := map[string][]string{}
				if c.kept {
					want[snapshotOf(images[0])] = []string{"snapshot " + snapshotOf(images[0]) + ": archived, or on its way into " +
						"or out of the archive"}
				}
				of, err := w.finder().SnapshotUses(w.Context(), []string{snapshotOf(images[0]), snapshotOf(images[1])})
				w.Must(err)
				w.Same("uses of the snapshots", of, want)
				uses, err := w.finder().Uses(w.Context(), images)
				w.Must(err)
				w.Same("images that are used", len(uses), len(want))
				if c.kept {
					w.Same("why the image is kept", uses[aws.ToString(images[0].ImageId)], want[snapshotOf(images[0])])
				}
			})
		})
	}
}
