package plan

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
