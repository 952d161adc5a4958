package refresh

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/asg"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/standby"
)

// groupsAPI are Auto Scaling groups and their instance refreshes.
type groupsAPI interface {
	autoscaling.DescribeAutoScalingGroupsAPIClient
	autoscaling.DescribeInstanceRefreshesAPIClient
	StartInstanceRefresh(context.Context, *autoscaling.StartInstanceRefreshInput,
		...func(*autoscaling.Options)) (*autoscaling.StartInstanceRefreshOutput, error)
}

// begin finds the groups and refreshes each.
func (s Step) begin(ctx context.Context, j job.Job) ([]job.Refresh, error) {
	rolled, err := s.rolled(ctx, j)
	if err != nil {
		return nil, err
	}
	groups, err := s.using(ctx, templates(rolled))
	if problem, err := lasting(err); err != nil || problem != "" {
		return []job.Refresh{{Group: "all groups", Problem: problem}}, err
	}
	images := asg.Images{}
	var all []job.Refresh
	for i, g := range groups {
		if i == job.MaxRefreshes {
			return append(all, asg.Beyond(len(groups)-i)), nil
		}
		r, err := s.one(ctx, j, g, rolled, images)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// one refreshes a group as far as it may be.
func (s Step) one(ctx context.Context, j job.Job, g types.AutoScalingGroup, rolled []job.Rolled,
	images asg.Images) (job.Refresh, error) {
	if problem, err := lasting(s.read(ctx, g, images)); err != nil || problem != "" {
		return job.Refresh{Group: aws.ToString(g.AutoScalingGroupName), Problem: problem}, err
	}
	d, r := asg.Judge(g, templates(rolled), images, j.Plan.Roll.Refresh)
	if d.Do == asg.Left || d.Do == asg.Nothing {
		return r, nil
	}
	known, err := s.known(ctx, r.Group)
	if err == nil {
		r, err = s.bring(ctx, j, g, r, d, rolled, known)
	}
	problem, err := lasting(err)
	if problem != "" {
		r.Problem, r.Note = problem, ""
	}
	return r, err
}

// bring takes up the refresh that deploys this already, or starts it, or waits
// behind another: a group has one at a time.
func (s Step) bring(ctx context.Context, j job.Job, g types.AutoScalingGroup, r job.Refresh, d asg.Decision,
	rolled []job.Rolled, known []types.InstanceRefresh) (job.Refresh, error) {
	if i := slices.IndexFunc(known, func(k types.InstanceRefresh) bool { return ours(j, d, k) }); i >= 0 {
		return taken(r, known[i]), nil
	}
	if d.Do == asg.Settled {
		return r, nil
	}
	if len(known) > 0 && known[0].EndTime == nil && asg.ProgressOf(known[0].Status) == asg.Going {
		r = taken(r, known[0])
		r.Behind = true
		return r, nil
	}
	why, err := s.written(ctx, j, g, rolled)
	if err == nil && why == "" {
		why, err = s.overtaken(ctx, rolled, g)
	}
	if err != nil || why != "" {
		r.Problem, r.Note = why, ""
		return r, err
	}
	return s.start(ctx, j, r, d)
}

// overtaken says that somebody has made another version the default since the roll, as a rollback
// does: what they took back must not be brought to a group after all.
func (s Step) overtaken(ctx context.Context, rolled []job.Rolled, g types.AutoScalingGroup) (string, error) {
	for _, r := range rolled {
		used := slices.ContainsFunc(asg.Specs(g), func(spec asg.Spec) bool { return spec.Template == r.Target })
		if r.Problem != "" || !used {
			continue
		}
		head := "$Default"
		if r.Stays {
			head = "$Latest"
		}
		out, err := s.EC2.DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{
			LaunchTemplateId: aws.String(r.Target), Versions: []string{head},
		})
		if err != nil {
			return "", fmt.Errorf("reading version %s of launch template %s: %w", head, r.Target, err)
		}
		for _, v := range out.LaunchTemplateVersions {
			if now := aws.ToInt64(v.VersionNumber); now != r.Version {
				return fmt.Sprintf("Its launch template %s was set to version %d since version %d was rolled.",
					r.Target, now, r.Version), nil
			}
		}
	}
	return "", nil
}

func (s Step) start(ctx context.Context, j job.Job, r job.Refresh, d asg.Decision) (job.Refresh, error) {
	wish := preferences(j.Plan.Roll.Refresh, d)
	spared, err := standby.Spare(ctx, s.Ledger, r.Group, wish)
	if err != nil {
		return r, err
	}
	if spared != "" {
		r.Note = strings.TrimSpace(r.Note + " " + spared)
	}
	out, err := s.AutoScaling.StartInstanceRefresh(ctx, &autoscaling.StartInstanceRefreshInput{
		AutoScalingGroupName: aws.String(r.Group), Strategy: types.RefreshStrategyRolling,
		DesiredConfiguration: d.Desired, Preferences: wish,
	})
	if fault.Code(err) == inProgress {
		// Somebody, or this step a second time, was faster: the next look tells who.
		return r, &fault.Transient{Err: err}
	}
	if err != nil {
		return r, fmt.Errorf("starting an instance refresh of group %s: %w", r.Group, err)
	}
	r.ID, r.Began = aws.ToString(out.InstanceRefreshId), s.Now().UTC()
	r.Status = string(types.InstanceRefreshStatusPending)
	return r, nil
}

// inProgress is Auto Scaling's code for a group that has a refresh (API reference, StartInstanceRefresh).
const inProgress = "InstanceRefreshInProgress"

// known are the group's refreshes, newest first as Auto Scaling gives them. Ours
// began after the source was released; one page of them, a hundred, covers that.
func (s Step) known(ctx context.Context, name string) ([]types.InstanceRefresh, error) {
	out, err := s.AutoScaling.DescribeInstanceRefreshes(ctx,
		&autoscaling.DescribeInstanceRefreshesInput{AutoScalingGroupName: aws.String(name)})
	if err != nil {
		return nil, fmt.Errorf("looking at the instance refreshes of group %s: %w", name, err)
	}
	return out.InstanceRefreshes, nil
}

// ours reports whether a refresh deploys what this job wants, so that none is
// started twice. StartInstanceRefresh takes no token. One that deploys what the
// group names anyway counts when it began after the roll: it launches the new
// image, whoever began it.
func ours(j job.Job, d asg.Decision, r types.InstanceRefresh) bool {
	// A start time that was not given is one of a refresh that has not begun yet.
	since := j.Times.Released.Truncate(time.Second)
	late := r.StartTime == nil || !r.StartTime.Before(since)
	return late && d.Moves(r.DesiredConfiguration)
}

// taken is the record of a refresh that is there.
func taken(r job.Refresh, k types.InstanceRefresh) job.Refresh {
	r.ID = aws.ToString(k.InstanceRefreshId)
	return asg.Noted(r, k)
}

// read learns what the versions that a group names launch.
func (s Step) read(ctx context.Context, g types.AutoScalingGroup, images asg.Images) error {
	for _, spec := range asg.Specs(g) {
		if _, ok := images[spec]; ok {
			continue
		}
		out, err := s.EC2.DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{
			LaunchTemplateId: aws.String(spec.Template), Versions: []string{spec.Version},
		})
		if err != nil {
			return fmt.Errorf("reading launch template %s: %w", spec, err)
		}
		for _, v := range out.LaunchTemplateVersions {
			images[spec] = aws.ToString(v.LaunchTemplateData.ImageId)
		}
	}
	return nil
}

// preferences are the plan's, as far as the group allows them. What is not given
// is Auto Scaling's own default, or the group's.
func preferences(asked plan.Refresh, d asg.Decision) *types.RefreshPreferences {
	p := &types.RefreshPreferences{
		SkipMatching: aws.Bool(d.SkipMatching), AutoRollback: aws.Bool(asked.AutoRollback && d.AutoRollback),
		MinHealthyPercentage: given(asked.MinHealthy), MaxHealthyPercentage: given(asked.MaxHealthy),
		BakeTime: given(seconds(asked.Bake)), CheckpointDelay: given(seconds(asked.CheckpointDelay)),
	}
	p.ScaleInProtectedInstances = asg.ProtectedAs(asked.Protected)
	p.StandbyInstances = asg.StandbyAs(asked.Standby)
	for _, percent := range asked.Checkpoints {
		p.CheckpointPercentages = append(p.CheckpointPercentages, int32(percent)) //nolint:gosec // at most 100
	}
	if len(asked.Alarms) > 0 {
		p.AlarmSpecification = &types.AlarmSpecification{Alarms: asked.Alarms}
	}
	return p
}

func seconds(d plan.Duration) int { return int(time.Duration(d) / time.Second) }

func given(n int) *int32 {
	if n == 0 {
		return nil
	}
	return aws.Int32(int32(n)) //nolint:gosec // at most a day's seconds
}
