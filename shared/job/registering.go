package job

// Registering is how an image is registered of snapshots.
type Registering struct {
	// Attributes are those of the image, each with who says so.
	Attributes []Attribute `json:"attributes"`
	// Disks are its volumes, the root volume's first.
	Disks []Disk `json:"disks"`
	// Copied is whether there is nothing to wait for: the image is registered of the snapshots themselves.
	Copied bool `json:"copied"`
}

// Attribute is an attribute of an image, by RegisterImage's own name for it.
type Attribute struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// Disk is a volume of an image.
type Disk struct {
	// Device is its name; empty for the root volume's, which is an attribute.
	Device string `json:"device,omitempty"`
	// From is the snapshot that was asked for, Snapshot the one that the image is registered of: its copy, or itself.
	From     string `json:"from"`
	Snapshot string `json:"snapshot,omitempty"`
	// Kept is whether a data volume stays when an instance that is launched from the image is terminated.
	Kept bool `json:"kept,omitempty"`
	// Type is a data volume's, and what it is provisioned with.
	Type       string `json:"type,omitempty"`
	IOPS       int    `json:"iops,omitempty"`
	Throughput int    `json:"throughput,omitempty"`
}

// Root is the snapshot that the image's root volume is registered of.
func (r *Registering) Root() string {
	if r == nil || len(r.Disks) == 0 {
		return ""
	}
	return r.Disks[0].Snapshot
}

// Snapshots are those that the image is registered of.
func (r *Registering) Snapshots() (ids []string) {
	if r == nil {
		return nil
	}
	for _, d := range r.Disks {
		if d.Snapshot != "" {
			ids = append(ids, d.Snapshot)
		}
	}
	return ids
}
