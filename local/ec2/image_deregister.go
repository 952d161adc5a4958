package ec2

import (
	"time"

	"goldsmith/local/query"
)

// A deregistered image is answered with an empty list for days before it is
// NotFound (spulec/moto#5050); the exact time is not documented.
const tombstone = 72 * time.Hour

func deregisterImage(w *World, call *query.Call) error {
	id := call.Params.Text("ImageId")
	img := w.images.get(id)
	switch {
	case img == nil && !w.tombs[id].IsZero():
		return query.Errorf("InvalidAMIID.Unavailable", "The image ID '%s' is no longer available", id)
	case img == nil:
		return unknownImage(id)
	case img.owner != w.options.Account:
		return query.Errorf("AuthFailure", "Not authorized for image:%s", id)
	case img.protection == protected:
		return query.Errorf("OperationNotPermitted", "The image '%s' is protected from deregistration.", id)
	}
	withSnapshots := call.Params.Bool("DeleteAssociatedSnapshots")
	if err := call.Commit(); err != nil {
		return err
	}
	drop(w, w.images, id)
	w.tombs[id] = w.now
	w.recycle(img)
	w.names[img.name] = w.now.Add(w.takes("name", img.name, w.options.Timing.NameFree))
	w.emitImageState(id, "deregistered", "")
	call.Out.Bool("return", true)
	if withSnapshots {
		w.deleteSnapshotsOf(call, img)
	}
	return nil
}

// deleteSnapshotsOf skips the snapshots that other images use (API reference, DeregisterImage).
func (w *World) deleteSnapshotsOf(call *query.Call, img *image) {
	type result struct{ id, code string }
	var results []result
	for _, m := range img.mappings {
		s := w.snapshots.get(m.snapshotID)
		switch {
		case m.snapshotID == "":
		case s == nil:
			results = append(results, result{m.snapshotID, "client-error"})
		case w.snapshotReturn(img.id) != "":
			results = append(results, result{m.snapshotID, w.snapshotReturn(img.id)})
		case len(w.imagesUsing(m.snapshotID)) > 0:
			results = append(results, result{m.snapshotID, "skipped"})
		case s.locked(w.now):
			results = append(results, result{m.snapshotID, "client-error"})
		default:
			w.dropSnapshot(s)
			results = append(results, result{m.snapshotID, "success"})
		}
	}
	query.Items(call.Out, "deleteSnapshotResultSet", results, func(r result) {
		call.Touch(r.id)
		call.Out.Text("snapshotId", r.id)
		call.Out.Text("returnCode", r.code)
	})
}
