package prove

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/disk"
	"goldsmith/shared/fault"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
	"goldsmith/shared/sharing"
	"goldsmith/shared/usage"
	"goldsmith/shared/wait"
)

// skew is how far two of EC2's moments may be apart that are the same: it gives whole seconds.
const skew = time.Second

func moment(at time.Time) string { return at.UTC().Format(time.DateTime + " UTC") }

// snapshotTags has the image made, and waits as the state machine does.
func snapshotTags(ctx context.Context, l *lab) (string, error) {
	if l.job.Image.ID != "" {
		return "", untriable{fmt.Errorf("the image was made before")}
	}
	if err := l.imaged(ctx); err != nil {
		return "", err
	}
	if err := until(ctx, "waiting for the snapshots of the image", soon, func() (bool, error) {
		have, err := l.snapshotsOf(ctx, l.job.Source.Volumes...)
		return len(have) == len(l.job.Source.Volumes), err
	}); err != nil {
		return "", err
	}
	waiting := l.job
	var err error
	if waiting.Await, err = wait.For(waiting, job.ForSnapshots); err != nil {
		return "", err
	}
	_, done, err := wait.Settler{EC2: l.ec2, Ledger: l.ledger, Now: l.now}.Look(ctx, ledger.Wait{
		Resource: l.instance, For: job.ForSnapshots, Run: l.run, Job: job.Document{Job: waiting},
	})
	if err != nil || done {
		return "", err
	}
	return "EC2 shows the snapshots by their volumes, and not by their tags", nil
}

// snapshotsOf are the snapshots of volumes that EC2 shows by those.
func (l *lab) snapshotsOf(ctx context.Context, volumes ...string) ([]types.Snapshot, error) {
	out, err := l.ec2.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, Filters: []types.Filter{{Name: aws.String("volume-id"), Values: volumes}},
	})
	if err != nil {
		return nil, err
	}
	return out.Snapshots, nil
}

// again looks at the image once more: what was seen while it was made is no evidence.
func (l *lab) again(ctx context.Context) (err error) {
	l.shown, err = l.settled(ctx, aws.ToString(l.shown.ImageId))
	return err
}

func leftOut(ctx context.Context, l *lab) (string, error) {
	if err := l.again(ctx); err != nil {
		return "", err
	}
	for _, m := range l.shown.BlockDeviceMappings {
		if aws.ToString(m.DeviceName) == leftDevice {
			return "the image maps " + leftDevice, nil
		}
	}
	for _, left := range l.job.Image.LeftOut {
		have, err := l.snapshotsOf(ctx, left.Volume)
		if err != nil {
			return "", err
		}
		if len(have) > 0 {
			return fmt.Sprintf("EC2 made snapshot %s of the volume", aws.ToString(have[0].SnapshotId)), nil
		}
	}
	return "", nil
}

// leftOutAbsent has an image made that leaves out a device that is not there.
func leftOutAbsent(ctx context.Context, l *lab) (string, error) {
	if err := l.another(ctx); err != nil {
		return "", err
	}
	_, err := l.settled(ctx, l.second)
	return "", err
}

// another has a second image made, which leaves out a device that is not there.
func (l *lab) another(ctx context.Context) error {
	if l.second != "" {
		return nil
	}
	j := l.job
	j.Image = job.Image{Name: l.job.Image.Name + "-absent", LeftOut: []job.LeftOut{{Device: elsewhere}}}
	made, err := l.picture(ctx, "second image", j)
	l.second = made.Image.ID
	return err
}

// directRefusals reads the disk of a snapshot as soon as EC2 shows it.
func directRefusals(ctx context.Context, l *lab) (string, error) {
	if err := l.another(ctx); err != nil {
		return "", err
	}
	var pending types.Snapshot
	if err := untilEach(ctx, "waiting for the snapshots of the second image", closely, time.Minute, func() (bool, error) {
		have, err := l.snapshotsOf(ctx, l.job.Source.Volumes...)
		for _, s := range have {
			if !slices.Contains(image.Snapshots(l.shown), aws.ToString(s.SnapshotId)) {
				pending = s
			}
		}
		return pending.SnapshotId != nil, err
	}); err != nil {
		return "", err
	}
	if pending.State != types.SnapshotStatePending {
		return "", untriable{fmt.Errorf("snapshot %s was completed at once", aws.ToString(pending.SnapshotId))}
	}
	_, err := disk.Open(ctx, l.ebs, aws.ToString(pending.SnapshotId))
	return refusal(err, func(err error) bool { return fault.Code(err) == "ValidationException" })
}

func snapshotTimes(ctx context.Context, l *lab) (string, error) {
	created, err := time.Parse(time.RFC3339, aws.ToString(l.shown.CreationDate))
	if err != nil {
		return "", err
	}
	out, err := l.ec2.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: image.Snapshots(l.shown)})
	if err != nil {
		return "", err
	}
	for _, s := range out.Snapshots {
		began := aws.ToTime(s.StartTime)
		if began.Before(created.Truncate(time.Second)) || !register.Since(register.ImageOf(l.job), s) {
			return fmt.Sprintf("snapshot %s was started at %s, the image created at %s", aws.ToString(s.SnapshotId),
				moment(began), moment(created)), nil
		}
	}
	return "", nil
}

// nobody is an account id that no account has.
const nobody = "000000000000"

func shareeRefused(ctx context.Context, l *lab) (string, error) {
	id, with := aws.ToString(l.shown.ImageId), job.Sharing{Accounts: []string{nobody}}
	shared, err := sharing.Permit(ctx, l.ec2, id, nil, with)
	if err != nil || slices.Equal(shared.Accounts, nil) {
		return "", err
	}
	return "EC2 shared the image with account " + nobody, sharing.TakeBack(ctx, l.ec2, id, nil, with)
}

// uses looks for what uses the image, as retiring does. A call that was refused ends it.
func (l *lab) uses(ctx context.Context) (usage.Found, error) {
	return usage.Finder{EC2: l.ec2, AutoScaling: l.groups, SSM: l.ssm, Path: l.path() + "-none"}.Look(ctx,
		[]types.Image{l.shown}, nil)
}

// only is the error of a look that ended at a call; one that ended at another tells nothing of this one.
func (l *lab) only(operation string, err error) error {
	if err == nil {
		return nil
	}
	if c, ok := l.calls.last(operation); !ok || c.Code == "" {
		return untriable{err}
	}
	return err
}

func emptyPath(ctx context.Context, l *lab) (string, error) {
	_, err := l.uses(ctx)
	return "", l.only("GetParametersByPath", err)
}

// imageReferences has a version of a template name the image that is neither default nor latest, which EC2's list of
// references alone can tell.
func imageReferences(ctx context.Context, l *lab) (string, error) {
	for _, id := range []*string{l.shown.ImageId, l.base.ImageId} {
		if _, err := l.newVersion(ctx, l.template, &types.RequestLaunchTemplateData{ImageId: id}); err != nil {
			return "", err
		}
	}
	found, err := l.uses(ctx)
	if err != nil {
		return "", l.only("DescribeImageReferences", err)
	}
	if !slices.Contains(found.Old[aws.ToString(l.shown.ImageId)], l.template) {
		return "an old version of a template that names the image is not among its references", nil
	}
	return "", nil
}

func unprotected(ctx context.Context, l *lab) (string, error) {
	if err := l.again(ctx); err != nil {
		return "", err
	}
	found, err := l.uses(ctx)
	if err != nil {
		return "", untriable{err}
	}
	for _, why := range found.Uses[aws.ToString(l.shown.ImageId)] {
		if strings.Contains(why, "deregistration-protected") {
			return fmt.Sprintf("DeregistrationProtection is %q", aws.ToString(l.shown.DeregistrationProtection)), nil
		}
	}
	return "", nil
}

// goneImageWords asks as the look for uses does, and goneImageAttribute as retiring does about an image that others
// deregistered. Neither call is authorized by tags, which the image has no more.
func goneImageWords(ctx context.Context, l *lab) (string, error) {
	return l.attribute(ctx, types.ImageAttributeNameLaunchPermission)
}

func goneImageAttribute(ctx context.Context, l *lab) (string, error) {
	return l.attribute(ctx, types.ImageAttributeNameDescription)
}

func (l *lab) attribute(ctx context.Context, name types.ImageAttributeName) (string, error) {
	_, err := l.ec2.DescribeImageAttribute(ctx, &ec2.DescribeImageAttributeInput{
		ImageId: l.shown.ImageId, Attribute: name,
	})
	return refusal(err, fault.IsNoImage)
}

// recycleBin looks for an image in the bin that no rule has put there.
func recycleBin(ctx context.Context, l *lab) (string, error) {
	out, err := l.ec2.ListImagesInRecycleBin(ctx, &ec2.ListImagesInRecycleBinInput{
		ImageIds: []string{aws.ToString(l.shown.ImageId)},
	})
	if err != nil {
		return "", err
	}
	if len(out.Images) > 0 {
		return "", untriable{fmt.Errorf("a rule of the Recycle Bin holds the image")}
	}
	return "", nil
}
