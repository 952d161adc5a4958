package rollout

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// The image that is rolled has a root of 50 GiB and a data volume of 9; the one before had a root of 8 and another
// data volume.
var (
	rolledImage = Machine{Root: "/dev/xvda",
		Disks: []disk{gp3("/dev/xvda", "snap-root", 50), gp3("/dev/sdf", "snap-data", 9)}}
	beforeImage = Machine{Root: "/dev/xvda",
		Disks: []disk{gp3("/dev/xvda", "snap-old", 8), gp3("/dev/sdg", "snap-gone", 4),
			gp3("/dev/sdf", "snap-olddata", 9), gp3("/dev/sdh", "snap-left", 3)}}
)

func gp3(device, snapshot string, gib int32) disk {
	return disk{Device: device, Snapshot: snapshot, Type: types.VolumeTypeGp3, GiB: gib}
}

// of is a template that has an image.
func of(image string) *template {
	return &template{base: 1, versions: map[int64]types.LaunchTemplateVersion{
		1: {LaunchTemplateData: &types.ResponseLaunchTemplateData{ImageId: pointer(image)}}}}
}

func ebs(name string, e types.LaunchTemplateEbsBlockDevice) types.LaunchTemplateBlockDeviceMapping {
	return types.LaunchTemplateBlockDeviceMapping{DeviceName: aws.String(name), Ebs: &e}
}

func sized(gib int32) types.LaunchTemplateEbsBlockDevice {
	return types.LaunchTemplateEbsBlockDevice{VolumeSize: aws.Int32(gib)}
}

func TestDeviceFits(t *testing.T) {
	typed := func(kind types.VolumeType, iops int32) types.LaunchTemplateEbsBlockDevice {
		return types.LaunchTemplateEbsBlockDevice{VolumeType: kind, Iops: aws.Int32(iops)}
	}
	for name, c := range map[string]struct {
		mapping types.LaunchTemplateBlockDeviceMapping
		old     *Machine
		want    string
	}{
		"as large as the image's": {ebs("/dev/xvda", sized(50)), &beforeImage, ""},
		"smaller than the image's": {ebs("/dev/xvda", sized(49)), &beforeImage,
			"its /dev/xvda has 49 GiB, the image needs 50"},
		"an empty volume that the image before left empty": {ebs("/dev/sdf", sized(10)), &Machine{Root: "/dev/xvda"},
			"its /dev/sdf is an empty volume of 10 GiB, and would be a copy of the image's of 9"},
		"a copy of the image's, as before": {ebs("/dev/sdf", sized(10)), &beforeImage, ""},
		"no size":                          {ebs("/dev/xvda", types.LaunchTemplateEbsBlockDevice{}), &beforeImage, ""},
		"a volume beside another root": {ebs("/dev/xvda", sized(60)), &Machine{Root: "/dev/sda1"},
			"its /dev/xvda is a volume of 60 GiB beside the root /dev/sda1 of ami-old, and would be the root"},
		"a volume of its own": {ebs("/dev/sdm", sized(4)), &beforeImage, ""},
		"neither size nor snapshot": {ebs("/dev/sdm", types.LaunchTemplateEbsBlockDevice{}), &beforeImage,
			"its /dev/sdm has neither size nor snapshot, and the image has no such device"},
		"a device that the image before had": {ebs("/dev/sdg", sized(4)), &beforeImage,
			"its /dev/sdg is a device of ami-old, and the image has none of that name: its root is /dev/xvda"},
		"a device that was left out": {ebs("/dev/sdh", sized(4)), &beforeImage, ""},
		"a left-out device without a size": {ebs("/dev/sdh", types.LaunchTemplateEbsBlockDevice{}), &beforeImage,
			"its /dev/sdh has neither size nor snapshot, and the image has no such device"},
		"a root's name, the old image gone": {ebs("/dev/sda1", sized(60)), nil,
			"its /dev/sda1 may be meant for the root, and the image's root is /dev/xvda"},
		"another root's name, and known": {ebs("/dev/sda1", sized(60)), &beforeImage, ""},
		"a type that begins above the image's": {ebs("/dev/xvda", typed(types.VolumeTypeSt1, 0)), &beforeImage,
			"its /dev/xvda is of type st1, which has at least 125 GiB, and the image's has 50"},
		"as many IOPS as the size allows": {ebs("/dev/xvda", typed(types.VolumeTypeIo1, 2500)), &beforeImage, ""},
		"more IOPS than it allows": {ebs("/dev/xvda", typed(types.VolumeTypeIo1, 2501)), &beforeImage,
			"its /dev/xvda has 2501 IOPS, for which type io1 needs 51 GiB, and the image's has 50"},
		"the baseline of a small volume": {ebs("/dev/sdf", typed(types.VolumeTypeGp3, 3000)), &beforeImage, ""},
		"IOPS above the baseline": {ebs("/dev/sdf", typed(types.VolumeTypeGp3, 4501)), &beforeImage,
			"its /dev/sdf has 4501 IOPS, for which type gp3 needs 10 GiB, and the image's has 9"},
	} {
		d := device{LaunchTemplateBlockDeviceMapping: c.mapping, name: *c.mapping.DeviceName, oldName: "ami-old",
			image: rolledImage, old: c.old, leftOut: []string{"/dev/sdh"}}
		if got := d.fits(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A mapping that does not go with the image is told, whatever else goes.
func TestMappingsDecideAlone(t *testing.T) {
	s := Finder{}.survey()
	s.images["ami-old"] = &beforeImage
	one := &template{base: 1, versions: map[int64]types.LaunchTemplateVersion{1: {
		LaunchTemplateData: &types.ResponseLaunchTemplateData{ImageId: aws.String("ami-old"),
			BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMapping{ebs("/dev/xvda", sized(8))}}}}}
	const want = "its /dev/xvda has 8 GiB, the image needs 50"
	if got, err := s.launches(t.Context(), one, Image{Machine: rolledImage}); got != want || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	too := one.versions[1].LaunchTemplateData
	one.launchers = []launcher{{name: "fleet f", mappings: too.BlockDeviceMappings}}
	too.BlockDeviceMappings = nil
	got, err := s.launches(t.Context(), one, Image{Machine: rolledImage})
	if got != "an override of fleet f: "+want || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSuppressedDevices(t *testing.T) {
	for device, want := range map[string]string{
		"/dev/xvda": "its mapping of /dev/xvda suppresses that device, and it is the image's root",
		"/dev/sdf":  "",
	} {
		for _, m := range []types.LaunchTemplateBlockDeviceMapping{
			{DeviceName: aws.String(device), NoDevice: aws.String("")},
			{DeviceName: aws.String(device), VirtualName: aws.String("ephemeral0")},
		} {
			all := []types.LaunchTemplateBlockDeviceMapping{m}
			got, err := Finder{}.survey().disksFit(t.Context(), of(""), all, false, Image{Machine: rolledImage})
			if got != want || err != nil {
				t.Errorf("%s: %q, %v; want %q", device, got, err, want)
			}
		}
	}
}

func TestOverridesOfFleetsFit(t *testing.T) {
	for name, c := range map[string]struct {
		ebs  types.LaunchTemplateEbsBlockDevice
		want string
	}{
		"large enough": {sized(50), ""},
		"too small":    {sized(8), "an override of fleet f: its /dev/xvda has 8 GiB, the image needs 50"},
		"the present image's snapshot": {types.LaunchTemplateEbsBlockDevice{SnapshotId: aws.String("snap-old")},
			"an override of fleet f: its /dev/xvda names snapshot snap-old, which is one of ami-old"},
	} {
		s := Finder{}.survey()
		s.images["ami-old"] = &beforeImage
		one := &template{base: 1, versions: map[int64]types.LaunchTemplateVersion{
			1: {LaunchTemplateData: &types.ResponseLaunchTemplateData{ImageId: aws.String("ami-old")}}},
			launchers: []launcher{{name: "fleet a"}, {name: "fleet f",
				mappings: []types.LaunchTemplateBlockDeviceMapping{ebs("/dev/xvda", c.ebs)}}}}
		got, err := s.overridesFit(t.Context(), one, Image{Machine: rolledImage})
		if got != c.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func TestPlatformFits(t *testing.T) {
	for name, c := range map[string]struct {
		old, image bool
		want       string
	}{
		"Windows, as before":     {true, true, ""},
		"Linux, as before":       {false, false, ""},
		"Windows in a Linux one": {false, true, "its image ami-old is one of Linux or UNIX, and the new one is of Windows"},
		"Linux in a Windows one": {true, false, "its image ami-old is one of Windows, and the new one is of Linux or UNIX"},
	} {
		s := Finder{}.survey()
		s.images["ami-old"] = &Machine{Windows: c.old}
		one := &template{base: 1, versions: map[int64]types.LaunchTemplateVersion{
			1: {LaunchTemplateData: &types.ResponseLaunchTemplateData{ImageId: aws.String("ami-old")}}}}
		got, err := s.platformFits(t.Context(), one, Image{Machine: Machine{Windows: c.image}})
		if got != c.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func TestGivesWay(t *testing.T) {
	named := func(device, snapshot string, gib int32) types.LaunchTemplateBlockDeviceMapping {
		m := ebs(device, types.LaunchTemplateEbsBlockDevice{SnapshotId: aws.String(snapshot)})
		if gib > 0 {
			m.Ebs.VolumeSize = aws.Int32(gib)
		}
		return m
	}
	for name, c := range map[string]struct {
		mapping types.LaunchTemplateBlockDeviceMapping
		want    string
	}{
		"the root":               {named("/dev/xvda", "snap-old", 0), ""},
		"the root, large enough": {named("/dev/xvda", "snap-old", 50), ""},
		"the root, too small": {named("/dev/xvda", "snap-old", 20),
			"its /dev/xvda has 20 GiB, the image needs 50"},
		"the root under another name": {named("/dev/sdz", "snap-old", 20), "its /dev/sdz has 20 GiB, the image needs 50"},
		"a device that the image has not": {named("/dev/sdg", "snap-gone", 0),
			"its /dev/sdg names the snapshot that ami-old has for /dev/sdg, and the image has no such device"},
		"a device that was left out": {named("/dev/sdh", "snap-left", 8),
			"its /dev/sdh names the snapshot that ami-old has for /dev/sdh, which the plan leaves out of the image: have the " +
				"plan's roll.volumes say an empty volume there, or the template name a size, another snapshot, or no such device"},
	} {
		d := device{LaunchTemplateBlockDeviceMapping: c.mapping, name: *c.mapping.DeviceName, oldName: "ami-old",
			image: rolledImage, old: &beforeImage, leftOut: []string{"/dev/sdh"}}
		if got := d.givesWay(*c.mapping.Ebs.SnapshotId); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestSwap(t *testing.T) {
	for name, c := range map[string]struct {
		device, snapshot string
		old              *Machine
		alone            bool
		want             string
	}{
		"the image brings the device itself":            {"/dev/xvda", "snap-old", &beforeImage, false, ""},
		"and the mapping says nothing else":             {"/dev/xvda", "snap-old", &beforeImage, true, "snap-root"},
		"the same volume under another name":            {"/dev/sdz", "snap-olddata", &beforeImage, false, "snap-data"},
		"a device that the image has not":               {"/dev/sdg", "snap-gone", &beforeImage, true, ""},
		"a snapshot that is not the image's":            {"/dev/xvda", "snap-other", &beforeImage, false, "snap-other"},
		"whose it is cannot be told: the image is gone": {"/dev/xvda", "snap-old", nil, true, "snap-old"},
	} {
		m := ebs(c.device, types.LaunchTemplateEbsBlockDevice{SnapshotId: aws.String(c.snapshot)})
		if !c.alone {
			m.Ebs.DeleteOnTermination = aws.Bool(true)
		}
		if got := swap(c.old, rolledImage)(m); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
