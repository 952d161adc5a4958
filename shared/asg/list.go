package asg

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

// page is the most that DescribeAutoScalingGroups gives at once.
const page = 100

// List are all groups of the Region, or those of these names, by name; members is whether their instances are given,
// too. No filter of Auto Scaling's knows templates.
func List(ctx context.Context, api autoscaling.DescribeAutoScalingGroupsAPIClient, members bool,
	names ...string) ([]types.AutoScalingGroup, error) {
	pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(api, &autoscaling.DescribeAutoScalingGroupsInput{
		AutoScalingGroupNames: names, IncludeInstances: aws.Bool(members), MaxRecords: aws.Int32(page),
	})
	var all []types.AutoScalingGroup
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, out.AutoScalingGroups...)
	}
	slices.SortFunc(all, func(a, b types.AutoScalingGroup) int {
		return strings.Compare(aws.ToString(a.AutoScalingGroupName), aws.ToString(b.AutoScalingGroupName))
	})
	return all, nil
}

// Using are the groups that may launch from what was rolled, in their order.
func Using(groups []types.AutoScalingGroup, rolled Rolled) []types.AutoScalingGroup {
	return slices.DeleteFunc(slices.Clone(groups), func(g types.AutoScalingGroup) bool { return !Uses(g, rolled) })
}
