package ec2

import (
	"time"

	"goldsmith/local/query"
)

// fastRestore is Fast Snapshot Restore for one snapshot in one Availability Zone. Its state
// follows from the time since it was enabled.
type fastRestore struct {
	snapshotID     string
	zone           subnet
	since          time.Time
	enabled        time.Time // from then on it is enabled
	disabled, gone time.Time // zero while it is not disabled
}

// Enabling lasts a moment and optimizing an hour a TiB; disabling lasts a moment too (EBS User
// Guide, "Amazon EBS fast snapshot restore states").
const (
	fastRestoreMoment = time.Minute
	optimizingTiB     = time.Hour
)

func (f *fastRestore) state(now time.Time) string {
	switch {
	case !f.disabled.IsZero() && now.Before(f.gone):
		return "disabling"
	case !f.disabled.IsZero():
		return "disabled"
	case now.Before(f.since.Add(fastRestoreMoment)):
		return "enabling"
	case now.Before(f.enabled):
		return "optimizing"
	}
	return "enabled"
}

func (f *fastRestore) id() string { return f.snapshotID + "/" + f.zone.zone }

// refusedRestore is one snapshot for which a change of Fast Snapshot Restore failed.
type refusedRestore struct{ snapshotID, zone, code, message string }

// readRestores are the snapshots and the zones that a request names, each zone by its name or its id.
func (w *World) readRestores(p *query.Params) (snapshots []string, zones []subnet, err error) {
	snapshots = p.Texts("SourceSnapshotId")
	names := append(p.Texts("AvailabilityZone"), p.Texts("AvailabilityZoneId")...)
	switch {
	case len(snapshots) == 0:
		return nil, nil, missing("SourceSnapshotId")
	case len(names) == 0:
		return nil, nil, missing("AvailabilityZone")
	}
	for _, name := range names {
		zone, err := w.zoneNamed(name)
		if err != nil {
			return nil, nil, err
		}
		zones = append(zones, zone)
	}
	return snapshots, zones, nil
}

func (w *World) zoneNamed(name string) (subnet, error) {
	for _, s := range w.network.subnets {
		if s.zone == name || s.zoneID == name {
			return s, nil
		}
	}
	return subnet{}, query.Errorf("InvalidZone.NotFound", "The zone '%s' does not exist.", name)
}

func enableFastSnapshotRestores(w *World, call *query.Call) error {
	return w.changeRestores(call, func(s *snapshot, zone subnet) (*fastRestore, *refusedRestore) {
		if s.state != snapshotCompleted {
			return nil, &refusedRestore{s.id, zone.zone, "InvalidSnapshot.InvalidState", "The snapshot is not completed."}
		}
		length := time.Duration(s.size) * optimizingTiB / 1024
		return &fastRestore{snapshotID: s.id, zone: zone, since: w.now, enabled: w.now.Add(fastRestoreMoment + length)}, nil
	})
}

func disableFastSnapshotRestores(w *World, call *query.Call) error {
	return w.changeRestores(call, func(s *snapshot, zone subnet) (*fastRestore, *refusedRestore) {
		f := w.restores.get(s.id + "/" + zone.zone)
		if f == nil || !f.disabled.IsZero() {
			return nil, &refusedRestore{s.id, zone.zone, "InvalidFastSnapshotRestore.NotFound",
				"Fast snapshot restore is not enabled."}
		}
		after := *f
		after.disabled, after.gone = w.now, w.now.Add(fastRestoreMoment)
		return &after, nil
	})
}

// changeRestores answers for each snapshot and zone by itself (API reference,
// EnableFastSnapshotRestores). The codes of what fails are unverified.
func (w *World) changeRestores(call *query.Call, change func(*snapshot, subnet) (*fastRestore, *refusedRestore)) error {
	snapshots, zones, err := w.readRestores(call.Params)
	if err != nil {
		return err
	}
	if err := call.Commit(); err != nil {
		return err
	}
	var done []*fastRestore
	var refused []refusedRestore
	for _, id := range snapshots {
		for _, zone := range zones {
			s := w.snapshots.get(id)
			if s == nil {
				refused = append(refused, refusedRestore{id, zone.zone, "InvalidSnapshot.NotFound", "The snapshot '" + id +
					"' does not exist."})
				continue
			}
			f, no := change(s, zone)
			if no != nil {
				refused = append(refused, *no)
				continue
			}
			w.restores.put(w.now, f.id(), f)
			done = append(done, f)
		}
	}
	query.Items(call.Out, "successful", done, func(f *fastRestore) { w.writeRestore(call.Out, f, w.now) })
	query.Items(call.Out, "unsuccessful", refused, func(r refusedRestore) {
		call.Out.Text("snapshotId", r.snapshotID)
		query.Items(call.Out, "fastSnapshotRestoreStateErrorSet", []refusedRestore{r}, func(r refusedRestore) {
			call.Out.Text("availabilityZone", r.zone)
			call.Out.Element("error", func() {
				call.Out.Text("code", r.code)
				call.Out.Text("message", r.message)
			})
		})
	})
	return nil
}

func describeFastSnapshotRestores(w *World, call *query.Call) error {
	found, next, err := list(w, call, listing[fastRestore]{
		store: w.restores, ids: "-", min: 0, max: 200, scan: true,
		filters: filterable[fastRestore]{
			"availability-zone":    one(func(f *fastRestore) string { return f.zone.zone }),
			"availability-zone-id": one(func(f *fastRestore) string { return f.zone.zoneID }),
			"owner-id":             one(func(*fastRestore) string { return w.options.Account }),
			"snapshot-id":          one(func(f *fastRestore) string { return f.snapshotID }),
			"state":                one(func(f *fastRestore) string { return f.state(w.asOf) }),
		},
	})
	if err != nil {
		return err
	}
	query.Items(call.Out, "fastSnapshotRestoreSet", found, func(f *fastRestore) { w.writeRestore(call.Out, f, w.asOf) })
	call.Out.Optional("nextToken", next)
	return nil
}

func (w *World) writeRestore(out *query.Writer, f *fastRestore, now time.Time) {
	out.Text("snapshotId", f.snapshotID)
	out.Text("availabilityZone", f.zone.zone)
	out.Text("availabilityZoneId", f.zone.zoneID)
	out.Text("state", f.state(now))
	out.Text("stateTransitionReason", "Client.UserInitiated")
	out.Text("ownerId", w.options.Account)
	out.Time("enablingTime", f.since)
	if optimizing := f.since.Add(fastRestoreMoment); !now.Before(optimizing) {
		out.Time("optimizingTime", optimizing)
	}
	if !now.Before(f.enabled) {
		out.Time("enabledTime", f.enabled)
	}
	out.Time("disablingTime", f.disabled)
	if !now.Before(f.gone) {
		out.Time("disabledTime", f.gone)
	}
}
