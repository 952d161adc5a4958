package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
)

// readBIOS looks for what starts the disk in boot mode legacy-bios. Partitioning tools write boot code
// to data disks too, so code alone is not enough: what it starts must be there.
func readBIOS(r *reader, first []byte, d *Disk) error {
	if !signed(first) || empty(first[:bootCode]) || bareFileSystem(first) {
		return nil
	}
	if d.Table != NoTable && len(d.Partitions) == 0 {
		return nil // Whatever the code is, it finds nothing to start.
	}
	for _, look := range startedBy(r, first, d) {
		found, err := look(r, first, d)
		if err := d.tolerate(err, "what the boot code starts"); err != nil {
			return err
		}
		if found != "" {
			d.BIOS, d.Left = found, ""
			return nil
		}
	}
	return nil
}

// startedBy are the ways in which boot code starts a disk. That of GRUB starts nothing else.
func startedBy(r *reader, first []byte, d *Disk) []func(*reader, []byte, *Disk) (string, error) {
	ways := []func(*reader, []byte, *Disk) (string, error){grub, bootPartition, activePartition}
	if _, named := grubCore(r, first); named && d.Table == GPT {
		return ways[:1]
	}
	return ways
}

// grubKernel is where GRUB's boot sector holds the sector of its core image (GRUB, boot.S).
const grubKernel = 0x5c

// grub: its boot sector names itself, and the core image must not be blank. On a GPT that lies in a BIOS boot
// partition. Partitioning anew keeps the boot sector and, behind an MBR, the core image: without a partition that is
// marked active it may be left over. GRUB itself does not need the mark.
func grub(r *reader, first []byte, d *Disk) (string, error) {
	at, named := grubCore(r, first)
	if !named {
		return "", nil
	}
	b, err := r.bytes(at, sector)
	if err != nil || empty(b) {
		return "", err
	}
	holds := func(p Partition) bool { return p.kind == biosBoot && p.Start <= at && at < p.Start+p.Size }
	switch {
	case d.Table == GPT && !slices.ContainsFunc(d.Partitions, holds):
		return "", nil
	case d.Table == MBR && !slices.ContainsFunc(d.Partitions, Partition.starts):
		d.Left = "GRUB"
		return "", nil
	}
	return "GRUB", nil
}

// grubCore is where on the disk the core image begins, in bytes; ok is false where the boot sector is not GRUB's or
// holds no place on the disk behind itself.
func grubCore(r *reader, first []byte) (at int64, ok bool) {
	if !bytes.Contains(first[:bootCode], []byte("GRUB")) {
		return 0, false
	}
	core := binary.LittleEndian.Uint64(first[grubKernel:])
	if core == 0 || core >= uint64(r.size/sector) { //nolint:gosec // a disk's size is not negative
		return 0, false
	}
	return int64(core) * sector, true //nolint:gosec // within the disk, as was checked
}

// starts reports whether boot code may find a system on the partition.
func (p Partition) starts() bool {
	return p.Active && p.kind != extended && p.Holds != Blank && p.Holds != Swap
}

// bootPartition: a partition that holds nothing but a boot loader.
func bootPartition(r *reader, _ []byte, d *Disk) (string, error) {
	n := slices.IndexFunc(d.Partitions, func(p Partition) bool { return p.kind == biosBoot })
	if n < 0 {
		return "", nil
	}
	b, err := r.bytes(d.Partitions[n].Start, sector)
	if err != nil || empty(b) {
		return "", err
	}
	return "boot code and " + d.Partitions[n].Type + " partition " + d.Partitions[n].number(), nil
}

// activePartition: boot code starts the boot record of the partition that is marked active.
func activePartition(r *reader, _ []byte, d *Disk) (string, error) {
	for _, p := range d.Partitions {
		if !p.starts() {
			continue
		}
		b, err := r.bytes(p.Start, sector)
		if errors.Is(err, ErrDamaged) {
			continue
		}
		if err != nil {
			return "", err
		}
		if !signed(b) || empty(b[:mbrEntries]) {
			continue
		}
		return "boot code and active partition " + p.number(), nil
	}
	return "", nil
}
