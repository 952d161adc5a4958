package disk

import "encoding/binary"

// Sizes in a tree of extents (Linux, fs/xfs/libxfs/xfs_format.h, xfs_bmbt).
const (
	xfsRecord = 16 // an extent
	xfsPair   = 16 // a key and a pointer
	xfsHead4  = 24
	xfsHead5  = 72
)

// tree reads a directory whose extents are in a tree, the root of which is in its inode.
func (x *xfs) tree(root []byte) error {
	if len(root) < 4 {
		return damaged("no tree of extents")
	}
	level := binary.BigEndian.Uint16(root)
	if level < 1 || level > xfsDeepest {
		return damaged("no tree of extents")
	}
	return x.nodes(root[4:], binary.BigEndian.Uint16(root[2:]), level)
}

// nodes reads what the pointers behind the keys of a node lead to. Each level is below the one before, so that no tree
// leads into itself.
func (x *xfs) nodes(pairs []byte, count, level uint16) error {
	room := len(pairs) / xfsPair
	if int(count) > room {
		return damaged("no tree of extents")
	}
	for n := range int(count) {
		if err := x.node(binary.BigEndian.Uint64(pairs[8*(room+n):]), level-1); err != nil {
			return err
		}
	}
	return nil
}

// node reads what is under one block of a tree.
func (x *xfs) node(block uint64, level uint16) error {
	b, err := x.read(block, x.block/unit)
	if err != nil {
		return err
	}
	head := xfsHead4
	if string(b[:4]) == "BMA3" {
		head = xfsHead5
	}
	count := binary.BigEndian.Uint16(b[6:])
	if magic := string(b[:4]); magic != "BMAP" && magic != "BMA3" || binary.BigEndian.Uint16(b[4:]) != level {
		return damaged("no block of a tree of extents")
	}
	if level > 0 {
		return x.nodes(b[head:], count, level)
	}
	if int(count) > len(b[head:])/xfsRecord {
		return damaged("more extents than a block holds")
	}
	return x.extents(b[head:][:int(count)*xfsRecord])
}
