package rollback

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/asg"
	"goldsmith/shared/fault"
	"goldsmith/shared/rollout"
	"goldsmith/shared/tag"
)

// running is how many members of groups run one of the images, by group; looked for once.
func (f *Round) running(ctx context.Context, images []string) (map[string]int, error) {
	key := strings.Join(images, " ")
	if running := f.runs[key]; running != nil || len(images) == 0 {
		return running, nil
	}
	running := map[string]int{}
	pages := ec2.NewDescribeInstancesPaginator(f.Members, &ec2.DescribeInstancesInput{
		Filters: []ec2types.Filter{
			{Name: aws.String("image-id"), Values: images},
			{Name: aws.String("tag-key"), Values: []string{tag.Group}},
			{Name: aws.String("instance-state-name"), Values: []string{"pending", "running", "stopping", "stopped"}},
		},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for the group members that run %s: %w", strings.Join(images, ", "), err)
		}
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				running[tag.Map(i.Tags)[tag.Group]]++
			}
		}
	}
	f.runs[key] = running
	return running, nil
}

// still names a group that launches what is undone, or whose members run it, or refreshes it.
func (f *Round) still(
	ctx context.Context, g types.AutoScalingGroup, u Undo, at found, running int, is course, done *Undone,
) {
	name := aws.ToString(g.AutoScalingGroupName)
	says := shows(g, u, at, running)
	if len(says) == 0 {
		return
	}
	switch {
	case is.leads && !u.Failed:
		done.Refreshed = append(done.Refreshed, name)
		return
	case u.Failed:
		done.Left = append(done.Left, fmt.Sprintf("group %s %s", name, strings.Join(says, " and ")))
		return
	case !u.Refresh:
		done.Left = append(done.Left, fmt.Sprintf("group %s %s: %s --refresh moves it",
			name, strings.Join(says, " and "), rollout.Command("rollback", u.Name)))
		return
	}
	if why := f.refresh(ctx, g, u, at, is.like); why != "" {
		done.Left = append(done.Left, fmt.Sprintf("group %s %s, and is not refreshed: %s",
			name, strings.Join(says, " and "), why))
		return
	}
	done.Refreshed = append(done.Refreshed, name)
	if left := waits(g, is.like); left != "" {
		done.Left = append(done.Left, left)
	}
}

// shows says how a group still launches or runs what is undone.
func shows(g types.AutoScalingGroup, u Undo, at found, running int) (says []string) {
	for _, s := range asg.Specs(g) {
		if s.Template == u.Target && at.launches(s.Version) {
			says = append(says, "launches version "+s.Version)
		}
	}
	if running > 0 {
		says = append(says, fmt.Sprintf("runs it in %d members", running))
	}
	return says
}

// waits tells of members that the refresh waits for.
func waits(g types.AutoScalingGroup, like types.RefreshPreferences) string {
	protected, standby := asg.Waiting(g)
	if like.ScaleInProtectedInstances != "" && like.ScaleInProtectedInstances != types.ScaleInProtectedInstancesWait {
		protected = 0
	}
	if like.StandbyInstances != "" && like.StandbyInstances != types.StandbyInstancesWait {
		standby = 0
	}
	if protected+standby == 0 {
		return ""
	}
	return fmt.Sprintf("group %s has %d members that are protected from scale-in or in Standby: "+
		"its refresh waits an hour for them, and fails if they stay so",
		aws.ToString(g.AutoScalingGroupName), protected+standby)
}

// refresh starts a refresh of a group to what it has gone back to, or says why it cannot. Members that are protected
// or in Standby are treated as by the refresh that brought what is undone: that went by the plan.
func (f *Round) refresh(
	ctx context.Context, g types.AutoScalingGroup, u Undo, at found, like types.RefreshPreferences,
) (why string) {
	// One that a refresh of a roll's has moved is listed in the plan.
	if owner := asg.OwnerOf(g); owner != "" && like.SkipMatching == nil {
		return fmt.Sprintf("it belongs to %s, which replaces its members", owner)
	}
	images := asg.Images{}
	for _, s := range asg.Specs(g) {
		out, err := f.Members.DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{
			LaunchTemplateId: aws.String(s.Template), Versions: []string{s.Version},
		})
		if err != nil {
			return fault.Brief(err)
		}
		for _, v := range out.LaunchTemplateVersions {
			images[s] = aws.ToString(v.LaunchTemplateData.ImageId)
		}
	}
	templates, err := f.formerly(ctx, u, at, g)
	if err != nil {
		return fault.Brief(err)
	}
	d := asg.Decide(g, templates, images)
	if d.Do == asg.Nothing {
		return d.Why
	}
	_, err = f.Groups.StartInstanceRefresh(ctx, &autoscaling.StartInstanceRefreshInput{
		AutoScalingGroupName: g.AutoScalingGroupName, Strategy: types.RefreshStrategyRolling, DesiredConfiguration: d.Desired,
		Preferences: &types.RefreshPreferences{
			SkipMatching:              aws.Bool(d.SkipMatching),
			ScaleInProtectedInstances: like.ScaleInProtectedInstances, StandbyInstances: like.StandbyInstances,
		},
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
	name := aws.ToString(g.AutoScalingGroupName)
	templates, err := f.former(ctx, u, at, name)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(templates)
	for _, other := range f.undos {
		own := asg.Rolled{other.Target: {Version: other.Version, Image: other.Image, Also: other.also()}}
		if other.Target == u.Target || other.Parameter || other.Failed || !asg.Uses(g, own) {
			continue
		}
		back, err := f.former(ctx, other, found{templates: own}, name)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, back)
	}
	return all, nil
}
