package prove

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/awsclient"
	"goldsmith/shared/fault"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

const (
	// appearing is how long something may take to be shown whose making was not answered.
	appearing = time.Minute
	// removing is how long removing may take: an image that is pending cannot be deregistered.
	removing = time.Hour
)

// clean removes what the run made, until nothing of it is shown. A tag says where to look; what only carries the tag is
// told and left: an instance has to have been launched with a token of the run, an image and a snapshot to be made of
// such an instance. It returns what is left.
func (l *lab) clean(ctx context.Context) (strange []string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, removing, fmt.Errorf("not within %s", removing))
	defer cancel()
	if l.journal.unanswered {
		if err := rest(ctx, appearing); err != nil {
			return nil, err
		}
	}
	for empty := 0; ; { // A second look, since a describe may lag.
		found, err := l.remains(ctx)
		if err != nil {
			return nil, err
		}
		if len(found.all) > 0 {
			empty = 0
		} else if empty++; empty == 2 {
			return found.strange, l.journal.write(entry{Removed: true})
		}
		if err = l.remove(ctx, found); lasts(err) {
			return nil, err
		}
		if err := rest(ctx, looking); err != nil {
			return nil, fmt.Errorf("%s still there: %w", strings.Join(found.names(), ", "), err)
		}
	}
}

// remain is one thing that is there.
type remain struct {
	kind, id string
	remove   func(context.Context) error
}

// remains is what is there of a run, in the order in which it can be removed.
type remains struct {
	all []remain
	// strange is what carries the run's tag and was not made by it.
	strange []string
	// launched are the run's instances, ended ones included.
	launched []string
}

func (r remains) names() (all []string) {
	for _, each := range r.all {
		all = append(all, each.kind+" "+each.id)
	}
	return all
}

func (r *remains) add(kind, id string, remove func(context.Context) error) {
	r.all = append(r.all, remain{kind, id, remove})
}

// remove sends the removal of each. What is refused does not keep the others.
func (l *lab) remove(ctx context.Context, found remains) error {
	var problems []error
	for _, each := range found.all {
		if err := each.remove(ctx); err != nil && !gone(err) {
			problems = append(problems, fmt.Errorf("removing %s %s: %w", each.kind, each.id, err))
		}
	}
	for _, err := range problems { // What lasts matters more than what passes.
		if lasts(err) {
			return err
		}
	}
	return errors.Join(problems...)
}

// lasts reports whether what was refused would be refused again.
func lasts(err error) bool { return err != nil && !fault.IsNotYet(err) && !fault.IsTransient(err) }

func gone(err error) bool {
	return fault.IsNotFound(err) || fault.IsNoGroup(err) || fault.IsNoImage(err) || fault.IsNoSnapshot(err)
}

// remains looks for all kinds.
func (l *lab) remains(ctx context.Context) (remains, error) {
	found := remains{}
	for _, look := range []func(context.Context, *remains) error{
		l.groupsLeft, l.instancesLeft, l.imagesLeft, l.snapshotsLeft, l.volumesLeft, l.templatesLeft, l.parametersLeft,
	} {
		if err := look(ctx, &found); err != nil {
			return found, fmt.Errorf("looking for what is left: %w", err)
		}
	}
	return found, nil
}

// tagged is the filter of what the run made.
func (l *lab) tagged() []types.Filter {
	return []types.Filter{{Name: aws.String("tag:" + tag.Run), Values: []string{l.run}}}
}

func (l *lab) groupsLeft(ctx context.Context, found *remains) error {
	pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(l.groups, &autoscaling.DescribeAutoScalingGroupsInput{
		Filters: []scaling.Filter{{Name: aws.String("tag:" + tag.Run), Values: []string{l.run}}},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, g := range out.AutoScalingGroups {
			name := aws.ToString(g.AutoScalingGroupName)
			if !strings.HasPrefix(name, l.run+"-") {
				found.strange = append(found.strange, "group "+name)
				continue
			}
			found.add("group", name, func(ctx context.Context) error { return l.deleteGroup(ctx, name) })
		}
	}
	return nil
}

// deleteGroup deletes a group; one that is on its way is left alone.
func (l *lab) deleteGroup(ctx context.Context, name string) error {
	g, ok, err := l.groupNamed(ctx, name)
	if err != nil || !ok || g.Status != nil {
		return err
	}
	_, err = l.groups.DeleteAutoScalingGroup(ctx, &autoscaling.DeleteAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(name), ForceDelete: aws.Bool(true),
	})
	return err
}

// dissolve deletes a group, and waits until it is gone.
func (l *lab) dissolve(ctx context.Context, name string) error {
	return until(ctx, "waiting until group "+name+" is gone", patience, func() (bool, error) {
		if err := l.deleteGroup(ctx, name); err != nil && !fault.IsNoGroup(err) {
			return false, err
		}
		_, ok, err := l.groupNamed(ctx, name)
		return !ok, err
	})
}

// tokens are those that the run launches instances with: its own, and that of the boot test of each.
func (l *lab) tokens(instances []string) []string {
	all := []string{l.token("instance")}
	for _, id := range instances {
		all = append(all, awsclient.Token("proof", l.run, id))
	}
	return all
}

func (l *lab) instancesLeft(ctx context.Context, found *remains) error {
	first, err := l.launchedWith(ctx, l.tokens(nil))
	if err != nil {
		return err
	}
	for _, i := range first {
		found.launched = append(found.launched, aws.ToString(i.InstanceId))
	}
	for _, made := range l.journal.made { // EC2 shows one for an hour after its end.
		if id, is := strings.CutPrefix(made, "instance "); is {
			found.launched = append(found.launched, id)
		}
	}
	all, err := l.launchedWith(ctx, l.tokens(found.launched))
	if err != nil {
		return err
	}
	for _, i := range all {
		if source.State(i) != types.InstanceStateNameTerminated {
			id := aws.ToString(i.InstanceId)
			found.add("instance", id, func(ctx context.Context) error { return l.terminate(ctx, i) })
		}
	}
	return nil
}

func (l *lab) launchedWith(ctx context.Context, tokens []string) (all []types.Instance, err error) {
	pages := ec2.NewDescribeInstancesPaginator(l.ec2, &ec2.DescribeInstancesInput{
		Filters: []types.Filter{{Name: aws.String("client-token"), Values: tokens}},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range out.Reservations {
			all = append(all, r.Instances...)
		}
	}
	return all, nil
}

// terminate ends an instance that is not on its way out.
func (l *lab) terminate(ctx context.Context, i types.Instance) error {
	if source.Ending(source.State(i)) {
		return nil
	}
	in := &ec2.TerminateInstancesInput{InstanceIds: []string{*i.InstanceId}}
	_, err := l.ec2.TerminateInstances(ctx, in)
	if fault.IsProtected(err) { // A run that was cut off may have left its stop protection on.
		if err := l.protect(ctx, *i.InstanceId, false); err != nil {
			return err
		}
		_, err = l.ec2.TerminateInstances(ctx, in)
	}
	return err
}

// made reports whether something was made of an instance of the run.
func (r remains) made(of string) bool { return slices.Contains(r.launched, of) }

func (l *lab) imagesLeft(ctx context.Context, found *remains) error {
	out, err := l.ec2.DescribeImages(ctx, &ec2.DescribeImagesInput{
		Owners: []string{"self"}, Filters: l.tagged(), IncludeDisabled: aws.Bool(true),
	})
	if err != nil {
		return err
	}
	for _, i := range out.Images {
		id := aws.ToString(i.ImageId)
		if !found.made(aws.ToString(i.SourceInstanceId)) {
			found.strange = append(found.strange, "image "+id)
			continue
		}
		found.add("image", id, func(ctx context.Context) error {
			_, err := l.ec2.DeregisterImage(ctx, &ec2.DeregisterImageInput{
				ImageId: aws.String(id), DeleteAssociatedSnapshots: aws.Bool(true),
			})
			return err
		})
	}
	return nil
}

// snapshotsLeft are those that no image is left of: the others go with their images.
func (l *lab) snapshotsLeft(ctx context.Context, found *remains) error {
	if slices.ContainsFunc(found.all, func(r remain) bool { return r.kind == "image" }) {
		return nil
	}
	pages := ec2.NewDescribeSnapshotsPaginator(l.ec2, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, Filters: l.tagged(),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, s := range out.Snapshots {
			id := aws.ToString(s.SnapshotId)
			if !slices.ContainsFunc(found.launched, func(i string) bool {
				return strings.Contains(aws.ToString(s.Description), "CreateImage("+i+")")
			}) {
				found.strange = append(found.strange, "snapshot "+id)
				continue
			}
			found.add("snapshot", id, func(ctx context.Context) error {
				_, err := l.ec2.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String(id)})
				return err
			})
		}
	}
	return nil
}

// volumesLeft are those of the run's instances, which go with these.
func (l *lab) volumesLeft(ctx context.Context, found *remains) error {
	out, err := l.ec2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{Filters: l.tagged()})
	if err != nil {
		return err
	}
	for _, v := range out.Volumes {
		if v.State == types.VolumeStateDeleting || v.State == types.VolumeStateDeleted {
			continue
		}
		found.add("volume", aws.ToString(v.VolumeId), func(context.Context) error { return nil })
	}
	return nil
}

func (l *lab) templatesLeft(ctx context.Context, found *remains) error {
	pages := ec2.NewDescribeLaunchTemplatesPaginator(l.ec2, &ec2.DescribeLaunchTemplatesInput{Filters: l.tagged()})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, t := range out.LaunchTemplates {
			if !strings.HasPrefix(aws.ToString(t.LaunchTemplateName), l.run+"-") {
				found.strange = append(found.strange, "launch template "+aws.ToString(t.LaunchTemplateId))
				continue
			}
			found.add("launch template", aws.ToString(t.LaunchTemplateId), func(ctx context.Context) error {
				_, err := l.ec2.DeleteLaunchTemplate(ctx, &ec2.DeleteLaunchTemplateInput{LaunchTemplateId: t.LaunchTemplateId})
				return err
			})
		}
	}
	return nil
}

func (l *lab) parametersLeft(ctx context.Context, found *remains) error {
	pages := ssm.NewGetParametersByPathPaginator(l.ssm, &ssm.GetParametersByPathInput{Path: aws.String(l.path())})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, p := range out.Parameters {
			found.add("parameter", aws.ToString(p.Name), func(ctx context.Context) error {
				_, err := l.ssm.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: p.Name})
				return err
			})
		}
	}
	return nil
}
