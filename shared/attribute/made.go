package attribute

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/register"
)

// Register tells what images Goldsmith made.
type Register interface {
	Registrations(ctx context.Context, lineage string) iter.Seq2[ledger.Registration, error]
}

// mostMade is how many images of a source are looked at, the newest first.
const mostMade = 20

// made are the images that Goldsmith registered of snapshots of the same source, the newest first: their own snapshots
// are copies, of which EC2 does not show what they are of. An instance that has the volume says more than they do.
func (l Looker) made(ctx context.Context, e *Evidence) ([]Image, error) {
	if l.Made == nil || e.Instance != nil && e.Instance.Root {
		return nil, nil
	}
	found, err := l.registered(ctx, e)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	slices.SortFunc(found, func(a, b ledger.Registration) int {
		return cmp.Or(b.Taken.Compare(a.Taken), b.Begun.Compare(a.Begun))
	})
	var ids []string
	for _, r := range found[:min(mostMade, len(found))] {
		ids = append(ids, r.ID)
	}
	out, err := l.EC2.DescribeImages(ctx, &ec2.DescribeImagesInput{
		IncludeDeprecated: aws.Bool(true), IncludeDisabled: aws.Bool(true),
		Filters: []types.Filter{{Name: aws.String("image-id"), Values: ids}},
	})
	if err != nil {
		return nil, fmt.Errorf("looking at what was made of %s: %w", aws.ToString(e.Snapshot.SnapshotId), err)
	}
	var images []Image
	for _, r := range found {
		for _, i := range out.Images {
			if aws.ToString(i.ImageId) == r.ID && register.Image(r, i) == nil && e.owns(Image{Image: i}) {
				images = append(images, Image{Image: i, Relation: "which Goldsmith made of the same source", Made: true})
			}
		}
	}
	return images, nil
}

// registered are the registrations of images that came of snapshots of the same source, and proved good.
func (l Looker) registered(ctx context.Context, e *Evidence) (found []ledger.Registration, err error) {
	volume, of, err := l.source(ctx, e)
	if err != nil {
		return nil, err
	}
	for r, err := range l.Made.Registrations(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("looking at what images were made: %w", err)
		}
		same := volume != "" && r.Volume == volume || of != "" && r.Lineage == of ||
			r.Source == aws.ToString(e.Snapshot.SnapshotId)
		if same && r.Good && r.ID != "" && r.Kind == ledger.MadeImage && r.Call == ledger.RegisterImage {
			found = append(found, r)
		}
	}
	return found, nil
}

// source is the volume that a snapshot is of, or of a copy the lineage of copies of the same volume.
func (l Looker) source(ctx context.Context, e *Evidence) (volume, of string, err error) {
	id, volume := aws.ToString(e.Snapshot.SnapshotId), aws.ToString(e.Snapshot.VolumeId)
	if volume != "" && volume != noVolume {
		return volume, "", nil
	}
	unnamed := func(map[string]string, string) string { return "" } // Those of one name may be of several volumes.
	lineages, err := lineage.OfStored(ctx, l.EC2, []string{id}, unnamed)
	if _, oneVolume := lineage.Copies(lineages[id]); err != nil || !oneVolume {
		return "", "", err
	}
	return "", lineages[id], nil
}
