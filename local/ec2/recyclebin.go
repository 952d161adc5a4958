package ec2

import (
	"time"

	"goldsmith/local/query"
)

// binned is something in the Recycle Bin.
type binned[T any] struct {
	kept            *T
	entered, leaves time.Time
}

// SetRecycleBin gives the account a Recycle Bin retention rule for all images: one that is deregistered from
// now on stays in the bin for that long; 0 is an account without a rule.
func (w *World) SetRecycleBin(keep time.Duration) {
	w.lock()
	defer w.unlock()
	w.binFor = keep
}

// SetSnapshotRecycleBin does the same for snapshots that are deleted.
func (w *World) SetSnapshotRecycleBin(keep time.Duration) {
	w.lock()
	defer w.unlock()
	w.snapshotBinFor = keep
}

func (w *World) recycle(img *image) {
	if w.binFor > 0 {
		throw(w, w.bin, img.id, img, w.binFor)
	}
}

func (w *World) recycleSnapshot(s *snapshot) {
	if w.snapshotBinFor > 0 {
		throw(w, w.snapshotBin, s.id, s, w.snapshotBinFor)
	}
}

func throw[T any](w *World, bin *store[binned[T]], id string, kept *T, stays time.Duration) {
	b := &binned[T]{kept, w.now, w.now.Add(stays)}
	bin.put(w.now, id, b)
	w.after(stays, func() {
		if bin.get(id) == b {
			drop(w, bin, id)
		}
	})
}

func listImagesInRecycleBin(w *World, call *query.Call) error {
	if n := len(call.Params.Texts("ImageId")); n > maxBinImages {
		return query.Errorf("InvalidParameterValue", "The maximum number of image IDs is %d.", maxBinImages)
	}
	found, next, err := list(w, call, listing[binned[image]]{
		store: w.bin, ids: "ImageId", min: 5, max: 1000, page: 1000,
		unknown: func(string) error { return nil },
	})
	if err != nil {
		return err
	}
	query.Items(call.Out, "imageSet", found, func(b *binned[image]) {
		call.Out.Text("imageId", b.kept.id)
		call.Out.Text("name", b.kept.name)
		call.Out.Optional("description", b.kept.description)
		writeStay(call.Out, b.entered, b.leaves)
	})
	call.Out.Optional("nextToken", next)
	return nil
}

func writeStay(out *query.Writer, entered, leaves time.Time) {
	out.Time("recycleBinEnterTime", entered)
	out.Time("recycleBinExitTime", leaves)
}

// restoreImageFromRecycleBin: the image is what it was, tags and id included. Its snapshots are
// restored first (EBS User Guide, "Recover deleted EBS-backed AMIs from Recycle Bin"); the code for
// one that is gone, and for a name that was taken meanwhile, is unverified.
func restoreImageFromRecycleBin(w *World, call *query.Call) error {
	id := call.Params.Text("ImageId")
	b := w.bin.get(id)
	if b == nil {
		return unknownImage(id)
	}
	for _, m := range b.kept.mappings {
		if m.snapshotID != "" && w.snapshots.get(m.snapshotID) == nil {
			return unknownSnapshot(m.snapshotID)
		}
	}
	if taken := w.imageByName(b.kept.name); taken != nil {
		return query.Errorf("InvalidAMIName.Duplicate", "AMI name %s is already in use by AMI %s", taken.name, taken.id)
	}
	if err := call.Commit(); err != nil {
		return err
	}
	drop(w, w.bin, id)
	delete(w.tombs, id)
	img := *b.kept
	tags := img.tags
	img.tags = nil
	w.images.revive(id)
	w.addImage(&img, tags)
	call.Touch(id)
	call.Out.Bool("return", true)
	return nil
}

func listSnapshotsInRecycleBin(w *World, call *query.Call) error {
	found, next, err := list(w, call, listing[binned[snapshot]]{
		store: w.snapshotBin, ids: "SnapshotId", min: 5, max: 1000, page: 1000,
		unknown: func(string) error { return nil },
	})
	if err != nil {
		return err
	}
	query.Items(call.Out, "snapshotSet", found, func(b *binned[snapshot]) {
		call.Out.Text("snapshotId", b.kept.id)
		call.Out.Text("volumeId", b.kept.volumeID)
		call.Out.Optional("description", b.kept.description)
		writeStay(call.Out, b.entered, b.leaves)
	})
	call.Out.Optional("nextToken", next)
	return nil
}

func restoreSnapshotFromRecycleBin(w *World, call *query.Call) error {
	id := call.Params.Text("SnapshotId")
	b := w.snapshotBin.get(id)
	if b == nil {
		return unknownSnapshot(id)
	}
	if err := call.Commit(); err != nil {
		return err
	}
	drop(w, w.snapshotBin, id)
	s := *b.kept
	tags := s.tags
	s.tags = nil
	w.snapshots.revive(id)
	w.addStored(&s, tags)
	call.Touch(id)
	writeSnapshot(call.Out, w.snapshots.get(id), w.now, "status")
	return nil
}
