package wait

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/register"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

func lookSnapshots(ctx context.Context, api awsAPI, j job.Job, now time.Time) (job.Job, bool, error) {
	have, err := snapshots(ctx, api, j)
	if err != nil {
		return j, false, err
	}
	missing := slices.ContainsFunc(j.Source.Volumes, func(volume string) bool { return have[volume] == "" })
	if missing && frozenTooShort(j, now) {
		return j, false, fault.Failure(raiseLimit, "%s (%s): %s", j.Source.Name, j.Source.ID, tooShort(j))
	}
	if missing && now.Sub(j.Times.ImageSent) > appearingDown {
		// A volume detached in the meantime never gets a snapshot, a failed image
		// none at all, nor one that was deregistered; the image itself knows.
		j.Await = &job.Await{Resource: j.Image.ID, For: job.ForImage, Until: j.Await.Until}
		j, done, err := lookImage(ctx, api, j, now)
		if !done || err != nil {
			return j, false, err
		}
		return snapshotted(j, now)
	}
	if missing {
		return j, false, nil
	}
	j.Image.Snapshots = nil
	for _, volume := range j.Source.Volumes {
		j.Image.Snapshots = append(j.Image.Snapshots, have[volume])
	}
	return snapshotted(j, now)
}

// snapshotted is the job of which each volume has a snapshot. Where one may have been begun after the watchdog let go
// on what was frozen, the image is what the plan says.
func snapshotted(j job.Job, now time.Time) (job.Job, bool, error) {
	j.Times.Snapshotted = now
	switch {
	case frozenTooShort(j, now):
		return j, false, fault.Failure(raiseLimit, "%s (%s): %s", j.Source.Name, j.Source.ID, tooShort(j))
	case j.Thawed(now):
		j.Warnings = append(slices.Clone(j.Warnings), job.Reason{Code: job.BeforeFailed, Text: tooShort(j)})
	}
	return j, true, nil
}

// frozenTooShort reports whether the job's image is to be of data that stood still, and is not known to be.
func frozenTooShort(j job.Job, now time.Time) bool {
	return j.Thawed(now) && j.Plan.Failing() != plan.HookIgnore
}

func tooShort(j job.Job) string {
	return fmt.Sprintf("not every volume was seen to have a snapshot within %s of the freeze, after which the instance "+
		"goes on by itself", plan.Duration(j.Plan.Freeze.Lasts()))
}

const raiseLimit = "Raise the plan's freeze.limit, up to 5m, if its application may stand still for that long."

// snapshots are the snapshots of the job's image by volume. A snapshot holds
// what was written before it was requested, so pending is as good as completed. Anyone may write the tags that they are
// found by: one that was started before the stop was sent is another's.
func snapshots(ctx context.Context, api awsAPI, j job.Job) (map[string]string, error) {
	pages := ec2.NewDescribeSnapshotsPaginator(api, &ec2.DescribeSnapshotsInput{
		OwnerIds:   []string{"self"},
		MaxResults: aws.Int32(1000),
		Filters: []types.Filter{
			{Name: aws.String("tag:" + tag.Run), Values: []string{j.Run.Name}},
			{Name: aws.String("tag:" + tag.Source), Values: []string{j.Source.ID}},
		},
	})
	have := map[string]string{}
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for the snapshots of %s: %w", j.Image.ID, err)
		}
		for _, s := range out.Snapshots {
			if !register.Since(register.ImageOf(j), s) {
				continue
			}
			if s.State == types.SnapshotStateError && !j.Image.Leaves(aws.ToString(s.VolumeId)) {
				return nil, fault.Failure(snapshotFailed, "snapshot %s of volume %s failed: %s",
					aws.ToString(s.SnapshotId), aws.ToString(s.VolumeId), aws.ToString(s.StateMessage))
			}
			have[aws.ToString(s.VolumeId)] = aws.ToString(s.SnapshotId)
		}
	}
	return have, nil
}

func lookImage(ctx context.Context, api awsAPI, j job.Job, now time.Time) (job.Job, bool, error) {
	out, err := api.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{j.Image.ID}})
	if fault.IsNotFound(err) || err == nil && len(out.Images) == 0 {
		return j, false, vanished(j, now)
	}
	if err != nil {
		return j, false, fmt.Errorf("looking at image %s: %w", j.Image.ID, err)
	}
	found := out.Images[0]
	j.Image.State = string(found.State)
	switch image.ProgressOf(found.State) {
	case image.Available:
		if j, err = allTheSame(ctx, api, j, found); err != nil {
			return j, false, err
		}
		return available(j, found, now), true, nil
	case image.Lost:
		return j, false, fault.Failure(untouched(j), "image %s of %s (%s) is %s. %s", j.Image.ID, j.Source.Name, j.Source.ID,
			found.State, image.Why(found))
	case image.Pending:
	}
	return j, false, nil
}

// available is the job whose image is.
func available(j job.Job, found types.Image, now time.Time) job.Job {
	if j.Decision == job.RegisterIt {
		j.Image.State = job.Registered // It counts once it is known how it is billed.
	}
	switch {
	case j.Raw != nil:
		j.General = job.GeneralMade
	case j.General == job.GeneralWanted:
		j.General, j.Times.Available = job.GeneralDue, now
	default:
		j.Times.Available = now
	}
	j.Image.Snapshots = image.Snapshots(found)
	j.Image.BootMode, j.Image.Virtualization = string(found.BootMode), string(found.VirtualizationType)
	return j
}

// lookImageDown looks at an image, and while an instance is down for it at that, too: other hands may start it, and
// then it needs no place among those that may be down at once, nor a start. The image is waited for again after that.
func lookImageDown(ctx context.Context, api awsAPI, j job.Job, now time.Time) (job.Job, bool, error) {
	j, done, err := lookImage(ctx, api, j, now)
	if done || err != nil || j.Decision != job.StopFirst || j.Back || j.Plan.Restart != plan.Available {
		return j, done, err
	}
	// Where EC2 does not say, the image is what is waited for: function start looks again.
	if instance, ok, err := source.Find(ctx, api, j.Source.ID); err == nil && ok && source.StartedByOthers(instance, j) {
		j, done = startedMeanwhile(j, instance, now)
	}
	return j, done, nil
}

// startedMeanwhile is the job of an instance that other hands started, once it is up or stopped again.
func startedMeanwhile(j job.Job, instance types.Instance, now time.Time) (job.Job, bool) {
	switch source.State(instance) {
	case types.InstanceStateNameRunning:
	case types.InstanceStateNameStopped:
		j.Warnings = append(slices.Clone(j.Warnings), source.StoppedByOthers)
	default:
		return j, false
	}
	j.Back, j.Times.Running = true, upSince(j, instance, now)
	return startedEarly(j, instance), true
}

// upSince is since when the instance is up, for all that is known: other hands may have started it before.
func upSince(j job.Job, instance types.Instance, now time.Time) time.Time {
	if source.StartedByOthers(instance, j) {
		return aws.ToTime(instance.LaunchTime)
	}
	return now
}

// untouched is what is to be done about an image that was not made.
func untouched(j job.Job) string {
	if j.Source.Kind == job.Snapshot {
		return "Nothing is to be done about the snapshot, which is not affected; ask again."
	}
	return "Nothing is to be done: the instance is not affected, and the next run tries again."
}

// vanished is the failure of an image that EC2 does not show, nil while it may only not show it yet.
func vanished(j job.Job, now time.Time) error {
	patience := appearing
	if j.Decision == job.StopFirst && !j.Back {
		patience = appearingDown
	}
	if now.Sub(j.ImageSent()) <= patience {
		return nil
	}
	return fault.Failure("Nothing is to be done: the next run tries again.",
		"image %s of %s (%s) is not there any more: it has been deregistered or disabled",
		j.Image.ID, j.Source.Name, j.Source.ID)
}
