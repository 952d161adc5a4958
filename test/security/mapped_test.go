package security_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// Who may call CreateImage on a source, and knows when its run stops it, makes an image under the name that the
// run gives its own, with a snapshot of others in a mapping: EC2's facts agree. The image goes like any other, with
// the snapshots that were made with it, and theirs stay: when it is retired, when its job was cut off, and when others
// deregister it.
func TestASnapshotThatAMappingNames(t *testing.T) {
	for _, way := range []string{"retired", "cut off", "deregistered by others"} {
		t.Run(way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				others := w.snapshot(w.Web, nil)
				time.Sleep(2 * time.Hour)
				id := w.mapped(others, way != "cut off")
				w.names[id] = "mapped"
				own := w.snapshots(id, others)
				time.Sleep(time.Hour)
				w.made(0, true)
				if way == "deregistered by others" {
					_, err := w.EC2.DeregisterImage(w.Context(), &sdk.DeregisterImageInput{ImageId: &id})
					w.Must(err)
				}
				before := w.shown(others)
				w.nights()
				w.nights()
				w.Same("the image", w.shown(id), "gone")
				for _, snapshot := range own {
					w.Same("its own snapshot", w.shown(snapshot), "gone")
				}
				w.Same("theirs", w.shown(others), before)
			})
		})
	}
}

// mapped is an image of Web that a run has registered as its own, and that holds another snapshot as well.
func (w *world) mapped(others string, good bool) string {
	w.Helper()
	name := fmt.Sprintf("goldsmith/web/%s/nightly-mapped", w.Web)
	r, err := w.Ledger.Kept.Register(w.Context(), ledger.Registration{
		Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: w.Web, Source: w.Web, Name: "web", Plan: "nightly",
		Run: "nightly-mapped", AMIName: name, Begun: time.Now(),
	})
	w.Must(err)
	time.Sleep(time.Minute)
	out, err := w.EC2.CreateImage(w.Context(), &sdk.CreateImageInput{
		Name: &name, InstanceId: &w.Web, NoReboot: aws.Bool(true), BlockDeviceMappings: []types.BlockDeviceMapping{
			{DeviceName: aws.String("/dev/sdz"), Ebs: &types.EbsBlockDevice{SnapshotId: &others}},
		},
	})
	w.Must(err)
	r.ID = aws.ToString(out.ImageId)
	_, err = w.Ledger.Kept.Amend(w.Context(), r)
	w.Must(err)
	result := job.Result{Run: "nightly-mapped", Source: w.Web, Name: "web", Plan: "nightly", Ending: job.Broken,
		At: time.Now()}
	if good {
		result.Ending, result.Image = job.Imaged, job.Image{ID: r.ID, State: "available"}
	}
	w.Must(w.Ledger.Kept.PutResult(w.Context(), result))
	time.Sleep(time.Hour)
	if good {
		w.sweep()
	}
	return r.ID
}
