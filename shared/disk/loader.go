package disk

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// UEFI's default paths of removable media (UEFI specification 2.10, 3.5.1.1), which EC2's firmware
// starts unless its variables name another.
var defaults = map[string]types.ArchitectureValues{
	"BOOTX64.EFI":  types.ArchitectureValuesX8664,
	"BOOTAA64.EFI": types.ArchitectureValuesArm64,
}

// Bounds of looking around on an EFI system partition: a system has a few vendors with a few programs each.
const (
	maxESPs     = 4
	maxVendors  = 16
	maxPrograms = 16
)

func readLoaders(r *reader, _ []byte, d *Disk) error {
	looked := 0
	for _, p := range d.Partitions {
		if p.kind != efiSystem || looked == maxESPs {
			continue
		}
		looked++
		err := d.loadersAt(r, p.Start, p.Size)
		if err := d.tolerate(err, "EFI system partition "+p.number()); err != nil {
			return err
		}
	}
	if d.Table == NoTable && d.Whole == FAT { // Firmware takes a disk without a table as one partition.
		err := d.loadersAt(r, 0, r.size)
		if err := d.tolerate(err, "the disk's FAT file system"); err != nil {
			return err
		}
	}
	slices.SortStableFunc(d.Loaders, func(a, b Loader) int { return cmp.Compare(rank(a), rank(b)) })
	return nil
}

func rank(l Loader) int {
	if l.Default {
		return 0
	}
	return 1
}

func (d *Disk) loadersAt(r *reader, at, size int64) error {
	f, err := openFAT(r, at, size)
	if err != nil {
		return err
	}
	root, err := f.top()
	if err != nil {
		return err
	}
	efi := named(root, "EFI")
	if efi == nil {
		return nil
	}
	vendors, err := f.directory(efi.first)
	if err != nil {
		return err
	}
	first(vendors, func(v file) bool { return strings.EqualFold(v.name, "BOOT") })
	looked := 0
	for _, vendor := range vendors {
		if looked == maxVendors || !vendor.directory || strings.HasPrefix(vendor.name, ".") {
			continue
		}
		looked++
		if err := d.vendor(f, `\EFI\`+strings.ToUpper(vendor.name)+`\`, vendor, 0); err != nil {
			return err
		}
	}
	return nil
}

// first puts files that are wanted before the others, so that no bound leaves them out.
func first(files []file, wanted func(file) bool) {
	slices.SortStableFunc(files, func(a, b file) int {
		switch {
		case wanted(a) == wanted(b):
			return 0
		case wanted(a):
			return -1
		}
		return 1
	})
}

// vendor collects the programs of a vendor's directory. Windows keeps its own one level deeper, in Microsoft\Boot.
func (d *Disk) vendor(f *fat, path string, in file, depth int) error {
	files, err := f.directory(in.first)
	if err != nil {
		return err
	}
	if boot := named(files, "BOOT"); boot != nil && depth == 0 {
		if err := d.vendor(f, path+`BOOT\`, *boot, depth+1); err != nil {
			return err
		}
	}
	first(files, func(e file) bool { return defaults[strings.ToUpper(e.name)] != "" })
	programs := 0
	for _, entry := range files {
		name := strings.ToUpper(entry.name)
		if programs == maxPrograms || entry.directory || !strings.HasSuffix(name, ".EFI") {
			continue
		}
		programs++
		if err := d.program(f, path+name, entry); err != nil {
			return err
		}
	}
	return nil
}

func (d *Disk) program(f *fat, path string, entry file) error {
	machine, err := f.machine(entry)
	if err != nil && !errors.Is(err, ErrDamaged) {
		return err
	}
	name := path[strings.LastIndex(path, `\`)+1:]
	want, standard := defaults[name]
	standard = standard && path == `\EFI\BOOT\`+name
	switch {
	case standard && machine == "":
		d.Notes = append(d.Notes, path+" is no UEFI program")
		return nil
	case standard && machine != want:
		d.Notes = append(d.Notes, fmt.Sprintf("%s is a program for %s", path, machine))
		return nil
	case machine == "":
		return nil
	}
	d.Loaders = append(d.Loaders, Loader{Path: path, Architecture: machine, Default: standard})
	return nil
}

// Offsets of a PE file, which every UEFI program is (Microsoft, PE Format).
const (
	peOffset = 0x3c
	peSign   = "PE\x00\x00"
)

// machine is the architecture in the header of a program; "" when it is no program for one of EC2's.
func (f *fat) machine(entry file) (types.ArchitectureValues, error) {
	at, err := f.where(entry.first)
	if err != nil {
		return "", err
	}
	// The header lies in the first KiB of every linker's output; a cluster is at least as long as a sector.
	n := int(min(f.cluster, 1024))
	b, err := f.r.bytes(at, n)
	if err != nil {
		return "", err
	}
	header := int64(binary.LittleEndian.Uint32(b[peOffset:]))
	if string(b[:2]) != "MZ" || header+6 > int64(n) || string(b[header:header+4]) != peSign {
		return "", nil
	}
	switch binary.LittleEndian.Uint16(b[header+4:]) {
	case 0x8664:
		return types.ArchitectureValuesX8664, nil
	case 0xaa64:
		return types.ArchitectureValuesArm64, nil
	case 0x014c:
		return types.ArchitectureValuesI386, nil
	}
	return "", nil
}

func named(files []file, name string) *file {
	for n := range files {
		if files[n].directory && strings.EqualFold(files[n].name, name) {
			return &files[n]
		}
	}
	return nil
}
