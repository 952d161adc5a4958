// Package disks lays disks out in memory, as installers do, for snapshots of the embedded AWS. It
// writes with go-diskfs and by hand; shared/disk, which reads them, shares no code with it.
package disks

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/diskfs/go-diskfs/backend"
)

// BlockSize is that of the EBS direct APIs.
const BlockSize = 512 << 10

// GiB is the unit in which volumes are sized.
const GiB = 1 << 30

// Disk is a disk that holds nothing but zeros where it was not written.
type Disk struct {
	size   int64
	blocks map[int64][]byte
	at     int64
}

var _ backend.Storage = (*Disk)(nil)

// Blank is a disk of so many GiB.
func Blank(gib int64) *Disk { return &Disk{size: gib * GiB, blocks: map[int64][]byte{}} }

// Clone is another disk that holds the same.
func (d *Disk) Clone() *Disk {
	c := &Disk{size: d.size, blocks: map[int64][]byte{}}
	for n, b := range d.blocks {
		c.blocks[n] = slices.Clone(b)
	}
	return c
}

// Size is in bytes.
func (d *Disk) Size() int64 { return d.size }

// Indexes are the blocks that were written, in order.
func (d *Disk) Indexes() []int64 { return slices.Sorted(maps.Keys(d.blocks)) }

// Block is one of them.
func (d *Disk) Block(n int64) []byte { return d.blocks[n] }

// ReadAt reads.
func (d *Disk) ReadAt(p []byte, off int64) (int, error) {
	return d.walk(p, off, func(part, block []byte) {
		clear(part)
		copy(part, block)
	}, func(n int64) []byte { return d.blocks[n] })
}

// WriteAt writes.
func (d *Disk) WriteAt(p []byte, off int64) (int, error) {
	return d.walk(p, off, func(part, block []byte) { copy(block, part) }, func(n int64) []byte {
		if d.blocks[n] == nil {
			d.blocks[n] = make([]byte, BlockSize)
		}
		return d.blocks[n]
	})
}

// walk calls do with each part of p and the rest of the block that it belongs to.
func (d *Disk) walk(p []byte, off int64, do func(part, block []byte), find func(int64) []byte) (int, error) {
	done := 0
	for done < len(p) {
		at := off + int64(done)
		if at < 0 || at >= d.size {
			return done, io.EOF
		}
		within := at % BlockSize
		n := int(min(BlockSize-within, int64(len(p)-done), d.size-at))
		block := find(at / BlockSize)
		if block != nil {
			block = block[within:]
		}
		do(p[done:done+n], block)
		done += n
	}
	return done, nil
}

// Read reads on from where the disk was left.
func (d *Disk) Read(p []byte) (int, error) {
	n, err := d.ReadAt(p, d.at)
	d.at += int64(n)
	return n, err
}

// Seek says where Read goes on.
func (d *Disk) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += d.at
	case io.SeekEnd:
		offset += d.size
	}
	d.at = offset
	return offset, nil
}

// Close does nothing.
func (d *Disk) Close() error { return nil }

// Stat is not to be had of a disk in memory.
func (d *Disk) Stat() (fs.FileInfo, error) { return nil, errors.ErrUnsupported }

// Sys is not to be had of a disk in memory.
func (d *Disk) Sys() (*os.File, error) { return nil, errors.ErrUnsupported }

// Writable is the disk itself.
func (d *Disk) Writable() (backend.WritableFile, error) { return d, nil }

// Path is empty: the disk is no file.
func (d *Disk) Path() string { return "" }
