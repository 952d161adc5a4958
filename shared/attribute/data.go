package attribute

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/tag"
)

// Data is the snapshot of a data volume, and the device that it is to be at.
type Data struct {
	Device   string // "" where nothing says it, of one that is offered
	Snapshot types.Snapshot
	// Source is who says so; "" for one that is offered, and may be of another instance.
	Source string
	// Image is the AMI that has it with the root volume's; "" for none.
	Image string
	// Volume is the one that it is of, while that is there.
	Volume *types.Volume
	// Others are snapshots of the same volume that were started farther from the root volume's.
	Others []string
}

// Volume is a decided data volume.
type Volume struct {
	Device   string `json:"device"`
	Snapshot string `json:"snapshot"`
	GiB      int32  `json:"gib"`
	Source   string `json:"source"`
	// Kept is whether it stays when an instance that is launched from the image is terminated.
	Kept bool `json:"kept,omitempty"`
	Performance
}

// Performance is what a data volume is made as.
type Performance struct {
	Type       string `json:"type"`
	IOPS       int    `json:"iops,omitempty"`
	Throughput int    `json:"throughput,omitempty"`
}

// devices are the names that the devices of data volumes may have (EC2 User Guide, device names).
var devices = regexp.MustCompile(`^/dev/(sd[b-z][1-9]?|xvd[b-z]|xvd[b-c][a-z])$`)

// Device reports whether a data volume can be at a device.
func Device(name string) bool { return devices.MatchString(name) }

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
		case d.again(v) != nil:
			return d.again(v)
		case v.Snapshot.State == "":
			return refuse(NotReady, "Name another one.", "%s is no snapshot of this account", id)
		case unready(v.Snapshot) != nil:
			r := unready(v.Snapshot)
			return refuse(r.Code, r.Do, "%s of %s: %s", id, v.Device, r.Text)
		case !permitted(v.Snapshot):
			return refuse(WrongSetting, fmt.Sprintf("Tag it: aws ec2 create-tags --resources %s --tags Key=%s,Value=%s", id,
				tag.Device, v.Device),
				"snapshot %s carries none of the tags %s, %s and %s, without which Goldsmith may not copy it", id, tag.Device,
				tag.Plan, tag.Request)
		}
		taken[v.Device] = id
		d.Decision.Data = append(d.Decision.Data, Volume{
			Device: v.Device, Snapshot: id, GiB: aws.ToInt32(v.Snapshot.VolumeSize), Source: v.Source, Kept: d.kept(v.Snapshot),
			Performance: d.performance(v),
		})
		d.noteOthers(v)
	}
	return nil
}

// again refuses a volume that is to be at two devices: a file system that is there twice is mounted once, or as the
// wrong one. Who asks may name both.
func (d *decider) again(v Data) *Refusal {
	for _, other := range d.Evidence.Data {
		named := v.Source == asked && other.Source == asked
		if other.Device >= v.Device || named || !other.ofVolume(v) {
			continue
		}
		return refuse(Contradiction, "Take the tag "+tag.Device+" off one of them.",
			"%s is to be at %s, says %s, and %s at %s, says %s: both are of %s", aws.ToString(other.Snapshot.SnapshotId),
			other.Device, other.Source, aws.ToString(v.Snapshot.SnapshotId), v.Device, v.Source,
			aws.ToString(v.Snapshot.VolumeId))
	}
	return nil
}

// asked is the source of a data volume that who asks names.
const asked = "who asks"

// noteOthers tells which of several snapshots of a volume is taken.
func (d *decider) noteOthers(v Data) {
	if len(v.Others) == 0 {
		return
	}
	why := "which was started nearest to it"
	if v.Image != "" {
		why = "which " + v.Image + " has with it"
	}
	d.Notes = append(d.Notes, fmt.Sprintf("of the snapshots of the volume at %s %s is taken, %s; left out are %s",
		v.Device, aws.ToString(v.Snapshot.SnapshotId), why, strings.Join(v.Others, ", ")))
}

// permitted reports whether the snapshot carries a tag by which it may be copied.
func permitted(s types.Snapshot) bool {
	tags := tag.Map(s.Tags)
	return slices.ContainsFunc([]string{tag.Device, tag.Plan, tag.Request}, func(key string) bool {
		_, there := tags[key]
		return there
	})
}

// mapping is what RegisterImage is sent of a data volume.
func mapping(v Volume) types.BlockDeviceMapping {
	ebs := &types.EbsBlockDevice{SnapshotId: aws.String(v.Snapshot), VolumeType: types.VolumeType(v.Type),
		DeleteOnTermination: aws.Bool(!v.Kept)}
	if v.IOPS > 0 {
		ebs.Iops = aws.Int32(int32(v.IOPS)) //nolint:gosec // as EC2 has it
	}
	if v.Throughput > 0 {
		ebs.Throughput = aws.Int32(int32(v.Throughput)) //nolint:gosec // as EC2 has it
	}
	return types.BlockDeviceMapping{DeviceName: aws.String(v.Device), Ebs: ebs}
}
