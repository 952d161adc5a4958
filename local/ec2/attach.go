package ec2

import (
	"slices"
	"strconv"
	"strings"

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
		case p.Has("NoDevice"):
			_ = p.Text("NoDevice") // An empty string, as EC2 wants it, or another.
			if at >= 0 {
				merged = slices.Delete(merged, at, at+1)
			}
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
	if typ := ebs.Text("VolumeType"); typ != "" && typ != m.typ {
		// Another type does not take over what the image's was provisioned with.
		m.typ, m.iops, m.throughput = typ, 0, 0
	}
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

// launchMappings are the devices of an instance to be launched: the image's, with the
// request's laid over them by device name. A name that the image does not have adds a
// device, so a request that misspells the root gets a second volume beside the image's own.
func (w *World) launchMappings(img *image, params []*query.Params) ([]mapping, error) {
	for _, p := range params {
		if err := mappable(img, p); err != nil {
			return nil, err
		}
	}
	merged := overlay(img.mappings, params)
	if err := eachOnce(params, merged); err != nil {
		return nil, err
	}
	for n := range merged {
		if m := &merged[n]; m.isEBS() {
			if err := w.finish(img, m); err != nil {
				return nil, err
			}
		}
	}
	return merged, nil
}

// eachOnce holds that a request maps a device once, and that no two mappings are of one device under two names, such as
// xvdb and /dev/xvdb (hashicorp/terraform#7233).
func eachOnce(params []*query.Params, merged []mapping) error {
	var names []string
	for _, p := range params {
		names = append(names, p.Text("DeviceName"))
	}
	for _, m := range merged {
		if !slices.Contains(names, m.device) {
			names = append(names, m.device)
		}
	}
	seen := map[string]bool{}
	for _, name := range names {
		short := strings.TrimPrefix(name, "/dev/")
		if seen[short] {
			return query.Errorf("InvalidBlockDeviceMapping",
				"The device '%s' is used in more than one block-device mapping", name)
		}
		seen[short] = true
	}
	return nil
}

// mappable holds one device of a request against EC2's rules. What is missing without Ebs or
// a size was tried on EC2 for getmoto/moto#2949; the rest is quoted in hashicorp/packer#2765
// and hashicorp/terraform#14480.
func mappable(img *image, p *query.Params) error {
	virtual := p.Text("VirtualName")
	switch {
	case p.Text("DeviceName") == "":
		return missing("deviceName")
	case p.Has("NoDevice"):
		return nil
	case virtual != "" && !isEphemeral(virtual):
		return query.Errorf("InvalidParameterValue",
			"Value (%s) for parameter virtualName is invalid. Expected format: 'ephemeral<NUMBER>'.", virtual)
	case virtual != "":
		return nil
	case !p.Has("Ebs"):
		return missing("ebs")
	case img.rootType == rootInstanceStore:
		return query.Errorf("InvalidBlockDeviceMapping", "EBS block device mappings not supported for instance-store AMIs.")
	}
	if p.Has("Ebs.KmsKeyId") && !p.Bool("Ebs.Encrypted") { // As CreateVolume; of a mapping it is unverified.
		return keyWithoutEncrypted()
	}
	return volumeMappable(img, p.Text("DeviceName"), p.At("Ebs"))
}

func volumeMappable(img *image, device string, ebs *query.Params) error {
	snapshot := ebs.Text("SnapshotId")
	at := slices.IndexFunc(img.mappings, func(m mapping) bool { return m.device == device })
	switch {
	case at < 0 && snapshot == "" && !ebs.Has("VolumeSize"):
		return missing("size or snapshotId")
	case at < 0 || snapshot == "":
		return nil
	case !img.mappings[at].isEBS():
		return query.Errorf("InvalidBlockDeviceMapping", "snapshotId can only be modified on EBS devices")
	case device == img.rootName && snapshot != img.mappings[at].snapshotID:
		return query.Errorf("InvalidBlockDeviceMapping", "snapshotId cannot be modified on root device")
	}
	return nil
}

func isEphemeral(virtual string) bool {
	number, ok := strings.CutPrefix(virtual, "ephemeral")
	_, err := strconv.ParseUint(number, 10, 8)
	return ok && err == nil
}

// finish fills in what a mapping leaves to its snapshot and its volume type, and refuses
// what EC2 makes no volume of.
func (w *World) finish(img *image, m *mapping) error {
	if m.snapshotID != "" {
		if err := w.sizedBySnapshot(img, m); err != nil {
			return err
		}
	}
	m.typ = orElse(m.typ, "gp2") // API reference, CreateVolume.
	return m.legalAt(img.rootName)
}

func (w *World) sizedBySnapshot(img *image, m *mapping) error {
	s := w.snapshots.get(m.snapshotID)
	ours := slices.ContainsFunc(img.mappings, func(own mapping) bool { return own.snapshotID == m.snapshotID })
	switch {
	case s == nil || s.owner != w.options.Account && !ours:
		return query.Errorf("InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", m.snapshotID)
	case s.state != snapshotCompleted:
		return query.Errorf("IncorrectState", "Snapshot is in invalid state - %s", s.state)
	case m.size == 0:
		m.size = s.size
	case m.size < s.size:
		return tooSmall(m.size, s)
	}
	m.encrypted = m.encrypted || s.encrypted
	return nil
}

// tooSmall is in the words of aws/karpenter-provider-aws#3302 and scylladb/scylladb#6999.
func tooSmall(size int, s *snapshot) error {
	return query.Errorf("InvalidBlockDeviceMapping",
		"Volume of size %dGB is smaller than snapshot '%s', expect size >= %dGB", size, s.id, s.size)
}

// attachVolumes makes the EBS volumes of a new instance. DescribeInstances
// lists EBS devices only, so instance store devices leave no trace there.
func (w *World) attachVolumes(i *instance, l launch) []attachment {
	var attached []attachment
	for _, m := range l.mappings {
		if m.isEBS() {
			attached = append(attached, w.newVolume(i, m))
		}
	}
	return attached
}

func (w *World) newVolume(i *instance, m mapping) attachment {
	v := &volume{
		id: w.newID("vol", i.id+m.device), snapshotID: m.snapshotID, zone: i.placed.zone,
		typ: m.typ, size: m.size, iops: m.iops, throughput: m.throughput,
		encrypted: m.encrypted, created: w.now, instanceID: i.id,
	}
	if s := w.snapshots.get(m.snapshotID); s != nil {
		v.written = s.content
	}
	v.kmsKey = w.keyOf(v.encrypted, m.kmsKey, m.snapshotID)
	if v.typ == "gp3" {
		v.iops, v.throughput = max(v.iops, gp3IOPS), max(v.throughput, gp3Throughput)
	}
	v.attachment = attachment{device: m.device, volumeID: v.id, attached: w.now,
		deleteOnTermination: m.deleteOnTermination}
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
