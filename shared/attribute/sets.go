package attribute

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/tag"
)

// apart is how long after each other the snapshots of one set are started: CreateSnapshots and CreateImage start them
// together, backup tools one by one.
const apart = 15 * time.Minute

// data finds the data volumes: those that are named, and snapshots of the same set that say their device.
func (l Looker) data(ctx context.Context, e *Evidence, named map[string]string) error {
	if err := l.named(ctx, e, named); err != nil {
		return err
	}
	tagged, err := l.snapshots(ctx, types.Filter{Name: aws.String("tag-key"), Values: []string{tag.Device}})
	if err != nil {
		return err
	}
	at, image := e.otherVolumes(), e.withRoot()
	e.Data = append(e.Data, e.nearest(e.ofSet(tagged, named, at, image))...)
	if err := l.volumes(ctx, e); err != nil {
		return err
	}
	if err := l.offerImage(ctx, e, image); err != nil {
		return err
	}
	err = l.offer(ctx, e, at)
	e.Offered = e.nearest(e.Offered)
	return err
}

// ofSet are those of the snapshots that say their device which are surely of the same set: an image has them with the
// root volume's, or they are of the same instance. Those that were only started with it are added to what is offered.
// Devices that are named, and snapshots that are among the data volumes already, are left out of both.
func (e *Evidence) ofSet(tagged []types.Snapshot, named, at map[string]string, image map[string]Data) (found []Data) {
	for _, s := range tagged {
		id, device := aws.ToString(s.SnapshotId), tag.Map(s.Tags)[tag.Device]
		_, taken := named[device]
		_, with := image[id]
		switch {
		case taken || e.named(s) || !with && !e.beside(s):
		case with || at[aws.ToString(s.VolumeId)] != "" || sameInstance(e.Snapshot, s):
			found = append(found, Data{Device: device, Snapshot: s, Source: "its tag " + tag.Device, Image: image[id].Image})
		default:
			e.Offered = append(e.Offered, Data{Device: device, Snapshot: s})
		}
	}
	return found
}

// volumes looks at the volumes that data volumes' snapshots are of, while they are there.
func (l Looker) volumes(ctx context.Context, e *Evidence) error {
	var ids []string
	for _, d := range e.Data {
		if id := aws.ToString(d.Snapshot.VolumeId); id != "" && id != noVolume {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	out, err := l.EC2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{
		Filters: []types.Filter{{Name: aws.String("volume-id"), Values: ids}}})
	if err != nil {
		return fmt.Errorf("looking at the volumes that data volumes' snapshots are of: %w", err)
	}
	for n, d := range e.Data {
		for _, v := range out.Volumes {
			if aws.ToString(v.VolumeId) == aws.ToString(d.Snapshot.VolumeId) {
				e.Data[n].Volume = &v
			}
		}
	}
	return nil
}

// named looks at the snapshots that who asks names.
func (l Looker) named(ctx context.Context, e *Evidence, named map[string]string) error {
	if len(named) == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Values(named))
	found, err := l.snapshots(ctx, types.Filter{Name: aws.String("snapshot-id"), Values: slices.Compact(ids)})
	if err != nil {
		return err
	}
	for _, device := range slices.Sorted(maps.Keys(named)) {
		s := types.Snapshot{SnapshotId: aws.String(named[device])} // In no state: there is none such.
		for _, each := range found {
			if aws.ToString(each.SnapshotId) == named[device] {
				s = each
			}
		}
		e.Data = append(e.Data, Data{Device: device, Snapshot: s, Source: asked})
	}
	return nil
}

func (l Looker) snapshots(ctx context.Context, filters ...types.Filter) (found []types.Snapshot, err error) {
	pages := ec2.NewDescribeSnapshotsPaginator(l.EC2,
		&ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, Filters: filters})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for snapshots of data volumes: %w", err)
		}
		found = append(found, page.Snapshots...)
	}
	return found, nil
}

// named reports whether a snapshot is among the data volumes already.
func (e Evidence) named(s types.Snapshot) bool {
	return slices.ContainsFunc(slices.Concat(e.Data, e.Offered), func(d Data) bool {
		return aws.ToString(d.Snapshot.SnapshotId) == aws.ToString(s.SnapshotId)
	})
}

// has reports whether there is a data volume at a device already.
func (e Evidence) has(device string) bool {
	return slices.ContainsFunc(e.Data, func(d Data) bool { return device != "" && d.Device == device })
}

// beside reports whether a snapshot was started with the root volume's, of another volume.
func (e Evidence) beside(s types.Snapshot) bool {
	volume := aws.ToString(s.VolumeId)
	return aws.ToString(s.SnapshotId) != aws.ToString(e.Snapshot.SnapshotId) &&
		(volume == noVolume || volume != aws.ToString(e.Snapshot.VolumeId)) &&
		aws.ToTime(s.StartTime).Sub(aws.ToTime(e.Snapshot.StartTime)).Abs() <= apart
}

// otherVolumes are the devices of the instance's volumes but the one at its root device, by the ids of the volumes.
func (e Evidence) otherVolumes() map[string]string {
	at := map[string]string{}
	if e.Instance == nil || !e.Instance.Root {
		return at
	}
	for _, m := range e.Instance.BlockDeviceMappings {
		if device := aws.ToString(m.DeviceName); m.Ebs != nil && device != aws.ToString(e.Instance.RootDeviceName) {
			at[aws.ToString(m.Ebs.VolumeId)] = device
		}
	}
	return at
}

// instanceID is an instance's id in a description or in an ARN.
var instanceID = regexp.MustCompile(`\bi-([0-9a-f]{17}|[0-9a-f]{8})\b`)

// sameInstance reports whether two snapshots say themselves of which instance they are, and say the same: in the
// description that CreateImage writes, or in a tag, as that of Data Lifecycle Manager's variable $(instance-id). The
// same description and the same moment alone do not tell: a policy snapshots many instances at once.
func sameInstance(a, b types.Snapshot) bool {
	if d := aws.ToString(a.Description); d == aws.ToString(b.Description) && instanceID.MatchString(d) {
		return true
	}
	other := tag.Map(b.Tags)
	for key, value := range tag.Map(a.Tags) {
		if id := instanceID.FindString(value); other[key] == value && id != "" && strings.HasSuffix(value, id) {
			return true
		}
	}
	return false
}

// offer finds snapshots that were started with this one and say no device: those of the instance's other volumes, and
// where the instance is not known those with the same description.
func (l Looker) offer(ctx context.Context, e *Evidence, at map[string]string) error {
	filter := e.siblings(at)
	if len(filter.Values) == 0 {
		return nil
	}
	found, err := l.snapshots(ctx, filter)
	if err != nil {
		return err
	}
	for _, s := range found {
		device := at[aws.ToString(s.VolumeId)]
		if !e.beside(s) || e.has(device) || e.named(s) {
			continue
		}
		offered := Data{Device: device, Snapshot: s}
		if device != "" || sameInstance(e.Snapshot, s) {
			offered.Source = "its instance"
		}
		e.Offered = append(e.Offered, offered)
	}
	return nil
}

// siblings are the snapshots that may be offered; a filter without values is for none.
func (e *Evidence) siblings(at map[string]string) types.Filter {
	if text := aws.ToString(e.Snapshot.Description); len(at) == 0 && text != "" && e.Instance == nil {
		return types.Filter{Name: aws.String("description"), Values: []string{tag.Literal(text)}}
	}
	return types.Filter{Name: aws.String("volume-id"), Values: slices.Sorted(maps.Keys(at))}
}
