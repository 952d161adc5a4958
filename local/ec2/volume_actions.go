package ec2

import "goldsmith/local/query"

// createVolume makes a volume that is in state creating for a while, and available then.
func createVolume(w *World, call *query.Call) error {
	if id, again, err := w.answered(call); again || err != nil {
		return w.answerVolume(call, id, err)
	}
	p := call.Params
	tags, err := tagSpecifications(p, "volume")
	if err != nil {
		return err
	}
	v, err := w.readVolume(p)
	if err != nil {
		return err
	}
	if err := call.Commit(); err != nil {
		return err
	}
	v.id, v.created = w.newID("vol", v.snapshotID+v.zone), w.now
	v.kmsKey = w.keyOf(v.encrypted, v.kmsKey, v.snapshotID)
	took := w.takes("creating", v.id, w.options.Timing.VolumeCreating)
	v.usable = w.now.Add(took)
	w.volumes.add(w.now, v.id, v)
	w.after(took, func() {}) // An event to wake up for: describes see the state of their time.
	w.tag(v.id, tags["volume"])
	w.remember(call, v.id)
	call.Touch(v.id)
	return w.answerVolume(call, v.id, nil)
}

func (w *World) answerVolume(call *query.Call, id string, err error) error {
	if err != nil {
		return err
	}
	if v := w.volumes.get(id); v != nil {
		w.writeVolume(call.Out, v, w.now)
		return nil
	}
	return unknownVolume(id)
}

func keyWithoutEncrypted() error {
	return query.Errorf("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set.")
}

func (w *World) readVolume(p *query.Params) (*volume, error) {
	v := &volume{
		snapshotID: p.Text("SnapshotId"), typ: orElse(p.Text("VolumeType"), "gp2"), size: p.Int("Size"), iops: p.Int("Iops"),
		throughput: p.Int("Throughput"), encrypted: p.Bool("Encrypted"), kmsKey: p.Text("KmsKeyId"),
	}
	if p.Has("AvailabilityZone") && p.Has("AvailabilityZoneId") { // API reference, CreateVolume: AvailabilityZoneId.
		return nil, query.Errorf("InvalidParameterCombination",
			"Either AvailabilityZone or AvailabilityZoneId must be specified, but not both.")
	}
	zone, err := w.zoneNamed(orElse(p.Text("AvailabilityZone"), p.Text("AvailabilityZoneId")))
	if err != nil {
		return nil, err
	}
	v.zone = zone.zone
	if err := w.fromSnapshot(v); err != nil {
		return nil, err
	}
	if v.kmsKey != "" && !v.encrypted {
		return nil, keyWithoutEncrypted()
	}
	if v.typ == "gp3" {
		v.iops, v.throughput = max(v.iops, 3000), max(v.throughput, 125)
	}
	return v, p.Err()
}

// fromSnapshot gives a volume what its snapshot holds.
func (w *World) fromSnapshot(v *volume) error {
	s := w.snapshots.get(v.snapshotID)
	switch {
	case v.snapshotID == "" && v.size == 0:
		return query.Errorf("MissingParameter", "The request must contain the parameter size/snapshot")
	case v.snapshotID == "":
		return nil
	case s == nil:
		return unknownSnapshot(v.snapshotID)
	case s.state != snapshotCompleted || s.storage() == tierArchive:
		return query.Errorf("IncorrectState", "Snapshot is in invalid state - %s", s.state)
	case v.size > 0 && v.size < s.size:
		return query.Errorf("InvalidParameterValue", "Volume of %dGiB is too small; minimum size is %dGiB.", v.size, s.size)
	}
	v.size, v.encrypted, v.written = max(v.size, s.size), v.encrypted || s.encrypted, s.content
	return nil
}

func deleteVolume(w *World, call *query.Call) error {
	id := call.Params.Text("VolumeId")
	v := w.volumes.get(id)
	switch {
	case id == "":
		return missing("VolumeId")
	case v == nil:
		return unknownVolume(id)
	case v.instanceID != "":
		return query.Errorf("VolumeInUse", "Volume %s is currently attached to %s", id, v.instanceID)
	case v.state(w.now) == "creating":
		return query.Errorf("IncorrectState", "The volume '%s' is not 'available' or 'error'.", id)
	}
	if err := call.Commit(); err != nil {
		return err
	}
	drop(w, w.volumes, id)
	call.Out.Bool("return", true)
	return nil
}
