package usage

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// fleetsPage is the largest page of fleets and of Spot Fleet requests.
const fleetsPage = 1000

// Fleets that launch nothing any more (API reference, FleetData and SpotFleetRequestConfig).
var (
	endedFleets = []types.FleetStateCode{
		types.FleetStateCodeDeleted, types.FleetStateCodeDeletedRunning, types.FleetStateCodeDeletedTerminatingInstances,
		types.FleetStateCodeFailed,
	}
	endedSpotFleets = []types.BatchState{
		types.BatchStateCancelled, types.BatchStateCancelledRunning, types.BatchStateCancelledTerminatingInstances,
		types.BatchStateFailed,
	}
)

// fleets reads what EC2 Fleets launch. One of type instant has launched already, and is not listed.
func (g Finder) fleets(ctx context.Context, s *search) error {
	pages := ec2.NewDescribeFleetsPaginator(g.EC2, &ec2.DescribeFleetsInput{MaxResults: aws.Int32(fleetsPage)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, f := range out.Fleets {
			if !slices.Contains(endedFleets, f.FleetState) {
				s.fleet(f)
			}
		}
	}
	return nil
}

func (s *search) fleet(f types.FleetData) {
	who := "EC2 Fleet " + aws.ToString(f.FleetId)
	for _, c := range f.LaunchTemplateConfigs {
		if t := c.LaunchTemplateSpecification; t != nil {
			s.pins.add(who, t.LaunchTemplateId, t.LaunchTemplateName, t.Version)
		}
		for _, o := range c.Overrides {
			if o.ImageId != nil {
				s.named = append(s.named, mention{*o.ImageId, use{"override of " + who, "override of " + who}})
			}
			for _, m := range o.BlockDeviceMappings {
				if m.Ebs != nil {
					s.snapshot(m.Ebs.SnapshotId, "override of "+who, "override of "+who)
				}
			}
		}
	}
}

// spotFleets reads what Spot Fleet requests launch, by templates and by launch specifications.
func (g Finder) spotFleets(ctx context.Context, s *search) error {
	pages := ec2.NewDescribeSpotFleetRequestsPaginator(g.EC2,
		&ec2.DescribeSpotFleetRequestsInput{MaxResults: aws.Int32(fleetsPage)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, f := range out.SpotFleetRequestConfigs {
			if f.SpotFleetRequestConfig != nil && !slices.Contains(endedSpotFleets, f.SpotFleetRequestState) {
				s.spotFleet("Spot Fleet "+aws.ToString(f.SpotFleetRequestId), *f.SpotFleetRequestConfig)
			}
		}
	}
	return nil
}

func (s *search) spotFleet(who string, f types.SpotFleetRequestConfigData) {
	for _, l := range f.LaunchSpecifications {
		s.named = append(s.named, mention{aws.ToString(l.ImageId), use{who, who}})
		s.mappings(l.BlockDeviceMappings, who, who)
	}
	for _, c := range f.LaunchTemplateConfigs {
		if t := c.LaunchTemplateSpecification; t != nil {
			s.pins.add(who, t.LaunchTemplateId, t.LaunchTemplateName, t.Version)
		}
	}
}
