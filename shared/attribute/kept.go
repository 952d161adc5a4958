package attribute

import (
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// kept reports whether a data volume is to stay when its instance is terminated: as who asks or the plan says for all
// volumes, else as the instance has that volume, or an image that names the snapshot.
func (d *decider) kept(s types.Snapshot) bool {
	said := slices.ContainsFunc(d.set, func(s statement) bool { return s.key == DeleteOnTermination })
	if deletes := d.deletes(s); !said && deletes != nil {
		return !*deletes
	}
	return d.Value(DeleteOnTermination) == "false"
}

// deletes is what the evidence says of a data volume; nil when that is nothing.
func (e Evidence) deletes(s types.Snapshot) *bool {
	if i := e.Instance; i != nil && i.Root {
		for _, m := range i.BlockDeviceMappings {
			if m.Ebs != nil && aws.ToString(m.Ebs.VolumeId) == aws.ToString(s.VolumeId) {
				return m.Ebs.DeleteOnTermination
			}
		}
	}
	for _, i := range e.Images {
		if says := i.deletes(s); says != nil {
			return says
		}
	}
	return nil
}

// deletes is what an image says of the volume that it has of a snapshot.
func (i Image) deletes(s types.Snapshot) *bool {
	for _, m := range i.BlockDeviceMappings {
		if m.Ebs != nil && aws.ToString(m.Ebs.SnapshotId) == aws.ToString(s.SnapshotId) {
			return m.Ebs.DeleteOnTermination
		}
	}
	return nil
}

// deletes is whether the instance's volume at a device is deleted with it; "" when the instance does not say.
func (i Instance) deletes(device *string) string {
	for _, m := range i.BlockDeviceMappings {
		if m.Ebs != nil && aws.ToString(m.DeviceName) == aws.ToString(device) {
			return onOrOff(m.Ebs.DeleteOnTermination)
		}
	}
	return ""
}

func onOrOff(b *bool) string {
	if b == nil {
		return ""
	}
	return strconv.FormatBool(*b)
}

// noteKept tells which volumes stay.
func (d *decider) noteKept() {
	const text = " stays when an instance that is launched from the image is terminated; " +
		"deleteOnTermination=true among the settings deletes it"
	if a := d.attribute(DeleteOnTermination); a.Value == "false" {
		d.Notes = append(d.Notes, "the root volume"+text)
	}
	for _, v := range d.Decision.Data {
		if v.Kept {
			d.Notes = append(d.Notes, "the volume at "+v.Device+text)
		}
	}
}
