package usage

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

// endedRefreshes are the states of an instance refresh that launches nothing any more (API reference, InstanceRefresh).
var endedRefreshes = []scaling.InstanceRefreshStatus{
	scaling.InstanceRefreshStatusSuccessful, scaling.InstanceRefreshStatusFailed, scaling.InstanceRefreshStatusCancelled,
	scaling.InstanceRefreshStatusRollbackFailed, scaling.InstanceRefreshStatusRollbackSuccessful,
}

// refreshes reads what instance refreshes that go on launch: a group shows a desired configuration only once its
// refresh was successful. Asked are the groups of templates that name an image in an old version.
func (g Finder) refreshes(ctx context.Context, s *search) error {
	s.pins = Pins{}
	before := len(s.named)
	for _, group := range s.groupsOfOld() {
		if err := g.refreshesOf(ctx, s, group); err != nil {
			return err
		}
	}
	if err := g.pinnedVersions(ctx, s); err != nil || len(s.named) == before {
		return err
	}
	return g.resolve(ctx, s)
}

func (g Finder) refreshesOf(ctx context.Context, s *search, group string) error {
	pages := autoscaling.NewDescribeInstanceRefreshesPaginator(g.AutoScaling, &autoscaling.DescribeInstanceRefreshesInput{
		AutoScalingGroupName: aws.String(group), MaxRecords: aws.Int32(groupsPage),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, r := range out.InstanceRefreshes {
			if r.DesiredConfiguration != nil && !slices.Contains(endedRefreshes, r.Status) {
				s.launched("instance refresh of Auto Scaling group "+group, r.DesiredConfiguration.LaunchTemplate,
					r.DesiredConfiguration.MixedInstancesPolicy)
			}
		}
	}
	return nil
}

// groupsOfOld are the groups of templates that name an unused image in an old version.
func (s *search) groupsOfOld() []string {
	groups := map[string]bool{}
	for image, templates := range s.old {
		if len(s.uses[image]) > 0 {
			continue
		}
		for _, id := range templates {
			for _, t := range []templateOf{{id: id}, {name: s.titles[id]}} {
				for _, group := range s.groupsOf[t] {
					groups[group] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(groups))
}
