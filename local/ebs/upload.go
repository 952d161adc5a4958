package ebs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"

	"goldsmith/local/disks"
)

// Upload makes a snapshot of a disk as an ordinary client does: blocks of zeros are left out. It
// returns the snapshot's id, which is completed a while later.
func Upload(ctx context.Context, client *sdk.Client, r io.ReaderAt, size int64, start sdk.StartSnapshotInput) (string,
	error) {
	start.VolumeSize = aws.Int64((size + disks.GiB - 1) / disks.GiB)
	started, err := client.StartSnapshot(ctx, &start)
	if err != nil {
		return "", fmt.Errorf("starting a snapshot: %w", err)
	}
	id, written := started.SnapshotId, content{}
	for n := range blocksOf(r, size) {
		b, err := blockOf(r, n)
		if err != nil {
			return "", fmt.Errorf("reading block %d: %w", n, err)
		}
		if b.data == nil {
			continue
		}
		written[n] = b
		_, err = client.PutSnapshotBlock(ctx, &sdk.PutSnapshotBlockInput{
			SnapshotId: id, BlockIndex: aws.Int32(int32(n)), BlockData: bytes.NewReader(b.data), //nolint:gosec // a volume of 64 TiB has 2^27 blocks
			DataLength: aws.Int32(disks.BlockSize), Checksum: aws.String(b.checksum()),
			ChecksumAlgorithm: types.ChecksumAlgorithmChecksumAlgorithmSha256,
		})
		if err != nil {
			return "", fmt.Errorf("writing block %d: %w", n, err)
		}
	}
	_, err = client.CompleteSnapshot(ctx, &sdk.CompleteSnapshotInput{
		SnapshotId: id, ChangedBlocksCount: aws.Int32(int32(len(written))), Checksum: aws.String(written.aggregate()), //nolint:gosec // as above
		ChecksumAlgorithm:         types.ChecksumAlgorithmChecksumAlgorithmSha256,
		ChecksumAggregationMethod: types.ChecksumAggregationMethodChecksumAggregationLinear,
	})
	if err != nil {
		return "", fmt.Errorf("completing the snapshot: %w", err)
	}
	return *id, nil
}

// blocksOf are the blocks that may hold something.
func blocksOf(r io.ReaderAt, size int64) iter.Seq[int64] {
	if d, ok := r.(*disks.Disk); ok {
		return slices.Values(d.Indexes())
	}
	return func(yield func(int64) bool) {
		for n := int64(0); n*disks.BlockSize < size && yield(n); n++ {
		}
	}
}

// blockOf reads a block; it has no data when it is all zeros. The last one is filled up with zeros.
func blockOf(r io.ReaderAt, n int64) (block, error) {
	data := make([]byte, disks.BlockSize)
	if _, err := r.ReadAt(data, n*disks.BlockSize); err != nil && err != io.EOF {
		return block{}, err
	}
	if Zeros(data) {
		return block{}, nil
	}
	return newBlock(data), nil
}

var zeros = make([]byte, disks.BlockSize)

// Zeros reports whether a block holds nothing else; such a one need not be written.
func Zeros(data []byte) bool { return bytes.Equal(data, zeros[:len(data)]) }
