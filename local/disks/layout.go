package disks

import (
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"

	"github.com/diskfs/go-diskfs/backend"
	"github.com/diskfs/go-diskfs/filesystem"
	"github.com/diskfs/go-diskfs/filesystem/fat12"
	"github.com/diskfs/go-diskfs/filesystem/fat16"
	"github.com/diskfs/go-diskfs/filesystem/fat32"
	"github.com/diskfs/go-diskfs/partition/gpt"
	"github.com/diskfs/go-diskfs/partition/mbr"
)

const mib = 1 << 20

// Part is a partition to be.
type Part struct {
	// Type is the GUID of a GPT's, or nothing: Linux.
	Type gpt.Type
	// Code is the type of an MBR's partition.
	Code byte
	MiB  int64
	// Active marks it as one that BIOS boot code starts.
	Active bool
	// Fill writes its contents; at and size are its place on the disk.
	Fill func(d *Disk, at, size int64) error
}

// GPT lays partitions out after each other, from the first MiB on, each aligned to one.
func GPT(gib int64, parts ...Part) (*Disk, error) {
	d := Blank(gib)
	table := &gpt.Table{LogicalSectorSize: 512, PhysicalSectorSize: 512, ProtectiveMBR: true, GUID: serial(0)}
	err := lay(d, parts, func(n int, p Part, at, size int64) {
		entry := &gpt.Partition{
			Index: n + 1, Start: uint64(at / 512), End: uint64((at+size)/512 - 1), Size: uint64(size), //nolint:gosec // of disks in tests
			Type: p.Type, GUID: serial(n + 1),
		}
		if p.Type == "" {
			entry.Type = gpt.LinuxFilesystem
		}
		if p.Active {
			entry.Attributes = 4
		}
		table.Partitions = append(table.Partitions, entry)
	})
	if err != nil {
		return nil, err
	}
	return d, table.Write(d, d.size)
}

// MBR lays up to four partitions out.
func MBR(gib int64, parts ...Part) (*Disk, error) {
	d := Blank(gib)
	table := &mbr.Table{LogicalSectorSize: 512, PhysicalSectorSize: 512}
	err := lay(d, parts, func(n int, p Part, at, size int64) {
		table.Partitions = append(table.Partitions, &mbr.Partition{
			Index: n + 1, Type: mbr.Type(p.Code), Bootable: p.Active,
			Start: uint32(at / 512), Size: uint32(size / 512), //nolint:gosec // of disks in tests
		})
	})
	if err != nil {
		return nil, err
	}
	return d, table.Write(d, d.size)
}

func lay(d *Disk, parts []Part, add func(n int, p Part, at, size int64)) error {
	at := int64(mib)
	for n, p := range parts {
		size := p.MiB * mib
		if at+size > d.size-mib {
			return fmt.Errorf("partition %d does not fit", n+1)
		}
		add(n, p, at, size)
		if p.Fill != nil {
			if err := p.Fill(d, at, size); err != nil {
				return fmt.Errorf("filling partition %d: %w", n+1, err)
			}
		}
		at += size
	}
	return nil
}

// serial is a GUID that is the same each time.
func serial(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n+1) }

// ESP fills a partition with a FAT file system of so many bits that holds the files.
func ESP(bits int, files map[string][]byte) func(*Disk, int64, int64) error {
	return func(d *Disk, at, size int64) error {
		made, err := format(bits, d, size, at)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if err := put(made, name, files[name]); err != nil {
				return err
			}
		}
		return nil
	}
}

func format(bits int, d backend.Storage, size, at int64) (filesystem.FileSystem, error) {
	switch bits {
	case 12:
		return fat12.Create(d, size, at, 512, "ESP", true)
	case 16:
		return fat16.Create(d, size, at, 512, "ESP", true)
	default:
		return fat32.Create(d, size, at, 512, "ESP", true)
	}
}

func put(on filesystem.FileSystem, name string, data []byte) error {
	if err := on.Mkdir(path.Dir(name)); err != nil {
		return err
	}
	f, err := on.OpenFile(name, os.O_CREATE|os.O_RDWR)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Close()
}

// Machines of programs, as PE headers write them.
const (
	X64  = 0x8664
	ARM  = 0xaa64
	IA32 = 0x014c
)

// Program is a UEFI program for a machine, as far as its header goes.
func Program(machine uint16) []byte {
	b := make([]byte, 1024)
	copy(b, "MZ")
	binary.LittleEndian.PutUint32(b[0x3c:], 0x80)
	copy(b[0x80:], "PE\x00\x00")
	binary.LittleEndian.PutUint16(b[0x84:], machine)
	return b
}

// Mark fills a partition with what it is known by, at an offset.
func Mark(offset int64, mark string) func(*Disk, int64, int64) error {
	return func(d *Disk, at, _ int64) error {
		_, err := d.WriteAt([]byte(mark), at+offset)
		return err
	}
}

// EXT4 fills a partition with as much of ext4 as tells it from its predecessors.
func EXT4(d *Disk, at, size int64) error {
	if err := Mark(1080, "\x53\xef")(d, at, size); err != nil {
		return err
	}
	return Mark(1024+96, "\x40")(d, at, size)
}

// BootCode writes GRUB's boot sector, whose core image is at a sector, in front of the table.
func (d *Disk) BootCode(core uint64) error {
	code := make([]byte, 440)
	copy(code, "\xeb\x63\x90")
	binary.LittleEndian.PutUint64(code[0x5c:], core)
	copy(code[0x180:], "GRUB \x00Geom\x00Hard Disk\x00Read\x00 Error")
	if _, err := d.WriteAt(code, 0); err != nil {
		return err
	}
	_, err := d.WriteAt([]byte{0x55, 0xaa}, 510)
	return err
}
