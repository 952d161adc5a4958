package disks

import (
	"encoding/binary"

	"github.com/diskfs/go-diskfs/filesystem/ext4"
)

// System are the directories in the root directory of a system, as far as it is told by them.
var System = []string{"boot", "etc", "usr", "var"}

// small is the size of file systems in memory, in which the journal takes up most.
const small = 32 * mib

// Holding fills a partition with an ext4 file system that has the directories in its root directory.
func Holding(names ...string) func(*Disk, int64, int64) error {
	return func(d *Disk, at, size int64) error {
		made, err := ext4.Create(d, min(size, small), at, 512, nil)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := made.Mkdir(name); err != nil {
				return err
			}
		}
		return nil
	}
}

// XFS fills a partition with as much of XFS as has the directories in its root directory, which is in its inode.
func XFS(names ...string) func(*Disk, int64, int64) error {
	return func(d *Disk, at, _ int64) error {
		const block, inode, perBlock = 4096, 512, 3 // eight inodes in a block
		super, root := make([]byte, 512), make([]byte, inode)
		copy(super, "XFSB")
		binary.BigEndian.PutUint32(super[4:], block)
		binary.BigEndian.PutUint64(super[56:], 16<<perBlock) // the first inode of block 16
		binary.BigEndian.PutUint32(super[84:], 1<<14)        // blocks in a group
		binary.BigEndian.PutUint16(super[100:], 5)
		binary.BigEndian.PutUint16(super[104:], inode)
		super[123], super[124] = perBlock, 14
		binary.BigEndian.PutUint32(super[216:], 1)           // entries have a type
		copy(root, "IN\x41\xed\x03\x01")                     // a directory, of version 3, in its inode
		entries := []byte{byte(len(names)), 0, 0, 0, 0, 128} //nolint:gosec // a few
		for _, name := range names {
			entries = append(append(entries, byte(len(name)), 0, 0), name...) //nolint:gosec // short ones
			entries = append(entries, 2, 0, 0, 0, 129)
		}
		copy(root[176:], entries)
		if _, err := d.WriteAt(super, at); err != nil {
			return err
		}
		_, err := d.WriteAt(root, at+16*block)
		return err
	}
}
