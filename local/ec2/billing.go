package ec2

// billing is what a snapshot's metadata says of how what is launched from it is billed (API reference, RegisterImage).
// Which snapshots have it is not documented: here those of root volumes, and copies of them.
type billing struct{ platform, details, usage string }

// of is how an image is billed that is registered of a snapshot: as Linux without metadata.
func (b billing) of() (platform, details, usage string) {
	if b.details == "" {
		return "", "Linux/UNIX", "RunInstances"
	}
	return b.platform, b.details, b.usage
}

func (w *World) billingOf(mappings []mapping, root string) billing {
	for _, m := range mappings {
		if s := w.snapshots.get(m.snapshotID); m.device == root && s != nil {
			return s.billing
		}
	}
	return billing{}
}

// LoseBilling takes the metadata off a snapshot that says how it is billed.
func (w *World) LoseBilling(snapshotID string) {
	w.lock()
	defer w.unlock()
	w.snapshots.change(w.now, snapshotID, func(s *snapshot) { s.billing = billing{} })
}
