package disk

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// fat is a FAT12, FAT16 or FAT32 file system. Only what a path needs is read: a directory's sectors,
// and of the table the entries of its chain.
type fat struct {
	r       *reader
	at      int64 // where it begins on the disk
	table   int64 // where its first table begins, from there
	root    int64 // of FAT12 and FAT16: where the root directory begins
	entries int64 // of FAT12 and FAT16: how many entries the root directory has
	data    int64 // where cluster 2 begins
	cluster int64 // bytes
	count   int64 // clusters
	width   int64 // bits of a table's entry
	first   uint32
}

// geometry is what a boot sector says (Microsoft, FAT: General Overview of On-Disk Format, 1.03).
type geometry struct {
	wide, per, reserved, tables, rootEntries, total, table int64
	fat32                                                  bool
}

func geometryOf(b []byte) geometry {
	word := func(at int) int64 { return int64(binary.LittleEndian.Uint16(b[at:])) }
	long := func(at int) int64 { return int64(binary.LittleEndian.Uint32(b[at:])) }
	g := geometry{
		wide: word(11), per: int64(b[13]), reserved: word(14), tables: int64(b[16]), rootEntries: word(17), total: word(19),
		table: word(22),
	}
	if g.total == 0 {
		g.total = long(32)
	}
	if g.fat32 = g.table == 0; g.fat32 {
		g.table = long(36)
	}
	return g
}

// sound reports whether the numbers can be those of a FAT file system.
func (g geometry) sound() bool {
	sizes := power(g.wide) && g.wide >= 512 && g.wide <= 4096 && power(g.per)
	counts := g.reserved > 0 && g.tables > 0 && g.tables <= 4 && g.table > 0 && g.total > 0
	return sizes && counts && g.fat32 == (g.rootEntries == 0)
}

func power(n int64) bool { return n > 0 && n&(n-1) == 0 }

// layoutOf reads a boot sector. size is the room there is.
func layoutOf(b []byte, size int64) (fat, error) {
	g := geometryOf(b)
	if !signed(b) || !g.sound() {
		return fat{}, fmt.Errorf("%w: no FAT boot sector", ErrDamaged)
	}
	f := fat{entries: g.rootEntries, table: g.reserved * g.wide, root: (g.reserved + g.tables*g.table) * g.wide,
		cluster: g.per * g.wide}
	f.data = f.root + (g.rootEntries*entrySize+g.wide-1)/g.wide*g.wide
	f.count = (g.total*g.wide - f.data) / f.cluster
	if f.count < 1 || g.total*g.wide > size {
		return fat{}, fmt.Errorf("%w: a FAT file system of %d sectors does not fit", ErrDamaged, g.total)
	}
	if g.fat32 {
		f.width, f.first = 32, binary.LittleEndian.Uint32(b[44:])
	}
	f.setWidth()
	return f, nil
}

// setWidth: the count of clusters says whether it is FAT12 or FAT16, and nothing else does.
func (f *fat) setWidth() {
	switch {
	case f.width == 32:
	case f.count < 4085:
		f.width = 12
	default:
		f.width = 16
	}
}

func openFAT(r *reader, at, size int64) (*fat, error) {
	b, err := r.bytes(at, sector)
	if err != nil {
		return nil, err
	}
	f, err := layoutOf(b, size)
	f.r, f.at = r, at
	return &f, err
}

// file is an entry of a directory.
type file struct {
	name      string
	directory bool
	first     uint32
	size      int64
}

const (
	entrySize = 32
	// A directory on an EFI system partition has a handful of entries. What is longer is read so far:
	// it bounds the reading of a directory that leads into itself.
	maxFiles = 512
)

// top is the root directory.
func (f *fat) top() ([]file, error) {
	if f.width == 32 {
		return f.directory(f.first)
	}
	listed := &listing{}
	for n := range min(f.entries, maxFiles) {
		e, err := f.r.bytes(f.at+f.root+n*entrySize, entrySize)
		if err != nil || !listed.add(e) {
			return listed.files, err
		}
	}
	return listed.files, nil
}

// directory lists the directory that begins at a cluster.
func (f *fat) directory(cluster uint32) ([]file, error) {
	listed := &listing{}
	for read := int64(0); read < maxFiles; {
		at, err := f.where(cluster)
		if err != nil {
			return nil, err
		}
		for n := int64(0); n < f.cluster && read < maxFiles; n, read = n+entrySize, read+1 {
			e, err := f.r.bytes(at+n, entrySize)
			if err != nil || !listed.add(e) {
				return listed.files, err
			}
		}
		next, last, err := f.next(cluster)
		if err != nil || last {
			return listed.files, err
		}
		cluster = next
	}
	return listed.files, nil
}

// where is a cluster's place on the disk.
func (f *fat) where(cluster uint32) (int64, error) {
	if cluster < 2 || int64(cluster)-2 >= f.count {
		return 0, fmt.Errorf("%w: cluster %d of %d", ErrDamaged, cluster, f.count)
	}
	return f.at + f.data + (int64(cluster)-2)*f.cluster, nil
}

// next is the cluster that follows another in its chain.
func (f *fat) next(cluster uint32) (next uint32, last bool, err error) {
	at := int64(cluster) * f.width
	b, err := f.r.bytes(f.at+f.table+at/8, int(f.width+7)/8)
	if err != nil {
		return 0, false, err
	}
	switch f.width {
	case 12:
		next = uint32(binary.LittleEndian.Uint16(b)) >> (at % 8) & 0xfff
		return next, next >= 0xff8, nil
	case 16:
		next = uint32(binary.LittleEndian.Uint16(b))
		return next, next >= 0xfff8, nil
	default:
		next = binary.LittleEndian.Uint32(b) & 0x0fffffff
		return next, next >= 0x0ffffff8, nil
	}
}

// listing collects a directory's entries; long names come in pieces before their entry, last piece first.
type listing struct {
	files []file
	long  []uint16
}

// Attributes of an entry.
const (
	volumeLabel = 0x08
	subdir      = 0x10
	longName    = 0x0f
)

// add takes an entry in, and reports whether others may follow.
func (l *listing) add(e []byte) bool {
	switch {
	case e[0] == 0:
		return false
	case e[0] == 0xe5: // deleted
		l.long = nil
	case e[11]&0x3f == longName:
		l.piece(e)
	case e[11]&volumeLabel != 0:
		l.long = nil
	default:
		name := shortName(e)
		if len(l.long) > 0 {
			name = string(utf16.Decode(l.long))
		}
		l.long = nil
		l.files = append(l.files, file{
			name: name, directory: e[11]&subdir != 0, size: int64(binary.LittleEndian.Uint32(e[28:])),
			first: uint32(binary.LittleEndian.Uint16(e[20:]))<<16 | uint32(binary.LittleEndian.Uint16(e[26:])),
		})
	}
	return true
}

// piece puts 13 characters before those that are there.
func (l *listing) piece(e []byte) {
	if e[0]&0x40 != 0 {
		l.long = nil
	}
	var part []uint16
	for _, span := range [][2]int{{1, 11}, {14, 26}, {28, 32}} {
		for at := span[0]; at < span[1]; at += 2 {
			c := binary.LittleEndian.Uint16(e[at:])
			if c == 0 || c == 0xffff {
				break
			}
			part = append(part, c)
		}
	}
	if len(l.long) < 256 { // no name is longer
		l.long = append(part, l.long...)
	}
}

func shortName(e []byte) string {
	name, extension := strings.TrimRight(string(e[:8]), " "), strings.TrimRight(string(e[8:11]), " ")
	if extension == "" {
		return name
	}
	return name + "." + extension
}
