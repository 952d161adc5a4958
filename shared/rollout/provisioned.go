package rollout

import (
	"cmp"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/volume"
)

// provisioned says why EC2 makes no volume of the image's device as the mapping has it. What the mapping takes from the
// image is no reason where the image before, of which former is the device, was not launched with it either.
func (d device) provisioned(own disk, former *disk) string {
	if why := d.typed(own.with(*d.Ebs)); why != "" {
		return why
	}
	would := own.with(*d.Ebs)
	why := would.refused()
	if why == "" {
		return ""
	}
	if d.against != nil {
		former, d.oldName = d.against.disk(d.name), d.againstName
	}
	if former == nil || d.spoken() {
		return d.unmade(would, why)
	}
	now := former.with(*d.Ebs)
	if now.refused() != "" {
		return ""
	}
	return fmt.Sprintf("its %s would be %s, %s; with %s it is %s", d.name, would, why, d.oldName, now)
}

// unmade is the problem of a device of which EC2 makes no volume, and why; empty without a reason.
func (d device) unmade(would disk, why string) string {
	if why == "" {
		return ""
	}
	return fmt.Sprintf("its %s would be %s, %s", d.name, would, why)
}

// typed says why the mapping's own type, with what it provisions itself, does not take the image's size.
func (d device) typed(would disk) string {
	kind, gib, iops := d.Ebs.VolumeType, int(would.GiB), int(aws.ToInt32(d.Ebs.Iops))
	takes, known := volume.Of(string(kind))
	switch {
	case !known || gib == 0:
		return ""
	case gib < takes.Least:
		return fmt.Sprintf("its %s is of type %s, which has at least %d GiB, and the image's has %d", d.name, kind,
			takes.Least, gib)
	case gib > takes.Most:
		return fmt.Sprintf("its %s is of type %s, which has at most %d GiB, and the image's has %d", d.name, kind,
			takes.Most, gib)
	case takes.PerGiB > 0 && iops > takes.LeastIOPS && iops > takes.PerGiB*gib:
		return fmt.Sprintf("its %s has %d IOPS, for which type %s needs %d GiB, and the image's has %d", d.name, iops,
			kind, (iops+takes.PerGiB-1)/takes.PerGiB, gib)
	}
	return ""
}

// with is the volume of which the device becomes one with what a mapping says laid over it. Another type does not take
// over what the image's was provisioned with.
func (d disk) with(e types.LaunchTemplateEbsBlockDevice) disk {
	if kind := e.VolumeType; kind != "" && kind != d.Type {
		d.Type, d.IOPS, d.Throughput = kind, 0, 0
	}
	d.GiB = max(d.GiB, aws.ToInt32(e.VolumeSize))
	d.IOPS = cmp.Or(aws.ToInt32(e.Iops), d.IOPS)
	d.Throughput = cmp.Or(aws.ToInt32(e.Throughput), d.Throughput)
	d.Encrypted = d.Encrypted || aws.ToBool(e.Encrypted)
	return d
}

// refused says why EC2 makes no such volume; empty when it makes one, or of a type that is not known.
func (d disk) refused() string {
	takes, known := volume.Of(string(d.Type))
	switch {
	case !known || d.GiB == 0 || takes.Takes(int(d.GiB), int(d.IOPS), int(d.Throughput)):
		return ""
	case !takes.TakesSize(int(d.GiB)):
		return fmt.Sprintf("and the type takes %d to %d GiB", takes.Least, takes.Most)
	case !takes.TakesIOPS(int(d.IOPS), int(d.GiB)):
		return d.refusedIOPS(takes)
	case takes.MostThroughput == 0:
		return "and the type takes no throughput"
	default:
		return fmt.Sprintf("and one of those IOPS takes %d to %d MiB/s", takes.LeastThroughput,
			min(takes.MostThroughput, max(int(d.IOPS), takes.LeastIOPS)/volume.PerIOPS))
	}
}

func (d disk) refusedIOPS(takes volume.Limits) string {
	switch {
	case d.IOPS == 0:
		return "and nothing says its IOPS"
	case takes.MostIOPS == 0:
		return "and the type takes no IOPS"
	default:
		return fmt.Sprintf("and one of that size takes %d to %d IOPS", takes.LeastIOPS, takes.OfSize(int(d.GiB)))
	}
}

// String is a volume in words: "8 GiB of io2 with 9000 IOPS".
func (d disk) String() string {
	text := fmt.Sprintf("%d GiB of %s", d.GiB, d.Type)
	if d.IOPS > 0 {
		text += fmt.Sprintf(" with %d IOPS", d.IOPS)
	}
	if d.Throughput > 0 {
		text += fmt.Sprintf(" and %d MiB/s", d.Throughput)
	}
	return text
}

// hibernates says that what is launched could not hibernate any more: EC2 launches nothing that is to hibernate without
// an encrypted root volume (User Guide, "Prerequisites for EC2 instance hibernation"). Where the present image's is not
// encrypted either, the account encrypts it.
func (s *survey) hibernates(ctx context.Context, t *template, image Image) (problem string, err error) {
	data := t.data(t.base)
	if data.HibernationOptions == nil || !aws.ToBool(data.HibernationOptions.Configured) ||
		encryptedRoot(image.Machine, data.BlockDeviceMappings) {
		return "", nil
	}
	old, err := s.machine(ctx, t.compared())
	if err != nil || old == nil || !encryptedRoot(*old, data.BlockDeviceMappings) {
		return "", err
	}
	return fmt.Sprintf("it is to hibernate, for which EC2 needs an encrypted root volume: that of %s is encrypted, "+
		"and the new image's is not", t.compared()), nil
}

// encryptedRoot reports whether the image's root is encrypted with what mappings say.
func encryptedRoot(image Machine, mappings []types.LaunchTemplateBlockDeviceMapping) bool {
	root := image.disk(image.Root)
	for _, m := range mappings {
		if root != nil && m.Ebs != nil && aws.ToString(m.DeviceName) == image.Root {
			laid := root.with(*m.Ebs)
			root = &laid
		}
	}
	return root != nil && root.Encrypted
}
