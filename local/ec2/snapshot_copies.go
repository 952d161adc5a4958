package ec2

import (
	"cmp"
	"time"

	"goldsmith/local/query"
)

// concurrentCopies is how many copies of snapshots one destination Region has in progress (EBS User Guide, "Quotas for
// Amazon EBS": concurrent snapshot copies per destination Region).
const concurrentCopies = 20

// copySnapshot has no client token: each call makes a copy (API reference, CopySnapshot).
func copySnapshot(w *World, call *query.Call) error {
	p := call.Params
	tags, err := tagSpecifications(p, "snapshot")
	if err != nil {
		return err
	}
	from, err := w.copyableSnapshot(p)
	if err != nil {
		return err
	}
	encrypt, key, description := p.Bool("Encrypted"), p.Text("KmsKeyId"), p.Text("Description")
	if err := w.copyAllowed(p, from); err != nil {
		return err
	}
	if err := call.Commit(); err != nil {
		return err
	}
	if description == "" {
		description = "[Copied " + from.id + " from " + p.Text("SourceRegion") + "] " + from.description
	}
	// Without a key the copy of an encrypted snapshot is under the account's key for EBS, whatever the snapshot's own is.
	encrypted := from.encrypted || encrypt
	if encrypted {
		key = w.keyFor(key)
	}
	to := w.copyOfSnapshot(w.newID("snap", description+from.id), from, encrypted, key, description, tags["snapshot"])
	w.copies++
	w.completeCopy(to.id, from.id, true, func() { w.copies-- })
	call.Touch(to.id)
	call.Out.Text("snapshotId", to.id)
	writeTags(call.Out, to.tags)
	return nil
}

// copyAllowed holds that a copy is asked for as its encryption and its Region want it, and that there is room for one
// more.
func (w *World) copyAllowed(p *query.Params, from *snapshot) error {
	signed, destination := p.Text("PresignedUrl") != "", p.Text("DestinationRegion")
	switch {
	case p.Text("KmsKeyId") != "" && !p.Bool("Encrypted"): // API reference, CopySnapshot: KmsKeyId.
		return keyWithoutEncrypted() // The code is that of CreateVolume.
	case from.encrypted && !signed: // The same page, PresignedUrl; that it is refused at once is unverified.
		return missing("PresignedUrl")
	case destination != "" && destination != w.options.Region:
		return query.Errorf("InvalidParameterValue",
			"Value (%s) for parameter destinationRegion is invalid.", destination)
	case w.copies >= concurrentCopies: // The code and the words: aws-samples/copy-encrypted-ami#3.
		return query.Errorf("ResourceLimitExceeded",
			"Too many snapshot copies in progress. The limit is %d for this destination region.", concurrentCopies)
	}
	return nil
}

// copyableSnapshot: completed ones that the account may use, in the standard tier (EBS User Guide, "Copy an Amazon EBS
// snapshot" and "Archive Amazon EBS snapshots"); the codes are those of making a volume of one.
func (w *World) copyableSnapshot(p *query.Params) (*snapshot, error) {
	region, id := p.Text("SourceRegion"), p.Text("SourceSnapshotId")
	switch {
	case region == "":
		return nil, missing("SourceRegion")
	case id == "":
		return nil, missing("SourceSnapshotId")
	}
	from, err := w.beside(region)
	if err != nil {
		return nil, err
	}
	s := from.snapshots.get(id)
	switch {
	case s == nil:
		return nil, unknownSnapshot(id)
	case s.owner != w.options.Account && !s.permits(w.options.Account):
		return nil, query.Errorf("AuthFailure", "Not authorized for snapshot:%s", id)
	case s.state != snapshotCompleted || s.storage() == tierArchive:
		return nil, query.Errorf("IncorrectState", "The snapshot %s is not in a state from which it can be copied.", id)
	}
	return s, nil
}

func (s *snapshot) permits(account string) bool {
	for _, p := range s.permitted {
		if p.user == account || p.group == "all" {
			return true
		}
	}
	return false
}

// copyOfSnapshot puts a pending copy there. It has neither permissions nor a lock, and is in the standard tier.
func (w *World) copyOfSnapshot(id string, from *snapshot, encrypted bool, key, description string,
	tags []Tag) *snapshot {
	to := *from
	to.id, to.owner, to.tags = id, w.options.Account, nil
	to.parent, to.written = from.id, false
	to.volumeID = "vol-ffffffff" // What EC2 shows for a copy (API reference, Snapshot).
	to.encrypted, to.kmsKey = encrypted, ""
	if encrypted {
		to.kmsKey = cmp.Or(key, w.DefaultKey())
	}
	to.permitted, to.lock, to.tier, to.moving = nil, nil, "", nil
	to.state, to.message, to.started, to.completed = snapshotPending, "", w.now, time.Time{}
	to.description = description
	w.addStored(&to, tags)
	return w.snapshots.get(to.id)
}

// completeCopy ends a copy after a while, and then calls next. EC2 looks at the key of an encrypted copy only then
// (API reference, CopySnapshot: KmsKeyId). Usable is whether the key of what it is a copy of can be used.
func (w *World) completeCopy(to, from string, usable bool, next func()) {
	took := w.takes("snapshot-copy", to, w.options.Timing.SnapshotStored)
	w.snapshots.change(w.now, to, func(s *snapshot) { s.due = w.now.Add(took) })
	w.after(took, func() {
		if s := w.snapshots.get(to); s != nil {
			w.snapshots.change(w.now, to, func(s *snapshot) {
				s.state, s.completed = snapshotCompleted, w.now
				if !usable || s.encrypted && !w.usableKey(s.kmsKey) {
					s.state, s.completed, s.message = snapshotError, time.Time{}, "Given key ID is not accessible"
				}
			})
			w.emitSnapshot(w.snapshots.get(to), "copySnapshot", w.arn("snapshot", from))
		}
		next()
	})
}
