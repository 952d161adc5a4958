package rollout

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/asg"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/sharing"
	"goldsmith/shared/tag"
)

// Takers finds the groups that take a source's images, before there is one to roll.
type Takers struct {
	EC2 interface {
		ec2.DescribeLaunchTemplatesAPIClient
		ec2.DescribeLaunchTemplateVersionsAPIClient
	}
	Groups autoscaling.DescribeAutoScalingGroupsAPIClient
	// Path is the Parameter Store path that the aliases of images lie under.
	Path string
}

// Of are the groups that launch from what a source is rolled into: templates that are tagged with its name, its id or
// its group, or listed for it by the plan, and those that name its alias. Whether its name is its own is not asked.
func (k Takers) Of(ctx context.Context, roll plan.Roll, src job.Source) ([]types.AutoScalingGroup, error) {
	keys := Keys(src)
	tagged, err := TagsOf(ctx, k.EC2, keys)
	if err != nil {
		return nil, err
	}
	followers, err := k.followers(ctx, src.Name)
	if err != nil {
		return nil, err
	}
	by, rolled := list(roll, keys), asg.Rolled{}
	for _, id := range slices.Concat(slices.Collect(maps.Keys(tagged)), by.ids, followers) {
		rolled[id] = asg.Launched{}
	}
	if len(rolled) == 0 && len(by.names) == 0 {
		return nil, nil
	}
	all, err := asg.List(ctx, k.Groups, false)
	if err != nil {
		return nil, fmt.Errorf("looking for the groups that launch from templates: %w", err)
	}
	by.named(all, rolled)
	return asg.Using(all, rolled), nil
}

// named adds the templates that groups launch from and that the plan lists by their names.
func (l listing) named(groups []types.AutoScalingGroup, rolled asg.Rolled) {
	for _, g := range groups {
		for _, s := range asg.Specs(g) {
			if _, listed := l.key[s.Name]; listed {
				rolled[s.Template] = asg.Launched{}
			}
		}
	}
}

// Named are the same by their names, each with the role that it launches with.
func (k Takers) Named(ctx context.Context, roll plan.Roll, src job.Source) (named []sharing.Group, err error) {
	all, err := k.Of(ctx, roll, src)
	for _, g := range all {
		named = append(named, sharing.Group{
			Name: aws.ToString(g.AutoScalingGroupName), Role: aws.ToString(g.ServiceLinkedRoleARN),
		})
	}
	return named, err
}

// followers are the templates whose $Default or $Latest takes its image from the alias of a name.
func (k Takers) followers(ctx context.Context, name string) (ids []string, err error) {
	if ids, err = k.with(ctx, name, versionDefault, versionLatest); IsNoVersion(err) {
		return k.with(ctx, name, versionDefault) // A template's latest was deleted, and EC2 shows none at all.
	}
	return ids, err
}

func (k Takers) with(ctx context.Context, name string, versions ...string) (ids []string, err error) {
	pages := ec2.NewDescribeLaunchTemplateVersionsPaginator(k.EC2, &ec2.DescribeLaunchTemplateVersionsInput{
		Versions: versions,
		Filters: []ec2types.Filter{{
			Name: aws.String("image-id"), Values: []string{tag.Literal("resolve:ssm:" + Finder{Path: k.Path}.alias(name))},
		}},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for the launch templates that name the alias of %s: %w", name, err)
		}
		for _, v := range out.LaunchTemplateVersions {
			ids = append(ids, aws.ToString(v.LaunchTemplateId))
		}
	}
	return ids, nil
}
