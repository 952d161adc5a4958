package retire

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

// Snapshots are what is left of images, and the images that may use them.
type Snapshots interface {
	DescribeSnapshots(context.Context, *ec2.DescribeSnapshotsInput, ...func(*ec2.Options)) (*ec2.DescribeSnapshotsOutput, error)
	DescribeImages(context.Context, *ec2.DescribeImagesInput, ...func(*ec2.Options)) (*ec2.DescribeImagesOutput, error)
	DeleteSnapshot(context.Context, *ec2.DeleteSnapshotInput, ...func(*ec2.Options)) (*ec2.DeleteSnapshotOutput, error)
}

const (
	// orphanAge is how old a snapshot without an image must be: an image may take a day, and EC2 may leave
	// out its snapshots until it is available.
	orphanAge = 24 * time.Hour
	// sweepMost bounds one run's sweep; the next goes on. It is also as many values as a filter takes.
	sweepMost = 100
)

// sweep deletes snapshots of Goldsmith's that belong to no image any more: an image was
// deregistered by hand, or its snapshots could not be deleted with it.
func (r *round) sweep(ctx context.Context) error {
	orphans, err := r.orphans(ctx)
	if err == nil && len(orphans) > 0 {
		orphans, err = r.unused(ctx, orphans)
	}
	if err != nil {
		return r.failed(ctx, retirement{Subject: "snapshots without an image"}, err, "looking for")
	}
	uses, err := r.watcher.SnapshotUses(ctx, ids(orphans))
	if err != nil {
		return r.failed(ctx, retirement{Subject: "snapshots without an image"}, err, "looking what uses")
	}
	for _, s := range orphans {
		id := aws.ToString(s.SnapshotId)
		if why := uses[id]; len(why) > 0 {
			if err := r.put(ctx, retirement{Subject: id, Name: tag.Map(s.Tags)[tag.Name], Fate: job.InUse, Why: why}); err != nil {
				return err
			}
			continue
		}
		what := retirement{Subject: id, Name: tag.Map(s.Tags)[tag.Name], Fate: job.Swept, Why: []string{"its image is gone"}}
		_, err := r.ec2.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: s.SnapshotId})
		if fault.IgnoreNotFound(err) != nil {
			if err := r.failed(ctx, what, err, "deleting"); err != nil {
				return err
			}
			continue
		}
		if err := r.put(ctx, what); err != nil {
			return err
		}
	}
	return nil
}

// orphans are the plan's snapshots that no image of the plan uses.
func (r *round) orphans(ctx context.Context) ([]types.Snapshot, error) {
	kept := r.kept()
	pages := ec2.NewDescribeSnapshotsPaginator(r.ec2, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, MaxResults: aws.Int32(1000),
		Filters: []types.Filter{
			{Name: aws.String("tag:" + tag.Managed), Values: []string{"true"}},
			{Name: aws.String("tag:" + tag.Plan), Values: []string{r.page.Plan.Name}},
		},
	})
	var found []types.Snapshot
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, s := range out.Snapshots {
			tags := tag.Map(s.Tags)
			if !kept[aws.ToString(s.SnapshotId)] && !kept[made(tags)] && r.orphan(s, tags) {
				found = append(found, s)
			}
		}
	}
	return found[:min(len(found), sweepMost)], nil
}

// kept are the snapshots that an image of the plan uses, and whatever was made together with an image
// that is not available: EC2 may not show yet which snapshots are its own.
func (r *round) kept() map[string]bool {
	kept := map[string]bool{}
	for _, i := range r.Images {
		for _, id := range image.Snapshots(i) {
			kept[id] = true
		}
		if i.State != types.ImageStateAvailable {
			kept[made(tag.Map(i.Tags))] = true
		}
	}
	return kept
}

// made is what an image and its snapshots have in common.
func made(tags map[string]string) string { return tags[tag.Source] + " in " + tags[tag.Run] }

// orphan: tags are copied with a snapshot by some tools, so only those are meant that
// CreateImage made itself (User Guide, "Deregister an Amazon EC2 AMI": their description).
func (r *round) orphan(s types.Snapshot, tags map[string]string) bool {
	held := slices.ContainsFunc(r.Claims, func(c ledger.Claim) bool { return c.Source == tags[tag.Source] && c.Run == tags[tag.Run] })
	return !held && r.now.Sub(aws.ToTime(s.StartTime)) > orphanAge &&
		strings.HasPrefix(aws.ToString(s.Description), "Created by CreateImage("+tags[tag.Source]+") for ami-")
}

// unused leaves out what any image of the account uses, disabled ones included, and what an image in
// the Recycle Bin would need: EC2 protects the root volume's snapshot of an image only.
func (r *round) unused(ctx context.Context, orphans []types.Snapshot) ([]types.Snapshot, error) {
	used, err := r.imagesOf(ctx, ids(orphans))
	if err != nil {
		return nil, err
	}
	bin, err := r.bin(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(orphans, func(s types.Snapshot) bool {
		if used[aws.ToString(s.SnapshotId)] {
			return true
		}
		return slices.ContainsFunc(bin, func(id string) bool { return strings.HasSuffix(aws.ToString(s.Description), " for "+id) })
	}), nil
}

func ids(snapshots []types.Snapshot) []string {
	ids := make([]string, len(snapshots))
	for n, s := range snapshots {
		ids[n] = aws.ToString(s.SnapshotId)
	}
	return ids
}

func (r *round) imagesOf(ctx context.Context, snapshots []string) (map[string]bool, error) {
	used := map[string]bool{}
	pages := ec2.NewDescribeImagesPaginator(r.ec2, &ec2.DescribeImagesInput{
		Owners: []string{"self"}, IncludeDisabled: aws.Bool(true), MaxResults: aws.Int32(1000),
		Filters: []types.Filter{{Name: aws.String("block-device-mapping.snapshot-id"), Values: snapshots}},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for images that use them: %w", err)
		}
		for _, i := range out.Images {
			for _, id := range image.Snapshots(i) {
				used[id] = true
			}
		}
	}
	return used, nil
}

// bin are the ids of the images in the Recycle Bin.
func (r *round) bin(ctx context.Context) ([]string, error) {
	var ids []string
	pages := ec2.NewListImagesInRecycleBinPaginator(r.ec2, &ec2.ListImagesInRecycleBinInput{})
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
