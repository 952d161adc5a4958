package disk

import (
	"encoding/binary"
	"slices"
)

// Values of XFS (Linux, fs/xfs/libxfs/xfs_format.h and xfs_da_format.h).
const (
	xfsLocal     = 1 // format of an inode whose data are in itself
	xfsExtents   = 2 // of one whose blocks are extents
	xfsTree      = 3 // of one whose extents are in a tree
	xfsDirectory = 0x4000
	xfsFree      = 0xffff   // tag of a place in a directory that is not used
	xfsTyped     = 0x1      // feature of version 5: entries have a type
	xfsTyped4    = 0x200    // the same of version 4
	xfsManyFlag  = 1 << 4   // flag of an inode that counts its extents elsewhere
	xfsFolder    = 2        // type of an entry that is a directory
	xfsInode     = 2048     // bytes of the largest inode
	xfsDeepest   = 8        // levels of a tree; XFS has fewer
	xfsBlock     = 64 << 10 // bytes of a directory's largest block
)

// xfs is a file system of XFS.
type xfs struct {
	r                        *reader
	block, inode, group      int64 // bytes, bytes, blocks
	perBlock, perGroup, wide uint  // logarithms; wide of a directory's blocks
	typed                    bool
	left                     int64 // units that may be read
	found                    *directory
}

// readXFS reads its root directory.
func readXFS(r *reader, found *directory) error {
	super, err := r.bytes(0, sector)
	if err != nil {
		return err
	}
	x, err := openXFS(r, super)
	if err != nil {
		return err
	}
	x.found, x.left = found, maxDirectory
	number := binary.BigEndian.Uint64(super[56:])
	within := number & (1<<x.perBlock - 1)
	at, err := x.place(number >> x.perBlock)
	if err != nil {
		return err
	}
	inode, err := r.bytes(at+int64(within)*x.inode, xfsInode) //nolint:gosec // at most 256 inodes in a block
	if err != nil {
		return err
	}
	return x.root(inode[:x.inode])
}

// root reads the directory of an inode.
func (x *xfs) root(inode []byte) error {
	if string(inode[:2]) != "IN" || binary.BigEndian.Uint16(inode[2:])&0xf000 != xfsDirectory {
		return damaged("no root directory")
	}
	fork := inode[100:]
	if inode[4] >= 3 {
		fork = inode[176:]
	}
	if room := 8 * int(inode[82]); room > 0 && room <= len(fork) { // Attributes come behind it.
		fork = fork[:room]
	}
	switch inode[5] {
	case xfsLocal:
		return x.short(fork)
	case xfsExtents:
		return x.long(inode, fork)
	case xfsTree:
		return x.tree(fork)
	}
	return damaged("no root directory of a usual form")
}

func openXFS(r *reader, super []byte) (*xfs, error) {
	x := &xfs{
		r: r, block: int64(binary.BigEndian.Uint32(super[4:])), inode: int64(binary.BigEndian.Uint16(super[104:])),
		group: int64(binary.BigEndian.Uint32(super[84:])), perBlock: uint(super[123]), perGroup: uint(super[124]),
		wide: uint(super[192]), typed: binary.BigEndian.Uint32(super[216:])&xfsTyped != 0,
	}
	if version := binary.BigEndian.Uint16(super[100:]) & 0xf; version < 5 {
		x.typed = binary.BigEndian.Uint32(super[200:])&xfsTyped4 != 0
	}
	if !x.sound() {
		return nil, damaged("no superblock of XFS")
	}
	return x, nil
}

// sound reports whether the numbers can be those of XFS.
func (x *xfs) sound() bool {
	sizes := power(x.block) && x.block >= unit && power(x.inode) && x.inode >= 256 && x.inode <= min(x.block, xfsInode)
	logarithms := x.perBlock <= 8 && x.perGroup <= 31 && x.wide <= 6
	return sizes && logarithms && x.group > 0 && x.block <= xfsBlock>>x.wide
}

// place is where a block is: its number has that of its group in front.
func (x *xfs) place(block uint64) (int64, error) {
	group, within := block>>x.perGroup, block&(1<<x.perGroup-1)
	if group > 1<<20 || int64(within) >= x.group { //nolint:gosec // at most 31 bits
		return 0, damaged("a block beyond the end of its group")
	}
	return (int64(group)*x.group + int64(within)) * x.block, nil //nolint:gosec // both were bounded above
}

// short reads a directory that is in its inode.
func (x *xfs) short(b []byte) error {
	if len(b) < 10 {
		return damaged("a directory that is too short")
	}
	count, number := int(b[0]), 4
	if b[1] > 0 {
		number = 8
	}
	b = b[2+number:]
	for range count {
		if len(b) < 3 {
			return damaged("a directory that is too short")
		}
		name := 3 + int(b[0])
		size := name + number
		if x.typed {
			size++
		}
		if size > len(b) {
			return damaged("an entry of a directory that is too long")
		}
		if err := x.found.add([]entry{{string(b[3:name]), x.typed && b[name] == xfsFolder}}); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

// long reads a directory whose extents are in its inode.
func (x *xfs) long(inode, fork []byte) error {
	count := uint64(binary.BigEndian.Uint32(inode[76:]))
	if inode[4] >= 3 && binary.BigEndian.Uint64(inode[120:])&xfsManyFlag != 0 {
		count = binary.BigEndian.Uint64(inode[24:])
	}
	if count > uint64(len(fork)/xfsRecord) {
		return damaged("more extents than an inode holds")
	}
	return x.extents(fork[:count*xfsRecord])
}

// extents reads the blocks of a directory. Those behind the first 32 GiB of it are an index.
func (x *xfs) extents(records []byte) error {
	for ; len(records) >= xfsRecord; records = records[xfsRecord:] {
		high, low := binary.BigEndian.Uint64(records), binary.BigEndian.Uint64(records[8:])
		offset, start, blocks := high<<1>>10, high&0x1ff<<43|low>>21, low&0x1fffff
		if offset >= 32<<30/uint64(x.block) { //nolint:gosec // a size that was checked
			continue
		}
		for done := uint64(0); done < blocks; done += 1 << x.wide {
			if err := x.list(start + done); err != nil {
				return err
			}
		}
	}
	return nil
}

// read is so many units at a block.
func (x *xfs) read(block uint64, units int64) ([]byte, error) {
	at, err := x.place(block)
	if err != nil {
		return nil, err
	}
	if x.left -= units; x.left < 0 {
		return nil, errEnough
	}
	return x.r.units(at, units)
}

// list takes in the names in one block of a directory.
func (x *xfs) list(block uint64) error {
	b, err := x.read(block, x.block<<x.wide/unit)
	if err != nil {
		return err
	}
	entries, err := x.entries(b)
	if err != nil {
		return err
	}
	return x.found.add(entries)
}

// entries are the names in a block that was read.
func (x *xfs) entries(b []byte) ([]entry, error) {
	magic, head := string(b[:4]), 16
	if magic == "XDB3" || magic == "XDD3" {
		head = 64
	}
	if !slices.Contains([]string{"XD2B", "XDB3", "XD2D", "XDD3"}, magic) {
		return nil, damaged("no block of a directory")
	}
	if magic == "XD2B" || magic == "XDB3" { // Of one block, which ends with the index.
		index := 8 + 8*int64(binary.BigEndian.Uint32(b[len(b)-8:]))
		if index > int64(len(b)-head) {
			return nil, damaged("an index that is too long")
		}
		b = b[:int64(len(b))-index]
	}
	return x.filed(b[head:])
}

func (x *xfs) filed(b []byte) (found []entry, err error) {
	for len(b) >= 16 {
		name, size := int(b[8]), 0
		if binary.BigEndian.Uint16(b) == xfsFree {
			size = int(binary.BigEndian.Uint16(b[2:]))
		} else {
			size = 8 + 1 + name + 2
			if x.typed {
				size++
			}
			size = (size + 7) / 8 * 8
		}
		if size < 8 || size > len(b) {
			return nil, damaged("an entry of a directory that is too long")
		}
		if binary.BigEndian.Uint16(b) != xfsFree {
			found = append(found, entry{string(b[9:][:name]), x.typed && b[9+name] == xfsFolder})
		}
		b = b[size:]
	}
	return found, nil
}
