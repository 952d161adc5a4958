package ec2

import (
	"fmt"
	"slices"
	"time"

	"goldsmith/local/query"
)

// The states of a snapshot that the World uses (API reference, SnapshotState).
const (
	snapshotPending   = "pending"
	snapshotCompleted = "completed"
	snapshotError     = "error"
)

type snapshot struct {
	id, volumeID, description string
	owner                     string
	size                      int
	encrypted                 bool
	kmsKey                    string
	state, message            string
	started, completed        time.Time
	due                       time.Time    // when it will be complete
	permitted                 []permission // who may make volumes of it and copy it
	lock                      *lock
	tier                      string // empty for standard
	moving                    *archiving
	tags                      []Tag

	billing billing

	content uint64 // the volume's writes when the snapshot was requested
	live    bool   // the instance was up then

	parent    string // the snapshot whose blocks this one begins with
	written   bool   // by PutSnapshotBlock, until it is ...
	sealed    bool   // ... or nothing came for the timeout
	timeout   time.Duration
	lastWrite time.Time
}

func (s *snapshot) progress(now time.Time) string {
	if s.state != snapshotPending || !now.Before(s.due) {
		return "100%"
	}
	total := s.due.Sub(s.started)
	return fmt.Sprintf("%d%%", 99*now.Sub(s.started)/total)
}

// EC2 wants at least 15 s between snapshots of one volume (API reference, error code
// SnapshotCreationPerVolumeRateExceeded).
const betweenSnapshots = 15 * time.Second

// maySnapshot holds a volume against EC2's per-volume limits (EBS User Guide, quotas).
func (w *World) maySnapshot(v *volume) error {
	if v.inFlight >= v.concurrent() {
		return query.Errorf("ConcurrentSnapshotLimitExceeded",
			"Maximum allowed in-progress snapshots for a single volume exceeded.")
	}
	if w.now.Sub(v.lastSnapshot) < betweenSnapshots {
		return query.Errorf("SnapshotCreationPerVolumeRateExceeded",
			"The maximum per volume CreateSnapshot request rate has been exceeded. Use an increasing or variable sleep "+
				"interval between requests.")
	}
	return nil
}

// claimSnapshot counts a snapshot against its volume's limits.
func (w *World) claimSnapshot(v *volume) {
	w.volumes.change(w.now, v.id, func(v *volume) {
		v.inFlight++
		v.lastSnapshot = w.now
	})
}

// snapshotForImage lets the image's snapshots appear one by one, some seconds
// from now; only then is their content fixed (EBS User Guide, creating snapshots).
func (w *World) snapshotForImage(img *image, i *instance, volumes []*volume, tags []Tag) {
	var last time.Duration
	delay := w.delay(i.id)
	for _, v := range volumes {
		w.claimSnapshot(v)
		shows := w.takes("snapshot-shows", v.id, w.options.Timing.SnapshotShows)
		last = max(last, shows)
		w.after(shows, func() { w.showImageSnapshot(img.id, v.id, tags, delay) })
	}
	w.instances.change(w.now, i.id, func(i *instance) { i.times.Snapshots = last })
	if len(volumes) == 0 {
		w.imageReady(img.id)
	}
}

func (w *World) showImageSnapshot(imageID, volumeID string, tags []Tag, delay time.Duration) {
	img, v := w.images.get(imageID), w.volumes.get(volumeID)
	if img == nil || v == nil {
		w.imageLost(imageID, volumeID, reason{"Client.InvalidVolume.NotFound", "Client.InvalidVolume.NotFound: The volume " +
			volumeID + " no longer exists"})
		return
	}
	s := w.addSnapshot(v, fmt.Sprintf("Created by CreateImage(%s) for %s", img.sourceInstance, imageID), tags)
	device := v.attachment.device
	w.images.change(w.now, imageID, func(img *image) {
		img.mappings = slices.Clone(img.mappings)
		for n := range img.mappings {
			if img.mappings[n].device == device {
				img.mappings[n].snapshotID = s.id
			}
		}
	})
	w.indexSnapshots(w.images.get(imageID))
	if img.ending.unstored {
		w.snapshotFails(s, img.ending.why)
		w.imageLost(imageID, volumeID, img.ending.why)
		return
	}
	w.complete(s.id, w.takes("snapshot", s.id, w.options.Timing.SnapshotStored)+delay, func() {
		if w.images.get(imageID) == nil {
			return
		}
		w.images.change(w.now, imageID, func(img *image) { img.awaited-- })
		w.imageReady(imageID)
	})
}

// snapshotFails puts a snapshot into state error and sends the event of it.
func (w *World) snapshotFails(s *snapshot, why reason) {
	w.snapshots.change(w.now, s.id, func(s *snapshot) { s.state, s.message = snapshotError, why.message })
	w.emitSnapshot(w.snapshots.get(s.id), "createSnapshot", w.arn("volume", s.volumeID))
}

// imageLost ends an image that will never have a snapshot of a volume.
func (w *World) imageLost(imageID, volumeID string, why reason) {
	if w.volumes.get(volumeID) != nil {
		w.volumes.change(w.now, volumeID, func(v *volume) { v.inFlight-- })
	}
	if img := w.images.get(imageID); img != nil && img.state == imagePending {
		w.setImage(imageID, imageFailed, why)
	}
}

// addSnapshot puts a pending snapshot there, with the volume's content of this moment.
func (w *World) addSnapshot(v *volume, description string, tags []Tag) *snapshot {
	s := &snapshot{
		id: w.newID("snap", v.id), volumeID: v.id, description: description, owner: w.options.Account,
		size: v.size, encrypted: v.encrypted, kmsKey: v.kmsKey, state: snapshotPending,
		started: w.now, due: w.now, content: v.writes(w.now), parent: v.snapshotID,
	}
	if of := w.snapshots.get(v.snapshotID); of != nil {
		s.billing = of.billing
	}
	if i := w.instances.get(v.instanceID); i != nil {
		s.live = i.live(w.now)
		if v.attachment.device == i.rootName {
			s.billing = billing{i.platform, i.platformDetails, i.usage}
		}
	}
	w.addStored(s, tags)
	return s
}

func (w *World) addStored(s *snapshot, tags []Tag) {
	w.snapshots.add(w.now, s.id, s, "volume-id="+s.volumeID, "description="+s.description)
	w.tag(s.id, tags)
}

// complete ends a snapshot after d and then calls next.
func (w *World) complete(id string, d time.Duration, next func()) {
	w.snapshots.change(w.now, id, func(s *snapshot) { s.due = w.now.Add(d) })
	volumeID := w.snapshots.get(id).volumeID
	w.after(d, func() {
		if w.volumes.get(volumeID) != nil {
			w.volumes.change(w.now, volumeID, func(v *volume) { v.inFlight-- })
		}
		if w.snapshots.get(id) != nil {
			w.snapshots.change(w.now, id, func(s *snapshot) { s.state, s.completed = snapshotCompleted, w.now })
			w.emitSnapshot(w.snapshots.get(id), "createSnapshot", w.arn("volume", volumeID))
		}
		next()
	})
}

// dropSnapshot takes a snapshot away, and its Fast Snapshot Restores with it.
func (w *World) dropSnapshot(s *snapshot) {
	drop(w, w.snapshots, s.id)
	w.recycleSnapshot(s)
	for _, zone := range w.network.subnets {
		if id := s.id + "/" + zone.zone; w.restores.get(id) != nil {
			drop(w, w.restores, id)
		}
	}
}

// imagesBootingFrom are the images that have a snapshot at their root device: only that one cannot
// be deleted (API reference, DeleteSnapshot).
func (w *World) imagesBootingFrom(snapshotID string) []*image {
	return slices.DeleteFunc(w.imagesUsing(snapshotID), func(img *image) bool {
		return !slices.ContainsFunc(img.mappings,
			func(m mapping) bool { return m.snapshotID == snapshotID && m.device == img.rootName })
	})
}
