package ec2

import (
	"slices"

	"goldsmith/local/query"
)

// mapping is one block device mapping of an image or of a request.
type mapping struct {
	device, virtual     string
	snapshotID          string
	size                int
	typ                 string
	iops, throughput    int
	encrypted           bool
	kmsKey              string
	deleteOnTermination bool
}

func (m mapping) isEBS() bool { return m.virtual == "" }

// overlay lays a request's mappings over those of an image: by device name,
// NoDevice taking one away, new devices added.
func overlay(base []mapping, params []*query.Params) []mapping {
	merged := slices.Clone(base)
	for _, p := range params {
		device := p.Text("DeviceName")
		at := slices.IndexFunc(merged, func(m mapping) bool { return m.device == device })
		switch {
		case p.Has("NoDevice") && at >= 0:
			merged = slices.Delete(merged, at, at+1)
		case p.Has("NoDevice"):
		case at >= 0:
			merged[at] = readMapping(p, merged[at])
		default:
			merged = append(merged, readMapping(p, mapping{deleteOnTermination: true}))
		}
	}
	return merged
}

func readMapping(p *query.Params, m mapping) mapping {
	m.device, m.virtual = p.Text("DeviceName"), p.Text("VirtualName")
	ebs := p.At("Ebs")
	text := func(name string, into *string) {
		if ebs.Has(name) {
			*into = ebs.Text(name)
		}
	}
	integer := func(name string, into *int) {
		if ebs.Has(name) {
			*into = ebs.Int(name)
		}
	}
	text("SnapshotId", &m.snapshotID)
	text("VolumeType", &m.typ)
	text("KmsKeyId", &m.kmsKey)
	integer("VolumeSize", &m.size)
	integer("Iops", &m.iops)
	integer("Throughput", &m.throughput)
	if ebs.Has("Encrypted") {
		m.encrypted = ebs.Bool("Encrypted")
	}
	if ebs.Has("DeleteOnTermination") {
		m.deleteOnTermination = ebs.Bool("DeleteOnTermination")
	}
	return m
}

// attachVolumes makes the EBS volumes of a new instance. DescribeInstances
// lists EBS devices only, so instance store devices leave no trace there.
func (w *World) attachVolumes(i *instance, l launch) []attachment {
	var attached []attachment
	for _, m := range overlay(l.image.mappings, l.params.List("BlockDeviceMapping")) {
		if m.isEBS() {
			attached = append(attached, w.newVolume(i, m))
		}
	}
	return attached
}

func (w *World) newVolume(i *instance, m mapping) attachment {
	v := &volume{
		id: w.newID("vol", i.id+m.device), snapshotID: m.snapshotID, zone: i.placed.zone,
		typ: orElse(m.typ, "gp3"), size: m.size, iops: m.iops, throughput: m.throughput,
		encrypted: m.encrypted, created: w.now, instanceID: i.id,
	}
	if s := w.snapshots.get(m.snapshotID); s != nil {
		v.size, v.encrypted = max(v.size, s.size), v.encrypted || s.encrypted
		v.written = s.content
	}
	v.size = max(v.size, 1)
	v.kmsKey = w.keyOf(v.encrypted, m.kmsKey, m.snapshotID)
	if v.typ == "gp3" {
		v.iops, v.throughput = max(v.iops, 3000), max(v.throughput, 125)
	}
	v.attachment = attachment{device: m.device, volumeID: v.id, attached: w.now, deleteOnTermination: m.deleteOnTermination}
	w.volumes.add(w.now, v.id, v)
	return v.attachment
}

func writeMapping(out *query.Writer, m mapping) {
	out.Text("deviceName", m.device)
	if !m.isEBS() {
		out.Text("virtualName", m.virtual)
		return
	}
	out.Element("ebs", func() {
		out.Optional("snapshotId", m.snapshotID)
		out.Int("volumeSize", m.size)
		out.Bool("deleteOnTermination", m.deleteOnTermination)
		out.Text("volumeType", m.typ)
		if m.iops > 0 {
			out.Int("iops", m.iops)
		}
		if m.throughput > 0 {
			out.Int("throughput", m.throughput)
		}
		out.Bool("encrypted", m.encrypted)
		out.Optional("kmsKeyId", m.kmsKey)
	})
}
