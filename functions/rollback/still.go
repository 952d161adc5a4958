package rollback

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/shared/asg"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/standby"
)

// still names a group that launches what is undone, or whose members run it, or refreshes it.
func (f *Round) still(
	ctx context.Context, g types.AutoScalingGroup, u Undo, at found, running []string, is course, done *Undone,
) {
	name := aws.ToString(g.AutoScalingGroupName)
	says := shows(g, u, at, running)
	if len(says) == 0 {
		return
	}
	switch {
	case is.leads && !u.Failed:
		done.Refreshed = append(done.Refreshed, name)
		done.leave(ignores(g, is.by, running))
		return
	case u.Failed:
		done.Left = append(done.Left, fmt.Sprintf("group %s %s", name, strings.Join(says, " and ")))
		return
	case !u.Refresh:
		done.Left = append(done.Left, fmt.Sprintf("group %s %s: %s --refresh moves it",
			name, strings.Join(says, " and "), job.Command("rollback", u.Name)))
		return
	}
	if why := f.refresh(ctx, g, u, at, is.like); why != "" {
		done.Left = append(done.Left, fmt.Sprintf("group %s %s, and is not refreshed: %s",
			name, strings.Join(says, " and "), why))
		return
	}
	done.Refreshed = append(done.Refreshed, name)
	done.leave(waits(g, is.like))
	done.leave(ignores(g, is.like, running))
}

// shows says how a group still launches or runs what is undone.
func shows(g types.AutoScalingGroup, u Undo, at found, running []string) (says []string) {
	for _, s := range asg.Specs(g) {
		if s.Template == u.Target && at.launches(s.Version) {
			says = append(says, "launches version "+s.Version)
		}
	}
	if len(running) > 0 {
		says = append(says, fmt.Sprintf("runs it in %d members", len(running)))
	}
	return says
}

// refresh starts a refresh of a group to what it has gone back to, or says why it cannot. Members that are protected
// or in Standby are treated, and as many are kept healthy, as by the refresh that brought what is undone: that went by
// the plan.
func (f *Round) refresh(
	ctx context.Context, g types.AutoScalingGroup, u Undo, at found, like types.RefreshPreferences,
) (why string) {
	// One that a refresh of a roll's has moved is listed in the plan.
	if owner := asg.OwnerOf(g); owner != "" && like.SkipMatching == nil {
		return fmt.Sprintf("it belongs to %s, which replaces its members", owner)
	}
	images, err := f.images(ctx, g)
	if err != nil {
		return fault.Brief(err)
	}
	templates, err := f.formerly(ctx, u, at, g)
	if err != nil {
		return fault.Brief(err)
	}
	d := asg.Decide(g, templates, images)
	if d.Do == asg.Nothing {
		return d.Why
	}
	if why := f.unread(ctx, g); why != "" {
		return why
	}
	wish := &types.RefreshPreferences{
		SkipMatching:         aws.Bool(d.SkipMatching),
		MinHealthyPercentage: like.MinHealthyPercentage, MaxHealthyPercentage: like.MaxHealthyPercentage,
		InstanceWarmup:            like.InstanceWarmup,
		ScaleInProtectedInstances: like.ScaleInProtectedInstances, StandbyInstances: like.StandbyInstances,
	}
	if _, err := standby.Spare(ctx, f.Ledger, aws.ToString(g.AutoScalingGroupName), wish); err != nil {
		return fault.Brief(err)
	}
	_, err = f.Groups.StartInstanceRefresh(ctx, &autoscaling.StartInstanceRefreshInput{
		AutoScalingGroupName: g.AutoScalingGroupName, Strategy: types.RefreshStrategyRolling, DesiredConfiguration: d.Desired,
		Preferences: wish,
	})
	if err != nil {
		return fault.Brief(err)
	}
	f.begun[aws.ToString(g.AutoScalingGroupName)] = true
	return ""
}

// formerly are the templates that a group goes back by: that of one undo, and those of all others of this call that it
// launches from as well.
func (f *Round) formerly(ctx context.Context, u Undo, at found, g types.AutoScalingGroup) (asg.Rolled, error) {
	templates, err := f.former(ctx, u, at, g)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(templates)
	for _, other := range f.undos {
		if other.Target == u.Target || other.Parameter || other.Failed || !asg.Uses(g, asg.Rolled{other.Target: {}}) {
			continue
		}
		own, err := f.versions(ctx, other, f.groups)
		if err != nil {
			return nil, err
		}
		back, err := f.former(ctx, other, own, g)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, back)
	}
	return all, nil
}
