package prove

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/refresh"
	"goldsmith/shared/asg"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// The groups of none that are refreshed: one names version 1 of its template, the other what its default is.
const (
	pins    = "pins"
	follows = "follows"
)

// refreshable has a template whose default is its second version, and both groups.
func (l *lab) refreshable(ctx context.Context) error {
	if l.moved != "" {
		return nil
	}
	if err := l.find(ctx); err != nil {
		return err
	}
	id, err := l.newTemplate(ctx, "moved", nil)
	if err != nil {
		return err
	}
	for name, version := range map[string]string{pins: "1", follows: "$Default"} {
		if err := l.groupOf(ctx, name, id, version); err != nil {
			return err
		}
	}
	l.moved = id
	return l.move(ctx)
}

// move makes one more version, and makes that the default.
func (l *lab) move(ctx context.Context) error {
	v, err := l.newVersion(ctx, l.moved, &types.RequestLaunchTemplateData{ImageId: l.base.ImageId})
	if err != nil {
		return err
	}
	_, err = l.ec2.ModifyLaunchTemplate(ctx, &ec2.ModifyLaunchTemplateInput{
		LaunchTemplateId: aws.String(l.moved), DefaultVersion: aws.String(fmt.Sprint(aws.ToInt64(v.VersionNumber))),
	})
	l.heads = aws.ToInt64(v.VersionNumber)
	return err
}

// refreshed is what function refresh makes of the groups once the default was rolled: what it has begun before it
// finds again.
func (l *lab) refreshed(ctx context.Context) (map[string]job.Refresh, error) {
	j := job.Job{
		Run: job.Run{Name: l.run, Plan: l.run}, Plan: plan.Default(),
		Source: job.Source{ID: l.run, Kind: job.Instance, Name: l.run},
		Rolled: []job.Rolled{{Target: l.moved, To: aws.ToString(l.base.ImageId), Version: l.heads}},
		Times:  job.Times{Released: l.now()},
	}
	if l.released.IsZero() {
		l.released = j.Times.Released
	}
	j.Times.Released, j.Plan.Roll.Refresh.Enabled = l.released, true
	done, err := refresh.Step{AutoScaling: l.groups, EC2: l.ec2, SSM: l.ssm, Ledger: l.ledger, Now: l.now}.Handle(ctx, j)
	found := map[string]job.Refresh{}
	for _, r := range done.Refreshes {
		found[r.Group] = r
	}
	return found, err
}

// begun is the refresh of one of the groups, and why there is none.
func (l *lab) begun(ctx context.Context, group string) (r job.Refresh, why string, err error) {
	all, err := l.refreshed(ctx)
	if err != nil {
		return r, "", err
	}
	r = all[l.name(group)]
	if r.ID == "" {
		return r, fmt.Sprintf("the group was not refreshed: %s %s", r.Problem, r.Note), nil
	}
	return r, "", nil
}

func skipMatching(ctx context.Context, l *lab) (string, error) {
	_, why, err := l.begun(ctx, follows)
	return why, err
}

// refreshes are a group's as Auto Scaling gives them.
func (l *lab) refreshes(ctx context.Context, group string) ([]scaling.InstanceRefresh, error) {
	out, err := l.groups.DescribeInstanceRefreshes(ctx, &autoscaling.DescribeInstanceRefreshesInput{
		AutoScalingGroupName: aws.String(l.name(group)),
	})
	if err != nil {
		return nil, err
	}
	return out.InstanceRefreshes, nil
}

// desiredByID begins a refresh to a numbered version, and has function refresh find it again.
func desiredByID(ctx context.Context, l *lab) (string, error) {
	first, why, err := l.begun(ctx, pins)
	if why != "" || err != nil {
		return why, err
	}
	all, err := l.refreshes(ctx, pins)
	if err != nil {
		return "", err
	}
	if !named(all, first.ID) {
		return "its desired configuration is not shown with the template's id and its name", nil
	}
	again, why, err := l.begun(ctx, pins)
	if err == nil && why == "" && (again.ID != first.ID || again.Behind) {
		why = "a second look took the refresh for another's"
	}
	return why, err
}

// named reports whether a refresh is shown with the id and the name of the template that it deploys.
func named(all []scaling.InstanceRefresh, id string) bool {
	return slices.ContainsFunc(all, func(r scaling.InstanceRefresh) bool {
		to := r.DesiredConfiguration
		return aws.ToString(r.InstanceRefreshId) == id && to != nil && to.LaunchTemplate != nil &&
			to.LaunchTemplate.LaunchTemplateId != nil && to.LaunchTemplate.LaunchTemplateName != nil
	})
}

// refreshOfNone waits until the refresh of the group that names a version has ended.
func refreshOfNone(ctx context.Context, l *lab) (string, error) {
	r, why, err := l.begun(ctx, pins)
	if why != "" || err != nil {
		return why, err
	}
	status, err := l.ended(ctx, pins, r.ID)
	if err != nil || status != scaling.InstanceRefreshStatusSuccessful {
		return "the refresh is " + string(status), err
	}
	g, ok, err := l.groupNamed(ctx, l.name(pins))
	if err != nil || !ok {
		return "the group is not shown", err
	}
	if version := aws.ToString(g.LaunchTemplate.Version); version != strconv.FormatInt(l.heads, 10) {
		return "the group names version " + version, nil
	}
	return "", nil
}

// ended is how a refresh has ended.
func (l *lab) ended(ctx context.Context, group, id string) (is scaling.InstanceRefreshStatus, err error) {
	err = until(ctx, "waiting until the refresh of group "+l.name(group)+" has ended", patience, func() (bool, error) {
		all, err := l.refreshes(ctx, group)
		for _, r := range all {
			if aws.ToString(r.InstanceRefreshId) == id {
				is = r.Status
			}
		}
		return is != "" && asg.ProgressOf(is) != asg.Going, err
	})
	return is, err
}

// refreshesNewest begins a second refresh of the group that follows the default, and looks at once.
func refreshesNewest(ctx context.Context, l *lab) (string, error) {
	first, why, err := l.begun(ctx, follows)
	if why != "" || err != nil {
		return why, err
	}
	if err := l.rolledAgain(ctx); err != nil {
		return "", err
	}
	second, why, err := l.begun(ctx, follows)
	if why != "" || err != nil {
		return why, err
	}
	all, err := l.refreshes(ctx, follows)
	if err != nil {
		return "", err
	}
	if len(all) < 2 || aws.ToString(all[0].InstanceRefreshId) != second.ID || second.ID == first.ID {
		return "the newest refresh is not the first that is shown", nil
	}
	return "", nil
}

// rolledAgain waits for both refreshes, since function refresh looks at both groups, and moves the default once more.
func (l *lab) rolledAgain(ctx context.Context) error {
	for _, group := range []string{follows, pins} {
		r, why, err := l.begun(ctx, group)
		if err != nil {
			return err
		}
		if why != "" {
			return untriable{errors.New(why)}
		}
		if _, err := l.ended(ctx, group, r.ID); err != nil {
			return err
		}
	}
	if err := l.move(ctx); err != nil {
		return err
	}
	if err := rest(ctx, looking); err != nil { // A refresh that began before does not count as of this roll.
		return err
	}
	l.released = l.now()
	return nil
}
