package rollback

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/asg"
	"goldsmith/shared/tag"
)

// launchedBy are the tags that AWS puts on what a group or a fleet launches, and what a launcher is called. A group's
// members may have a fleet's tag as well.
var launchedBy = []struct{ key, called string }{
	{tag.Group, groupPrefix}, {tag.Fleet, "fleet "}, {tag.SpotFleet, "Spot Fleet "},
}

// groupPrefix begins the name of a launcher that is an Auto Scaling group.
const groupPrefix = "group "

// launcherOf is what launched an instance with these tags: "group web", "fleet fleet-1".
func launcherOf(tags map[string]string) string {
	for _, by := range launchedBy {
		if name := tags[by.key]; name != "" {
			return by.called + name
		}
	}
	return ""
}

// running are the instances of groups and fleets that run one of the images, by what launched them; looked for once.
func (f *Round) running(ctx context.Context, images []string) (running map[string][]string, err error) {
	key := strings.Join(images, " ")
	if running = f.runs[key]; running != nil || len(images) == 0 {
		return running, nil
	}
	running = map[string][]string{}
	for some := range slices.Chunk(images, imagesACall) {
		if err := f.run(ctx, some, running); err != nil {
			return nil, err
		}
	}
	f.runs[key] = running
	return running, nil
}

// imagesACall is how many images are asked for at once: a request takes 200 filter values (User Guide, "List and filter
// your resources"), some of which are tags and states.
const imagesACall = 190

// run adds the instances that run one of some images.
func (f *Round) run(ctx context.Context, images []string, running map[string][]string) error {
	keys := []string{}
	for _, by := range launchedBy {
		keys = append(keys, by.key)
	}
	pages := ec2.NewDescribeInstancesPaginator(f.Members, &ec2.DescribeInstancesInput{
		Filters: []ec2types.Filter{
			{Name: aws.String("image-id"), Values: images},
			{Name: aws.String("tag-key"), Values: keys},
			{Name: aws.String("instance-state-name"), Values: []string{"pending", "running", "stopping", "stopped"}},
		},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("looking for the group members that run %s: %w", strings.Join(images, ", "), err)
		}
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				by := launcherOf(tag.Map(i.Tags))
				running[by] = append(running[by], aws.ToString(i.InstanceId))
			}
		}
	}
	return nil
}

// Others names who launches one of the images still, by what it launches from, and the fleets whose instances run one
// and the groups whose members do and that were not seen: those launch from elsewhere by now.
func (f *Round) Others(ctx context.Context, images, seen []string, from map[string][]string) ([]string, error) {
	running, err := f.running(ctx, images)
	var left []string
	for _, by := range slices.Sorted(maps.Keys(running)) {
		name, group := strings.CutPrefix(by, groupPrefix)
		what, then := "instances", "terminate them"
		if group {
			what, then = "members", "start an instance refresh of it"
		}
		switch how := from[by]; {
		case group && slices.Contains(seen, name):
		case len(how) > 0:
			left = append(left, fmt.Sprintf("%s runs what is undone in %d %s, and launches it from %s, which is not led "+
				"back: have it launch another image, then %s", by, len(running[by]), what, strings.Join(how, " and "), then))
			delete(from, by)
		case group:
			left = append(left, fmt.Sprintf("%s runs what is undone in %d members, and launches from elsewhere by now: "+
				"start an instance refresh of it", by, len(running[by])))
		default:
			left = append(left, fmt.Sprintf("%s runs what is undone in %d instances, and EC2 replaces none by itself: "+
				"terminate them once it launches something else", by, len(running[by])))
		}
	}
	for _, by := range slices.Sorted(maps.Keys(from)) {
		left = append(left, fmt.Sprintf("%s launches what is undone from %s, which is not led back: "+
			"have it launch another image", by, strings.Join(from[by], " and ")))
	}
	return left, err
}

// images are what the versions launch that a group names.
func (f *Round) images(ctx context.Context, g types.AutoScalingGroup) (asg.Images, error) {
	images := asg.Images{}
	for _, s := range asg.Specs(g) {
		out, err := f.Members.DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{
			LaunchTemplateId: aws.String(s.Template), Versions: []string{s.Version},
		})
		if err != nil {
			return nil, err
		}
		for _, v := range out.LaunchTemplateVersions {
			images[s] = aws.ToString(v.LaunchTemplateData.ImageId)
		}
	}
	return images, nil
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

// ignores tells of members that run what is undone and that the refresh leaves as they are.
func ignores(g types.AutoScalingGroup, by types.RefreshPreferences, running []string) string {
	left := g
	left.Instances = slices.DeleteFunc(slices.Clone(g.Instances),
		func(i types.Instance) bool { return !slices.Contains(running, aws.ToString(i.InstanceId)) })
	protected, standby := asg.Waiting(left)
	if by.ScaleInProtectedInstances != types.ScaleInProtectedInstancesIgnore {
		protected = 0
	}
	if by.StandbyInstances != types.StandbyInstancesIgnore {
		standby = 0
	}
	if protected+standby == 0 {
		return ""
	}
	return fmt.Sprintf("group %s goes on running it in %d members that are protected from scale-in or in Standby, "+
		"which its refresh ignores: replace them by hand", aws.ToString(g.AutoScalingGroupName), protected+standby)
}
