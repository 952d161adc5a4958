package attribute

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// limits are what a volume type takes: sizes in GiB, IOPS at all and for each GiB, and throughput in MiB/s; zero IOPS
// or throughput for a type that none are provisioned of.
type limits struct {
	least, most                     int
	leastIOPS, mostIOPS, perGiB     int
	leastThroughput, mostThroughput int
	// data is whether it is for data volumes alone.
	data bool
}

// volumeTypes are those of EC2 (API reference, EbsBlockDevice and CreateVolume; EBS User Guide, volume types).
var volumeTypes = map[string]limits{
	"gp2": {least: 1, most: 16_384},
	"gp3": {least: 1, most: 65_536, leastIOPS: 3000, mostIOPS: 80_000, perGiB: 500,
		leastThroughput: 125, mostThroughput: 2000},
	"io1":      {least: 4, most: 16_384, leastIOPS: 100, mostIOPS: 64_000, perGiB: 50},
	"io2":      {least: 4, most: 65_536, leastIOPS: 100, mostIOPS: 256_000, perGiB: 1000},
	"st1":      {least: 125, most: 16_384, data: true},
	"sc1":      {least: 125, most: 16_384, data: true},
	"standard": {least: 1, most: 1024},
}

// perIOPS is how many IOPS a gp3 volume has to have for each MiB/s of throughput (EBS User Guide, General Purpose SSD
// volumes: 0.25 MiB/s per IOPS).
const perIOPS = 4

// asked is whether volumes of the type are made with IOPS that are said, and cannot be without.
func (l limits) asked() bool { return l.mostIOPS > 0 && l.mostThroughput == 0 }

// ofSize are the most IOPS that a volume may have.
func (l limits) ofSize(gib int) int { return min(l.mostIOPS, max(l.leastIOPS, l.perGiB*gib)) }

// performance is that of a data volume: as the volume has it, else as an image has one of its snapshot, else as the
// root volume's type is, or gp3. What its type does not take for the snapshot's size is told, and gp3's own is taken.
func (d *decider) performance(of Data) Performance {
	gib, id := int(aws.ToInt32(of.Snapshot.VolumeSize)), aws.ToString(of.Snapshot.SnapshotId)
	said, source := d.made(of)
	if said.Type == "" {
		if said.Type = d.Value(VolumeType); said.Type != "gp2" || gib > volumeTypes["gp2"].most {
			said.Type = "gp3"
		}
		return said
	}
	if volumeTypes[said.Type].takes(said, gib) {
		return said
	}
	d.Notes = append(d.Notes, fmt.Sprintf("the volume at %s is %s, says %s, which EC2 does not make of the %d GiB of %s: "+
		"it is to be gp3", of.Device, said, source, gib, id))
	return Performance{Type: "gp3"}
}

// made is what is known of a data volume, and who says so.
func (d *decider) made(of Data) (p Performance, source string) {
	if v := of.Volume; v != nil {
		return performanceOf(v.VolumeType, v.Iops, v.Throughput), aws.ToString(v.VolumeId)
	}
	for _, i := range d.Images {
		for _, m := range i.BlockDeviceMappings {
			if m.Ebs != nil && aws.ToString(m.Ebs.SnapshotId) == aws.ToString(of.Snapshot.SnapshotId) {
				return performanceOf(m.Ebs.VolumeType, m.Ebs.Iops, m.Ebs.Throughput), aws.ToString(i.ImageId)
			}
		}
	}
	return Performance{}, ""
}

// performanceOf leaves out what EC2 shows and does not take: the IOPS that a gp2 volume comes to.
func performanceOf(kind types.VolumeType, iops, throughput *int32) Performance {
	p, takes := Performance{Type: string(kind)}, volumeTypes[string(kind)]
	if takes.mostIOPS > 0 {
		p.IOPS = int(aws.ToInt32(iops))
	}
	if takes.mostThroughput > 0 {
		p.Throughput = int(aws.ToInt32(throughput))
	}
	return p
}

// takes reports whether EC2 makes such a volume.
func (l limits) takes(p Performance, gib int) bool {
	sized := l.most > 0 && gib >= l.least && gib <= l.most
	return sized && l.takesIOPS(p.IOPS, gib) && l.takesThroughput(p.Throughput, p.IOPS)
}

// takesIOPS reports whether a volume of the size may have such IOPS; zero is for none that are said.
func (l limits) takesIOPS(iops, gib int) bool {
	if iops == 0 {
		return !l.asked()
	}
	return iops < 0 || iops >= l.leastIOPS && iops <= l.ofSize(gib)
}

// takesThroughput reports whether a volume of such IOPS may have such throughput; zero is for none that is said.
func (l limits) takesThroughput(throughput, iops int) bool {
	return throughput == 0 || throughput >= l.leastThroughput && throughput <= l.mostThroughput &&
		throughput*perIOPS <= max(iops, l.leastIOPS)
}

// String is a volume's performance in words: "io2 with 9000 IOPS".
func (p Performance) String() string {
	text := p.Type
	if p.IOPS > 0 {
		text += fmt.Sprintf(" with %d IOPS", p.IOPS)
	}
	if p.Throughput > 0 {
		text += fmt.Sprintf(", %d MiB/s", p.Throughput)
	}
	return text
}

// size holds the volume's size against the snapshot's and against its type.
func (d *decider) size() (text, word string) {
	size, kind := d.attribute(VolumeSize), d.attribute(VolumeType)
	n, least := number(size.Value), int(aws.ToInt32(d.Evidence.Snapshot.VolumeSize))
	if n < least {
		return fmt.Sprintf("%s; the snapshot has %d GiB, and a volume cannot be smaller", size.told(), least), ""
	}
	takes, known := volumeTypes[kind.Value]
	switch {
	case !known:
		return "", ""
	case takes.data:
		return kind.told() + ", which is for data volumes alone", string(VolumeType) + "=gp3"
	case n < takes.least:
		return fmt.Sprintf("%s; %s, which takes %d GiB or more", size.told(), kind.told(), takes.least),
			fmt.Sprintf("%s=%d", VolumeSize, takes.least)
	case n > takes.most:
		return fmt.Sprintf("%s; %s, which takes %d GiB at most", size.told(), kind.told(), takes.most), ""
	}
	return "", ""
}

// provisioned holds what is provisioned against the volume's type and size.
func (d *decider) provisioned() (text, word string) {
	kind, iops, throughput := d.attribute(VolumeType), d.attribute(IOPS), d.attribute(Throughput)
	takes := volumeTypes[kind.Value]
	d.drop(kind, &iops, takes.mostIOPS > 0)
	d.drop(kind, &throughput, takes.mostThroughput > 0)
	if iops.Value == "" && takes.asked() {
		return kind.told() + ", which takes iops, and nothing says them", string(IOPS) + "=<a number>"
	}
	if text := kind.within(iops, takes.leastIOPS, takes.mostIOPS); text != "" {
		return text, ""
	}
	if text := kind.within(throughput, takes.leastThroughput, takes.mostThroughput); text != "" {
		return text, ""
	}
	size := d.attribute(VolumeSize)
	if most := takes.ofSize(number(size.Value)); number(iops.Value) > most {
		return fmt.Sprintf("%s; %s, and volumeType %s takes %d IOPS for each GiB: %d here", iops.told(), size.told(),
			kind.Value, takes.perGiB, most), fmt.Sprintf("%s=%d", IOPS, most)
	}
	has := max(number(iops.Value), takes.leastIOPS)
	if n := number(throughput.Value); n*perIOPS > has {
		return fmt.Sprintf("%s, which takes %d IOPS, and the volume would have %d", throughput.told(), n*perIOPS, has),
			fmt.Sprintf("%s=%d", Throughput, has/perIOPS)
	}
	return "", ""
}

// within holds what is provisioned against what a volume type takes.
func (a Attribute) within(provisioned Attribute, least, most int) string {
	switch n := number(provisioned.Value); {
	case provisioned.Value == "":
		return ""
	case most == 0 && a.Value == "":
		return provisioned.told() + ", and nothing says the volumeType that takes it"
	case most == 0:
		return provisioned.told() + ", which volumeType " + a.Value + " does not take"
	case n < least || n > most:
		return fmt.Sprintf("%s; volumeType %s takes %d to %d", provisioned.told(), a.Value, least, most)
	}
	return ""
}

// drop leaves out what an image says of its own volume type when a setting chose another.
func (d *decider) drop(kind Attribute, of *Attribute, takes bool) {
	said := slices.ContainsFunc(d.set, func(s statement) bool { return s.key == of.Key })
	if said || of.Value == "" || kind.Source == of.Source && takes {
		return
	}
	d.without(of.Key)
	*of = Attribute{}
}

func (d *decider) without(k Key) {
	d.Attributes = slices.DeleteFunc(d.Attributes, func(a Attribute) bool { return a.Key == k })
}
