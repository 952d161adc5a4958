package ec2

import "time"

// Times is how long EC2 itself took over an instance.
type Times struct {
	Launched  time.Time
	Stop      time.Duration // the last stop, from the call to stopped
	Snapshots time.Duration // the last CreateImage, from the call to its last snapshot being there
	Start     time.Duration // the last start, from the call to running
}

// Minimum is the least downtime that stopping, imaging and starting can have.
func (t Times) Minimum() time.Duration { return t.Stop + t.Snapshots + t.Start }

// Times tells an instance's times, zero for an unknown instance.
func (w *World) Times(instanceID string) Times {
	w.lock()
	defer w.unlock()
	if i := w.instances.get(instanceID); i != nil {
		return i.times
	}
	return Times{}
}

// State is an instance's state now; Terminated for one that is gone or never was.
func (w *World) State(instanceID string) State {
	w.lock()
	defer w.unlock()
	if i := w.instances.get(instanceID); i != nil {
		return i.state
	}
	return Terminated
}

// VPC is the one that an instance is in; "" for one that is gone or never was.
func (w *World) VPC(instanceID string) string {
	w.lock()
	defer w.unlock()
	if i := w.instances.get(instanceID); i != nil {
		return i.placed.vpc
	}
	return ""
}

// Booted reports whether an instance runs and has booted: both of its status checks pass.
func (w *World) Booted(instanceID string) bool {
	w.lock()
	defer w.unlock()
	i := w.instances.get(instanceID)
	return i != nil && status(i, w.now) == "ok" && instanceStatus(i, w.now) == "ok"
}

// registers is how long after it runs an instance's Systems Manager agent has
// registered: it starts early in the boot.
const registers = 30 * time.Second

// Managed tells whether Systems Manager knows an instance: it has a profile, and its agent has come up.
func (w *World) Managed(instanceID string) bool {
	w.lock()
	defer w.unlock()
	i := w.instances.get(instanceID)
	return i != nil && i.state == Running && i.profile != "" && !w.now.Before(i.ranAt.Add(registers))
}

// Tags are the tags a resource carries now; nil for one that is gone or never was.
func (w *World) Tags(id string) map[string]string {
	w.lock()
	defer w.unlock()
	k := kind(id)
	if k == nil {
		return nil
	}
	list, _ := k.read(w, id)
	tags := make(map[string]string, len(list))
	for _, t := range list {
		tags[t.Key] = t.Value
	}
	return tags
}

// Taken is what an image holds.
type Taken struct {
	Snapshots int               // that have appeared
	Live      bool              // a snapshot was taken while the instance could write
	Rebooted  bool              // CreateImage rebooted the instance
	Writes    map[string]uint64 // by volume, its write counter at the moment of the snapshot
}

// Taken tells what an image holds, by the snapshots that have appeared so far.
func (w *World) Taken(imageID string) Taken {
	w.lock()
	defer w.unlock()
	img := w.images.get(imageID)
	if img == nil {
		return Taken{}
	}
	taken := Taken{Rebooted: img.rebooted, Writes: map[string]uint64{}}
	for _, m := range img.mappings {
		if s := w.snapshots.get(m.snapshotID); s != nil {
			taken.Snapshots++
			taken.Live = taken.Live || s.live
			taken.Writes[s.volumeID] = s.content
		}
	}
	return taken
}

// Writes is a volume's write counter now; zero for an unknown volume.
func (w *World) Writes(volumeID string) uint64 {
	w.lock()
	defer w.unlock()
	if v := w.volumes.get(volumeID); v != nil {
		return v.writes(w.now)
	}
	return 0
}

// Launchable tells whether the account may launch an image now.
func (w *World) Launchable(imageID string) bool {
	w.lock()
	defer w.unlock()
	i := w.images.get(imageID)
	return i != nil && i.state == imageAvailable
}
