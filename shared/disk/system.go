package disk

import (
	"fmt"
	"slices"
	"strings"
)

// maxSystems is how many file systems are looked into for a system: each takes two or three blocks more. A root file
// system, or one with kernels, is among the first.
const maxSystems = 8

// readSystem looks for what the boot code or a loader would start. Partitioning a disk anew for data may leave both
// where they were, and an EFI system partition in the table.
func readSystem(r *reader, _ []byte, d *Disk) error {
	if d.BIOS == "" && len(d.Loaders) == 0 {
		return nil
	}
	var without []string
	looked, rest := 0, ""
	for _, p := range d.besides(r.size) {
		if p.readable() {
			looked++
		}
		if looked > maxSystems {
			rest = "; others were not looked into"
			break
		}
		text, err := d.without(r, p)
		if err != nil || text == "" {
			return err
		}
		without = append(without, text)
	}
	if d.Alone = len(without) == 0; !d.Alone {
		d.Systemless = "no system in " + strings.Join(without, ", nor in ") + rest
	}
	return nil
}

// confirmLeft takes boot code for what starts the disk, although no partition is marked active, where there is a
// system.
func confirmLeft(r *reader, _ []byte, d *Disk) error {
	looked := 0
	for _, p := range d.besides(r.size) {
		if d.Left == "" || !p.readable() || looked == maxSystems {
			continue
		}
		looked++
		root, ok, err := rootOf(r, p)
		if err != nil {
			return err
		}
		if ok && root.system {
			d.BIOS, d.Left = d.Left, ""
		}
	}
	return nil
}

// besides are the partitions with something in them that is not there to start others, or the disk itself where it has
// no table.
func (d *Disk) besides(size int64) []Partition {
	all := slices.Clone(d.Partitions)
	if d.Table == NoTable {
		all = []Partition{{Size: size, Holds: d.Whole, kind: efiSystem}}
		if d.Whole != FAT {
			all[0].kind = other
		}
	}
	return slices.DeleteFunc(all, func(p Partition) bool {
		return p.kind == efiSystem || p.kind == biosBoot || p.kind == reserved || p.Holds == Blank
	})
}

// without says in words that a partition holds no system, and what it holds; "" for one that may hold one.
func (d *Disk) without(r *reader, p Partition) (string, error) {
	switch {
	case p.never():
		return fmt.Sprintf("%s (%s)", p.place(), p.Holds), nil
	case (p.Holds == NTFS || p.Holds == BitLocker) && !d.windows():
		return fmt.Sprintf("%s (%s, and no loader of Windows)", p.place(), p.Holds), nil
	case !p.readable():
		return "", nil
	}
	root, ok, err := rootOf(r, p)
	if err != nil || !ok || root.system {
		return "", err
	}
	if root.part {
		return "what was read of " + p.place() + " (" + root.String() + ")", nil
	}
	return p.place() + " (" + root.String() + ")", nil
}

// never reports whether it holds what no system is in. An active FAT is what the boot code starts.
func (p Partition) never() bool {
	return p.Holds == FAT && !p.Active || p.Holds == ExFAT || p.Holds == Swap
}

// readable reports whether the root directory of its file system can be read.
func (p Partition) readable() bool { return p.Holds == EXT || p.Holds == EXT4 || p.Holds == XFS }

// place is a partition in words; one without a number is the disk.
func (p Partition) place() string {
	if p.Number == 0 {
		return "its file system"
	}
	return "partition " + p.number()
}
