package attribute

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/awsclient"
	"goldsmith/shared/disk"
	"goldsmith/shared/fault"
	"goldsmith/shared/tag"
)

// API is what of EC2 looking for evidence takes.
type API interface {
	ec2.DescribeSnapshotsAPIClient
	ec2.DescribeImagesAPIClient
	ec2.DescribeVolumesAPIClient
	ec2.DescribeInstancesAPIClient
	DescribeImageAttribute(context.Context, *ec2.DescribeImageAttributeInput, ...func(*ec2.Options),
	) (*ec2.DescribeImageAttributeOutput, error)
	GetInstanceUefiData(context.Context, *ec2.GetInstanceUefiDataInput, ...func(*ec2.Options),
	) (*ec2.GetInstanceUefiDataOutput, error)
}

// Looker looks for evidence. It only reads.
type Looker struct {
	EC2 API
	EBS disk.API
	// First are settings that count more than those of the snapshot's tag.
	First Settings
	// Made tells what Goldsmith made; nil before it is deployed.
	Made Register
}

// maxSiblings is how many other snapshots of a volume are looked up among images, the newest first.
const maxSiblings = awsclient.FilterValues

// Look finds what is known of a snapshot. Data are snapshots of data volumes that are named, by their devices.
func (l Looker) Look(ctx context.Context, id string, data map[string]string) (Evidence, error) {
	out, err := l.EC2.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{
		SnapshotIds: []string{id}, OwnerIds: []string{"self"}})
	switch {
	case err != nil:
		return Evidence{}, fmt.Errorf("looking at snapshot %s: %w", id, err)
	case len(out.Snapshots) != 1:
		return Evidence{}, fault.Failure("Copy it into this account, and name the copy.",
			"%s is no snapshot of this account", id)
	}
	e := Evidence{Snapshot: out.Snapshots[0]}
	if l.First.Text != "" {
		e.Settings = []Settings{l.First}
	}
	if text, ok := tag.Map(e.Snapshot.Tags)[tag.ImageSettings]; ok {
		e.Settings = append(e.Settings, Settings{Source: SettingsTag, Text: text})
	}
	if unready(e.Snapshot) != nil {
		return e, nil
	}
	if err := l.related(ctx, &e); err != nil {
		return e, err
	}
	if err := l.data(ctx, &e, data); err != nil {
		return e, err
	}
	return e, l.disk(ctx, &e)
}

// disk reads the disk. What reading again would not change is evidence too: it was not read.
func (l Looker) disk(ctx context.Context, e *Evidence) error {
	opened, err := disk.Open(ctx, l.EBS, aws.ToString(e.Snapshot.SnapshotId))
	if err == nil {
		var found disk.Disk
		if found, err = disk.Read(opened, opened.Size()); err == nil {
			e.Disk = &found
			return nil
		}
	}
	if fault.IsUnreadable(err) || errors.Is(err, disk.ErrBlocks) || errors.Is(err, disk.ErrBound) {
		e.Unread = fault.Brief(err)
		return nil
	}
	return fmt.Errorf("reading the disk of %s: %w", aws.ToString(e.Snapshot.SnapshotId), err)
}

// noVolume is what EC2 shows as the volume of a snapshot that was copied or written.
const noVolume = "vol-ffffffff"

// related finds the images and the instance that tell of the snapshot.
func (l Looker) related(ctx context.Context, e *Evidence) error {
	id, volume := aws.ToString(e.Snapshot.SnapshotId), aws.ToString(e.Snapshot.VolumeId)
	naming, err := l.naming(ctx, []string{id}, "which names this snapshot")
	if err != nil {
		return err
	}
	naming = e.own(naming)
	var siblings, origin []Image
	if volume != "" && volume != noVolume {
		if siblings, err = l.siblings(ctx, e.Snapshot); err != nil {
			return err
		}
		siblings = e.own(siblings)
		if origin, err = l.volume(ctx, e, volume); err != nil {
			return err
		}
	}
	// What the volume came from was made of another instance, if of any.
	if err := l.instance(ctx, e, slices.Concat(naming, siblings)); err != nil {
		return err
	}
	made, err := l.made(ctx, e)
	if err != nil {
		return err
	}
	e.Images = ordered(slices.Concat(made, origin, naming, siblings))
	if err := l.instanceUEFI(ctx, e.Instance); err != nil {
		return err
	}
	return l.uefiData(ctx, e)
}

func (l Looker) naming(ctx context.Context, snapshots []string, relation string) (images []Image, err error) {
	pages := ec2.NewDescribeImagesPaginator(l.EC2, &ec2.DescribeImagesInput{
		IncludeDeprecated: aws.Bool(true), IncludeDisabled: aws.Bool(true),
		Filters: []types.Filter{{Name: aws.String("block-device-mapping.snapshot-id"), Values: snapshots}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for images of %s: %w", snapshots[0], err)
		}
		for _, i := range page.Images {
			images = append(images, Image{Image: i, Relation: relation})
		}
	}
	slices.SortStableFunc(images, func(a, b Image) int {
		return cmp.Compare(aws.ToString(b.CreationDate), aws.ToString(a.CreationDate))
	})
	return images, nil
}

// own are the images of the snapshot's owner. Anyone whom a snapshot is shared with may register an image of it, and
// say of that what they like.
func (e Evidence) own(images []Image) []Image {
	return slices.DeleteFunc(images, func(i Image) bool { return !e.owns(i) })
}

// siblings are the images whose root device is another snapshot of the same volume, the newest first.
func (l Looker) siblings(ctx context.Context, of types.Snapshot) ([]Image, error) {
	var found []types.Snapshot
	pages := ec2.NewDescribeSnapshotsPaginator(l.EC2, &ec2.DescribeSnapshotsInput{
		Filters: []types.Filter{{Name: aws.String("volume-id"), Values: []string{aws.ToString(of.VolumeId)}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for other snapshots of %s: %w", aws.ToString(of.VolumeId), err)
		}
		found = append(found, page.Snapshots...)
	}
	slices.SortStableFunc(found,
		func(a, b types.Snapshot) int { return aws.ToTime(b.StartTime).Compare(aws.ToTime(a.StartTime)) })
	var ids []string
	for _, s := range found {
		if aws.ToString(s.SnapshotId) != aws.ToString(of.SnapshotId) && len(ids) < maxSiblings {
			ids = append(ids, aws.ToString(s.SnapshotId))
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	images, err := l.naming(ctx, ids, "which names another snapshot of its volume")
	return slices.DeleteFunc(images, func(i Image) bool {
		root := i.root()
		return root == nil || !slices.Contains(ids, aws.ToString(root.SnapshotId))
	}), err
}

// volume looks at the volume while it is there: the image that it came from, and the instance that has it.
func (l Looker) volume(ctx context.Context, e *Evidence, id string) ([]Image, error) {
	out, err := l.EC2.DescribeVolumes(ctx,
		&ec2.DescribeVolumesInput{Filters: []types.Filter{{Name: aws.String("volume-id"), Values: []string{id}}}})
	if err != nil || len(out.Volumes) == 0 {
		return nil, wrap(err, "looking at volume %s", id)
	}
	v := out.Volumes[0]
	e.Volume = &v
	for _, a := range v.Attachments {
		found, err := l.find(ctx, aws.ToString(a.InstanceId))
		if err != nil || found == nil {
			return nil, err
		}
		root := aws.ToString(a.Device) == aws.ToString(found.RootDeviceName)
		e.Instance = &Instance{Instance: *found, Relation: "which its volume is attached to", Root: root, Has: root}
	}
	if aws.ToString(v.SnapshotId) == "" {
		return nil, nil
	}
	images, err := l.naming(ctx, []string{aws.ToString(v.SnapshotId)}, "which its volume came from")
	return slices.DeleteFunc(images, func(i Image) bool {
		root := i.root()
		return root == nil || aws.ToString(root.SnapshotId) != aws.ToString(v.SnapshotId) || !e.trusted(i)
	}), err
}

// vendors are the aliases of owners that EC2 itself vouches for (API reference, Image, imageOwnerAlias).
var vendors = []string{"amazon", "aws-marketplace"}

// trusted reports whether an image of the snapshot that the volume came from tells of it: one of the snapshot's owner,
// of AWS or of its Marketplace, or the one that the instance was launched from. Any other account may
// register an image of a snapshot that is shared with it, and say of that what it likes.
func (e Evidence) trusted(i Image) bool {
	launched := e.Instance != nil && aws.ToString(e.Instance.ImageId) == aws.ToString(i.ImageId)
	return launched || e.owns(i) || slices.Contains(vendors, aws.ToString(i.ImageOwnerAlias))
}

func (e Evidence) owns(i Image) bool {
	return aws.ToString(i.OwnerId) == aws.ToString(e.Snapshot.OwnerId)
}

// instance looks at the instance that an image was made of, when the volume is not attached any more.
func (l Looker) instance(ctx context.Context, e *Evidence, images []Image) error {
	for _, i := range images {
		id := aws.ToString(i.SourceInstanceId)
		if e.Instance != nil || id == "" || i.foreign(e.Snapshot) != "" {
			continue
		}
		found, err := l.find(ctx, id)
		if err != nil {
			return err
		}
		if found != nil {
			e.Instance = &Instance{Instance: *found, Relation: "which " + aws.ToString(i.ImageId) + " was made of", Root: true}
		}
	}
	return nil
}

func (l Looker) find(ctx context.Context, id string) (*types.Instance, error) {
	out, err := l.EC2.DescribeInstances(ctx,
		&ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: aws.String("instance-id"), Values: []string{id}}}})
	if err != nil || len(out.Reservations) == 0 || len(out.Reservations[0].Instances) == 0 {
		return nil, wrap(err, "looking at instance %s", id)
	}
	return &out.Reservations[0].Instances[0], nil
}

// uefiData asks for what DescribeImages does not show, of the account's own images with UEFI.
func (l Looker) uefiData(ctx context.Context, e *Evidence) error {
	for n := range e.Images {
		i := &e.Images[n]
		if i.BootMode == "" || i.BootMode == types.BootModeValuesLegacyBios ||
			aws.ToString(i.OwnerId) != aws.ToString(e.Snapshot.OwnerId) {
			continue
		}
		out, err := l.EC2.DescribeImageAttribute(ctx,
			&ec2.DescribeImageAttributeInput{ImageId: i.ImageId, Attribute: types.ImageAttributeNameUefiData})
		if fault.IsNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("asking for the UEFI data of %s: %w", aws.ToString(i.ImageId), err)
		}
		if out.UefiData != nil {
			i.UEFIData = aws.ToString(out.UefiData.Value)
		}
		return nil // The first one that was asked decides: it is the most telling.
	}
	return nil
}

func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
