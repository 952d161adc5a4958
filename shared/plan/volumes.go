package plan

// Volumes say which volumes of an instance are left out of its image. The root never is.
type Volumes struct {
	// LeaveOut are devices, at most 40, each as EC2 names it for the instance, letter by letter: /dev/sdf. Default: none.
	LeaveOut []string `json:"leaveOut,omitempty"`
	// Tagged leaves out volumes that carry the tag goldsmith:image=no. Whoever may tag volumes then decides what the
	// backups hold. Default false: the tag counts for nothing.
	Tagged bool `json:"tagged,omitempty"`
	// RootOnly leaves out all but the root. Default false.
	RootOnly bool `json:"rootOnly,omitempty"`
}

// IsZero reports whether every volume is in the image.
func (v Volumes) IsZero() bool { return len(v.LeaveOut) == 0 && !v.Tagged && !v.RootOnly }

// volumes is about what is left out of the images of instances.
func (c *checker) volumes(p Plan) {
	v := p.Image.Volumes
	for i, device := range v.LeaveOut {
		c.form(item("image.volumes.leaveOut", i, v.LeaveOut), device, deviceForm,
			"no device; want one as EC2 names it for the instance, such as /dev/sdf or /dev/xvdba")
	}
	once(c, "image.volumes.leaveOut", v.LeaveOut)
	if n := len(v.LeaveOut); n > MaxDevices {
		c.add("image.volumes.leaveOut",
			"%d devices are more than %d: leave out all but the root (rootOnly), or tag the volumes",
			n, MaxDevices)
	}
	if v.RootOnly && (v.Tagged || len(v.LeaveOut) > 0) {
		c.add("image.volumes.rootOnly",
			"leaves out everything but the root, so that leaveOut and tagged mean nothing beside it: "+
				"leave one of them out")
	}
	if p.Sources.OfSnapshots() && !v.IsZero() {
		c.add("image.volumes",
			"means nothing with sources.snapshots: an image of a snapshot holds the volumes that are added to it")
	}
}
