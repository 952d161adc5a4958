// Package disk knows what a disk is from a few of its blocks: its partition table, its boot code and
// the loaders on its EFI system partition, and so what it boots on. It reads an EBS snapshot through
// the EBS direct APIs, without a volume. A disk is anybody's data: whatever stands on it is checked
// before it is used, and reading is bounded whatever it says.
package disk

import (
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Disk is what was found on a disk.
type Disk struct {
	Table Table
	// Damage is what is wrong with the table, in words; the table is read as far as it goes.
	Damage string
	// Partitions are those of the table, in its order.
	Partitions []Partition
	// Whole is the one file system of a disk without a table.
	Whole FileSystem
	// BIOS is what starts it in boot mode legacy-bios, in words; "" for nothing.
	BIOS string
	// Left is what may start it in that mode, and may be left over from a system that was there; "" where BIOS says.
	Left string
	// Systemless is why what starts it, BIOS and Loaders, may be left over, in words: what else the disk holds is
	// none that they would start. "" where it may be one, and where there is nothing else.
	Systemless string
	// Alone is whether nothing is on the disk beside what starts it.
	Alone bool
	// Loaders are the UEFI programs found, those of the default path first.
	Loaders []Loader
	// Notes are what else is to be known.
	Notes []string
}

// Table is the kind of a partition table.
type Table string

// The kinds of partition tables.
const (
	NoTable Table = ""
	MBR     Table = "MBR"
	GPT     Table = "GPT"
)

// Partition is one entry of a partition table.
type Partition struct {
	Number int
	// Type is what the table says it is for, such as "EFI system"; a code where there is no name for it.
	Type string
	// Start and Size are in bytes.
	Start, Size int64
	// Active is the mark of a partition that BIOS boot code may start.
	Active bool
	Holds  FileSystem

	kind kind
}

// Loader is a UEFI program on an EFI system partition.
type Loader struct {
	// Path is as UEFI writes it: \EFI\BOOT\BOOTX64.EFI.
	Path string
	// Architecture is EC2's word for what it runs on.
	Architecture types.ArchitectureValues
	// Default is whether firmware starts it without being told its path.
	Default bool
}

// ErrDamaged is returned, wrapped, for what no reading again makes good.
var ErrDamaged = errors.New("damaged")

// Read says what the disk is that r holds. An error is r's own.
func Read(r io.ReaderAt, size int64) (Disk, error) {
	d := &reader{at: r, size: size}
	first, err := d.bytes(0, sector)
	if err != nil {
		return Disk{}, fmt.Errorf("reading the first sector: %w", err)
	}
	found := Disk{}
	for _, step := range []func(*reader, []byte, *Disk) error{readTable, readFileSystems, readLoaders, readBIOS,
		confirmLeft, readSystem} {
		if err := step(d, first, &found); err != nil {
			return Disk{}, err
		}
	}
	return found, nil
}

// EBS volumes have sectors of 512 bytes.
const sector = 512

// reader reads within a disk: what lies beyond its end is damaged.
type reader struct {
	at   io.ReaderAt
	size int64
}

// bytes are n bytes at an offset. n is a constant of the caller's, never a number from the disk.
func (r *reader) bytes(from int64, n int) ([]byte, error) {
	if from < 0 || from > r.size-int64(n) {
		return nil, fmt.Errorf("%w: byte %d lies beyond the end of the disk", ErrDamaged, from)
	}
	b := make([]byte, n)
	if read, err := r.at.ReadAt(b, from); read < n {
		return nil, fmt.Errorf("reading byte %d: %w", from, err)
	}
	return b, nil
}

// empty reports whether a sector holds nothing but zeros.
func empty(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// tolerate turns damage into a note and leaves other errors.
func (d *Disk) tolerate(err error, what string) error {
	if errors.Is(err, ErrDamaged) {
		d.Notes = append(d.Notes, fmt.Sprintf("%s: %v", what, err))
		return nil
	}
	return err
}
