package rollout

import (
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Next is what to send, together with the source version's number, so that the
// new version equals it in every field but the image. EC2 inherits all that is
// not sent, except the snapshot ids of block devices: those it drops unless the
// mappings are sent again. swap says which snapshot a mapping that names one names then; "" for none.
func Next(current types.ResponseLaunchTemplateData, image string,
	swap func(types.LaunchTemplateBlockDeviceMapping) string) *types.RequestLaunchTemplateData {
	next := &types.RequestLaunchTemplateData{}
	if image != "" {
		next.ImageId = aws.String(image)
	}
	if slices.ContainsFunc(current.BlockDeviceMappings, hasSnapshot) {
		next.BlockDeviceMappings = anew(current.BlockDeviceMappings, swap)
	}
	return next
}

// next is the same with the new image and with the volumes that the plan says. EC2 takes the place of a list as a
// whole.
func (t *template) next(source int64, image Image) *types.RequestLaunchTemplateData {
	change := func(m types.LaunchTemplateBlockDeviceMapping) string {
		if t.said.empty(aws.ToString(m.DeviceName)) {
			return ""
		}
		return swap(t.old, image.Machine)(m)
	}
	next := Next(t.data(source), image.ID, change)
	if !t.asSaid(source) {
		next.BlockDeviceMappings = anew(t.laid(source).BlockDeviceMappings, change)
	}
	return next
}

// anew are mappings as a request has them, each with the snapshot that swap says.
func anew(all []types.LaunchTemplateBlockDeviceMapping,
	swap func(types.LaunchTemplateBlockDeviceMapping) string) []types.LaunchTemplateBlockDeviceMappingRequest {
	next := make([]types.LaunchTemplateBlockDeviceMappingRequest, len(all))
	for i, m := range all {
		next[i] = again(m)
		if hasSnapshot(m) {
			next[i].Ebs.SnapshotId = pointer(swap(m))
		}
	}
	return next
}

// same leaves a mapping's snapshot as it is.
func same(m types.LaunchTemplateBlockDeviceMapping) string { return aws.ToString(m.Ebs.SnapshotId) }

func again(m types.LaunchTemplateBlockDeviceMapping) types.LaunchTemplateBlockDeviceMappingRequest {
	next := types.LaunchTemplateBlockDeviceMappingRequest{
		DeviceName: m.DeviceName, NoDevice: m.NoDevice, VirtualName: m.VirtualName,
	}
	if e := m.Ebs; e != nil {
		next.Ebs = &types.LaunchTemplateEbsBlockDeviceRequest{
			DeleteOnTermination: e.DeleteOnTermination, EbsCardIndex: e.EbsCardIndex, Encrypted: e.Encrypted,
			Iops: e.Iops, KmsKeyId: e.KmsKeyId, SnapshotId: e.SnapshotId, Throughput: e.Throughput,
			VolumeInitializationRate: e.VolumeInitializationRate, VolumeSize: e.VolumeSize, VolumeType: e.VolumeType,
		}
	}
	return next
}

// id is a launch template's id; what only begins like one is a name.
var id = regexp.MustCompile(`^lt-([0-9a-f]{8}|[0-9a-f]{17})$`)

// Split tells launch template ids from names, since EC2 takes them in different parameters.
func Split(listed []string) (ids, names []string) {
	for _, t := range listed {
		if id.MatchString(t) {
			ids = append(ids, t)
		} else {
			names = append(names, t)
		}
	}
	return ids, names
}
