package rollout

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// disksFit says why mappings of a template, or of what launches from it, do not go with the image; stay is whether a
// roll leaves them as they are.
func (s *survey) disksFit(
	ctx context.Context, t *template, own []types.LaunchTemplateBlockDeviceMapping, stay bool, image Image,
) (problem string, err error) {
	says := t.said
	if stay {
		says = said{}
	}
	all := says.over(own)
	old, against, err := s.before(ctx, t, all, image)
	if err != nil {
		return "", err
	}
	if problem = cmp.Or(clash(own, all), misnamed(all, image.Machine, old)); problem != "" {
		return problem, nil
	}
	for i, m := range all {
		if m.Ebs == nil || m.NoDevice != nil {
			continue
		}
		d := device{LaunchTemplateBlockDeviceMapping: m, name: aws.ToString(m.DeviceName), image: image.Machine, old: old,
			oldName: t.present(), stays: stay, against: against, againstName: t.against, leftOut: image.LeftOut, said: says}
		if i < len(own) {
			d.own = own[i].Ebs
		}
		if problem, err = s.deviceFits(ctx, t, d); problem != "" || err != nil {
			return problem, err
		}
	}
	return "", nil
}

// deviceFits judges one mapping.
func (s *survey) deviceFits(ctx context.Context, t *template, d device) (problem string, err error) {
	if hasSnapshot(d.LaunchTemplateBlockDeviceMapping) {
		problem, err = s.snapshotFits(ctx, t, d)
	} else {
		problem = d.fits()
	}
	if problem != "" && d.spoken() {
		problem += " (with what the plan's roll.volumes says)"
	}
	return problem, err
}

// before are the image that mappings were launched with, and the one that the new one is compared with where that is
// another; both nil where none of the mappings asks for it.
func (s *survey) before(
	ctx context.Context, t *template, all []types.LaunchTemplateBlockDeviceMapping, image Image,
) (old, against *Machine, err error) {
	if !slices.ContainsFunc(all,
		func(m types.LaunchTemplateBlockDeviceMapping) bool { return asksOld(m, image.Machine, t.ours) }) {
		return nil, nil, nil
	}
	if old, err = s.machine(ctx, t.present()); err != nil || old == nil || t.against == "" {
		return old, nil, err
	}
	against, err = s.machine(ctx, t.against)
	return old, against, err
}

// suppresses reports whether a mapping takes an EBS device away: by NoDevice, or by an instance store volume in its
// place.
func suppresses(all []types.LaunchTemplateBlockDeviceMapping, device string) bool {
	return slices.ContainsFunc(all, func(m types.LaunchTemplateBlockDeviceMapping) bool {
		return (m.NoDevice != nil || m.Ebs == nil && m.VirtualName != nil) && aws.ToString(m.DeviceName) == device
	})
}

// asksOld reports whether a mapping can only be judged with the image that the template has now; ours is whether that
// is of the same source, whose root goes by one name.
func asksOld(m types.LaunchTemplateBlockDeviceMapping, image Machine, ours bool) bool {
	name := aws.ToString(m.DeviceName)
	own := image.disk(name)
	if m.Ebs == nil || own == nil {
		return m.Ebs != nil || image.alias(name) != ""
	}
	return hasSnapshot(m) || name != image.Root || !ours || own.with(*m.Ebs).refused() != ""
}

// misnamed says that mappings suppress the image's root, or that one is of a device of the image under another name, of
// which EC2 makes no two (hashicorp/terraform#7233), unless that was so before.
func misnamed(all []types.LaunchTemplateBlockDeviceMapping, image Machine, old *Machine) string {
	if suppresses(all, image.Root) {
		return fmt.Sprintf("its mapping of %s suppresses that device, and it is the image's root", image.Root)
	}
	for _, m := range all {
		name := aws.ToString(m.DeviceName)
		if own := image.alias(name); own != "" && (old == nil || old.alias(name) == "") {
			return fmt.Sprintf("its %s and the image's %s are one device, which EC2 takes by one name only", name, own)
		}
	}
	return ""
}

// device is an EBS mapping of a template, with the image it goes with and the one it had; old is nil when that is gone.
type device struct {
	types.LaunchTemplateBlockDeviceMapping
	name, oldName string
	image         Machine
	old           *Machine
	stays         bool
	// against is the image that the new one is compared with, where that is another than old.
	against     *Machine
	againstName string
	// leftOut are the devices of its source that the new image was told to leave out.
	leftOut []string
	// said is what the plan says, which is laid over the mapping; own is what the template has by itself, nil for nothing.
	said said
	own  *types.LaunchTemplateEbsBlockDevice
}

// spoken reports whether the plan says anything of the device.
func (d device) spoken() bool {
	_, is := d.said.volumes[d.name]
	return is
}

// itself is what the template maps the device to without the plan; nil where it does not.
func (d device) itself() *types.LaunchTemplateEbsBlockDevice {
	if d.spoken() {
		return d.own
	}
	return d.Ebs
}

// roots are the names that images have for their root (User Guide, device naming).
var roots = []string{"/dev/xvda", "/dev/sda1", "/dev/sda"}

// fits judges a mapping without a snapshot of its own.
func (d device) fits() string {
	own, size := d.image.disk(d.name), aws.ToInt32(d.Ebs.VolumeSize)
	if own == nil {
		return d.fitsAlone()
	}
	switch {
	case d.Ebs.VolumeSize != nil && size < own.GiB:
		return fmt.Sprintf("its %s has %d GiB, the image needs %d", d.name, size, own.GiB)
	case d.wasEmpty() && d.name == d.image.Root:
		return fmt.Sprintf("its %s is a volume of %d GiB beside the root %s of %s, and would be the root", d.name,
			*d.itself().VolumeSize, d.old.Root, d.oldName)
	case d.wasEmpty():
		return fmt.Sprintf("its %s is an empty volume of %d GiB, and would be a copy of the image's of %d", d.name,
			*d.itself().VolumeSize, own.GiB)
	default:
		return d.provisioned(*own, d.before(d.name))
	}
}

// before is a device of the image that the template has now; nil for none.
func (d device) before(device string) *disk {
	if d.old == nil {
		return nil
	}
	return d.old.disk(device)
}

// wasEmpty reports whether the image before had no such device, so that the template's volume was empty.
func (d device) wasEmpty() bool {
	own := d.itself()
	return own != nil && own.VolumeSize != nil && d.old != nil && d.before(d.name) == nil
}

// fitsAlone judges a mapping of a device that the image has not. Of one that was left out of it a template that names a
// size asks for an empty volume in its place.
func (d device) fitsAlone() string {
	switch {
	case d.Ebs.VolumeSize == nil:
		return fmt.Sprintf("its %s has neither size nor snapshot, and the image has no such device", d.name)
	case d.before(d.name) != nil && slices.Contains(d.leftOut, d.name):
		return d.emptyFits()
	case d.before(d.name) != nil:
		return fmt.Sprintf("its %s is a device of %s, and the image has none of that name: its root is %s", d.name,
			d.oldName, d.image.Root)
	case d.old == nil && slices.Contains(roots, d.name):
		return fmt.Sprintf("its %s may be meant for the root, and the image's root is %s", d.name, d.image.Root)
	}
	return d.emptyFits()
}

// emptyFits judges a volume that is not of the image and that the plan says something of.
func (d device) emptyFits() string {
	if !d.spoken() {
		return ""
	}
	would := disk{Type: types.VolumeTypeGp2}.with(*d.Ebs) // The type of a volume that none is said of (CreateVolume).
	return d.unmade(would, would.refused())
}

// snapshotFits judges a mapping that names a snapshot.
func (s *survey) snapshotFits(ctx context.Context, t *template, d device) (problem string, err error) {
	snapshot := aws.ToString(d.Ebs.SnapshotId)
	switch {
	case d.old == nil:
		return d.unknownOwner(snapshot), nil
	case d.old.owns(snapshot) && d.stays:
		return fmt.Sprintf("its %s names snapshot %s, which is one of %s", d.name, snapshot, d.oldName), nil
	case d.old.owns(snapshot):
		return d.givesWay(snapshot), nil
	case d.name == d.image.Root:
		return fmt.Sprintf("its %s names snapshot %s, which is not its image's and would be launched in the place of the "+
			"new image's", d.name, snapshot), nil
	}
	of, err := s.snapshot(ctx, snapshot)
	if err != nil {
		return "", err
	}
	if of.gib == 0 && !d.said.empty(d.name) {
		return fmt.Sprintf("its %s names snapshot %s, which is gone or another account's", d.name, snapshot), nil
	}
	ours, err := s.made(ctx, snapshot, of)
	if err != nil {
		return "", err
	}
	return d.otherFits(t, snapshot, of.gib, ours), nil
}

// otherFits judges a mapping that names a snapshot which is none of the image's that the template has now: ours is the
// image that Goldsmith made with it, if it did.
func (d device) otherFits(t *template, snapshot string, gib int32, ours string) string {
	out := d.image.disk(d.name) == nil && slices.Contains(d.leftOut, d.name)
	wants := aws.ToInt32(d.Ebs.VolumeSize)
	switch {
	case d.said.empty(d.name):
		return d.replaced(snapshot, ours)
	case out && ours != "":
		return leftOutOf(d.name, ours, d.name)
	case wants > 0 && wants < gib:
		return fmt.Sprintf("its %s has %d GiB, its snapshot %s needs %d", d.name, wants, snapshot, gib)
	case ours != "" && !d.stays:
		t.note = notes(t.note, fmt.Sprintf("its %s names snapshot %s of %s, an earlier image, and keeps it: what is "+
			"launched has that image's data there", d.name, snapshot, ours))
	}
	d.Ebs.VolumeSize = aws.Int32(max(wants, gib))
	return d.emptyFits()
}

// replaced judges an empty volume in place of a snapshot: only one of an image of ours gives way.
func (d device) replaced(snapshot, ours string) string {
	if ours != "" {
		return d.emptyFits()
	}
	return fmt.Sprintf("its %s names snapshot %s, which is of no image of Goldsmith's, and the plan says an empty "+
		"volume there: have one of the two say it", d.name, snapshot)
}

// leftOutOf is why a template keeps its image which names the snapshot that an image has for a device which the new one
// is without.
func leftOutOf(name, image, device string) string {
	return fmt.Sprintf("its %s names the snapshot that %s has for %s, which the plan leaves out of the image: have the "+
		"plan's roll.volumes say an empty volume there, or the template name a size, another snapshot, or no such device",
		name, image, device)
}

// unknownOwner: whose a snapshot is cannot be told without the image that the template has.
func (d device) unknownOwner(snapshot string) string {
	if d.oldName == "" {
		return fmt.Sprintf("its %s names snapshot %s, and whether that is one of its image cannot be told, for it has none",
			d.name, snapshot)
	}
	return fmt.Sprintf("its %s names snapshot %s, and whether that is one of its image %s cannot be told, "+
		"for the image is gone", d.name, snapshot, d.oldName)
}

// givesWay: a snapshot of the image that the template has gives way to the new image's of the same device.
func (d device) givesWay(snapshot string) string {
	i := slices.IndexFunc(d.old.Disks, func(o disk) bool { return o.Snapshot == snapshot })
	own := d.image.disk(d.old.Disks[i].Device)
	switch size := aws.ToInt32(d.Ebs.VolumeSize); {
	case d.said.empty(d.name):
		return d.emptyFits()
	case own == nil && slices.Contains(d.leftOut, d.old.Disks[i].Device):
		return leftOutOf(d.name, d.oldName, d.old.Disks[i].Device)
	case own == nil:
		return fmt.Sprintf("its %s names the snapshot that %s has for %s, and the image has no such device", d.name,
			d.oldName, d.old.Disks[i].Device)
	case size > 0 && size < own.GiB:
		return fmt.Sprintf("its %s has %d GiB, the image needs %d", d.name, size, own.GiB)
	default:
		return d.provisioned(*own, &d.old.Disks[i])
	}
}

// swap gives the snapshots of one image's devices those of another's: nothing, when the image brings the device
// itself. A mapping that says nothing else names the new image's own: EC2 takes none that says nothing at all.
func swap(old *Machine, image Machine) func(types.LaunchTemplateBlockDeviceMapping) string {
	return func(m types.LaunchTemplateBlockDeviceMapping) string {
		device, snapshot := aws.ToString(m.DeviceName), aws.ToString(m.Ebs.SnapshotId)
		if old == nil || !old.owns(snapshot) {
			return snapshot
		}
		i := slices.IndexFunc(old.Disks, func(d disk) bool { return d.Snapshot == snapshot })
		own := image.disk(old.Disks[i].Device)
		alone := *m.Ebs == types.LaunchTemplateEbsBlockDevice{SnapshotId: m.Ebs.SnapshotId}
		switch {
		case own == nil, old.Disks[i].Device == device && !alone:
			return ""
		default:
			return own.Snapshot
		}
	}
}
