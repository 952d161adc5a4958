package disk

import (
	"encoding/binary"
	"fmt"
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
	extDeepest   = 5 // levels that a tree of extents has below its root
	extDirect    = 12
	ext64bit     = 0x80
)

// ext is a file system of ext2, ext3 or ext4.
type ext struct {
	r     *reader
	block int64 // bytes
	inode []byte
	left  int64 // units that may be read
	want  int64 // blocks of the directory that were not read yet
	found *directory
}

func damaged(what string) error { return fmt.Errorf("%w: %s", ErrDamaged, what) }

// readEXT reads its root directory.
func readEXT(r *reader, found *directory) error {
	e, err := openExt(r)
	if err != nil {
		return err
	}
	e.found, e.left = found, maxDirectory
	size, flags := int64(binary.LittleEndian.Uint32(e.inode[4:])), binary.LittleEndian.Uint32(e.inode[0x20:])
	e.want = size / e.block
	if binary.LittleEndian.Uint16(e.inode)&0xf000 != extDirectory || flags&extInline != 0 || e.want < 1 {
		return damaged("no root directory of a usual form")
	}
	blocks := e.inode[0x28:][:60]
	if flags&extExtents != 0 {
		err = e.tree(blocks, extDeepest)
	} else {
		err = e.pointers(blocks)
	}
	if err == nil && e.want > 0 { // A part of a directory does not say what is not in it.
		err = damaged("a root directory that is not all there")
	}
	return err
}

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
	if scale > 6 || wide < 128 || wide > unit<<scale || !power(wide) {
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

// table is the first block of the first group's inodes. The group's descriptor is in the block behind the superblock's.
func (e *ext) table(super []byte) (int64, error) {
	group, err := e.r.bytes((extSuper/e.block+1)*e.block, 64)
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

// tree reads the blocks that a tree of extents leads to. Each level is below the one before, so that no tree leads into
// itself.
func (e *ext) tree(node []byte, deepest uint16) error {
	entries, depth := int(binary.LittleEndian.Uint16(node[2:])), binary.LittleEndian.Uint16(node[6:])
	if binary.LittleEndian.Uint16(node) != extTree || depth > deepest || entries > len(node)/12-1 {
		return damaged("no tree of extents")
	}
	for n := range entries {
		if err := e.branch(node[12+12*n:][:12], depth); err != nil {
			return err
		}
	}
	return nil
}

// branch reads what one entry of a tree leads to.
func (e *ext) branch(x []byte, depth uint16) error {
	if depth > 0 {
		node, err := e.read(int64(binary.LittleEndian.Uint16(x[8:]))<<32 | int64(binary.LittleEndian.Uint32(x[4:])))
		if err != nil {
			return err
		}
		return e.tree(node, depth-1)
	}
	start := int64(binary.LittleEndian.Uint16(x[6:]))<<32 | int64(binary.LittleEndian.Uint32(x[8:]))
	for n := range int64(binary.LittleEndian.Uint16(x[4:])) {
		if err := e.list(start + n); err != nil {
			return err
		}
	}
	return nil
}

// pointers reads the blocks that an inode without extents names: some itself, the others through blocks of one, two and
// three levels.
func (e *ext) pointers(blocks []byte) error {
	if err := e.under(blocks[:4*extDirect], 0); err != nil {
		return err
	}
	for level := range 3 {
		if err := e.under(blocks[4*(extDirect+level):][:4], level+1); err != nil {
			return err
		}
	}
	return nil
}

// under reads the blocks of the directory that are so many levels below these.
func (e *ext) under(blocks []byte, levels int) error {
	for ; len(blocks) >= 4 && e.want > 0; blocks = blocks[4:] {
		n := int64(binary.LittleEndian.Uint32(blocks))
		if levels == 0 {
			if err := e.list(n); err != nil {
				return err
			}
			continue
		}
		below, err := e.read(n)
		if err == nil {
			err = e.under(below, levels-1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// list takes in the names in one block of the directory.
func (e *ext) list(n int64) error {
	if e.want == 0 {
		return nil // Room for more.
	}
	b, err := e.read(n)
	if err != nil {
		return err
	}
	e.want--
	entries, err := extEntries(b)
	if err != nil {
		return err
	}
	return e.found.add(entries)
}

// read is one block, which is within the file system and of a size that was checked.
func (e *ext) read(n int64) ([]byte, error) {
	if n < 1 || n >= e.r.size/e.block {
		return nil, damaged("a block beyond the end of the file system")
	}
	if e.left -= e.block / unit; e.left < 0 {
		return nil, errEnough
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

// extFolder is the type of an entry that is a directory.
const extFolder = 2

// extEntries are the names in a block of a directory.
func extEntries(b []byte) (found []entry, err error) {
	for len(b) >= 8 {
		inode, length, name := binary.LittleEndian.Uint32(b), extLength(b), int(b[6])
		if length < 8+name || length > len(b) {
			return nil, damaged("an entry of a directory that is too long")
		}
		if inode != 0 {
			found = append(found, entry{string(b[8:][:name]), b[7] == extFolder})
		}
		b = b[length:]
	}
	return found, nil
}

// extLength is the length of an entry, which takes more than 16 bits in a block of 64 KiB.
func extLength(b []byte) int {
	length := int(binary.LittleEndian.Uint16(b[4:]))
	if length == 0 || length == 1<<16-1 {
		return 1 << 16
	}
	return length
}
