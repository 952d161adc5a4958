package ec2

import (
	"slices"
	"time"

	"goldsmith/local/query"
)

func createSnapshot(w *World, call *query.Call) error {
	id := call.Params.Text("VolumeId")
	v := w.volumes.get(id)
	if v == nil {
		return unknownVolume(id)
	}
	tags, err := tagSpecifications(call.Params, "snapshot")
	if err != nil {
		return err
	}
	if err := w.maySnapshot(v); err != nil {
		return err
	}
	description := call.Params.Text("Description")
	if err := call.Commit(); err != nil {
		return err
	}
	w.claimSnapshot(v)
	s := w.addSnapshot(v, description, tags["snapshot"])
	w.complete(s.id, w.takes("snapshot", s.id, w.options.Timing.SnapshotStored), func() {})
	call.Touch(s.id)
	writeSnapshot(call.Out, w.snapshots.get(s.id), w.now, "status")
	return nil
}

var unknownVolume = unknownID("vol", "InvalidVolume.NotFound", "InvalidVolumeID.Malformed",
	"The volume '%s' does not exist.")

// createSnapshots takes all volumes of an instance at one moment (API reference, CreateSnapshots).
func createSnapshots(w *World, call *query.Call) error {
	p := call.Params.At("InstanceSpecification")
	i := w.instances.get(p.Text("InstanceId"))
	if i == nil {
		return unknownInstance(p.Text("InstanceId"))
	}
	tags, err := tagSpecifications(call.Params, "snapshot")
	if err != nil {
		return err
	}
	volumes, err := w.volumesAsked(i, p)
	if err != nil {
		return err
	}
	copied, description := call.Params.Text("CopyTagsFromSource") == "volume", call.Params.Text("Description")
	if err := call.Commit(); err != nil {
		return err
	}
	var made []*snapshot
	for _, v := range volumes {
		own := tags["snapshot"]
		if copied {
			own = merge(ownTags(v.tags), own)
		}
		w.claimSnapshot(v)
		s := w.addSnapshot(v, description, own)
		w.complete(s.id, w.takes("snapshot", s.id, w.options.Timing.SnapshotStored), func() {})
		call.Touch(s.id)
		made = append(made, w.snapshots.get(s.id))
	}
	query.Items(call.Out, "snapshotSet", made, func(s *snapshot) { writeSnapshot(call.Out, s, w.now, "state") })
	return nil
}

// volumesAsked are an instance's volumes without those that the request leaves out. The root volume
// cannot be left out as a data volume (API reference, InstanceSpecification); the code is unverified.
func (w *World) volumesAsked(i *instance, p *query.Params) ([]*volume, error) {
	all, without := w.volumesOf(i, w.mappingsOf(i)), p.Texts("ExcludeDataVolumeId")
	for _, id := range without {
		if !slices.ContainsFunc(all, func(v *volume) bool { return v.id == id && v.attachment.device != i.rootName }) {
			return nil, query.Errorf("InvalidParameterValue",
				"The volume '%s' is not a data volume of the instance '%s'.", id, i.id)
		}
	}
	var volumes []*volume
	for _, v := range all {
		boot := p.Bool("ExcludeBootVolume") && v.attachment.device == i.rootName
		if boot || slices.Contains(without, v.id) {
			continue
		}
		if err := w.maySnapshot(v); err != nil {
			return nil, err
		}
		volumes = append(volumes, v)
	}
	return volumes, p.Err()
}

func ownTags(tags []Tag) []Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t Tag) bool { return reserved(t.Key) })
}

// deleteSnapshot refuses what the account does not own, what an image boots from, and what is locked.
func deleteSnapshot(w *World, call *query.Call) error {
	s, err := w.ownSnapshot(call.Params)
	if err != nil {
		return err
	}
	if boots := w.imagesBootingFrom(s.id); len(boots) > 0 {
		return query.Errorf("InvalidSnapshot.InUse", "The snapshot %s is currently in use by %s", s.id, boots[0].id)
	}
	if s.locked(w.now) { // The code is unverified.
		return query.Errorf("OperationNotPermitted", "The snapshot %s is locked.", s.id)
	}
	if err := call.Commit(); err != nil {
		return err
	}
	w.dropSnapshot(s)
	call.Out.Bool("return", true)
	return nil
}

var unknownSnapshot = unknownID("snap", "InvalidSnapshot.NotFound", "InvalidSnapshotID.Malformed",
	"The snapshot '%s' does not exist.")

func describeSnapshots(w *World, call *query.Call) error {
	owners := call.Params.Texts("Owner")
	found, next, err := list(w, call, listing[snapshot]{
		store: w.snapshots, filters: w.snapshotFilters(), tags: func(s *snapshot) []Tag { return s.tags },
		indexed: []string{"volume-id", "description"}, ids: "SnapshotId", unknown: unknownSnapshot, min: 5, max: 1000,
		clamps: true, apart: true,
		keep: func(s *snapshot) bool { // Own ones and those shared with the account, or with all (API reference).
			if s.owner != w.options.Account && !s.permits(w.options.Account) {
				return false
			}
			return len(owners) == 0 || slices.Contains(owners, s.owner) || s.owner == w.options.Account &&
				slices.Contains(owners, "self")
		},
	})
	if err != nil {
		return err
	}
	query.Items(call.Out, "snapshotSet", found, func(s *snapshot) { writeSnapshot(call.Out, s, w.asOf, "status") })
	call.Out.Optional("nextToken", next)
	return nil
}

func (w *World) snapshotFilters() filterable[snapshot] {
	return filterable[snapshot]{
		"snapshot-id":  one(func(s *snapshot) string { return s.id }),
		"volume-id":    one(func(s *snapshot) string { return s.volumeID }),
		"description":  one(func(s *snapshot) string { return s.description }),
		"status":       one(func(s *snapshot) string { return s.state }),
		"owner-id":     one(func(s *snapshot) string { return s.owner }),
		"progress":     one(func(s *snapshot) string { return s.progress(w.asOf) }),
		"storage-tier": one((*snapshot).storage),
		"encrypted":    flag(func(s *snapshot) bool { return s.encrypted }),
		"volume-size":  number(func(s *snapshot) int { return s.size }),
		"start-time":   moments(func(s *snapshot) time.Time { return s.started }),
	}
}

// writeSnapshot: CreateSnapshots calls the state "state", every other action "status".
func writeSnapshot(out *query.Writer, s *snapshot, now time.Time, stateName string) {
	out.Text("snapshotId", s.id)
	out.Text("volumeId", s.volumeID)
	out.Text(stateName, s.state)
	out.Optional("statusMessage", s.message)
	out.Time("startTime", s.started)
	out.Text("progress", s.progress(now))
	out.Text("ownerId", s.owner)
	out.Text("description", s.description)
	out.Int("volumeSize", s.size)
	out.Bool("encrypted", s.encrypted)
	out.Optional("kmsKeyId", s.kmsKey)
	out.Text("storageTier", s.storage())
	if s.moving != nil {
		out.Time("restoreExpiryTime", s.moving.expires)
	}
	out.Time("completionTime", s.completed)
	writeTags(out, s.tags)
}
