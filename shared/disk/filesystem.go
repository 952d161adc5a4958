package disk

import (
	"bytes"
	"encoding/binary"
)

// FileSystem is what a partition, or a disk without a table, begins with.
type FileSystem string

// What Read tells apart.
const (
	Unknown   FileSystem = ""
	Blank     FileSystem = "nothing"
	EXT       FileSystem = "ext2, ext3 or ext4"
	EXT4      FileSystem = "ext4"
	XFS       FileSystem = "XFS"
	BTRFS     FileSystem = "Btrfs"
	NTFS      FileSystem = "NTFS"
	FAT       FileSystem = "FAT"
	ExFAT     FileSystem = "exFAT"
	LUKS      FileSystem = "LUKS"
	BitLocker FileSystem = "BitLocker"
	LVM       FileSystem = "LVM"
	Swap      FileSystem = "swap"
)

// maxPartitions is how many partitions are looked into: no tool lays out a root disk with more, and
// each may cost a block.
const maxPartitions = 16

func readFileSystems(r *reader, _ []byte, d *Disk) error {
	if d.Table == NoTable {
		var err error
		d.Whole, err = fileSystemAt(r, 0, r.size)
		return d.tolerate(err, "the disk's beginning")
	}
	for n := range d.Partitions {
		p := &d.Partitions[n]
		if n >= maxPartitions || p.kind == extended || p.kind == biosBoot {
			continue
		}
		holds, err := fileSystemAt(r, p.Start, p.Size)
		if err := d.tolerate(err, "partition "+p.number()); err != nil {
			return err
		}
		p.Holds = holds
	}
	return nil
}

// signature is a file system's mark, at an offset from its beginning.
type signature struct {
	at   int
	mark string
	is   FileSystem
}

// The marks are those that libblkid probes for.
var signatures = []signature{
	{0, "LUKS\xba\xbe", LUKS},
	{0, "XFSB", XFS},
	{3, "-FVE-FS-", BitLocker},
	{3, "NTFS    ", NTFS},
	{3, "EXFAT   ", ExFAT},
	{512, "LABELONE", LVM},
	{0, "LABELONE", LVM},
	{1024, "LABELONE", LVM},
	{1536, "LABELONE", LVM},
	{4086, "SWAPSPACE2", Swap},
	{1080, "\x53\xef", EXT},
}

// Enough for every mark but that of Btrfs, which lies at 64 KiB.
const (
	marks     = 4096
	btrfsAt   = 64<<10 + 64
	btrfsMark = "_BHRfS_M"
)

func fileSystemAt(r *reader, at, size int64) (FileSystem, error) {
	if size < marks {
		return Unknown, nil
	}
	b, err := r.bytes(at, marks)
	if err != nil {
		return Unknown, err
	}
	for _, s := range signatures {
		if bytes.HasPrefix(b[s.at:], []byte(s.mark)) {
			return s.refined(b), nil
		}
	}
	if bareFAT(b) {
		return FAT, nil
	}
	if size < btrfsAt+int64(len(btrfsMark)) {
		return blankOr(b), nil
	}
	mark, err := r.bytes(at+btrfsAt, len(btrfsMark))
	if err != nil {
		return Unknown, err
	}
	if string(mark) == btrfsMark {
		return BTRFS, nil
	}
	return blankOr(b), nil
}

func blankOr(b []byte) FileSystem {
	if empty(b) {
		return Blank
	}
	return Unknown
}

// refined tells ext4 from its predecessors: it has extents (feature bit 0x40 of the superblock).
func (s signature) refined(b []byte) FileSystem {
	if s.is == EXT && binary.LittleEndian.Uint32(b[1024+96:])&0x40 != 0 {
		return EXT4
	}
	return s.is
}

// bareFileSystem reports whether a signed first sector is a file system's own.
func bareFileSystem(first []byte) bool {
	return bareFAT(first) || bytes.HasPrefix(first[3:], []byte("NTFS    ")) ||
		bytes.HasPrefix(first[3:], []byte("-FVE-FS-")) ||
		bytes.HasPrefix(first[3:], []byte("EXFAT   "))
}

// bareFAT reports whether a boot sector is one of a FAT file system.
func bareFAT(b []byte) bool {
	_, err := layoutOf(b[:sector], 1<<62)
	return err == nil
}
