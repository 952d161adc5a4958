package rollout

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// What a mapping provisions is laid over what the image's device has. What EC2 then makes no volume of is told, with
// what was made before; where none was made before either, the image is no reason.
func TestProvisioned(t *testing.T) {
	gp3 := disk{Type: "gp3", GiB: 8, IOPS: 3000, Throughput: 125}
	io1 := disk{Type: "io1", GiB: 100, IOPS: 4000}
	type mapping = types.LaunchTemplateEbsBlockDevice
	for name, c := range map[string]struct {
		mapping mapping
		own     disk
		former  *disk
		want    string
	}{
		"nothing is said":           {mapping{}, gp3, &io1, ""},
		"as large as a type begins": {mapping{VolumeType: "st1"}, disk{Type: "gp3", GiB: 125}, nil, ""},
		"the type's own largest":    {mapping{VolumeType: "standard"}, disk{Type: "gp3", GiB: 1024}, nil, ""},
		"a type that is not known":  {mapping{VolumeType: "gp9", Iops: aws.Int32(7)}, gp3, nil, ""},
		"an image's size not known": {mapping{VolumeType: "st1"}, disk{Type: "gp3"}, nil, ""},
		"larger than the type's": {mapping{VolumeType: "standard"}, disk{Type: "gp3", GiB: 1025}, &gp3,
			"its /dev/xvda is of type standard, which has at most 1024 GiB, and the image's has 1025"},
		"larger than the image's": {mapping{VolumeSize: aws.Int32(2000)}, disk{Type: "standard", GiB: 8}, &gp3,
			"its /dev/xvda would be 2000 GiB of standard, and the type takes 1 to 1024 GiB; " +
				"with ami-old it is 2000 GiB of gp3 with 3000 IOPS and 125 MiB/s"},
		"IOPS that nothing says": {mapping{VolumeType: "io1"}, gp3, &io1,
			"its /dev/xvda would be 8 GiB of io1, and nothing says its IOPS; " +
				"with ami-old it is 100 GiB of io1 with 4000 IOPS"},
		"and nothing said before": {mapping{VolumeType: "io1"}, gp3, &gp3, ""},
		"and what was before is gone": {mapping{VolumeType: "io1"}, gp3, nil,
			"its /dev/xvda would be 8 GiB of io1, and nothing says its IOPS"},
		"IOPS of a type without": {mapping{Iops: aws.Int32(5000)}, disk{Type: "gp2", GiB: 100}, &io1,
			"its /dev/xvda would be 100 GiB of gp2 with 5000 IOPS, and the type takes no IOPS; " +
				"with ami-old it is 100 GiB of io1 with 5000 IOPS"},
		"IOPS for a size": {mapping{Iops: aws.Int32(5000)}, gp3, &io1,
			"its /dev/xvda would be 8 GiB of gp3 with 5000 IOPS and 125 MiB/s, and one of that size takes 3000 to 4000 IOPS; " +
				"with ami-old it is 100 GiB of io1 with 5000 IOPS"},
		"throughput for IOPS": {mapping{Throughput: aws.Int32(1000)}, gp3, &disk{Type: "gp3", GiB: 8, IOPS: 4000},
			"its /dev/xvda would be 8 GiB of gp3 with 3000 IOPS and 1000 MiB/s, and one of those IOPS takes 125 to 750 MiB/s; " +
				"with ami-old it is 8 GiB of gp3 with 4000 IOPS and 1000 MiB/s"},
		"throughput of a type without": {mapping{Throughput: aws.Int32(125)}, io1, &gp3,
			"its /dev/xvda would be 100 GiB of io1 with 4000 IOPS and 125 MiB/s, and the type takes no throughput; " +
				"with ami-old it is 8 GiB of gp3 with 3000 IOPS and 125 MiB/s"},
	} {
		d := device{LaunchTemplateBlockDeviceMapping: ebs("/dev/xvda", c.mapping), name: "/dev/xvda", oldName: "ami-old"}
		if got := d.provisioned(c.own, c.former); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A template that is to hibernate needs an encrypted root, by the image or by its mapping; where the present image's is
// not encrypted either, the account encrypts it.
func TestHibernates(t *testing.T) {
	image := func(encrypted bool) Machine {
		return Machine{Root: "/dev/xvda", Disks: []disk{{Device: "/dev/xvda", Type: "gp3", GiB: 8, Encrypted: encrypted}}}
	}
	was, never := image(true), image(false)
	for name, c := range map[string]struct {
		hibernates, mapped, encrypted bool
		old                           *Machine
		told                          bool
	}{
		"not encrypted any more":         {hibernates: true, old: &was, told: true},
		"it is not to hibernate":         {old: &was},
		"encrypted, too":                 {hibernates: true, encrypted: true, old: &was},
		"its mapping encrypts it":        {hibernates: true, mapped: true, old: &was},
		"it was not encrypted before":    {hibernates: true, old: &never},
		"what was before cannot be told": {hibernates: true},
	} {
		s := Finder{}.survey()
		s.images["ami-old"] = c.old
		data := &types.ResponseLaunchTemplateData{ImageId: aws.String("ami-old"),
			HibernationOptions: &types.LaunchTemplateHibernationOptions{Configured: aws.Bool(c.hibernates)}}
		if c.mapped {
			data.BlockDeviceMappings = append(data.BlockDeviceMappings,
				ebs("/dev/xvda", types.LaunchTemplateEbsBlockDevice{Encrypted: aws.Bool(true)}))
		}
		one := &template{base: 1, versions: map[int64]types.LaunchTemplateVersion{1: {LaunchTemplateData: data}}}
		got, err := s.launches(t.Context(), one, Image{Machine: image(c.encrypted)})
		want := map[bool]string{true: "it is to hibernate, for which EC2 needs an encrypted root volume: " +
			"that of ami-old is encrypted, and the new image's is not"}[c.told]
		if got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
}

// A mapping of one of the image's devices by another name is told, unless the image before had it, too.
func TestOneDeviceByTwoNames(t *testing.T) {
	const two = "its sdf and the image's /dev/sdf are one device, which EC2 takes by one name only"
	for name, c := range map[string]struct {
		device string
		old    *Machine
		want   string
	}{
		"another name": {"sdf", &Machine{}, two},
		"the same":     {"/dev/sdf", &beforeImage, ""},
		"as before":    {"sdf", &beforeImage, ""},
		"unknown":      {"sdf", nil, two},
		"another one":  {"sdm", &beforeImage, ""},
	} {
		s := Finder{}.survey()
		s.images["ami-old"] = c.old
		for _, m := range []types.LaunchTemplateBlockDeviceMapping{
			ebs(c.device, sized(10)), {DeviceName: aws.String(c.device), NoDevice: aws.String("")},
		} {
			got, err := s.disksFit(t.Context(), of("ami-old"), []types.LaunchTemplateBlockDeviceMapping{m}, false,
				Image{Machine: rolledImage})
			if got != c.want || err != nil {
				t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
			}
		}
	}
}

// What launches by a template without a type launches EC2's default, unless it asks for types itself.
func TestTheDefaultType(t *testing.T) {
	asks := &types.InstanceRequirementsRequest{}
	for name, c := range map[string]struct {
		data types.ResponseLaunchTemplateData
		by   launcher
		want types.InstanceType
	}{
		"no type at all":              {by: launcher{name: "group a"}, want: "m1.small"},
		"the launcher's own":          {by: launcher{name: "group a", kind: "t3.micro"}, want: "t3.micro"},
		"the launcher's requirements": {by: launcher{name: "group a", requirements: asks}},
		"the template's":              {data: types.ResponseLaunchTemplateData{InstanceType: "m5.large"}, want: "m5.large"},
		"the template's requirements": {
			data: types.ResponseLaunchTemplateData{InstanceRequirements: &types.InstanceRequirements{}}},
	} {
		one := &template{base: 1, versions: map[int64]types.LaunchTemplateVersion{1: {LaunchTemplateData: &c.data}},
			launchers: []launcher{c.by}}
		var got types.InstanceType
		for _, l := range one.kinds() {
			got = l.kind
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
