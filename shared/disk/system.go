package disk

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// maxSystems is how many file systems are looked into for a system: each takes two or three blocks more.
const maxSystems = 4

// readSystem looks for what the boot code or a loader would start. Partitioning a disk anew for data may leave both
// where they were, and an EFI system partition in the table.
func readSystem(r *reader, _ []byte, d *Disk) error {
	if d.BIOS == "" && len(d.Loaders) == 0 {
		return nil
	}
	var without []string
	looked := 0
	for _, p := range d.besides(r.size) {
		if p.readable() {
			looked++
		}
		if looked > maxSystems {
			return nil
		}
		text, err := d.without(r, p)
		if err != nil || text == "" {
			return err
		}
		without = append(without, text)
	}
	if d.Alone = len(without) == 0; !d.Alone {
		d.Systemless = "no system in " + strings.Join(without, ", nor in ")
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
		return p.kind == efiSystem || p.kind == biosBoot || p.kind == reserved || p.Holds == Blank || p.Holds == Swap
	})
}

// without says in words that a partition holds no system, and what it holds; "" for one that may hold one.
func (d *Disk) without(r *reader, p Partition) (string, error) {
	switch {
	case p.Holds == FAT && !p.Active: // Else it is what the boot code starts.
		return p.place() + " (FAT)", nil
	case (p.Holds == NTFS || p.Holds == BitLocker) && !d.windows():
		return fmt.Sprintf("%s (%s, and no loader of Windows)", p.place(), p.Holds), nil
	case !p.readable():
		return "", nil
	}
	names, ok, err := rootNames(r, p)
	if err != nil || !ok || isSystem(names) {
		return "", err
	}
	return p.place() + " (" + inWords(names) + ")", nil
}

// readable reports whether the root directory of its file system can be read.
func (p Partition) readable() bool { return p.Holds == EXT || p.Holds == EXT4 || p.Holds == XFS }

// rootNames are the names in the root directory of the file system on a partition; ok is false for one that is damaged
// or of a form that is not known here.
func rootNames(r *reader, p Partition) (names []string, ok bool, err error) {
	part := &reader{at: io.NewSectionReader(r.at, p.Start, p.Size), size: min(p.Size, r.size-p.Start)}
	if p.Holds == XFS {
		names, err = xfsNames(part)
	} else {
		names, err = extNames(part)
	}
	if errors.Is(err, ErrDamaged) {
		return nil, false, nil
	}
	return names, err == nil, err
}

// Names that a root directory has (Filesystem Hierarchy Standard), and that tell a system of another layout or a file
// system with kernels: it has one of these, or one that begins so.
var (
	rootHas   = []string{"etc", "usr"}
	systemHas = []string{"ostree", "nix", "grub", "grub2", "loader", "extlinux", "syslinux", "isolinux", "live",
		"casper"}
	systemBegins = []string{"vmlinu", "initrd", "initramfs", "bzImage", "kernel", "System.map"}
)

func isSystem(names []string) bool {
	has := func(name string) bool { return slices.Contains(names, name) }
	begins := func(name string) bool {
		return slices.ContainsFunc(systemBegins, func(with string) bool { return strings.HasPrefix(name, with) })
	}
	all := !slices.ContainsFunc(rootHas, func(name string) bool { return !has(name) })
	return all || slices.ContainsFunc(systemHas, has) || slices.ContainsFunc(names, begins)
}

// namesTold is how many names are told of a directory.
const namesTold = 4

func inWords(names []string) string {
	if len(names) == 0 {
		return "which is empty"
	}
	var told []string
	for _, name := range names[:min(namesTold, len(names))] {
		quoted := strconv.QuoteToASCII(name)
		told = append(told, quoted[1:len(quoted)-1])
	}
	if more := len(names) - namesTold; more > 0 {
		told = append(told, fmt.Sprintf("%d more", more))
	}
	return strings.Join(told, ", ")
}

// place is a partition in words; one without a number is the disk.
func (p Partition) place() string {
	if p.Number == 0 {
		return "its file system"
	}
	return "partition " + p.number()
}
