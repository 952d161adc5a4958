package usage

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// spotPage is the largest page of Spot requests (API reference, DescribeSpotInstanceRequests).
const spotPage = 1000

// endedSpot are the states of a Spot request that launches nothing any more. One that is persistent is open once its
// instance is terminated or interrupted, and disabled while that is stopped (User Guide, "Spot request states").
var endedSpot = []types.SpotInstanceState{
	types.SpotInstanceStateClosed, types.SpotInstanceStateCancelled, types.SpotInstanceStateFailed,
}

// spotRequests reads what Spot requests launch.
func (g Finder) spotRequests(ctx context.Context, s *search) error {
	pages := ec2.NewDescribeSpotInstanceRequestsPaginator(g.EC2, &ec2.DescribeSpotInstanceRequestsInput{
		MaxResults: aws.Int32(spotPage),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, r := range out.SpotInstanceRequests {
			s.spotRequest(r)
		}
	}
	return nil
}

func (s *search) spotRequest(r types.SpotInstanceRequest) {
	if r.LaunchSpecification == nil || slices.Contains(endedSpot, r.State) {
		return
	}
	who := "Spot request " + aws.ToString(r.SpotInstanceRequestId)
	why := who + " (" + string(r.State) + ")"
	s.named = append(s.named, mention{aws.ToString(r.LaunchSpecification.ImageId), use{who, why}})
	s.mappings(r.LaunchSpecification.BlockDeviceMappings, who, why)
}
