package ec2

import (
	"slices"
	"time"
)

// DirectSnapshot is a snapshot as the EBS direct APIs see it.
type DirectSnapshot struct {
	ID string
	// Parent is the snapshot whose blocks this one begins with: that of its volume, or what it is a copy of.
	Parent             string
	Owner, Description string
	GiB                int
	Encrypted          bool
	KMSKey             string
	Pending, Completed bool
	// Written is whether its blocks come from PutSnapshotBlock, Sealed whether no more may come.
	Written, Sealed bool
	Started         time.Time
	Tags            []Tag
}

// Direct finds a snapshot.
func (w *World) Direct(id string) (DirectSnapshot, bool) {
	w.lock()
	defer w.unlock()
	s := w.snapshots.get(id)
	if s == nil {
		return DirectSnapshot{}, false
	}
	return s.direct(), true
}

// DirectAnywhere finds a snapshot in any of the account's Regions: a copy's blocks are those of what it is a copy of.
func (w *World) DirectAnywhere(id string) (DirectSnapshot, bool) {
	w.lock()
	defer w.unlock()
	for _, region := range w.regions {
		if s := region.snapshots.get(id); s != nil {
			return s.direct(), true
		}
	}
	return DirectSnapshot{}, false
}

func (s *snapshot) direct() DirectSnapshot {
	return DirectSnapshot{
		ID: s.id, Parent: s.parent, Owner: s.owner, Description: s.description, GiB: s.size, Encrypted: s.encrypted,
		KMSKey:  s.kmsKey,
		Pending: s.state == snapshotPending, Completed: s.state == snapshotCompleted, Written: s.written, Sealed: s.sealed,
		Started: s.started,
		Tags:    slices.Clone(s.tags),
	}
}

// StartDirect puts a pending snapshot there that blocks are written to. It ends in state error when
// nothing is written to it for so long, and it is not completed.
func (w *World) StartDirect(asked DirectSnapshot, timeout time.Duration) DirectSnapshot {
	w.lock()
	defer w.unlock()
	s := &snapshot{
		id: w.newID("snap", "direct"), volumeID: "vol-ffffffff", // What EC2 shows for a snapshot without a volume.
		parent: asked.Parent, description: asked.Description, owner: w.options.Account, size: asked.GiB,
		encrypted: asked.Encrypted, kmsKey: asked.KMSKey, state: snapshotPending, started: w.now, due: w.now,
		written: true, timeout: timeout, lastWrite: w.now,
	}
	w.snapshots.add(w.now, s.id, s, "volume-id="+s.volumeID, "description="+s.description)
	w.tag(s.id, asked.Tags)
	w.cancelLater(s.id, timeout)
	return w.snapshots.get(s.id).direct()
}

// WroteDirect begins the timeout of a snapshot anew.
func (w *World) WroteDirect(id string) {
	w.lock()
	defer w.unlock()
	w.snapshots.change(w.now, id, func(s *snapshot) { s.lastWrite = w.now })
}

func (w *World) cancelLater(id string, in time.Duration) {
	w.after(in, func() {
		s := w.snapshots.get(id)
		if s == nil || s.state != snapshotPending || s.sealed {
			return
		}
		if left := s.lastWrite.Add(s.timeout).Sub(w.now); left > 0 {
			w.cancelLater(id, left)
			return
		}
		w.snapshots.change(w.now, id, func(s *snapshot) {
			s.state, s.message = snapshotError, "The snapshot was not completed in time."
		})
	})
}

// CompleteDirect seals a snapshot, which is completed a while later.
func (w *World) CompleteDirect(id string) {
	w.lock()
	defer w.unlock()
	w.snapshots.change(w.now, id, func(s *snapshot) { s.sealed = true })
	w.complete(id, w.takes("snapshot", id, w.options.Timing.SnapshotStored), func() {})
}

// Account is the owner of everything that is made here.
func (w *World) Account() string { return w.options.Account }
