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
	"goldsmith/shared/tag"
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
	found = found[:min(mostMade, len(found))]
	there, err := l.there(ctx, found)
	if err != nil {
		return nil, fmt.Errorf("looking at what was made of %s: %w", aws.ToString(e.Snapshot.SnapshotId), err)
	}
	var images []Image
	for _, r := range found {
		i := Image{Image: there[r.ID], Relation: "which Goldsmith made of the same source", Made: true}
		if register.Image(r, i.Image) == nil && e.owns(i) {
			images = append(images, i)
		}
	}
	return images, nil
}

// there are the registered images that there are, by their ids.
func (l Looker) there(ctx context.Context, found []ledger.Registration) (map[string]types.Image, error) {
	var ids []string
	for _, r := range found {
		ids = append(ids, r.ID)
	}
	out, err := l.EC2.DescribeImages(ctx, &ec2.DescribeImagesInput{
		IncludeDeprecated: aws.Bool(true), IncludeDisabled: aws.Bool(true),
		Filters: []types.Filter{{Name: aws.String("image-id"), Values: ids}},
	})
	if err != nil {
		return nil, err
	}
	all := map[string]types.Image{}
	for _, i := range out.Images {
		all[aws.ToString(i.ImageId)] = i
	}
	return all, nil
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
		same := r.Source == aws.ToString(e.Snapshot.SnapshotId)
		same = same || volume != "" && r.Volume == volume || of != "" && r.Lineage == of
		if same && ofSnapshot(r) {
			found = append(found, r)
		}
	}
	return found, nil
}

// ofSnapshot reports whether an image is registered that was made of a snapshot, and proved good.
func ofSnapshot(r ledger.Registration) bool {
	return r.Good && r.ID != "" && r.Kind == ledger.MadeImage && r.Call == ledger.RegisterImage
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

// ordered puts the images first that are registered as Goldsmith's, then those that say they are, and leaves out what
// is there twice. The tag can be anybody's, so it moves an image that tells of the snapshot anyway, and brings in no
// other.
func ordered(all []Image) (images []Image) {
	seen := map[string]bool{}
	for _, i := range all {
		if !seen[aws.ToString(i.ImageId)] {
			seen[aws.ToString(i.ImageId)] = true
			if i.rank() == tagged {
				i.Relation = "tagged as Goldsmith's, " + i.Relation
			}
			images = append(images, i)
		}
	}
	slices.SortStableFunc(images, func(a, b Image) int { return cmp.Compare(b.rank(), a.rank()) })
	return images
}

// The ranks of images beside the others, which have none.
const (
	tagged = iota + 1
	registered
)

func (i Image) rank() int {
	if i.Made {
		return registered
	}
	if _, own := tag.Map(i.Tags)[tag.Managed]; own {
		return tagged
	}
	return 0
}
