package disk_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"

	"goldsmith/local/clock"
	"goldsmith/local/disks"
	"goldsmith/local/ebs"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/shared/disk"
)

// shelf is the embedded EBS with a real client; between stands between the two.
type shelf struct {
	*testing.T
	service *ebs.Service
	client  *sdk.Client
	between
}

// between counts calls and changes answers.
type between struct {
	disk.API
	lists, gets int
	list        func(*sdk.ListSnapshotBlocksInput, *sdk.ListSnapshotBlocksOutput)
	get         func(*sdk.GetSnapshotBlockInput, *sdk.GetSnapshotBlockOutput)
	before      func(block int32)
}

func (b *between) ListSnapshotBlocks(ctx context.Context, in *sdk.ListSnapshotBlocksInput,
	o ...func(*sdk.Options)) (*sdk.ListSnapshotBlocksOutput, error) {
	b.lists++
	out, err := b.API.ListSnapshotBlocks(ctx, in, o...)
	if err == nil && b.list != nil {
		b.list(in, out)
	}
	return out, err
}

func (b *between) GetSnapshotBlock(ctx context.Context, in *sdk.GetSnapshotBlockInput,
	o ...func(*sdk.Options)) (*sdk.GetSnapshotBlockOutput, error) {
	b.gets++
	if b.before != nil {
		b.before(*in.BlockIndex)
	}
	out, err := b.API.GetSnapshotBlock(ctx, in, o...)
	if err == nil && b.get != nil {
		b.get(in, out)
	}
	return out, err
}

func onShelf(t *testing.T, story func(*shelf)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		world := ec2.New(ec2.Options{Clock: clock.Real(), Seed: 1})
		service := ebs.New(ebs.Options{Clock: clock.Real(), EC2: world})
		client := sdk.NewFromConfig(aws.Config{
			Region: "eu-west-1", BaseEndpoint: aws.String("http://aws.local"), HTTPClient: query.Client(service),
			Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		})
		story(&shelf{t, service, client, between{API: client}})
	})
}

// put uploads a disk and waits until it is completed.
func (s *shelf) put(d *disks.Disk, err error) string {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
	id, err := ebs.Upload(s.Context(), s.client, d, d.Size(), sdk.StartSnapshotInput{})
	if err != nil {
		s.Fatal(err)
	}
	time.Sleep(24 * time.Hour)
	return id
}

func (s *shelf) read(id string) (disk.Disk, *disk.Snapshot, error) {
	opened, err := disk.Open(s.Context(), &s.between, id)
	if err != nil {
		return disk.Disk{}, opened, err
	}
	found, err := disk.Read(opened, opened.Size())
	return found, opened, err
}

// Every layout is read through the real protocol as it is read in memory, with a handful of calls.
func TestReadSnapshots(t *testing.T) {
	for _, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			onShelf(t, func(s *shelf) {
				id := s.put(l.make())
				found, opened, err := s.read(id)
				if err != nil {
					t.Fatal(err)
				}
				l.hold(s.T, found)
				if most := max(8, 2*len(found.Partitions)); opened.Blocks() > most || s.lists+s.gets > 2*most {
					t.Errorf("%d blocks, %d lists, %d gets", opened.Blocks(), s.lists, s.gets)
				}
			})
		})
	}
}

func TestReadAtIsThatOfTheDisk(t *testing.T) {
	onShelf(t, func(s *shelf) {
		d := disks.Blank(2)
		for n := range int64(300) { // more blocks than one list names, with gaps between them
			if err := write(n*7*disks.BlockSize+n, string(rune('a'+n%26)))(d); err != nil {
				t.Fatal(err)
			}
		}
		opened, err := disk.Open(s.Context(), &s.between, s.put(d, nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int64{0, 7*disks.BlockSize - 5, 700 * 1000, 250 * 7 * disks.BlockSize, 2*disks.GiB - 10} {
			want, got := make([]byte, 64), make([]byte, 64)
			n, _ := d.ReadAt(want, at)
			m, err := opened.ReadAt(got, at)
			if n != m || !bytes.Equal(want, got) || (err == io.EOF) != (n < 64) { //nolint:errorlint // io.EOF itself
				t.Errorf("at %d: %d and %d bytes, %v", at, n, m, err)
			}
		}
	})
}

func TestReadingIsCapped(t *testing.T) {
	onShelf(t, func(s *shelf) {
		d := disks.Blank(1)
		for n := range int64(disk.MaxBlocks + 1) {
			if err := write(n*disks.BlockSize, "data")(d); err != nil {
				t.Fatal(err)
			}
		}
		opened, err := disk.Open(s.Context(), &s.between, s.put(d, nil))
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, (disk.MaxBlocks+1)*disks.BlockSize)
		if n, err := opened.ReadAt(b, 0); !errors.Is(err, disk.ErrBound) || n != disk.MaxBlocks*disks.BlockSize ||
			s.gets != disk.MaxBlocks {
			t.Errorf("%d bytes with %d gets: %v", n, s.gets, err)
		}
	})
}

func TestListsWithoutEnd(t *testing.T) {
	onShelf(t, func(s *shelf) {
		id := s.put(disks.Linux(1))
		s.list = func(_ *sdk.ListSnapshotBlocksInput, out *sdk.ListSnapshotBlocksOutput) {
			out.Blocks, out.NextToken = nil, aws.String("bW9yZQ==")
		}
		s.API = ceaseless{s.client}
		if _, _, err := s.read(id); !errors.Is(err, disk.ErrBound) {
			t.Errorf("got %v", err)
		}
	})
}

// ceaseless answers a list whatever its page token.
type ceaseless struct{ disk.API }

func (e ceaseless) ListSnapshotBlocks(ctx context.Context, in *sdk.ListSnapshotBlocksInput,
	o ...func(*sdk.Options)) (*sdk.ListSnapshotBlocksOutput, error) {
	first := *in
	first.NextToken = nil
	return e.API.ListSnapshotBlocks(ctx, &first, o...)
}

func TestDataWithoutItsChecksum(t *testing.T) {
	onShelf(t, func(s *shelf) {
		id, wrong := s.put(disks.Linux(1)), 2
		s.get = func(_ *sdk.GetSnapshotBlockInput, out *sdk.GetSnapshotBlockOutput) {
			if wrong--; wrong >= 0 {
				out.BlockData = io.NopCloser(bytes.NewReader(make([]byte, disks.BlockSize)))
			}
		}
		if found, _, err := s.read(id); err != nil || found.BIOS != "GRUB" {
			t.Errorf("twice wrong, then right: %v, %v", found, err)
		}
		wrong = 1000
		if _, _, err := s.read(id); !errors.Is(err, disk.ErrBlocks) {
			t.Errorf("always wrong: %v", err)
		}
		wrong, s.get = 0, func(_ *sdk.GetSnapshotBlockInput, out *sdk.GetSnapshotBlockOutput) {
			out.BlockData = io.NopCloser(io.LimitReader(out.BlockData, 1000))
		}
		if _, _, err := s.read(id); !errors.Is(err, disk.ErrBlocks) {
			t.Errorf("always short: %v", err)
		}
	})
}

// Tokens that have become void are asked for again, once a block.
func TestVoidTokens(t *testing.T) {
	onShelf(t, func(s *shelf) {
		id, last := s.put(disks.Linux(1)), int32(-1)
		s.before = func(n int32) {
			if n != last {
				last = n
				time.Sleep(8 * 24 * time.Hour)
			}
		}
		if found, _, err := s.read(id); err != nil || found.BIOS != "GRUB" {
			t.Errorf("got %v, %v", found, err)
		}
		s.before = func(int32) { time.Sleep(8 * 24 * time.Hour) }
		var void *types.ValidationException
		if _, _, err := s.read(id); !errors.As(err, &void) {
			t.Errorf("got %v", err)
		}
	})
}

func TestUnlikelySizes(t *testing.T) {
	onShelf(t, func(s *shelf) {
		id := s.put(disks.Linux(1))
		for _, edit := range []func(*sdk.ListSnapshotBlocksOutput){
			func(out *sdk.ListSnapshotBlocksOutput) { out.VolumeSize = nil },
			func(out *sdk.ListSnapshotBlocksOutput) { out.VolumeSize = aws.Int64(1 << 40) },
			func(out *sdk.ListSnapshotBlocksOutput) { out.BlockSize = aws.Int32(0) },
		} {
			s.list = func(_ *sdk.ListSnapshotBlocksInput, out *sdk.ListSnapshotBlocksOutput) { edit(out) }
			if _, _, err := s.read(id); !errors.Is(err, disk.ErrBlocks) {
				t.Errorf("got %v", err)
			}
		}
	})
}
