package disk

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Bounds of reading a root directory, which has some twenty names. A directory that was long once stays long.
const (
	// maxDirectory is in units, what leads to a directory's blocks included.
	maxDirectory = 1024
	// maxSpread is how many blocks of a snapshot it may take: a directory without anything in between takes three.
	maxSpread = 6
)

// unit is how much of a directory is read at once: block sizes are multiples of it.
const unit = 1024

// errEnough ends the reading of a directory: what was read tells of a system, or there is more than a system has.
var errEnough = errors.New("enough was read")

// directory is a root directory, as far as it was read.
type directory struct {
	system bool // whether it is one of a system
	part   bool // whether there is more in it
	count  int
	first  []string // of the names
	has    map[string]bool
}

// entry is a name in a directory.
type entry struct {
	name      string
	directory bool // false where it is not told
}

// rootOf is the root directory of the file system on a partition; ok is false for one that is damaged or of a form that
// is not known here. One with more in it than a system has, none of which tells of a system, is not one of a system.
func rootOf(r *reader, p Partition) (found *directory, ok bool, err error) {
	found = &directory{has: map[string]bool{}}
	within := &spread{at: r.at, start: p.Start, blocks: map[int64]bool{}}
	part := &reader{at: io.NewSectionReader(within, p.Start, p.Size), size: min(p.Size, r.size-p.Start)}
	if p.Holds == XFS {
		err = readXFS(part, found)
	} else {
		err = readEXT(part, found)
	}
	switch {
	case errors.Is(err, ErrDamaged):
		return found, found.system, nil
	case errors.Is(err, errEnough):
		found.part = true
		return found, true, nil
	}
	return found, err == nil, err
}

// spread reads from a few of a snapshot's blocks.
type spread struct {
	at     io.ReaderAt
	start  int64
	blocks map[int64]bool
}

// ReadAt reads like any io.ReaderAt, and returns errEnough for a block too many.
func (s *spread) ReadAt(p []byte, off int64) (int, error) {
	for n := off / blockSize; n <= (off+int64(len(p))-1)/blockSize; n++ {
		if !s.blocks[n] && len(s.blocks) == maxSpread {
			return 0, errEnough
		}
		s.blocks[n] = true
	}
	return s.at.ReadAt(p, off)
}

// Names that a root directory has (Filesystem Hierarchy Standard), and that tell a system of another layout or a file
// system with kernels: it has one of these, or a file whose name begins so.
var (
	rootHas   = []string{"etc", "usr"}
	systemHas = []string{"ostree", "nix", "grub", "grub2", "EFI", "extlinux", "syslinux", "isolinux", "casper"}
	kernels   = []string{"vmlinu", "initrd", "initramfs", "bzImage", "kernel", "System.map"}
)

// namesTold is how many names are told of a directory.
const namesTold = 4

// add takes names in, and ends the reading once they tell of a system.
func (d *directory) add(entries []entry) error {
	for _, e := range entries {
		if e.name == "." || e.name == ".." {
			continue
		}
		if d.count++; d.count <= namesTold {
			d.first = append(d.first, e.name)
		}
		if slices.Contains(rootHas, e.name) {
			d.has[e.name] = true
		}
		begins := func(with string) bool { return !e.directory && strings.HasPrefix(e.name, with) }
		if slices.Contains(systemHas, e.name) || slices.ContainsFunc(kernels, begins) || len(d.has) == len(rootHas) {
			d.system = true
			return errEnough
		}
	}
	return nil
}

// String is what is in it, in words.
func (d *directory) String() string {
	if d.count == 0 && !d.part {
		return "which is empty"
	}
	var told []string
	for _, name := range d.first {
		quoted := strconv.QuoteToASCII(name)
		told = append(told, quoted[1:len(quoted)-1])
	}
	more := d.count - len(d.first)
	switch {
	case d.part:
		told = append(told, fmt.Sprintf("at least %d more", max(more, 1)))
	case more > 0:
		told = append(told, fmt.Sprintf("%d more", more))
	}
	return strings.Join(told, ", ")
}
