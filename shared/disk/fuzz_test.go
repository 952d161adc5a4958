package disk_test

import (
	"io"
	"slices"
	"testing"

	"github.com/diskfs/go-diskfs/partition/gpt"
	"pgregory.net/rapid"

	"goldsmith/local/disks"
	"goldsmith/shared/disk"
)

// bounded counts what is read of a disk.
type bounded struct {
	io.ReaderAt
	reads  int
	blocks map[int64]bool
}

// Reading is bounded whatever a disk says: an EFI system partition whose every directory leads into itself
// takes some 300,000 reads of 32 bytes, of blocks that were fetched.
const mostReads = 400_000

func (b *bounded) ReadAt(p []byte, off int64) (int, error) {
	b.reads++
	b.blocks[off/disks.BlockSize] = true
	return b.ReaderAt.ReadAt(p, off)
}

// survives reads a disk and holds what must be true whatever is on it.
func survives(t interface{ Fatalf(string, ...any) }, d *disks.Disk) {
	b := &bounded{ReaderAt: d, blocks: map[int64]bool{}}
	found, err := disk.Read(b, d.Size())
	if err != nil {
		t.Fatalf("reading failed without the reader failing: %v", err)
	}
	if b.reads > mostReads {
		t.Fatalf("%d reads", b.reads)
	}
	if boots := found.Boots(); boots != nil && len(boots.Architectures) == 0 {
		t.Fatalf("boots on nothing: %v", found)
	}
	for _, text := range []string{found.String(), found.Refusal()} {
		if len(text) > 64<<10 {
			t.Fatalf("%d bytes of words", len(text))
		}
	}
}

// FuzzRead damages a disk: bytes are written somewhere on it.
func FuzzRead(f *testing.F) {
	var laid []*disks.Disk
	for n, l := range layouts {
		d, err := l.make()
		if err != nil {
			f.Fatal(err)
		}
		laid = append(laid, d)
		f.Add(n, int64(512), []byte("damage"))
		f.Add(n, int64(1<<20), []byte{0xff, 0xff, 0xff, 0xff})
		f.Add(n, int64(2<<20)+11, []byte{0, 2, 1, 1, 0, 4, 0, 2})
	}
	f.Fuzz(func(t *testing.T, n int, at int64, damage []byte) {
		if n < 0 || n >= len(layouts) || at < 0 || at > disks.GiB || len(damage) > 4096 {
			return // no such disk
		}
		d := laid[n].Clone()
		if err := write(at, string(damage))(d); err != nil && at < disks.GiB-4096 {
			t.Fatal(err)
		}
		survives(t, d)
	})
}

// Each layout is damaged in many places where structures are, several at once.
func TestDamagedDisks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, err := rapid.SampledFrom(layouts).Draw(t, "layout").make()
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 8).Draw(t, "places") {
			at := place(t, d)
			if err := write(at, string(rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "damage")))(d); err != nil {
				t.Fatal(err)
			}
		}
		survives(t, d)
	})
}

// place is near the beginning of a block that was written, where tables and directories are.
func place(t *rapid.T, d *disks.Disk) int64 {
	blocks := slices.Concat(d.Indexes(), []int64{0})
	return rapid.SampledFrom(blocks).Draw(t, "block")*disks.BlockSize + rapid.Int64Range(0, 8192).Draw(t, "offset")
}

// Every directory is the same endless chain of directories.
func TestDirectoriesWithoutEnd(t *testing.T) {
	d, err := disks.GPT(1, slices.Repeat([]disks.Part{{Type: gpt.EFISystemPartition, MiB: 100, Fill: endless}}, 9)...)
	if err != nil {
		t.Fatal(err)
	}
	survives(t, d)
}

// endless is a FAT32 file system whose cluster 2 follows itself and holds only directories that begin there.
func endless(d *disks.Disk, at, size int64) error {
	if err := disks.ESP(32, x64)(d, at, size); err != nil {
		return err
	}
	const reserved, root = 32 * 512, 2
	if err := disks.Mark(reserved+4*root, "\x02\x00\x00\x00")(d, at, size); err != nil {
		return err
	}
	boot := make([]byte, 512)
	if _, err := d.ReadAt(boot, at); err != nil {
		return err
	}
	table := int64(boot[36]) | int64(boot[37])<<8
	data := reserved + 2*table*512
	for n := range int64(16) {
		entry := []byte("EFI        \x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00")
		if n%2 == 1 {
			copy(entry, "BOOT       ")
		}
		if n%4 == 3 {
			copy(entry, "PROGRAM EFI ")
		}
		if err := disks.Mark(data+n*32, string(entry))(d, at, size); err != nil {
			return err
		}
	}
	return nil
}
