package attribute

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/tag"
)

// windows: how a Windows disk is billed must be known before it is registered, since RegisterImage may lose it.
func (d *decider) windows() *Refusal {
	if d.Disk == nil {
		return nil
	}
	platform := d.attribute(PlatformDetails)
	says := strings.HasPrefix(platform.Value, "Windows")
	switch is := d.Disk.Boots().Windows; {
	case is && platform.Value == "":
		return refuse(Unknown, "Make the image from an instance: RegisterImage may lose how Windows is billed.",
			"the disk is a Windows disk (%s), and nothing says how it is billed", d.Disk)
	case is != says && platform.Value != "" && (is || says):
		return refuse(Contradiction, "Find out which is right.", "platformDetails is %s, says %s; the disk is %s",
			platform.Value, platform.Source, d.Disk)
	}
	return nil
}

// checkDisk holds architecture and boot mode against what the disk starts on.
func (d *decider) checkDisk() *Refusal {
	if d.Disk == nil {
		return nil
	}
	boots, a := d.Disk.Boots(), d.attribute(Architecture)
	if a.Value == "" {
		return nil
	}
	of := types.ArchitectureValues(a.Value)
	if !slices.Contains(boots.Architectures, of) {
		return refuse(Contradiction, "Say what is right, or name another snapshot.",
			"architecture is %s, says %s; the disk starts on %s alone: %s", a.Value, a.Source, list(boots.Architectures), d.Disk)
	}
	mode := d.attribute(BootMode)
	if mode.Value == "" {
		// The disk starts on several architectures; now that one is chosen it says in which modes.
		modes := d.modes([]types.ArchitectureValues{of})
		d.take(statement{BootMode, modes[len(modes)-1], "the disk"})
		return nil
	}
	if !slices.Contains(boots.Modes[of], effective(mode.Value, of)) {
		return refuse(Contradiction, d.command([]string{"bootMode=" + string(boots.Modes[of][len(boots.Modes[of])-1])}),
			"bootMode is %s, says %s; the disk starts in %s alone: %s", inFull(mode.Value,
				of), mode.Source, list(boots.Modes[of]), d.Disk)
	}
	return nil
}

// effective is the mode in which instance types start an image that names none: legacy-bios on those with
// Intel and AMD processors, uefi on Graviton (EC2 User Guide, boot modes).
func effective(mode string, on types.ArchitectureValues) types.BootModeValues {
	switch {
	case mode != none:
		return types.BootModeValues(mode)
	case on == types.ArchitectureValuesArm64:
		return types.BootModeValuesUefi
	}
	return types.BootModeValuesLegacyBios
}

func inFull(mode string, on types.ArchitectureValues) string {
	if mode == none {
		return "not set, which is " + string(effective(mode, on)) + " on " + string(on)
	}
	return mode
}

func list[T ~string](values []T) string {
	var all []string
	for _, v := range values {
		all = append(all, string(v))
	}
	return strings.Join(all, " or ")
}

// checkTogether holds attributes against each other, as EC2 does.
func (d *decider) checkTogether() *Refusal {
	for _, look := range []func() (text, word string){d.armMode, d.tpm, d.uefiData, d.size, d.provisioned} {
		text, word := look()
		switch {
		case text == "":
			continue
		case word == "":
			return refuse(Contradiction, "Say what is right, then ask again.", "%s", text)
		}
		return refuse(Contradiction, d.command([]string{word}), "%s", text)
	}
	return nil
}

func (a Attribute) described() string {
	return fmt.Sprintf("%s is %s, says %s", a.Key, a.Value, a.Source)
}

// armMode: arm64 has UEFI alone.
func (d *decider) armMode() (text, word string) {
	mode := d.attribute(BootMode)
	if d.Value(Architecture) == "arm64" && mode.Value != "uefi" && mode.Value != none {
		return mode.described() + "; " + d.attribute(Architecture).described() + ", which has uefi alone", ""
	}
	return "", ""
}

// tpm: RegisterImage takes TpmSupport with boot mode uefi and no other.
func (d *decider) tpm() (text, word string) {
	if t := d.attribute(TPM); t.Value == "v2.0" && d.Value(BootMode) != "uefi" {
		return t.described() + ", which takes bootMode uefi; " + d.attribute(BootMode).described(), ""
	}
	return "", ""
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// note tells what is unknown and no reason to refuse.
func (d *decider) note() {
	if d.Disk == nil && d.Unread != "" && (d.Refused == nil || d.Refused.Code != Unreadable) {
		d.Notes = append(d.Notes, "the disk was not read: "+d.Unread)
	}
	for _, i := range d.Images {
		if device := i.foreign(d.Evidence.Snapshot); device != "" {
			d.Notes = append(d.Notes, fmt.Sprintf("%s has this snapshot as %s, and not as its root device",
				aws.ToString(i.ImageId), device))
		}
	}
	if d.Refused == nil {
		d.noteKept()
		d.noteUntested()
		d.noteUEFI()
		d.noteUnknown()
		d.noteOffered()
	}
}

// mostOffered is how many snapshots are offered at most: of a policy's run hundreds may look alike.
const mostOffered = 5

// noteOffered tells of snapshots that were started with this one and are not part of the image.
func (d *decider) noteOffered() {
	for n, v := range d.Offered {
		if n == mostOffered {
			d.Notes = append(d.Notes, fmt.Sprintf("%d more snapshots were started with it", len(d.Offered)-n))
			return
		}
		id, device := aws.ToString(v.Snapshot.SnapshotId), cmp.Or(v.Device, "DEVICE")
		text := fmt.Sprintf("%s of %s was started with it, and is not part of the image: ", id, device)
		if v.Image != "" {
			text = fmt.Sprintf("%s of %s is in %s with it, and is not part of the image: ", id, device, v.Image)
		}
		if v.Device == "" {
			text = fmt.Sprintf("%s (%d GiB) was started with it, and is not part of the image: ", id,
				aws.ToInt32(v.Snapshot.VolumeSize))
		}
		if v.Source == "" {
			text += "nothing says that it is of the same instance. If it is, "
		}
		text += "--data " + device + "=" + id
		if v.Source != "" {
			text += ", or its tag " + tag.Device + "=" + device + ","
		}
		d.Notes = append(d.Notes, text+" adds it")
	}
}

// noteUntested tells of what people say of how it starts against all that AWS says. The disk tells of boot modes, and
// of no drivers.
func (d *decider) noteUntested() {
	on := types.ArchitectureValues(d.Value(Architecture))
	for _, k := range []Key{BootMode, ENA, SRIOV} {
		told, same := "", k == BootMode && d.Disk != nil
		for _, s := range d.statements() {
			if s.key == k {
				told = cmp.Or(told, s.value+", says "+s.source)
				same = same || s.value == d.Value(k) || k == BootMode && effective(s.value, on) == effective(d.Value(k), on)
			}
		}
		if told != "" && !same {
			d.Notes = append(d.Notes, d.attribute(k).described()+"; it is "+told+": only a boot test shows whether it starts so")
		}
	}
}

// noteUnknown tells what only a boot test, or a look at the bill, would show of an image that would be registered.
func (d *decider) noteUnknown() {
	if d.Disk != nil {
		d.noteDisk()
	}
	if d.Value(PlatformDetails) == "" {
		d.Notes = append(d.Notes,
			"nothing says how it is billed: of RHEL, SUSE and SQL Server the image may lose its billing unseen")
	}
	if len(d.Images) == 0 && d.Instance == nil {
		d.Notes = append(d.Notes,
			"whether it has the NVMe driver that today's instance types take is not known: only a boot test shows it")
	}
}

// noteDisk tells of what is on the disk, and whether it is enough to start.
func (d *decider) noteDisk() {
	if d.Disk.Damage != "" {
		d.Notes = append(d.Notes, "the disk is damaged: "+d.Disk.Damage)
	}
	if d.Disk.Boots().Untold && d.Value(UEFIData) == "" {
		d.Notes = append(d.Notes,
			"firmware finds its loader only by UEFI data, and there is none: only a boot test shows whether it starts")
	}
	if d.Disk.Alone {
		d.Notes = append(d.Notes, "nothing is on the disk beside what starts it: only a boot test shows whether it starts")
	}
}
