package disk

import (
	"fmt"
	"strconv"
	"strings"
)

func (p Partition) number() string { return strconv.Itoa(p.Number) }

// String is what was found, in words: "GPT with 2 partitions: 1 EFI system (FAT), 2 Linux (ext4)".
func (d Disk) String() string {
	parts := []string{d.layout()}
	if d.Damage != "" {
		parts = append(parts, d.Damage)
	}
	if d.BIOS != "" {
		parts = append(parts, d.BIOS)
	}
	if d.Left != "" {
		parts = append(parts, "boot code of "+d.Left+", and no active partition with a system")
	}
	for _, l := range d.Loaders {
		parts = append(parts, l.Path)
	}
	if d.Systemless != "" {
		parts = append(parts, d.Systemless)
	}
	return strings.Join(append(parts, d.Notes...), "; ")
}

func (d Disk) layout() string {
	switch {
	case d.Table == NoTable && d.Whole == Blank:
		return "no partition table, and it begins with nothing but zeros"
	case d.Table == NoTable && d.Whole == Unknown:
		return "no partition table and no known file system"
	case d.Table == NoTable:
		return "one " + string(d.Whole) + " file system, no partition table"
	case len(d.Partitions) == 0:
		return string(d.Table) + " without partitions"
	}
	var all []string
	for n, p := range d.Partitions {
		if n >= maxPartitions {
			all = append(all, "...")
			break
		}
		all = append(all, p.String())
	}
	noun := "partitions"
	if len(d.Partitions) == 1 {
		noun = "partition"
	}
	return fmt.Sprintf("%s with %d %s: %s", d.Table, len(d.Partitions), noun, strings.Join(all, ", "))
}

// String is a partition in words: "2 Linux (ext4)".
func (p Partition) String() string {
	text := p.number() + " " + p.Type
	if p.Holds != Unknown {
		text += " (" + string(p.Holds) + ")"
	}
	return text
}
