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
	"goldsmith/shared/rollout"
)

// templatePrefix begins the id of every launch template; what else is rolled are parameters.
const templatePrefix = "lt-"

// groupsAPage is the most that DescribeAutoScalingGroups gives at once.
const groupsAPage = 100

// rolled is what was rolled: what the job carries, and what of its run only the ledger knows.
func (s Step) rolled(ctx context.Context, j job.Job) ([]job.Rolled, error) {
	if j.Rest == nil {
		return j.Rolled, nil
	}
	all := slices.DeleteFunc(slices.Clone(j.Rolled), func(r job.Rolled) bool { return len(r.Through) > 0 })
	for _, key := range rollout.Keys(j.Source) {
		for t, err := range s.book.Targets(ctx, key) {
			if err != nil {
				return nil, fmt.Errorf("reading what %s has rolled: %w", key, err)
			}
			last, rolled := rollout.Latest(t)
			known := slices.ContainsFunc(all, func(r job.Rolled) bool { return r.Target == t.ID })
			if rolled && !known && last.Run == j.Run.Name && last.Source == j.Source.ID {
				all = append(all, job.Rolled{Target: t.ID, To: last.Image, Version: last.Version, Stays: last.Stays, Through: t.Through})
			}
		}
	}
	return all, nil
}

// templates are the templates that have the new image, those that resolve a parameter included.
func templates(rolled []job.Rolled) group.Rolled {
	all := group.Rolled{}
	for _, r := range rolled {
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
	rolled, err := s.rolled(ctx, j)
	if err != nil {
		return j, err
	}
	templates := templates(rolled)
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
