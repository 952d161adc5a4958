package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"goldsmith/shared/volume"
)

// RollVolume is what new versions of launch templates say of one device.
type RollVolume struct {
	// Type is EC2's word for what kind of volume it is, such as gp3. Another type than that of the template or of the
	// image does not take over the IOPS and the throughput that those have.
	Type VolumeType `json:"type,omitempty"`
	// Size is how many GiB it has at least; where the image's volume is larger, that counts.
	Size int `json:"size,omitempty"`
	// Empty is the size in GiB of an empty volume in place of one that is left out of the image.
	Empty int `json:"empty,omitempty"`
	// Encrypted has the empty volume encrypted, under the key that the template names or the account's default key.
	// Default: as the template or the account has it.
	Encrypted bool `json:"encrypted,omitempty"`
	// IOPS are provisioned for it: of gp3, io1 and io2.
	IOPS int `json:"iops,omitempty"`
	// Throughput, in MiB/s, is provisioned for it: of gp3.
	Throughput int `json:"throughput,omitempty"`
	// DeleteOnTermination is whether it is deleted with its instance. Default: as the template or the image has it, and
	// true of an empty one.
	DeleteOnTermination *bool `json:"deleteOnTermination,omitempty"`
}

// RollRoot stands for the root of an image among the devices of Roll.Volumes.
const RollRoot = "root"

// VolumeType is EC2's word for a kind of volume.
type VolumeType string

// EC2's types of volumes.
const (
	GP3      VolumeType = "gp3"
	GP2      VolumeType = "gp2"
	IO2      VolumeType = "io2"
	IO1      VolumeType = "io1"
	ST1      VolumeType = "st1"
	SC1      VolumeType = "sc1"
	Standard VolumeType = "standard"
)

// RollDeviceForm is that of the keys of Roll.Volumes.
const RollDeviceForm = DeviceForm + `|^` + RollRoot + `$`

// rollVolumes is about the volumes that launch templates' versions are to launch.
func (c *checker) rollVolumes(p Plan) {
	if n := len(p.Roll.Volumes); n > MaxDevices {
		c.add("roll.volumes", "%d devices are more than %d", n, MaxDevices)
	}
	first := map[string]string{}
	for _, device := range slices.Sorted(maps.Keys(p.Roll.Volumes)) {
		path := "roll.volumes." + device
		if device != RollRoot {
			c.form(path, device, deviceForm, "no device; want root, or one as EC2 names it, such as /dev/sdf")
		}
		bare := strings.TrimPrefix(device, "/dev/")
		if other, twice := first[bare]; twice {
			c.add(path, "is one device with %s, which EC2 takes by one name only: leave one of them out", other)
		}
		first[bare] = device
		v := p.Roll.Volumes[device]
		if v == (RollVolume{}) {
			c.add(path, "says nothing: give a type, a size, empty, iops, throughput or deleteOnTermination, or leave it out")
		}
		c.emptyVolume(path, device, v, p)
		c.rollVolume(path, device, v)
	}
}

// emptyVolume is about a volume in place of one that is left out.
func (c *checker) emptyVolume(path, device string, v RollVolume, p Plan) {
	out := p.Image.Volumes
	switch {
	case v.Empty == 0 && v.Encrypted:
		c.add(path+".encrypted", "is of an empty volume, and empty is not said: what the image holds is encrypted as it is "+
			"there, or as the template says")
	case v.Empty == 0:
	case device == RollRoot:
		c.add(path+".empty", "the root is never left out of an image, so that no empty volume takes its place")
	case v.Size != 0:
		c.add(path+".size", "is of what the image holds, and empty says the size of a volume in its place: "+
			"leave one of them out")
	case out.IsZero() || len(out.LeaveOut) > 0 && !out.Tagged && !slices.Contains(out.LeaveOut, device):
		c.add(path+".empty", "takes the place of what is left out of the image, and image.volumes leaves no %s out", device)
	}
}

// rollVolume holds a volume against what EC2 makes of its type.
func (c *checker) rollVolume(path, device string, v RollVolume) {
	if v.Type == "" {
		c.untyped(path, v)
		return
	}
	takes, known := volume.Of(string(v.Type))
	if !known {
		choice(c, path+".type", v.Type, VolumeTypes)
		return
	}
	if device == RollRoot && takes.Data {
		c.add(path+".type", "%s is for data volumes alone: EC2 launches nothing with such a root", v.Type)
	}
	size := "size"
	if v.Empty != 0 {
		size = "empty"
	}
	if gib := cmp.Or(v.Size, v.Empty); gib != 0 && !takes.TakesSize(gib) {
		c.add(path+"."+size, "%d is outside %d to %d GiB, which %s takes", gib, takes.Least, takes.Most, v.Type)
	}
	c.rollIOPS(path, v, takes)
	c.rollThroughput(path, v, takes)
}

// untyped is about a volume whose type is the template's or the image's.
func (c *checker) untyped(path string, v RollVolume) {
	for _, said := range []struct {
		key string
		n   int
		Range
	}{{"size", v.Size, VolumeSize}, {"empty", v.Empty, VolumeSize}, {"iops", v.IOPS, VolumeIOPS}} {
		if said.n != 0 {
			c.within(path+"."+said.key, said.n, said.Range)
		}
	}
	if v.Empty != 0 && (v.IOPS != 0 || v.Throughput != 0) {
		c.add(path+".type", "is missing: an empty volume has IOPS and throughput by its type")
	}
	if gp3, _ := volume.Of(string(GP3)); v.Throughput != 0 && !gp3.TakesThroughput(v.Throughput, gp3.MostIOPS) {
		c.add(path+".throughput", "%d is outside %d to %d MiB/s", v.Throughput, gp3.LeastThroughput, gp3.MostThroughput)
	}
}

// The sizes in GiB and the IOPS that volumes of any type have (API reference, EbsBlockDevice).
var (
	VolumeSize = Range{1, 65_536}
	VolumeIOPS = Range{100, 256_000}
)

func (c *checker) rollIOPS(path string, v RollVolume, takes volume.Limits) {
	gib, most := cmp.Or(v.Size, v.Empty), takes.MostIOPS
	if gib != 0 && v.Empty != 0 { // What the image holds may be larger than is said.
		most = takes.OfSize(gib)
	}
	switch {
	case v.IOPS == 0 && takes.Asked():
		c.add(path+".iops", "is missing: EC2 makes no volume of type %s without", v.Type)
	case v.IOPS == 0:
	case takes.MostIOPS == 0:
		c.add(path+".iops", "means nothing for type %s, which takes none", v.Type)
	case v.IOPS < takes.LeastIOPS || v.IOPS > most:
		c.add(path+".iops", "%d is outside %d to %d, which %s takes", v.IOPS, takes.LeastIOPS, most, sizedType(v))
	}
}

func (c *checker) rollThroughput(path string, v RollVolume, takes volume.Limits) {
	iops := cmp.Or(v.IOPS, takes.LeastIOPS)
	switch {
	case v.Throughput == 0:
	case takes.MostThroughput == 0:
		c.add(path+".throughput", "means nothing for type %s: it is provisioned of gp3 alone", v.Type)
	case v.Throughput < takes.LeastThroughput || v.Throughput > takes.MostThroughput:
		c.add(path+".throughput", "%d is outside %d to %d MiB/s", v.Throughput, takes.LeastThroughput, takes.MostThroughput)
	case v.Throughput*volume.PerIOPS > iops:
		c.add(path+".throughput", "%d MiB/s need %d IOPS, and it has %d: say more iops", v.Throughput,
			v.Throughput*volume.PerIOPS, iops)
	}
}

// sizedType is a type in words, with the size of an empty volume.
func sizedType(v RollVolume) string {
	if v.Empty != 0 {
		return string(v.Type) + " of that size"
	}
	return string(v.Type)
}
