package security_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"pgregory.net/rapid"

	"goldsmith/functions/retire"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/retention"
)

// blank is an EC2 some of whose calls list no image, though there are some.
type blank struct {
	*sdk.Client
	lists func() bool
}

func (b blank) DescribeImages(
	ctx context.Context, in *sdk.DescribeImagesInput, options ...func(*sdk.Options),
) (*sdk.DescribeImagesOutput, error) {
	if !b.lists() {
		return &sdk.DescribeImagesOutput{}, nil
	}
	return b.Client.DescribeImages(ctx, in, options...)
}

// Answers that list no image, in any order and for as many nights as it may take, remove nothing: of a plan that
// keeps all, every image and snapshot is as it was.
func TestAnEmptyAnswerProvesNothing(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		answers := rapid.SliceOfN(rapid.Bool(), 1, 12).Draw(r, "listed")
		nights := rapid.IntRange(1, 4).Draw(r, "nights")
		retiring := rapid.Bool().Draw(r, "a round was cut off")
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.Plan.Keep.Last = 9
			ids := []string{w.made(3, true), w.made(4, true), w.made(5, true)}
			if retiring {
				w.Must(w.Ledger.Kept.PutRetirement(w.Context(), job.Retirement{
					Plan: "nightly", Subject: ids[2], Name: "web", Run: "before", Status: job.Retiring, At: time.Now(),
				}))
			}
			before := w.everything(ids)
			n := 0
			cloud := blank{w.EC2, func() bool { n++; return answers[n%len(answers)] }}
			reviewer := retention.Reviewer{
				EC2: cloud, Ledger: w.Ledger, Lineages: lineage.Finder{EC2: w.EC2, Groups: w.AutoScaling}, Usage: w.finder,
				Now: time.Now,
			}
			step := retire.Step{Reviewer: reviewer, EC2: cloud, Ledger: w.Ledger, Now: time.Now}
			for range nights {
				_, err := step.Handle(w.Context(), job.Batch{Run: job.Run{Name: "tonight", Plan: "nightly"}, Plan: w.Plan})
				w.Must(err)
				time.Sleep(48 * time.Hour)
			}
			w.Same("images and snapshots", w.everything(ids), before)
		})
	})
}

// everything is what EC2 shows of images and their registered snapshots, and whether they are registered.
func (w *world) everything(ids []string) (all []string) {
	w.Helper()
	var kept []ledger.Registration
	for r, err := range w.Ledger.Kept.Registrations(w.Context(), "") {
		w.Must(err)
		kept = append(kept, r)
	}
	for _, id := range ids {
		all = append(all, w.shown(id))
		n := slices.IndexFunc(kept, func(r ledger.Registration) bool { return r.ID == id })
		if n < 0 || !kept[n].Missed.IsZero() || !kept[n].Gone.IsZero() {
			all = append(all, id+" is missed")
			continue
		}
		for _, snapshot := range kept[n].Snapshots {
			all = append(all, w.shown(snapshot))
		}
	}
	return all
}
