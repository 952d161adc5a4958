package attribute

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// withRoot are the snapshots of data volumes, by id, that AMIs have with this snapshot as their root: their devices,
// and the AMIs. One CreateImage, or one CopyImage, made them.
func (e Evidence) withRoot() map[string]Data {
	found := map[string]Data{}
	for _, i := range e.Images {
		root := i.root()
		if root == nil || aws.ToString(root.SnapshotId) != aws.ToString(e.Snapshot.SnapshotId) {
			continue
		}
		for _, m := range i.BlockDeviceMappings {
			if m.Ebs == nil || m.Ebs == root || aws.ToString(m.Ebs.SnapshotId) == "" {
				continue
			}
			id := aws.ToString(m.Ebs.SnapshotId)
			if _, known := found[id]; !known {
				found[id] = Data{Device: aws.ToString(m.DeviceName), Image: aws.ToString(i.ImageId)}
			}
		}
	}
	return found
}

// offerImage offers the data volumes that AMIs have with this snapshot.
func (l Looker) offerImage(ctx context.Context, e *Evidence, with map[string]Data) error {
	var ids []string
	for id, d := range with {
		if !e.has(d.Device) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	found, err := l.snapshots(ctx, types.Filter{Name: aws.String("snapshot-id"), Values: ids})
	if err != nil {
		return err
	}
	for _, s := range found {
		if d := with[aws.ToString(s.SnapshotId)]; !e.named(s) {
			e.Offered = append(e.Offered, Data{Device: d.Device, Snapshot: s, Source: d.Image, Image: d.Image})
		}
	}
	return nil
}

// nearest keeps of several snapshots of one volume for one device the one that an AMI has with the root volume's, else
// the one that was started nearest to that, the later of two. Several policies may snapshot one volume.
func (e Evidence) nearest(found []Data) (kept []Data) {
	sorted := slices.Clone(found)
	slices.SortStableFunc(sorted, func(a, b Data) int {
		return cmp.Or(cmp.Compare(b.Image, a.Image), cmp.Compare(e.distance(a), e.distance(b)),
			aws.ToTime(b.Snapshot.StartTime).Compare(aws.ToTime(a.Snapshot.StartTime)))
	})
	for _, d := range sorted {
		n := slices.IndexFunc(kept, func(k Data) bool { return k.sameVolume(d) })
		if n < 0 {
			kept = append(kept, d)
			continue
		}
		kept[n].Others = append(kept[n].Others, aws.ToString(d.Snapshot.SnapshotId))
	}
	slices.SortStableFunc(kept, func(a, b Data) int { return cmp.Compare(a.Device, b.Device) })
	return kept
}

func (e Evidence) distance(d Data) time.Duration {
	return aws.ToTime(d.Snapshot.StartTime).Sub(aws.ToTime(e.Snapshot.StartTime)).Abs()
}

// sameVolume reports whether two snapshots are of one volume, for one device. Copies do not say their volume.
func (d Data) sameVolume(other Data) bool {
	return d.Device == other.Device && d.ofVolume(other)
}

func (d Data) ofVolume(other Data) bool {
	volume := aws.ToString(d.Snapshot.VolumeId)
	return volume != "" && volume != noVolume && volume == aws.ToString(other.Snapshot.VolumeId)
}
