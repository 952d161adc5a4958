package refresh

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/shared/group"
	"goldsmith/shared/job"
)

// templatePrefix begins the id of every launch template; what else is rolled are parameters.
const templatePrefix = "lt-"

// groupsAPage is the most that DescribeAutoScalingGroups gives at once.
const groupsAPage = 100

// rolled are the templates that have the new image, those that resolve a parameter included.
func rolled(j job.Job) group.Rolled {
	all := group.Rolled{}
	for _, r := range j.Rolled {
		switch {
		case r.Problem != "":
		case strings.HasPrefix(r.Target, templatePrefix):
			all[r.Target] = group.Target{Version: r.Version, Image: r.To}
		default:
			for _, through := range r.Through {
				all[through] = group.Target{}
			}
		}
	}
	return all
}

// using are the groups that may launch from a rolled template, by name. No filter
// of Auto Scaling's knows templates, so all groups of the Region are looked at;
// names are those wanted, none for all.
func (s Step) using(ctx context.Context, templates group.Rolled, names ...string) ([]types.AutoScalingGroup, error) {
	pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(s.groups, &autoscaling.DescribeAutoScalingGroupsInput{
		AutoScalingGroupNames: names, IncludeInstances: aws.Bool(true), MaxRecords: aws.Int32(groupsAPage),
	})
	var found []types.AutoScalingGroup
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for the groups that use what was rolled: %w", err)
		}
		for _, g := range out.AutoScalingGroups {
			if group.Uses(g, templates) {
				found = append(found, g)
			}
		}
	}
	slices.SortFunc(found, func(a, b types.AutoScalingGroup) int {
		return strings.Compare(aws.ToString(a.AutoScalingGroupName), aws.ToString(b.AutoScalingGroupName))
	})
	return found, nil
}

// warn tells of groups that name an older version by its number: a new default changes nothing for them.
func (s Step) warn(ctx context.Context, j job.Job) (job.Job, error) {
	templates := rolled(j)
	groups, err := s.using(ctx, templates)
	if problem, err := lasting(err); err != nil || problem != "" {
		return j, err
	}
	var pinned []string
	for _, g := range groups {
		for _, spec := range group.Pinned(g, templates) {
			pinned = append(pinned, fmt.Sprintf("%s (%s)", aws.ToString(g.AutoScalingGroupName), spec))
		}
	}
	if len(pinned) == 0 || slices.ContainsFunc(j.Warnings, func(w job.Reason) bool { return w.Code == job.PinnedGroup }) {
		return j, nil
	}
	more := ""
	if rest := len(pinned) - job.MaxRefreshes; rest > 0 {
		pinned, more = pinned[:job.MaxRefreshes], fmt.Sprintf(" and %d more", rest)
	}
	j.Warnings = append(j.Warnings, job.Reason{Code: job.PinnedGroup, Text: fmt.Sprintf(
		"Groups that name an older version go on launching it: %s%s. Update them, let them name $Default, or set roll.refresh.enabled.",
		strings.Join(pinned, ", "), more)})
	return j, nil
}
