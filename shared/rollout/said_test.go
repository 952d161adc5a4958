package rollout

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"

	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// dataImage has a root of 8 GiB and data of 20, and was made without /dev/sdg.
var dataImage = Image{ID: "ami-new", LeftOut: []string{"/dev/sdg"}, Machine: Machine{Root: "/dev/xvda", Disks: []disk{
	{Device: "/dev/xvda", Snapshot: "snap-root", Type: types.VolumeTypeGp2, GiB: 8},
	{Device: "/dev/sdf", Snapshot: "snap-data", Type: types.VolumeTypeIo1, GiB: 20, IOPS: 1000},
}}}

type (
	mappings = []types.LaunchTemplateBlockDeviceMapping
	volumes  = map[string]plan.RollVolume
	block    = types.LaunchTemplateEbsBlockDevice
)

// What the plan says counts more than what a template has, key by key; what it does not say stays.
func TestWhatAPlanSaysOfVolumes(t *testing.T) {
	yes, no := aws.Bool(true), aws.Bool(false)
	kept := block{Encrypted: yes, KmsKeyId: aws.String("alias/golden"), SnapshotId: aws.String("snap-theirs"),
		VolumeSize: aws.Int32(30), VolumeType: types.VolumeTypeGp3, Iops: aws.Int32(9000), Throughput: aws.Int32(500)}
	with := func(b block, edit func(*block)) block { edit(&b); return b }
	for name, c := range map[string]struct {
		says    volumes
		has     mappings
		want    mappings
		problem string
	}{
		"nothing": {nil, mappings{ebs("/dev/sdf", kept)}, mappings{ebs("/dev/sdf", kept)}, ""},
		"the root, whatever it is called": {volumes{"root": {Type: plan.GP3}}, nil,
			mappings{ebs("/dev/xvda", block{VolumeType: types.VolumeTypeGp3})}, ""},
		"the root twice": {volumes{"root": {Type: plan.GP3}, "/dev/xvda": {Size: 9}}, nil, nil,
			"the plan's roll.volumes says root and /dev/xvda, which is the image's root: have it say one of them"},
		"key and snapshot of the template stay": {volumes{"/dev/sdf": {IOPS: 4000}}, mappings{ebs("/dev/sdf", kept)},
			mappings{ebs("/dev/sdf", with(kept, func(b *block) { b.Iops = aws.Int32(4000) }))}, ""},
		"another type takes over neither IOPS nor throughput": {volumes{"/dev/sdf": {Type: plan.GP2}},
			mappings{ebs("/dev/sdf", kept)}, mappings{ebs("/dev/sdf", with(kept,
				func(b *block) { b.VolumeType, b.Iops, b.Throughput = types.VolumeTypeGp2, nil, nil }))}, ""},
		"nor than the image's": {volumes{"/dev/sdf": {Type: plan.GP3}},
			mappings{ebs("/dev/sdf", block{Iops: aws.Int32(900)})},
			mappings{ebs("/dev/sdf", block{VolumeType: types.VolumeTypeGp3})}, ""},
		"the same type keeps them": {volumes{"/dev/sdf": {Type: plan.IO1}},
			mappings{ebs("/dev/sdf", block{Iops: aws.Int32(900)})},
			mappings{ebs("/dev/sdf", block{VolumeType: types.VolumeTypeIo1, Iops: aws.Int32(900)})}, ""},
		"larger than the image": {volumes{"root": {Size: 100}}, mappings{ebs("/dev/xvda", sized(10))},
			mappings{ebs("/dev/xvda", sized(100))}, ""},
		"as large as the image at least": {volumes{"root": {Size: 5}}, nil, mappings{ebs("/dev/xvda", sized(8))}, ""},
		"kept on termination": {volumes{"/dev/sdf": {DeleteOnTermination: no}},
			mappings{ebs("/dev/sdf", block{DeleteOnTermination: yes})},
			mappings{ebs("/dev/sdf", block{DeleteOnTermination: no})}, ""},
		"empty in place of what was left out": {volumes{"/dev/sdg": {Empty: 50, Type: plan.ST1, Encrypted: true}}, nil,
			mappings{ebs("/dev/sdg", block{VolumeSize: aws.Int32(50), VolumeType: types.VolumeTypeSt1, Encrypted: yes,
				DeleteOnTermination: yes})}, ""},
		"empty, and kept": {volumes{"/dev/sdg": {Empty: 50, DeleteOnTermination: no}}, nil,
			mappings{ebs("/dev/sdg", block{VolumeSize: aws.Int32(50), DeleteOnTermination: no})}, ""},
		"empty, with the template's key": {volumes{"/dev/sdg": {Empty: 50}},
			mappings{ebs("/dev/sdg", block{VolumeSize: aws.Int32(9), Encrypted: yes, KmsKeyId: aws.String("k"),
				DeleteOnTermination: no})},
			mappings{ebs("/dev/sdg", block{VolumeSize: aws.Int32(50), Encrypted: yes, KmsKeyId: aws.String("k"),
				DeleteOnTermination: no})}, ""},
		"empty, and the image holds it":              {volumes{"/dev/sdf": {Empty: 50}}, nil, nil, ""},
		"of a device that nothing has":               {volumes{"/dev/sdm": {Type: plan.GP3}}, nil, nil, ""},
		"left out, and nothing said of an empty one": {volumes{"/dev/sdg": {Type: plan.GP3}}, nil, nil, ""},
		"left out, and the template has one": {volumes{"/dev/sdg": {Type: plan.GP3}}, mappings{ebs("/dev/sdg", sized(9))},
			mappings{ebs("/dev/sdg", block{VolumeSize: aws.Int32(9), VolumeType: types.VolumeTypeGp3})}, ""},
		"taken away by the template": {volumes{"/dev/sdf": {Type: plan.GP3}, "/dev/sdg": {Empty: 5}},
			mappings{{DeviceName: aws.String("/dev/sdf"), NoDevice: aws.String("")},
				{DeviceName: aws.String("/dev/sdg"), VirtualName: aws.String("ephemeral0")}},
			mappings{{DeviceName: aws.String("/dev/sdf"), NoDevice: aws.String("")},
				{DeviceName: aws.String("/dev/sdg"), VirtualName: aws.String("ephemeral0")}}, ""},
	} {
		says, problem := saidOf(plan.Roll{Volumes: c.says}, dataImage)
		if problem != c.problem {
			t.Errorf("%s: %q", name, problem)
		}
		if got := says.over(c.has); problem == "" && !equal(got, c.want) {
			t.Errorf("%s: %s, want %s", name, text(got), text(c.want))
		}
	}
}

// saying is a template whose only version has image ami-old and mappings, with what a plan says of volumes.
func saying(has mappings, says volumes) *template {
	t := of("ami-old")
	t.versions[1].LaunchTemplateData.BlockDeviceMappings = has
	t.said, _ = saidOf(plan.Roll{Volumes: says}, dataImage)
	return t
}

// What EC2 would not launch with what the plan says is not rolled, whose ever fault it is.
func TestVolumesThatArePlannedFit(t *testing.T) {
	const says = " (with what the plan's roll.volumes says)"
	snapshot := func(id string) block { return block{SnapshotId: aws.String(id)} }
	for name, c := range map[string]struct {
		says volumes
		has  mappings
		want string
	}{
		"IOPS of a type that takes none": {volumes{"root": {IOPS: 4000}}, nil,
			"its /dev/xvda would be 8 GiB of gp2 with 4000 IOPS, and the type takes no IOPS" + says},
		"throughput of a type that takes none": {volumes{"/dev/sdf": {Throughput: 200}}, nil,
			"its /dev/sdf would be 20 GiB of io1 with 1000 IOPS and 200 MiB/s, and the type takes no throughput" + says},
		"gp2 becomes gp3": {volumes{"root": {Type: plan.GP3, IOPS: 4000, Throughput: 1000}}, nil, ""},
		"io1 becomes gp3": {volumes{"/dev/sdf": {Type: plan.GP3}}, nil, ""},
		"more IOPS than the image can": {volumes{"/dev/sdf": {Type: plan.IO2, IOPS: 20_001}}, nil,
			"its /dev/sdf has 20001 IOPS, for which type io2 needs 21 GiB, and the image's has 20" + says},
		"as many as it can": {volumes{"/dev/sdf": {Type: plan.IO2, IOPS: 20_000}}, nil, ""},
		"a type that begins above the image": {volumes{"/dev/sdf": {Type: plan.ST1}}, nil,
			"its /dev/sdf is of type st1, which has at least 125 GiB, and the image's has 20" + says},
		"made large enough for it": {volumes{"/dev/sdf": {Type: plan.ST1, Size: 125}}, nil, ""},
		"a template that is too small": {volumes{"root": {Type: plan.GP3}}, mappings{ebs("/dev/xvda", sized(5))},
			"its /dev/xvda has 5 GiB, the image needs 8" + says},
		"and is made large enough":  {volumes{"root": {Size: 6}}, mappings{ebs("/dev/xvda", sized(5))}, ""},
		"an empty one in its place": {volumes{"/dev/sdg": {Empty: 50}}, nil, ""},
		"with the template's type": {volumes{"/dev/sdg": {Empty: 4}},
			mappings{ebs("/dev/sdg", block{VolumeType: types.VolumeTypeSt1, VolumeSize: aws.Int32(200)})},
			"its /dev/sdg would be 4 GiB of st1, and the type takes 125 to 16384 GiB" + says},
		"data of the present image": {volumes{"/dev/sdg": {Empty: 50}}, mappings{ebs("/dev/sdg", snapshot("snap-cache"))}, ""},
		"data of an earlier image":  {volumes{"/dev/sdg": {Empty: 50}}, mappings{ebs("/dev/sdg", snapshot("snap-earlier"))}, ""},
		"data of a person's": {volumes{"/dev/sdg": {Empty: 50}}, mappings{ebs("/dev/sdg", snapshot("snap-theirs"))},
			"its /dev/sdg names snapshot snap-theirs, which is of no image of Goldsmith's, and the plan says an empty volume " +
				"there: have one of the two say it" + says},
		"data of an earlier image, and nothing said": {nil, mappings{ebs("/dev/sdg", snapshot("snap-earlier"))},
			leftOutOf("/dev/sdg", "ami-earlier", "/dev/sdg")},
		"a person's data, and too many IOPS": {volumes{"/dev/sdm": {Type: plan.IO1, IOPS: 300}},
			mappings{ebs("/dev/sdm", snapshot("snap-theirs"))},
			"its /dev/sdm would be 5 GiB of io1 with 300 IOPS, and one of that size takes 100 to 250 IOPS" + says},
		"one device by two names": {volumes{"/dev/sdg": {Empty: 50}}, mappings{ebs("sdg", sized(5))},
			"its sdg and the plan's /dev/sdg are one device, which EC2 takes by one name only: have roll.volumes name it as " +
				"the template does"},
	} {
		s := Finder{Ledger: registered{"ami-earlier": {Snapshots: []string{"snap-earlier"}}}}.survey()
		s.images["ami-old"] = &Machine{Root: "/dev/xvda", Disks: append(slices.Clone(dataImage.Disks),
			disk{Device: "/dev/sdg", Snapshot: "snap-cache", GiB: 9})}
		s.snapshots["snap-earlier"] = origin{gib: 5, image: "ami-earlier"}
		s.snapshots["snap-theirs"] = origin{gib: 5, image: "ami-theirs"}
		got, err := s.disksFit(t.Context(), saying(c.has, c.says), c.has, false, dataImage)
		if got != c.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

// registered is a ledger that knows images.
type registered map[string]ledger.Registration

// someDevices are those of dataImage, one that was left out of it, and one that nothing has.
var someDevices = []string{"/dev/xvda", "/dev/sdf", "/dev/sdg", "/dev/sdm"}

var anyKind = rapid.SampledFrom([]types.VolumeType{"", "gp2", "gp3", "io2"})

// anyMappings are some of a template's.
var anyMappings = rapid.Custom(func(t *rapid.T) mappings {
	number := func(what string) *int32 {
		return rapid.SampledFrom([]*int32{nil, aws.Int32(0), aws.Int32(1000), aws.Int32(2000)}).Draw(t, what)
	}
	var all mappings
	for _, device := range someDevices {
		switch rapid.IntRange(0, 4).Draw(t, device) {
		case 0:
			all = append(all, types.LaunchTemplateBlockDeviceMapping{DeviceName: &device, NoDevice: aws.String("")})
		case 1, 2, 3:
			all = append(all, ebs(device, block{VolumeSize: number("size"), Iops: number("iops"),
				Throughput: number("throughput"), VolumeType: anyKind.Draw(t, "type"),
				SnapshotId: rapid.SampledFrom([]*string{nil, aws.String("snap-x")}).Draw(t, "snapshot")}))
		}
	}
	return all
})

// anySaid is what a plan may say.
var anySaid = rapid.Custom(func(t *rapid.T) volumes {
	says := volumes{}
	for _, device := range append([]string{"root"}, someDevices[1:]...) {
		if rapid.Bool().Draw(t, "says "+device) {
			says[device] = plan.RollVolume{Type: plan.VolumeType(anyKind.Draw(t, "type")),
				Size:  rapid.SampledFrom([]int{0, 5, 500}).Draw(t, "size"),
				Empty: rapid.SampledFrom([]int{0, 7}).Draw(t, "empty"), IOPS: rapid.SampledFrom([]int{0, 3500}).Draw(t, "iops"),
				DeleteOnTermination: rapid.SampledFrom([]*bool{nil, aws.Bool(true), aws.Bool(false)}).Draw(t, "deletes")}
		}
	}
	return says
})

// uncalledFor is what laying has changed that nobody said.
func (v said) uncalledFor(has mappings, m types.LaunchTemplateBlockDeviceMapping) string {
	name := aws.ToString(m.DeviceName)
	at := mappingOf(has, name)
	_, spoken := v.volumes[name]
	switch {
	case !spoken && (at < 0 || !equal(mappings{m}, has[at:at+1])):
		return fmt.Sprintf("nothing is said of %s, and it is %s", name, text(mappings{m}))
	case at < 0 && v.image.disk(name) == nil && !v.empty(name):
		return name + " is added"
	case at >= 0 && m.Ebs != nil && aws.ToString(m.Ebs.SnapshotId) != aws.ToString(has[at].Ebs.SnapshotId):
		return name + " has lost its snapshot"
	}
	return ""
}

// TestVolumesAreLaidOnce: laying what a plan says over what it was laid over changes nothing, what it does not name
// stays as it is, and two versions that differ in what it says alone do not disagree.
func TestVolumesAreLaidOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		has := anyMappings.Draw(t, "has")
		one := saying(has, anySaid.Draw(t, "says"))
		laid := one.said.over(has)
		if again := one.said.over(laid); !equal(again, laid) {
			t.Fatalf("%s becomes %s", text(laid), text(again))
		}
		for _, m := range laid {
			if problem := one.said.uncalledFor(has, m); problem != "" {
				t.Fatal(problem)
			}
		}
		one.versions[2] = types.LaunchTemplateVersion{
			LaunchTemplateData: &types.ResponseLaunchTemplateData{ImageId: aws.String("ami-new"), BlockDeviceMappings: laid}}
		if fields := differing(one.laid(1), one.laid(2), func(string, string) bool { return false }); len(fields) > 0 {
			t.Fatalf("they differ in %v", fields)
		}
	})
}

// What is written is told once, where it changes something.
func TestVolumesAreTold(t *testing.T) {
	says := volumes{"root": {Type: plan.GP3, IOPS: 4000, Throughput: 250, Size: 30}, "/dev/sdg": {Empty: 50, Encrypted: true},
		"/dev/sdm": {Type: plan.GP3}}
	one := saying(nil, says)
	const want = "roll.volumes: /dev/sdg empty, 50 GiB, encrypted, deleted on termination; /dev/xvda 30 GiB, type gp3, " +
		"4000 IOPS, 250 MiB/s; roll.volumes changes nothing of /dev/sdm"
	if got := one.provisions(); got != want {
		t.Errorf("%q", got)
	}
	again := saying(one.said.over(nil), says)
	if got := again.provisions(); got != "roll.volumes changes nothing of /dev/sdm" {
		t.Errorf("told again: %q", got)
	}
	stale := saying(mappings{ebs("/dev/sdg", block{SnapshotId: aws.String("snap-cache")})}, says)
	if got := stale.provisions(); !strings.Contains(got, "/dev/sdg empty, nothing of snap-cache, 50 GiB") {
		t.Errorf("%q", got)
	}
}

func (r registered) Registration(_ context.Context, id string) (ledger.Registration, bool, error) {
	known, ok := r[id]
	return known, ok, nil
}

func (registered) Targets(context.Context, string) iter.Seq2[ledger.TargetRecord, error] { return nil }

func (registered) Owner(context.Context, string) (ledger.Owner, bool, error) {
	return ledger.Owner{}, false, nil
}
