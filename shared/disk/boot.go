package disk

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Boot is what a disk starts on.
type Boot struct {
	// Architectures that it may be registered as. Boot code of legacy-bios says nothing of 32 or 64 bits.
	Architectures []types.ArchitectureValues
	// Modes that it starts in, by architecture.
	Modes map[types.ArchitectureValues][]types.BootModeValues
	// Windows is whether it is a Windows disk.
	Windows bool
	// Untold is whether firmware must be told where the loader is, by UEFI data.
	Untold bool
}

// Believed is the disk with what may be left over taken for what starts it.
func (d Disk) Believed() Disk {
	d.BIOS, d.Left, d.Systemless = cmp.Or(d.BIOS, d.Left), "", ""
	return d
}

// Doubtful reports whether nothing starts it but what may be left over from a system that was there.
func (d Disk) Doubtful() bool { return d.Boots() == nil && d.Believed().Boots() != nil }

// Boots says what the disk starts on; nil for one that is no root volume, and for a doubtful one.
func (d Disk) Boots() *Boot {
	if d.Systemless != "" {
		return nil
	}
	b := &Boot{Modes: map[types.ArchitectureValues][]types.BootModeValues{}, Windows: d.windows()}
	if d.BIOS != "" {
		b.add(types.ArchitectureValuesX8664, types.BootModeValuesLegacyBios)
	}
	loaders := slices.DeleteFunc(slices.Clone(d.Loaders),
		func(l Loader) bool { return l.Architecture == types.ArchitectureValuesI386 })
	if some := slices.DeleteFunc(slices.Clone(loaders), func(l Loader) bool { return !l.Default }); len(some) > 0 {
		loaders = some
	} else {
		b.Untold = len(loaders) > 0
	}
	for _, l := range loaders {
		b.add(l.Architecture, types.BootModeValuesUefi)
	}
	if len(b.Architectures) == 0 {
		return nil
	}
	if d.BIOS != "" && len(loaders) == 0 {
		b.add(types.ArchitectureValuesI386, types.BootModeValuesLegacyBios)
	}
	return b
}

func (b *Boot) add(a types.ArchitectureValues, mode types.BootModeValues) {
	if !slices.Contains(b.Architectures, a) {
		b.Architectures = append(b.Architectures, a)
	}
	if slices.Contains(b.Modes[a], mode) {
		return
	}
	b.Modes[a] = append(b.Modes[a], mode)
	if len(b.Modes[a]) == 2 {
		b.Modes[a] = append(b.Modes[a], types.BootModeValuesUefiPreferred)
	}
}

// windows: its own loader, or its boot partition's file system behind BIOS boot code.
func (d Disk) windows() bool {
	ntfs := func(p Partition) bool { return p.Active && (p.Holds == NTFS || p.Holds == BitLocker) }
	return d.BIOS != "" && slices.ContainsFunc(d.Partitions, ntfs) ||
		slices.ContainsFunc(d.Loaders, func(l Loader) bool { return strings.HasPrefix(l.Path, `\EFI\MICROSOFT\`) })
}

// Refusal is why a disk is no root volume, in words.
func (d Disk) Refusal() string {
	text := d.String() + ": "
	switch {
	case d.Damage != "", slices.ContainsFunc(d.Partitions,
		func(p Partition) bool { return p.kind == efiSystem || p.kind == biosBoot }):
		return text + "nothing on it starts a machine"
	case d.Table == NoTable && (d.Whole == Unknown || d.Whole == Blank):
		return text + "no boot code and no loader"
	}
	return text + "a data volume"
}
