package disk

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
)

// Offsets of the master boot record (UEFI specification 2.10, 5.2).
const (
	bootCode    = 440 // bytes of code before the disk's signature
	mbrEntries  = 446
	mbrEntry    = 16
	mbrSign     = 510
	protective  = 0xee
	activeEntry = 0x80
)

func readTable(r *reader, first []byte, d *Disk) error {
	if !signed(first) {
		return d.noteHiddenGPT(r)
	}
	entries, guarded, ok := readMBR(first, r.size)
	switch {
	case guarded:
		return readGPT(r, d)
	case !ok:
		return nil
	case len(entries) == 0:
		// Boot code may also stand in front of a file system that fills the disk.
		whole, err := fileSystemAt(r, 0, r.size)
		if err != nil || whole != Unknown && whole != Blank {
			return d.tolerate(err, "the disk's beginning")
		}
	}
	d.Table, d.Partitions = MBR, entries
	return nil
}

func signed(b []byte) bool { return b[mbrSign] == 0x55 && b[mbrSign+1] == 0xaa }

// noteHiddenGPT tells of a GPT behind a lost protective MBR: firmware does not see it.
func (d *Disk) noteHiddenGPT(r *reader) error {
	header, err := r.bytes(sector, sector)
	if err != nil {
		return d.tolerate(err, "looking for a GPT")
	}
	if string(header[:8]) == gptSign {
		d.Damage = "a GPT without its protective MBR"
	}
	return nil
}

// readMBR reads the four entries. The first sector of a bare FAT or NTFS file system is signed as
// well, and has code or text where the entries are: ok is whether they make a table.
func readMBR(first []byte, size int64) (found []Partition, guarded, ok bool) {
	for n := range 4 {
		e := first[mbrEntries+n*mbrEntry:][:mbrEntry]
		from, length := int64(binary.LittleEndian.Uint32(e[8:])), int64(binary.LittleEndian.Uint32(e[12:]))
		switch {
		case empty(e):
			continue
		case e[0] != 0 && e[0] != activeEntry:
			return nil, false, false
		case e[4] == protective:
			return nil, true, true
		case e[4] == 0 || from == 0 || length == 0:
			return nil, false, false
		}
		name, kind := mbrType(e[4])
		found = append(found, Partition{
			Number: n + 1, Type: name, kind: kind, Start: from * sector, Size: length * sector, Active: e[0] == activeEntry,
		})
	}
	if len(found) == 0 {
		return nil, false, !bareFileSystem(first)
	}
	return found, false, slices.ContainsFunc(found, func(p Partition) bool { return p.Start < size })
}

// Offsets of a GPT header (UEFI specification 2.10, 5.3.2).
const (
	gptSign   = "EFI PART"
	gptHeader = 92
	gptEntry  = 128
	// The specification wants room for at least 128 entries, and tools write that many. A table with
	// more is read to here; 1024 entries are 128 KiB.
	maxEntries = 1024
)

// readGPT reads the first header, or the backup on the disk's last sector when that is damaged.
func readGPT(r *reader, d *Disk) error {
	d.Table = GPT
	primary, err := readGPTAt(r, sector)
	if err == nil {
		d.Partitions = primary
		return nil
	}
	if soft := d.tolerate(err, "first GPT"); soft != nil {
		return soft
	}
	backup, other := readGPTAt(r, r.size-sector)
	if other == nil {
		d.Partitions = backup
		d.Damage = "its first GPT is damaged, its backup is whole"
		return nil
	}
	if soft := d.tolerate(other, "backup GPT"); soft != nil {
		return soft
	}
	d.Damage = "both copies of its GPT are damaged"
	return d.noteWideSectors(r)
}

// noteWideSectors tells of a disk laid out for sectors of 4096 bytes, as a copy of a local disk may be.
func (d *Disk) noteWideSectors(r *reader) error {
	header, err := r.bytes(4096, sector)
	if err != nil {
		return d.tolerate(err, "looking for a GPT for sectors of 4096 bytes")
	}
	if string(header[:8]) == gptSign {
		d.Damage = "its GPT is for sectors of 4096 bytes, and EBS volumes have 512"
	}
	return nil
}

func readGPTAt(r *reader, at int64) ([]Partition, error) {
	header, err := r.bytes(at, sector)
	if err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(header[12:])
	switch {
	case string(header[:8]) != gptSign:
		return nil, fmt.Errorf("%w: no GPT header", ErrDamaged)
	case size < gptHeader || size > sector || !checked(header[:size], 16):
		return nil, fmt.Errorf("%w: the checksum of the header is wrong", ErrDamaged)
	}
	return readEntries(r, header)
}

func readEntries(r *reader, header []byte) ([]Partition, error) {
	start := binary.LittleEndian.Uint64(header[72:])
	count, width := binary.LittleEndian.Uint32(header[80:]), binary.LittleEndian.Uint32(header[84:])
	if width != gptEntry || count > maxEntries || start > uint64(r.size/sector) { //nolint:gosec // a disk's size is not negative
		return nil, fmt.Errorf("%w: %d entries of %d bytes at sector %d", ErrDamaged, count, width, start)
	}
	entries, err := r.bytes(int64(start)*sector, int(count)*gptEntry) //nolint:gosec // both were bounded above
	if err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(entries) != binary.LittleEndian.Uint32(header[88:]) {
		return nil, fmt.Errorf("%w: the checksum of the entries is wrong", ErrDamaged)
	}
	return gptPartitions(entries, r.size), nil
}

// checked holds a header against the checksum in it, which is made with zeros in its own place.
func checked(header []byte, at int) bool {
	plain := slices.Clone(header)
	copy(plain[at:], make([]byte, 4))
	return crc32.ChecksumIEEE(plain) == binary.LittleEndian.Uint32(header[at:])
}

func gptPartitions(entries []byte, size int64) (found []Partition) {
	for n := 0; n*gptEntry < len(entries); n++ {
		e := entries[n*gptEntry:][:gptEntry]
		first, last := binary.LittleEndian.Uint64(e[32:]), binary.LittleEndian.Uint64(e[40:])
		if empty(e[:16]) || first > last || last >= uint64(size/sector) { //nolint:gosec // a disk's size is not negative
			continue
		}
		name, kind := gptType([16]byte(e[:16]))
		found = append(found, Partition{
			Number: n + 1, Type: name, kind: kind,
			Start: int64(first) * sector, Size: int64(last-first+1) * sector, //nolint:gosec // within the disk, as was checked
			Active: e[48]&4 != 0, // Attribute bit 2: legacy BIOS bootable.
		})
	}
	return found
}
