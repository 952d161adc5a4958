package usage_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

// spot launches an image by a Spot request.
func (w *world) spot(image string, kind types.SpotInstanceType) (id, request string) {
	w.Helper()
	id = w.Launch("x", nil, func(in *sdk.RunInstancesInput) {
		in.ImageId = aws.String(image)
		in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{
			MarketType: types.MarketTypeSpot, SpotOptions: &types.SpotMarketOptions{SpotInstanceType: kind},
		}
		if kind == types.SpotInstanceTypePersistent {
			in.InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior = types.InstanceInterruptionBehaviorStop
		}
	})
	out, err := w.EC2.DescribeSpotInstanceRequests(w.Context(), &sdk.DescribeSpotInstanceRequestsInput{
		Filters: []types.Filter{{Name: aws.String("instance-id"), Values: []string{id}}},
	})
	w.Must(err)
	return id, aws.ToString(out.SpotInstanceRequests[0].SpotInstanceRequestId)
}

// Once EC2 shows the instance no more, a persistent request still launches its image, and a one-time one does not.
func TestSpotRequestsOutliveTheirInstances(t *testing.T) {
	for kind, want := range map[types.SpotInstanceType]int{
		types.SpotInstanceTypePersistent: 1, types.SpotInstanceTypeOneTime: 0,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			image := w.image()
			id, _ := w.spot(image, kind)
			w.Set(id, ec2.Terminated)
			time.Sleep(100 * time.Hour)
			uses, err := w.finder().Uses(w.Context(), w.describe(image))
			w.Must(err)
			w.Same(string(kind), len(uses[image]), want)
		})
	}
}
