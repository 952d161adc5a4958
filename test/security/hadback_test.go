package security_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"pgregory.net/rapid"

	"goldsmith/functions/retire"
	"goldsmith/shared/job"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/retention"
	"goldsmith/test/steptest"
)

// grace is the grace period of the plan whose images people have back.
const grace = 72 * time.Hour

// act is one thing that happens: a sweep or a night's retiring, which is cut off at that call, or a person who has
// everything back that lies in the Recycle Bin.
type act struct {
	what string
	cut  int
	wait time.Duration
}

// pauses are as long as between two sweeps, two nights, and more than the grace period.
var pauses = []time.Duration{5 * time.Minute, time.Hour, 25 * time.Hour, grace + time.Hour}

func drawActs(r *rapid.T) []act {
	return rapid.SliceOfN(rapid.Custom(func(r *rapid.T) act {
		return act{
			what: rapid.SampledFrom([]string{"sweep", "retire", "retire", "restore"}).Draw(r, "what"),
			cut:  rapid.OneOf(rapid.Just(0), rapid.IntRange(15, 60)).Draw(r, "cut off at call"),
			wait: rapid.SampledFrom(pauses).Draw(r, "until the next"),
		}
	}), 3, 14).Draw(r, "acts")
}

// play does it. What is cut off fails; an error is no matter.
func (w *world) play(n int, a act) {
	w.Helper()
	if a.what == "restore" {
		w.haveBack()
		return
	}
	if a.cut > 0 {
		w.Disturb(a.cut, steptest.Disturbance{Name: "cut off", Code: "UnauthorizedOperation", Times: 10000})
		defer w.Disturb(0, steptest.Disturbance{Name: "no more", Code: "x", Times: 0})
	}
	if a.what == "sweep" {
		_, _ = w.recover().Handle(w.Context(), json.RawMessage(w.Sample("sweep")))
		return
	}
	reviewer := retention.Reviewer{
		EC2: w.EC2, Ledger: w.Ledger, Lineages: lineage.Finder{EC2: w.EC2, Groups: w.AutoScaling}, Usage: w.finder,
		Now: time.Now,
	}
	step := retire.Step{Reviewer: reviewer, EC2: w.EC2, Ledger: w.Ledger, Now: time.Now}
	run := job.Run{Name: fmt.Sprintf("night-%d", n), Plan: "nightly"}
	_, _ = step.Handle(w.Context(), job.Batch{Run: run, Plan: w.Plan})
}

// haveBack restores all that lies in the Recycle Bin, the snapshots first.
func (w *world) haveBack() {
	w.Helper()
	snapshots, err := w.EC2.ListSnapshotsInRecycleBin(w.Context(), &sdk.ListSnapshotsInRecycleBinInput{})
	w.Must(err)
	for _, s := range snapshots.Snapshots {
		_, err := w.EC2.RestoreSnapshotFromRecycleBin(w.Context(),
			&sdk.RestoreSnapshotFromRecycleBinInput{SnapshotId: s.SnapshotId})
		w.Must(err)
	}
	images, err := w.EC2.ListImagesInRecycleBin(w.Context(), &sdk.ListImagesInRecycleBinInput{})
	w.Must(err)
	for _, i := range images.Images {
		_, err := w.EC2.RestoreImageFromRecycleBin(w.Context(), &sdk.RestoreImageFromRecycleBinInput{ImageId: i.ImageId})
		w.Must(err)
		w.back[aws.ToString(i.ImageId)] = time.Now()
	}
}

// An image that a person had back begins anew with its whole grace period, wherever what removed it was cut off.
func TestWhatAPersonHadBackHasItsGrace(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		acts := drawActs(r)
		wrong := ""
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.back = map[string]time.Time{}
			w.Plan.Keep = plan.Keep{Last: 1, Minimum: 1, Grace: plan.Duration(grace)}
			w.Cloud.SetRecycleBin(365 * 24 * time.Hour)
			w.Cloud.SetSnapshotRecycleBin(365 * 24 * time.Hour)
			w.made(1, true)
			w.made(2, false)
			w.made(5, true)
			w.made(9, true)
			for n, a := range acts {
				w.play(n, a)
				for id, at := range w.back {
					if time.Since(at) < grace && w.shown(id) == "gone" && wrong == "" {
						wrong = fmt.Sprintf("%s was had back %s ago and went again with act %d", w.names[id], time.Since(at), n)
					}
				}
				time.Sleep(a.wait)
			}
		})
		if wrong != "" {
			r.Fatal(wrong)
		}
	})
}
