package disks_test

import (
	"fmt"
	"testing"

	"goldsmith/local/disks"
)

// What a file system's root directory holds tells a system from data, whatever form mkfs gave it.
func TestSystemsOfDebiansTools(t *testing.T) {
	b := open(t)
	if b == nil {
		return
	}
	many := []string{"store"}
	for n := range 300 {
		many = append(many, fmt.Sprintf("customer-%d-with-a-long-name", n))
	}
	for _, form := range []struct {
		what string
		make func(onto string, names []string)
	}{
		{"ext4", func(onto string, names []string) { b.ext4(onto, 10, names) }},
		{"ext4 with blocks of 1 KiB", func(onto string, names []string) { b.ext4(onto, 10, names, "-b", "1024") }},
		{"ext4 with large inodes", func(onto string, names []string) {
			b.ext4(onto, 10, names, "-b", "4096", "-I", "2048")
		}},
		{"ext4 with clusters", func(onto string, names []string) {
			b.ext4(onto, 10, names, "-b", "1024", "-O", "bigalloc", "-C", "16384")
		}},
		{"ext4 with groups of groups", func(onto string, names []string) {
			b.ext4(onto, 10, names, "-O", "meta_bg,64bit,^resize_inode")
		}},
		{"ext2", func(onto string, names []string) { b.ext4(onto, 10, names, "-t", "ext2") }},
		{"ext3 with small inodes", func(onto string, names []string) {
			b.ext4(onto, 10, names, "-t", "ext3", "-I", "128")
		}},
		{"XFS", func(onto string, names []string) { b.xfs(onto, names) }},
		{"XFS of version 4", func(onto string, names []string) { b.xfs(onto, names, "-m", "crc=0") }},
		{"XFS with many extents", func(onto string, names []string) { b.xfs(onto, names, "-i", "nrext64=1") }},
		{"XFS with large inodes", func(onto string, names []string) { b.xfs(onto, names, "-i", "size=2048") }},
		{"XFS without types", func(onto string, names []string) { b.xfs(onto, names, "-m", "crc=0", "-n", "ftype=0") }},
		{"XFS with blocks of 1 KiB", func(onto string, names []string) { b.xfs(onto, names, "-b", "size=1024") }},
	} {
		for _, holds := range []holding{{disks.System, true}, {append(many[:40:40], disks.System...), true}, {nil, false},
			{many[:3], false}, {many[:12], false}, {many[:60], false}} {
			b.tells(t, form.what, form.make, holds)
		}
	}
}

// holding are the names in a root directory, and whether it is one of a system.
type holding struct {
	names  []string
	system bool
}

// tells holds what is said of a disk with a loader, and a file system with these names.
func (b *bench) tells(t *testing.T, form string, lay func(onto string, names []string), of holding) {
	t.Run(fmt.Sprintf("%s with %d names", form, len(of.names)), func(t *testing.T) {
		path := b.disk("label: gpt\nsize=9MiB, type=uefi\ntype=linux\n")
		b.esp(path, 1, 9<<10, "/EFI/BOOT/BOOTX64.EFI", disks.X64)
		lay(path, of.names)
		found := b.read(path)
		if boots := found.Boots() != nil; boots != of.system || boots == found.Doubtful() {
			t.Errorf("a system: %v, found %v", of.system, found)
		}
	})
}

// A directory of thousands of names is a tree, of extents or of pointers, and is read to where it tells of a system.
func TestLongDirectoriesOfDebiansTools(t *testing.T) {
	b := open(t)
	if b == nil {
		return
	}
	var many []string
	for n := range 1500 {
		many = append(many, fmt.Sprintf("customer-%d-with-a-rather-long-name-that-takes-much-room", n))
	}
	for form, lay := range map[string]func(onto string, names []string){
		"ext4":  func(onto string, names []string) { b.ext4(onto, 10, names) },
		"ext2":  func(onto string, names []string) { b.ext4(onto, 10, names, "-t", "ext2", "-b", "1024") },
		"XFS":   func(onto string, names []string) { b.xfs(onto, names) },
		"XFS 4": func(onto string, names []string) { b.xfs(onto, names, "-m", "crc=0", "-b", "size=1024") },
	} {
		b.tells(t, form, lay, holding{many, false})
		b.tells(t, form, lay, holding{append(many[:1400:1400], disks.System...), true})
	}
}
