package disk

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
)

// API is what of the EBS direct APIs reading takes.
type API interface {
	ebs.ListSnapshotBlocksAPIClient
	GetSnapshotBlock(context.Context, *ebs.GetSnapshotBlockInput,
		...func(*ebs.Options)) (*ebs.GetSnapshotBlockOutput, error)
}

// MaxBlocks is how many blocks of a snapshot are read at most: a disk with an EFI system partition takes
// about five, the most that its partitions may ask for is twice sixteen, and 64 are 32 MiB.
const MaxBlocks = 64

const (
	// listed is how many blocks one list names: the API's least (API reference, ListSnapshotBlocks).
	listed = 100
	// maxLists is how many lists are asked for at most: one for each block, and as many for pages that
	// are empty although more follow, which is documented.
	maxLists = 2 * MaxBlocks
	// tries is how often a block is fetched whose data does not match its checksum.
	tries = 3
	// Blocks are 512 KiB (EBS User Guide, EBS direct APIs concepts); what else a list says is not read.
	blockSize = 512 << 10
	gib       = 1 << 30
	// maxVolume is the largest EBS volume, 64 TiB.
	maxVolume = 65536
)

// What is returned, wrapped, beside AWS's own errors.
var (
	// ErrBound is for a disk that would take more reading than a root disk does.
	ErrBound = errors.New("too much to read")
	// ErrBlocks is for answers that contradict themselves: data without its checksum, a disk without a size.
	ErrBlocks = errors.New("its blocks cannot be relied on")
)

// Snapshot is a completed snapshot as a disk. It fetches the blocks that are read and keeps them.
// It is an io.ReaderAt for one goroutine.
type Snapshot struct {
	ctx   context.Context
	api   API
	id    string
	bytes int64
	lists int
	held  map[int32][]byte

	// The last list: tokens of blocks from a first to an end; those between without a token were never written.
	// A further list makes the tokens of the one before void (EBS User Guide, EBS direct APIs concepts).
	first, end int32
	tokens     map[int32]string
}

// Open asks for the first blocks of a snapshot.
func Open(ctx context.Context, api API, id string) (*Snapshot, error) {
	s := &Snapshot{ctx: ctx, api: api, id: id, held: map[int32][]byte{}}
	return s, s.list(0)
}

// Size is the volume's, in bytes.
func (s *Snapshot) Size() int64 { return s.bytes }

// Blocks is how many blocks were fetched.
func (s *Snapshot) Blocks() int { return len(s.held) }

// ReadAt reads like any io.ReaderAt. An error is AWS's own, or wraps ErrBound or ErrBlocks.
func (s *Snapshot) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		at := off + int64(done)
		if at < 0 || at >= s.bytes {
			return done, io.EOF
		}
		block, err := s.block(int32(at / blockSize)) //nolint:gosec // a volume of 64 TiB has 2^27 blocks
		if err != nil {
			return done, err
		}
		within := at % blockSize
		n := min(blockSize-within, int64(len(p)-done), s.bytes-at)
		if block == nil {
			clear(p[done : done+int(n)])
		} else {
			copy(p[done:done+int(n)], block[within:])
		}
		done += int(n)
	}
	return done, nil
}

// block is one block; nil for one of zeros, which the snapshot does not hold.
func (s *Snapshot) block(n int32) ([]byte, error) {
	if b, ok := s.held[n]; ok {
		return b, nil
	}
	if n < s.first || n >= s.end {
		if err := s.list(n); err != nil {
			return nil, err
		}
	}
	b, err := s.take(n)
	if !void(err) {
		return b, err
	}
	if err := s.list(n); err != nil {
		return nil, err
	}
	return s.take(n)
}

// void reports whether a token has expired, or somebody else has listed the snapshot.
func void(err error) bool {
	invalid, ok := errors.AsType[*types.ValidationException](err)
	return ok && invalid.Reason == types.ValidationExceptionReasonInvalidBlockToken
}

// take fetches a block that was listed, and keeps it.
func (s *Snapshot) take(n int32) ([]byte, error) {
	token, written := s.tokens[n]
	if !written {
		return nil, nil
	}
	if len(s.held) >= MaxBlocks {
		return nil, fmt.Errorf("%s: %w: more than %d blocks", s.id, ErrBound, MaxBlocks)
	}
	b, err := s.fetch(n, token)
	if err == nil {
		s.held[n] = b
	}
	return b, err
}

// list asks which blocks there are from n on.
func (s *Snapshot) list(n int32) error {
	s.first, s.end, s.tokens = n, n, map[int32]string{}
	in := &ebs.ListSnapshotBlocksInput{SnapshotId: aws.String(s.id), MaxResults: aws.Int32(listed),
		StartingBlockIndex: aws.Int32(n)}
	for s.end <= n {
		if s.lists++; s.lists > maxLists {
			return fmt.Errorf("%s: %w: more than %d lists of blocks", s.id, ErrBound, maxLists)
		}
		out, err := s.api.ListSnapshotBlocks(s.ctx, in)
		if err != nil {
			return fmt.Errorf("listing the blocks of %s: %w", s.id, err)
		}
		if err := s.page(out); err != nil {
			return err
		}
		if out.NextToken == nil {
			s.end = int32(s.bytes/blockSize) + 1 //nolint:gosec // a volume of 64 TiB has 2^27 blocks
			return nil
		}
		in.NextToken = out.NextToken
	}
	return nil
}

func (s *Snapshot) page(out *ebs.ListSnapshotBlocksOutput) error {
	size, width := aws.ToInt64(out.VolumeSize), aws.ToInt32(out.BlockSize)
	if size < 1 || size > maxVolume || width != blockSize {
		return fmt.Errorf("%s: %w: %d GiB in blocks of %d bytes", s.id, ErrBlocks, size, width)
	}
	s.bytes = size * gib
	for _, b := range out.Blocks {
		if n := aws.ToInt32(b.BlockIndex); n >= s.first && int64(n) < s.bytes/blockSize && b.BlockToken != nil {
			s.tokens[n] = *b.BlockToken
			s.end = max(s.end, n+1)
		}
	}
	return nil
}

// fetch gets a block and holds it against its checksum: the data is not part of the answer's signature.
func (s *Snapshot) fetch(n int32, token string) (block []byte, err error) {
	for range tries {
		out, err := s.api.GetSnapshotBlock(s.ctx, &ebs.GetSnapshotBlockInput{
			SnapshotId: aws.String(s.id), BlockIndex: aws.Int32(n), BlockToken: aws.String(token),
		})
		if err != nil {
			return nil, fmt.Errorf("reading block %d of %s: %w", n, s.id, err)
		}
		block, err = io.ReadAll(io.LimitReader(out.BlockData, blockSize+1))
		out.BlockData.Close()
		if err == nil && len(block) == blockSize && sum(block) == aws.ToString(out.Checksum) {
			return block, nil
		}
	}
	return nil, fmt.Errorf("%s: %w: the data of block %d does not match its checksum", s.id, ErrBlocks, n)
}

func sum(block []byte) string {
	digest := sha256.Sum256(block)
	return base64.StdEncoding.EncodeToString(digest[:])
}
