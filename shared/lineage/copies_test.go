package lineage_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/lineage"
	"goldsmith/shared/source"
	"goldsmith/test/steptest"
)

// deleting is EC2 in which every snapshot is deleted once it was described.
type deleting struct {
	*sdk.Client
	asked *int
}

func (d deleting) DescribeSnapshots(
	ctx context.Context, in *sdk.DescribeSnapshotsInput, o ...func(*sdk.Options),
) (*sdk.DescribeSnapshotsOutput, error) {
	if *d.asked++; *d.asked > 1 {
		return &sdk.DescribeSnapshotsOutput{}, nil
	}
	return d.Client.DescribeSnapshots(ctx, in, o...)
}

func TestACopyThatIsDeletedMeanwhileHasItsOwnLineage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		volumes, err := s.EC2.DescribeVolumes(s.Context(), &sdk.DescribeVolumesInput{})
		s.Must(err)
		made, err := s.EC2.CreateSnapshot(s.Context(), &sdk.CreateSnapshotInput{VolumeId: volumes.Volumes[0].VolumeId})
		s.Must(err)
		time.Sleep(time.Hour)
		copied, err := s.EC2.CopySnapshot(s.Context(), &sdk.CopySnapshotInput{
			SourceSnapshotId: made.SnapshotId, SourceRegion: aws.String(steptest.Region),
		})
		s.Must(err)
		id := aws.ToString(copied.SnapshotId)
		found, err := lineage.OfStored(s.Context(), deleting{s.EC2, new(int)}, []string{id}, source.Name)
		s.Must(err)
		s.Same("lineages", found, map[string]string{id: id})
	})
}
