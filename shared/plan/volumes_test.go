package plan

import (
	"fmt"
	"testing"
)

// A plan names so many devices at most, each as EC2 may name one.
func TestCheckVolumes(t *testing.T) {
	p := Default()
	p.Name = "nightly"
	for n := range MaxDevices {
		p.Image.Volumes.LeaveOut = append(p.Image.Volumes.LeaveOut, fmt.Sprintf("/dev/xvd%c%c", 'b'+n/26, 'a'+n%26))
	}
	if found := p.Check(); len(found) > 0 {
		t.Errorf("%d devices: %v", MaxDevices, found)
	}
	p.Image.Volumes.LeaveOut = append(p.Image.Volumes.LeaveOut, "/dev/sdf")
	if found := p.Check(); len(found) != 1 || found[0].Path != "nightly.image.volumes.leaveOut" {
		t.Errorf("one more: %v", found)
	}
	for device, good := range map[string]bool{
		"/dev/sdf": true, "xvdf": true, "/dev/sda1": true, "/dev/sdf15": true, "/dev/xvdba": true, "": false,
		"/dev/nvme1n1": false,
		"/dev/sd":      false, "sdf ": false, "D:": false, "/dev/mapper/data": false,
	} {
		p.Image.Volumes = Volumes{LeaveOut: []string{device}}
		if found := p.Check(); (len(found) == 0) != good {
			t.Errorf("%q: %v", device, found)
		}
	}
}
