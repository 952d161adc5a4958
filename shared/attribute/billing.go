package attribute

import (
	"slices"
	"strings"
)

// The metadata of what is billed without a license (EC2 User Guide, AMI billing information fields).
const (
	linuxPlatform  = "Linux/UNIX"
	linuxOperation = "RunInstances"
)

// billed takes people's word that AWS bills no license of the disk, where nothing else says how it is billed.
func (d *decider) billed() *Refusal {
	says, platform := d.attribute(Billing), d.attribute(PlatformDetails)
	switch {
	case says.Value == "":
		return nil
	case platform.Value == "":
		d.take(statement{PlatformDetails, linuxPlatform, says.Source})
		d.take(statement{UsageOperation, linuxOperation, says.Source})
	case platform.Value != linuxPlatform:
		return refuse(Contradiction, "Take billing out of the settings, or name another snapshot.", "%s; %s",
			says.described(), platform.described())
	}
	return nil
}

// licensed: how a disk of a system is billed that AWS bills a license of must be known before it is registered, as of
// Windows.
func (d *decider) licensed() *Refusal {
	if d.Disk == nil || d.Value(PlatformDetails) != "" {
		return nil
	}
	for _, l := range d.Disk.Loaders {
		if system := systemOf(l.Path); system != "" {
			return refuse(Unknown, "Make the image from an instance: RegisterImage may lose how it is billed. "+
				"Or has it a subscription of your own, so that AWS bills no license of it? "+
				d.command([]string{string(Billing) + "=" + asLinux}),
				"the disk is one of %s (%s), and nothing says how it is billed", system, l.Path)
		}
	}
	return nil
}

// systems are those that AWS bills a license of, and the directories on EFI system partitions that they have.
var systems = []struct {
	name        string
	directories []string
}{
	{"RHEL", []string{"REDHAT"}},
	{"SUSE", []string{"SLES", "SLE", "SUSE"}},
}

// systemOf is the system that a loader is of; "" when it is of none of them.
func systemOf(path string) string {
	parts := strings.Split(strings.ToUpper(path), `\`) // \EFI\REDHAT\SHIMX64.EFI
	for _, s := range systems {
		if len(parts) > 2 && slices.Contains(s.directories, parts[2]) {
			return s.name
		}
	}
	return ""
}
