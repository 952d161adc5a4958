package disk

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Offsets in a superblock of ext2, ext3 and ext4, a group's descriptor, an inode and the head of an extent tree
// (Linux, Documentation/filesystems/ext4).
const (
	extSuper     = 1024
	extRoot      = 2 // the root directory's inode
	extDirectory = 0x4000
	extExtents   = 0x80000    // flag of an inode whose blocks are extents
	extInline    = 0x10000000 // flag of one whose data are in itself
	extTree      = 0xf30a
	ext64bit     = 0x80
)

// unit is how much of a directory is read at once: block sizes are multiples of it.
const unit = 1024

// maxDirectory is how much is read of a root directory, in units: it has some twenty names.
const maxDirectory = 64

// ext is a file system of ext2, ext3 or ext4.
type ext struct {
	r     *reader
	block int64 // bytes
	inode []byte
}

// extNames are the names in its root directory.
func extNames(r *reader) ([]string, error) {
	e, err := openExt(r)
	if err != nil {
		return nil, err
	}
	blocks, err := e.directory()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, n := range blocks {
		b, err := e.read(n)
		if err != nil {
			return nil, err
		}
		some, err := extEntries(b)
		if err != nil {
			return nil, err
		}
		names = append(names, some...)
	}
	return names, nil
}

func damaged(what string) error { return fmt.Errorf("%w: %s", ErrDamaged, what) }

// openExt finds the inode of the root directory, the second one of the first group.
func openExt(r *reader) (*ext, error) {
	super, err := r.bytes(extSuper, unit)
	if err != nil {
		return nil, err
	}
	scale, wide := binary.LittleEndian.Uint32(super[0x18:]), int64(binary.LittleEndian.Uint16(super[0x58:]))
	if binary.LittleEndian.Uint32(super[0x4c:]) == 0 {
		wide = 128 // Revision 0 does not say it.
	}
	if scale > 6 || wide < 128 || wide > unit {
		return nil, damaged("no superblock of ext")
	}
	e := &ext{r: r, block: unit << scale}
	table, err := e.table(super)
	if err != nil {
		return nil, err
	}
	e.inode, err = r.bytes(table*e.block+(extRoot-1)*wide, 128)
	return e, err
}

// table is the first block of the first group's inodes.
func (e *ext) table(super []byte) (int64, error) {
	first := int64(binary.LittleEndian.Uint32(super[0x14:]))
	group, err := e.r.bytes((first+1)*e.block, 64)
	if err != nil {
		return 0, err
	}
	table := int64(binary.LittleEndian.Uint32(group[8:]))
	if binary.LittleEndian.Uint32(super[0x60:])&ext64bit != 0 && binary.LittleEndian.Uint16(super[0xfe:]) >= 64 {
		table |= int64(binary.LittleEndian.Uint32(group[0x28:])) << 32
	}
	if table < 1 || table >= e.r.size/e.block {
		return 0, damaged("no table of inodes")
	}
	return table, nil
}

// directory are the blocks of the root directory.
func (e *ext) directory() ([]int64, error) {
	size, flags := int64(binary.LittleEndian.Uint32(e.inode[4:])), binary.LittleEndian.Uint32(e.inode[0x20:])
	count := size / e.block
	if binary.LittleEndian.Uint16(e.inode)&0xf000 != extDirectory || flags&extInline != 0 ||
		count < 1 || size > maxDirectory*unit {
		return nil, damaged("no root directory of a usual form")
	}
	tree := e.inode[0x28:][:60]
	if flags&extExtents != 0 {
		return e.extents(tree, count)
	}
	var blocks []int64
	for n := range min(count, 12) { // The rest of its blocks are named elsewhere.
		blocks = append(blocks, int64(binary.LittleEndian.Uint32(tree[4*n:])))
	}
	return blocks, missing(blocks, count)
}

// missing is an error unless all blocks are there: a part of a directory does not say what is not in it.
func missing(blocks []int64, count int64) error {
	if int64(len(blocks)) != count || slices.Contains(blocks, 0) {
		return damaged("a root directory that is not all there")
	}
	return nil
}

// extents are the blocks of a tree of one level, which a root directory is.
func (e *ext) extents(tree []byte, count int64) (blocks []int64, err error) {
	entries, depth := int(binary.LittleEndian.Uint16(tree[2:])), binary.LittleEndian.Uint16(tree[6:])
	if binary.LittleEndian.Uint16(tree) != extTree || depth != 0 || entries > 4 {
		return nil, damaged("no tree of extents of one level")
	}
	for n := range entries {
		x := tree[12+12*n:][:12]
		start := int64(binary.LittleEndian.Uint16(x[6:]))<<32 | int64(binary.LittleEndian.Uint32(x[8:]))
		for n := range min(int64(binary.LittleEndian.Uint16(x[4:])), count) {
			blocks = append(blocks, start+n)
		}
	}
	return blocks, missing(blocks, count)
}

// read is one block, which is within the file system and of a size that was checked.
func (e *ext) read(n int64) ([]byte, error) {
	if n < 0 || n >= e.r.size/e.block {
		return nil, damaged("a block beyond the end of the file system")
	}
	return e.r.units(n*e.block, e.block/unit)
}

// units are so many units, a number that was checked.
func (r *reader) units(from, count int64) (all []byte, err error) {
	for n := range count {
		b, err := r.bytes(from+n*unit, unit)
		if err != nil {
			return nil, err
		}
		all = append(all, b...)
	}
	return all, nil
}

// extEntries are the names in a block of a directory, without the two that each directory has.
func extEntries(b []byte) (names []string, err error) {
	for len(b) >= 8 {
		inode, length, name := binary.LittleEndian.Uint32(b), int(binary.LittleEndian.Uint16(b[4:])), int(b[6])
		if length < 8+name || length > len(b) {
			return nil, damaged("an entry of a directory that is too long")
		}
		if text := string(b[8:][:name]); inode != 0 && text != "." && text != ".." {
			names = append(names, text)
		}
		b = b[length:]
	}
	return names, nil
}
