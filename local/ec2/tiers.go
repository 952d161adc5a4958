package ec2

import (
	"slices"
	"time"

	"goldsmith/local/query"
)

// The storage tiers of a snapshot (API reference, StorageTier).
const (
	tierStandard = "standard"
	tierArchive  = "archive"
)

// archiving is what became of the last move between the tiers.
type archiving struct {
	status         string
	started, ended time.Time
	expires        time.Time // of a temporary restore
}

// Archiving and restoring take up to 72 hours (EBS User Guide, "Archive Amazon EBS snapshots").
const (
	archives = 24 * time.Hour
	restores = 48 * time.Hour
)

// modifySnapshotTier archives a snapshot. One that is not completed, or in use by an image that is
// not disabled, cannot be archived (EBS User Guide, "Considerations and limitations for archiving");
// the codes are unverified.
func modifySnapshotTier(w *World, call *query.Call) error {
	s, err := w.ownSnapshot(call.Params)
	if err != nil {
		return err
	}
	using := slices.DeleteFunc(w.imagesUsing(s.id), func(img *image) bool { return img.state == imageDisabled })
	switch wanted := call.Params.Text("StorageTier"); {
	case wanted != tierArchive:
		return query.Errorf("InvalidParameterValue", "Invalid value '%s' for storageTier.", wanted)
	case s.state != snapshotCompleted || s.storage() == tierArchive:
		return query.Errorf("IncorrectState", "The snapshot %s is not in a state from which it can be archived.", s.id)
	case len(using) > 0:
		return query.Errorf("InvalidSnapshot.InUse", "The snapshot %s is currently in use by %s", s.id, using[0].id)
	}
	if err := call.Commit(); err != nil {
		return err
	}
	w.snapshots.change(w.now, s.id,
		func(s *snapshot) { s.moving = &archiving{status: "archival-in-progress", started: w.now} })
	w.after(archives, func() { w.moved(s.id, tierArchive, "archival-completed", time.Time{}) })
	call.Out.Text("snapshotId", s.id)
	call.Out.Time("tieringStartTime", w.now)
	return nil
}

// moved ends a move between the tiers.
func (w *World) moved(id, tier, status string, expires time.Time) {
	if w.snapshots.get(id) == nil {
		return
	}
	w.snapshots.change(w.now, id, func(s *snapshot) {
		started := w.now
		if s.moving != nil {
			started = s.moving.started
		}
		s.tier, s.moving = tier, &archiving{status: status, started: started, ended: w.now, expires: expires}
	})
}

func restoreSnapshotTier(w *World, call *query.Call) error {
	s, err := w.ownSnapshot(call.Params)
	if err != nil {
		return err
	}
	days, forever := call.Params.Int("TemporaryRestoreDays"), call.Params.Bool("PermanentRestore")
	switch {
	case s.storage() != tierArchive:
		return query.Errorf("IncorrectState", "The snapshot %s is not archived.", s.id)
	case forever == (days > 0):
		return query.Errorf("InvalidParameterCombination",
			"Either TemporaryRestoreDays or PermanentRestore must be specified, but not both.")
	}
	if err := call.Commit(); err != nil {
		return err
	}
	kind := "temporary"
	if forever {
		kind = "permanent"
	}
	w.snapshots.change(w.now, s.id,
		func(s *snapshot) { s.moving = &archiving{status: kind + "-restore-in-progress", started: w.now} })
	w.after(restores, func() {
		var expires time.Time
		if !forever {
			expires = w.now.AddDate(0, 0, days)
			w.after(expires.Sub(w.now), func() { w.moved(s.id, tierArchive, "archival-completed", time.Time{}) })
		}
		w.moved(s.id, tierStandard, kind+"-restore-completed", expires)
	})
	call.Out.Text("snapshotId", s.id)
	call.Out.Time("restoreStartTime", w.now)
	if !forever {
		call.Out.Int("restoreDuration", days)
	}
	call.Out.Bool("isPermanentRestore", forever)
	return nil
}

func (s *snapshot) storage() string { return orElse(s.tier, tierStandard) }

func describeSnapshotTierStatus(w *World, call *query.Call) error {
	found, next, err := list(w, call, listing[snapshot]{
		store: w.snapshots, ids: "-", min: 5, max: 1000, clamps: true, scan: true,
		tags: func(s *snapshot) []Tag { return s.tags },
		filters: filterable[snapshot]{
			"snapshot-id": one(func(s *snapshot) string { return s.id }),
			"volume-id":   one(func(s *snapshot) string { return s.volumeID }),
			"last-tiering-operation": one(func(s *snapshot) string {
				if s.moving == nil {
					return ""
				}
				return s.moving.status
			}),
		},
		keep: func(s *snapshot) bool { return s.owner == w.options.Account },
	})
	if err != nil {
		return err
	}
	query.Items(call.Out, "snapshotTierStatusSet", found, func(s *snapshot) { writeTier(call.Out, s) })
	call.Out.Optional("nextToken", next)
	return nil
}

func writeTier(out *query.Writer, s *snapshot) {
	out.Text("snapshotId", s.id)
	out.Text("volumeId", s.volumeID)
	out.Text("status", s.state)
	out.Text("ownerId", s.owner)
	out.Text("storageTier", s.storage())
	writeTags(out, s.tags)
	if s.moving == nil {
		return
	}
	out.Time("lastTieringStartTime", s.moving.started)
	out.Text("lastTieringOperationStatus", s.moving.status)
	if s.storage() == tierArchive {
		out.Time("archivalCompleteTime", s.moving.ended)
	}
	out.Time("restoreExpiryTime", s.moving.expires)
}
