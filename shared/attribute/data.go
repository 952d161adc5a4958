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

// Data is the snapshot of a data volume, and the device that it is to be at.
type Data struct {
	Device   string
	Snapshot types.Snapshot
	// Source is who says so.
	Source string
}

// Volume is a decided data volume.
type Volume struct {
	Device   string `json:"device"`
	Snapshot string `json:"snapshot"`
	GiB      int32  `json:"gib"`
	Source   string `json:"source"`
}

// devices are the names that the devices of data volumes may have (EC2 User Guide, device names).
var devices = regexp.MustCompile(`^/dev/(sd[b-z][1-9]?|xvd[b-z]|xvd[b-c][a-z])$`)

// Device reports whether a data volume can be at a device.
func Device(name string) bool { return devices.MatchString(name) }

// apart is how long after each other the snapshots of one set are started: CreateSnapshots and CreateImage start them
// together, backup tools one by one.
const apart = 15 * time.Minute

// data finds the data volumes: those that are named, and snapshots of the same set that say their device.
func (l Looker) data(ctx context.Context, e *Evidence, named map[string]string) error {
	for _, device := range slices.Sorted(maps.Keys(named)) {
		found, err := l.snapshots(ctx, types.Filter{Name: aws.String("snapshot-id"), Values: []string{named[device]}})
		if err != nil {
			return err
		}
		s := types.Snapshot{SnapshotId: aws.String(named[device])} // In no state: there is none such.
		if len(found) > 0 {
			s = found[0]
		}
		e.Data = append(e.Data, Data{device, s, "who asks"})
	}
	tagged, err := l.snapshots(ctx, types.Filter{Name: aws.String("tag-key"), Values: []string{tag.Device}})
	if err != nil {
		return err
	}
	for _, s := range tagged {
		device := tag.Map(s.Tags)[tag.Device]
		_, taken := named[device]
		if taken || aws.ToString(s.SnapshotId) == aws.ToString(e.Snapshot.SnapshotId) {
			continue
		}
		same, err := l.sameSet(ctx, e.Snapshot, s)
		if err != nil {
			return err
		}
		if same {
			e.Data = append(e.Data, Data{device, s, "its tag " + tag.Device})
		}
	}
	return l.offer(ctx, e)
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

// sameSet reports whether two snapshots are of one set: made by one call, or of volumes of one instance at one time.
func (l Looker) sameSet(ctx context.Context, a, b types.Snapshot) (bool, error) {
	if aws.ToTime(a.StartTime).Sub(aws.ToTime(b.StartTime)).Abs() > apart {
		return false, nil
	}
	one, other := aws.ToString(a.Description), aws.ToString(b.Description)
	called := aws.ToTime(a.StartTime).Truncate(time.Second).Equal(aws.ToTime(b.StartTime).Truncate(time.Second))
	if one == other && (called || strings.HasPrefix(one, "Created by CreateImage(")) {
		return true, nil
	}
	out, err := l.EC2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{Filters: []types.Filter{{
		Name: aws.String("volume-id"), Values: []string{aws.ToString(a.VolumeId), aws.ToString(b.VolumeId)},
	}}})
	if err != nil {
		return false, fmt.Errorf("looking at the volumes of %s: %w", aws.ToString(b.SnapshotId), err)
	}
	instances := map[string]int{}
	for _, v := range out.Volumes {
		for _, at := range v.Attachments {
			instances[aws.ToString(at.InstanceId)]++
		}
	}
	return slices.Contains(slices.Collect(maps.Values(instances)), 2), nil
}

// offer finds snapshots of the instance's other volumes that were started with this one, and say no device.
func (l Looker) offer(ctx context.Context, e *Evidence) error {
	if e.Instance == nil || !e.Instance.Root {
		return nil
	}
	at := otherVolumes(e.Instance)
	if len(at) == 0 {
		return nil
	}
	found, err := l.snapshots(ctx, types.Filter{Name: aws.String("volume-id"), Values: slices.Sorted(maps.Keys(at))})
	if err != nil {
		return err
	}
	for _, s := range found {
		device := at[aws.ToString(s.VolumeId)]
		near := aws.ToTime(s.StartTime).Sub(aws.ToTime(e.Snapshot.StartTime)).Abs() <= apart
		taken := slices.ContainsFunc(e.Data, func(d Data) bool { return d.Device == device })
		if near && !taken {
			e.Offered = append(e.Offered, Data{Device: device, Snapshot: s})
		}
	}
	return nil
}

// otherVolumes are the devices of the instance's volumes but the one at its root device, by the ids of the volumes.
func otherVolumes(i *Instance) map[string]string {
	at := map[string]string{}
	for _, m := range i.BlockDeviceMappings {
		if device := aws.ToString(m.DeviceName); m.Ebs != nil && device != aws.ToString(i.RootDeviceName) {
			at[aws.ToString(m.Ebs.VolumeId)] = device
		}
	}
	return at
}

// dataVolumes decides them.
func (d *decider) dataVolumes() *Refusal {
	taken := map[string]string{d.Value(RootDeviceName): d.Decision.Snapshot}
	for _, v := range d.Evidence.Data {
		id := aws.ToString(v.Snapshot.SnapshotId)
		other, twice := taken[v.Device]
		switch {
		case !Device(v.Device):
			return refuse(WrongSetting, "Correct it, then ask again.",
				"%s is to be at %q, says %s, which is no device of a data volume",
				id, v.Device, v.Source)
		case twice:
			return refuse(Contradiction, "Name one of them: --data "+v.Device+"=snap-...",
				"%s is to be at %s, says %s, and so is %s",
				id, v.Device, v.Source, other)
		case v.Snapshot.State == "":
			return refuse(NotReady, "Name another one.", "%s is no snapshot of this account", id)
		case v.Snapshot.State != types.SnapshotStateCompleted:
			return refuse(NotReady, "Wait until it is completed, then ask again.", "snapshot %s is %s", id, v.Snapshot.State)
		case !permitted(v.Snapshot):
			return refuse(WrongSetting, fmt.Sprintf("Tag it: aws ec2 create-tags --resources %s --tags Key=%s,Value=%s", id,
				tag.Device, v.Device),
				"snapshot %s carries none of the tags %s, %s and %s, without which Goldsmith may not copy it", id, tag.Device, tag.Plan, tag.Request)
		}
		taken[v.Device] = id
		d.Decision.Data = append(d.Decision.Data, Volume{v.Device, id, aws.ToInt32(v.Snapshot.VolumeSize), v.Source})
	}
	return nil
}

// permitted reports whether the snapshot carries a tag by which it may be copied.
func permitted(s types.Snapshot) bool {
	tags := tag.Map(s.Tags)
	return slices.ContainsFunc([]string{tag.Device, tag.Plan, tag.Request}, func(key string) bool {
		_, there := tags[key]
		return there
	})
}

// mapping is what RegisterImage is sent of a data volume, of the root volume's type where that is for general purpose.
func (d Decision) mapping(v Volume) types.BlockDeviceMapping {
	ebs := &types.EbsBlockDevice{SnapshotId: aws.String(v.Snapshot),
		DeleteOnTermination: aws.Bool(d.Value(DeleteOnTermination) == "true")}
	if kind := types.VolumeType(d.Value(VolumeType)); kind == types.VolumeTypeGp2 || kind == types.VolumeTypeGp3 {
		ebs.VolumeType = kind
	}
	return types.BlockDeviceMapping{DeviceName: aws.String(v.Device), Ebs: ebs}
}
