package lineage_test

import (
	"context"
	"testing"
	"testing/synctest"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/ec2"
	"goldsmith/shared/lineage"
	"goldsmith/test/steptest"
)

// silent is EC2 that shows no instance and no volume when it is asked by a filter.
type silent struct{ *sdk.Client }

func (s silent) DescribeInstances(
	ctx context.Context, in *sdk.DescribeInstancesInput, o ...func(*sdk.Options),
) (*sdk.DescribeInstancesOutput, error) {
	if len(in.Filters) > 0 {
		return &sdk.DescribeInstancesOutput{}, nil
	}
	return s.Client.DescribeInstances(ctx, in, o...)
}

func (s silent) DescribeVolumes(
	ctx context.Context, in *sdk.DescribeVolumesInput, o ...func(*sdk.Options),
) (*sdk.DescribeVolumesOutput, error) {
	if len(in.Filters) > 0 {
		return &sdk.DescribeVolumesOutput{}, nil
	}
	return s.Client.DescribeVolumes(ctx, in, o...)
}

// An empty answer ends no lineage: only what EC2 says does not exist, or is terminated, has ended.
func TestAnEmptyAnswerEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		gone := s.Launch("gone", nil)
		s.Set(gone, ec2.Terminated)
		finder := lineage.Finder{EC2: silent{s.EC2}, Groups: s.AutoScaling}
		out, err := s.EC2.DescribeVolumes(s.Context(), &sdk.DescribeVolumesInput{})
		s.Must(err)
		volume := *out.Volumes[0].VolumeId
		asked := []string{s.Web, gone, "i-0123456789abcdef0", "i-0123456789abcdef1", volume, "vol-0123456789abcdef0",
			"vol-0123456789abcdef1"}
		s.Same("living", finder.Living(s.Context(), asked), map[string]bool{s.Web: true, volume: true})
	})
}
