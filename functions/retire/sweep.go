package retire

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
)

// snapshotsAPI are what is left of images, and the images that may use them.
type snapshotsAPI interface {
	ec2.DescribeSnapshotsAPIClient
	ec2.DescribeImagesAPIClient
	DescribeImageAttribute(
		context.Context, *ec2.DescribeImageAttributeInput, ...func(*ec2.Options),
	) (*ec2.DescribeImageAttributeOutput, error)
	DeleteSnapshot(context.Context, *ec2.DeleteSnapshotInput, ...func(*ec2.Options)) (*ec2.DeleteSnapshotOutput, error)
}

const (
	// orphanAge is how old an image must be at least that EC2 does not show: an image may take a day.
	orphanAge = 24 * time.Hour
	// sweepMost bounds one run's sweep; the next goes on. A filter takes 200 values.
	sweepMost = 100
)

// sweep deletes the registered snapshots of images that are gone: their image was removed without them, or others
// deregistered it, which is first told and left for the grace period. An image of which nothing is left needs no
// registration.
func (r *round) sweep(ctx context.Context) error {
	owners, err := r.proven(ctx, r.orphaned())
	there := map[string]bool{}
	if err == nil {
		there, err = r.there(ctx, owners)
	}
	if err != nil {
		return r.failed(ctx, retirement{Subject: "snapshots without an image"}, err, "looking for")
	}
	orphans, err := r.lost(ctx, owners, there)
	if err != nil {
		return err
	}
	if len(orphans) > 0 {
		orphans, err = r.unused(ctx, orphans[:min(len(orphans), sweepMost)])
	}
	if err != nil {
		return r.failed(ctx, retirement{Subject: "snapshots without an image"}, err, "looking for")
	}
	return r.deleteUnused(ctx, orphans)
}

// lost are the snapshots whose time has come.
func (r *round) lost(ctx context.Context, owners []ledger.Registration, there map[string]bool) ([]orphan, error) {
	var orphans []orphan
	for _, registered := range owners {
		left := slices.DeleteFunc(slices.Clone(registered.Snapshots), func(id string) bool { return !there[id] })
		switch {
		case len(left) == 0:
			if err := r.Ledger.Retire(ctx, registered, r.now); err != nil {
				return nil, fmt.Errorf("ending the registration of image %s: %w", registered.ID, err)
			}
		case registered.Gone.IsZero() && registered.Missed.IsZero():
			if err := r.miss(ctx, registered, left); err != nil {
				return nil, err
			}
		default:
			for _, id := range left {
				orphans = append(orphans, orphan{id: id, of: registered})
			}
		}
	}
	return orphans, nil
}

// deleteUnused asks of each snapshot what is asked of an image before it goes.
func (r *round) deleteUnused(ctx context.Context, orphans []orphan) error {
	var ids []string
	for _, o := range orphans {
		ids = append(ids, o.id)
	}
	uses, err := r.Reviewer.SnapshotUses(ctx, ids)
	if err != nil {
		return r.failed(ctx, retirement{Subject: "snapshots without an image"}, err, "looking what uses")
	}
	for _, o := range orphans {
		if why := uses[o.id]; len(why) > 0 {
			err = r.put(ctx, retirement{Subject: o.id, Name: o.of.Name, Status: job.InUse, Why: why})
		} else {
			err = r.deleted(ctx, o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// orphan is a snapshot and its image, which is gone.
type orphan struct {
	id string
	of ledger.Registration
}

func (r *round) deleted(ctx context.Context, o orphan) error {
	what := retirement{Subject: o.id, Name: o.of.Name, Status: job.Swept, Why: []string{"its image is gone"}}
	_, err := r.EC2.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String(o.id)})
	if err != nil && !fault.IsNoSnapshot(err) {
		return r.failed(ctx, what, err, "deleting")
	}
	return r.put(ctx, what)
}

// there are the registered snapshots that there are, without those that were there before their source was claimed.
func (r *round) there(ctx context.Context, owners []ledger.Registration) (map[string]bool, error) {
	var ids []string
	of := map[string]ledger.Registration{}
	for _, registered := range owners {
		ids = append(ids, registered.Snapshots...)
		for _, id := range registered.Snapshots {
			of[id] = registered
		}
	}
	there := map[string]bool{}
	for some := range slices.Chunk(ids, sweepMost) {
		pages := ec2.NewDescribeSnapshotsPaginator(r.EC2, &ec2.DescribeSnapshotsInput{
			OwnerIds: []string{"self"}, MaxResults: aws.Int32(1000),
			Filters: []types.Filter{{Name: aws.String("snapshot-id"), Values: some}},
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, s := range out.Snapshots {
				id := aws.ToString(s.SnapshotId)
				there[id] = register.Since(of[id], s)
			}
		}
	}
	return there, nil
}

// unused leaves out what any image of the account uses, disabled ones included, and what an image in
// the Recycle Bin would need: EC2 protects the root volume's snapshot of an image only.
func (r *round) unused(ctx context.Context, orphans []orphan) ([]orphan, error) {
	var ids []string
	for _, o := range orphans {
		ids = append(ids, o.id)
	}
	used, err := image.Holding(ctx, r.EC2, ids)
	if err != nil {
		return nil, err
	}
	bin, err := r.bin(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(orphans, func(o orphan) bool { return used[o.id] || slices.Contains(bin, o.of.ID) }), nil
}

// bin are the ids of the images in the Recycle Bin.
func (r *round) bin(ctx context.Context) ([]string, error) {
	var ids []string
	pages := ec2.NewListImagesInRecycleBinPaginator(r.EC2, &ec2.ListImagesInRecycleBinInput{})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking into the Recycle Bin: %w", err)
		}
		for _, i := range out.Images {
			ids = append(ids, aws.ToString(i.ImageId))
		}
	}
	handler.Log(ctx).DebugContext(ctx, "Recycle Bin", "images", len(ids))
	return ids, nil
}
