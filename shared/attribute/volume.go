package attribute

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/volume"
)

// performance is that of a data volume: as the volume has it, else as an image has one of its snapshot, else as the
// root volume's type is, or gp3. What its type does not take for the snapshot's size is told, and gp3's own is taken.
func (d *decider) performance(of Data) Performance {
	gib, id := int(aws.ToInt32(of.Snapshot.VolumeSize)), aws.ToString(of.Snapshot.SnapshotId)
	said, source := d.made(of)
	if said.Type == "" {
		said.Type = d.Value(VolumeType)
		if takes, _ := volume.Of("gp2"); said.Type != "gp2" || gib > takes.Most {
			said.Type = "gp3"
		}
		return said
	}
	if takes, _ := volume.Of(said.Type); takes.Takes(gib, said.IOPS, said.Throughput) {
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
	p := Performance{Type: string(kind)}
	takes, _ := volume.Of(p.Type)
	if takes.MostIOPS > 0 {
		p.IOPS = int(aws.ToInt32(iops))
	}
	if takes.MostThroughput > 0 {
		p.Throughput = int(aws.ToInt32(throughput))
	}
	return p
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
		return fmt.Sprintf("%s; the snapshot has %d GiB, and a volume cannot be smaller", size.described(), least), ""
	}
	takes, known := volume.Of(kind.Value)
	switch {
	case !known:
		return "", ""
	case takes.Data:
		return kind.described() + ", which is for data volumes alone", string(VolumeType) + "=gp3"
	case n < takes.Least:
		return fmt.Sprintf("%s; %s, which takes %d GiB or more", size.described(), kind.described(), takes.Least),
			fmt.Sprintf("%s=%d", VolumeSize, takes.Least)
	case n > takes.Most:
		return fmt.Sprintf("%s; %s, which takes %d GiB at most", size.described(), kind.described(), takes.Most), ""
	}
	return "", ""
}

// provisioned holds what is provisioned against the volume's type and size.
func (d *decider) provisioned() (text, word string) {
	kind, iops, throughput := d.attribute(VolumeType), d.attribute(IOPS), d.attribute(Throughput)
	takes, _ := volume.Of(kind.Value)
	d.drop(kind, &iops, takes.MostIOPS > 0)
	d.drop(kind, &throughput, takes.MostThroughput > 0)
	if iops.Value == "" && takes.Asked() {
		return kind.described() + ", which takes iops, and nothing says them", string(IOPS) + "=<a number>"
	}
	if text := kind.within(iops, takes.LeastIOPS, takes.MostIOPS); text != "" {
		return text, ""
	}
	if text := kind.within(throughput, takes.LeastThroughput, takes.MostThroughput); text != "" {
		return text, ""
	}
	size := d.attribute(VolumeSize)
	if most := takes.OfSize(number(size.Value)); number(iops.Value) > most {
		return fmt.Sprintf("%s; %s, and volumeType %s takes %d IOPS for each GiB: %d here", iops.described(),
			size.described(), kind.Value, takes.PerGiB, most), fmt.Sprintf("%s=%d", IOPS, most)
	}
	has := max(number(iops.Value), takes.LeastIOPS)
	if n := number(throughput.Value); n*volume.PerIOPS > has {
		return fmt.Sprintf("%s, which takes %d IOPS, and the volume would have %d", throughput.described(),
				n*volume.PerIOPS, has),
			fmt.Sprintf("%s=%d", Throughput, has/volume.PerIOPS)
	}
	return "", ""
}

// within holds what is provisioned against what a volume type takes.
func (a Attribute) within(provisioned Attribute, least, most int) string {
	switch n := number(provisioned.Value); {
	case provisioned.Value == "":
		return ""
	case most == 0 && a.Value == "":
		return provisioned.described() + ", and nothing says the volumeType that takes it"
	case most == 0:
		return provisioned.described() + ", which volumeType " + a.Value + " does not take"
	case n < least || n > most:
		return fmt.Sprintf("%s; volumeType %s takes %d to %d", provisioned.described(), a.Value, least, most)
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
