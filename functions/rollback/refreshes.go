package rollback

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/group"
)

// Groups are Auto Scaling groups and their instance refreshes.
type Groups interface {
	DescribeAutoScalingGroups(context.Context, *autoscaling.DescribeAutoScalingGroupsInput, ...func(*autoscaling.Options)) (*autoscaling.DescribeAutoScalingGroupsOutput, error)
	DescribeInstanceRefreshes(context.Context, *autoscaling.DescribeInstanceRefreshesInput, ...func(*autoscaling.Options)) (*autoscaling.DescribeInstanceRefreshesOutput, error)
	RollbackInstanceRefresh(context.Context, *autoscaling.RollbackInstanceRefreshInput, ...func(*autoscaling.Options)) (*autoscaling.RollbackInstanceRefreshOutput, error)
}

// Fleet puts groups back by Auto Scaling's own rollback of an instance refresh.
type Fleet struct{ Groups Groups }

// Undone is what became of the refreshes: the groups that go back, and a sentence for each that does not.
type Undone struct{ Groups, Left []string }

// The codes of what cannot be rolled back (API reference, RollbackInstanceRefresh).
const (
	irreversible = "IrreversibleInstanceRefresh"
	noneActive   = "ActiveInstanceRefreshNotFound"
)

// RollBack rolls back the refreshes under way that deploy one of these versions of a
// template. A group that cannot go back is told, and the others go on.
func (f Fleet) RollBack(ctx context.Context, template string, versions []string) (Undone, error) {
	var done Undone
	groups, err := f.using(ctx, template)
	if err != nil {
		return done, err
	}
	for _, g := range groups {
		name := aws.ToString(g.AutoScalingGroupName)
		back, left := f.one(ctx, g, template, versions)
		if back {
			done.Groups = append(done.Groups, name)
		}
		if left != "" {
			done.Left = append(done.Left, "group "+name+" "+left)
		}
	}
	return done, nil
}

// groupsAPage is the most that DescribeAutoScalingGroups gives at once.
const groupsAPage = 100

// using are the groups that may launch from the template. No filter of Auto Scaling's knows templates.
func (f Fleet) using(ctx context.Context, template string) ([]types.AutoScalingGroup, error) {
	pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(f.Groups, &autoscaling.DescribeAutoScalingGroupsInput{
		IncludeInstances: aws.Bool(false), MaxRecords: aws.Int32(groupsAPage),
	})
	var found []types.AutoScalingGroup
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for the groups that use %s: %w", template, err)
		}
		for _, g := range out.AutoScalingGroups {
			if group.Uses(g, group.Rolled{template: {}}) {
				found = append(found, g)
			}
		}
	}
	return found, nil
}

// one rolls back what goes on in a group, and says whether it goes back or why it does not.
func (f Fleet) one(ctx context.Context, g types.AutoScalingGroup, template string, versions []string) (back bool, left string) {
	// A group has one refresh at a time, and Auto Scaling gives the newest first.
	out, err := f.Groups.DescribeInstanceRefreshes(ctx, &autoscaling.DescribeInstanceRefreshesInput{AutoScalingGroupName: g.AutoScalingGroupName})
	if err != nil {
		return false, "may be refreshed still: " + fault.Brief(err)
	}
	i := slices.IndexFunc(out.InstanceRefreshes, func(r types.InstanceRefresh) bool { return group.ProgressOf(r.Status) == group.Going })
	if i < 0 {
		return false, ""
	}
	switch is := out.InstanceRefreshes[i]; {
	case is.DesiredConfiguration == nil:
		return false, plain(g, template)
	case !deploys(is.DesiredConfiguration, template, versions):
		return false, "" // Somebody else's, or to what is wanted.
	case is.Status == types.InstanceRefreshStatusRollbackInProgress:
		return true, ""
	case is.Status == types.InstanceRefreshStatusCancelling:
		return false, "has its refresh cancelled, which leaves it on both images: refresh it"
	}
	return f.undo(ctx, g)
}

// undo asks Auto Scaling, which takes a group's name and no refresh's id: what goes on is rolled back.
func (f Fleet) undo(ctx context.Context, g types.AutoScalingGroup) (back bool, left string) {
	_, err := f.Groups.RollbackInstanceRefresh(ctx, &autoscaling.RollbackInstanceRefreshInput{AutoScalingGroupName: g.AutoScalingGroupName})
	switch {
	case err == nil:
		return true, ""
	case fault.Code(err) == noneActive:
		return false, "had its refresh end before it could be rolled back: look at which version it names, and refresh it"
	case fault.Code(err) == irreversible:
		return false, "has a refresh that Auto Scaling does not roll back: cancel it, and refresh the group (" + fault.Brief(err) + ")"
	default:
		return false, "was not rolled back; ask again: " + fault.Brief(err)
	}
}

// plain is what to say of a refresh without a desired configuration. It cannot be
// rolled back (user guide, instance-refresh-rollback); a group that names a number
// does not launch from what was rolled by it.
func plain(g types.AutoScalingGroup, template string) string {
	for _, s := range group.Specs(g) {
		if s.Template == template && strings.HasPrefix(s.Version, "$") {
			return "names " + s.Version + ", and Auto Scaling rolls no such refresh back: refresh it again when this one has ended"
		}
	}
	return ""
}

// deploys reports whether a desired configuration names one of these versions of a template.
func deploys(to *types.DesiredConfiguration, template string, versions []string) bool {
	specs := group.Specs(types.AutoScalingGroup{LaunchTemplate: to.LaunchTemplate, MixedInstancesPolicy: to.MixedInstancesPolicy})
	return slices.ContainsFunc(specs, func(s group.Spec) bool { return s.Template == template && slices.Contains(versions, s.Version) })
}
