package job

import "slices"

// LeftOut is a volume of an instance that is left out of its image.
type LeftOut struct {
	Device string `json:"device"`
	Volume string `json:"volume"`
	// Tagged is whether it is for the volume's tag; else the plan names its device, or only the root is wanted.
	Tagged bool `json:"tagged,omitempty"`
	// Snapshot is one that EC2 has made of it all the same; empty where none was seen.
	Snapshot string `json:"snapshot,omitempty"`
}

// Leaves reports whether a volume is to be left out of the image.
func (i Image) Leaves(volume string) bool {
	return slices.ContainsFunc(i.LeftOut, func(l LeftOut) bool { return l.Volume == volume })
}

// Without are the devices that are to be left out of the image.
func (i Image) Without() (devices []string) {
	for _, l := range i.LeftOut {
		devices = append(devices, l.Device)
	}
	return devices
}
