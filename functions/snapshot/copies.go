package snapshot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
	"goldsmith/shared/tag"
)

// appearing is how long EC2 may not show a copy that it has made. CopySnapshot has no client token: a copy whose
// making was not answered is looked for, and made again only once it would be shown.
const appearing = 5 * time.Minute

// copies has the image registered, and each snapshot copied that it is to be registered of. A copy that is registered
// is there already.
func (s Step) copies(ctx context.Context, j job.Job, snapshots []types.Snapshot) (job.Job, error) {
	asked := register.OfSnapshot(j, s.Now().UTC())
	asked.Volume, asked.Taken = aws.ToString(snapshots[0].VolumeId), aws.ToTime(snapshots[0].StartTime)
	registered, err := s.Ledger.Register(ctx, asked)
	if err != nil {
		return j, fmt.Errorf("registering the image of %s (%s): %w", j.Source.Name, j.Source.ID, err)
	}
	if !j.Plan.Image.Copy {
		return s.themselves(ctx, j, registered)
	}
	first := registered.Token == asked.Token
	for n, from := range snapshots {
		id := aws.ToString(from.SnapshotId)
		if registered.Copies[id] == "" {
			if registered, err = s.copyOf(ctx, j, registered, from, first); err != nil {
				return j, err
			}
		}
		j.Registering.Disks[n].Snapshot = registered.Copies[id]
	}
	j.Times.ImageSent = s.Now().UTC()
	return j, nil
}

// themselves has the image registered of the snapshots, which stay their owner's.
func (s Step) themselves(ctx context.Context, j job.Job, r ledger.Registration) (job.Job, error) {
	for n, d := range j.Registering.Disks {
		j.Registering.Disks[n].Snapshot = d.From
	}
	j.Registering.Copied = true
	j.Warnings = append(slices.Clone(j.Warnings),
		job.Reason{Code: job.Uncopied, Text: "its image is registered of the snapshot " +
			"itself (image.copy: false): while the image is there the snapshot cannot be deleted, and tools that expire it, " +
			"such as Data Lifecycle Manager and AWS Backup, fail"})
	if r.From == j.Source.ID {
		return j, nil
	}
	r.From = j.Source.ID
	_, err := s.amend(ctx, r)
	return j, err
}

// copyOf makes the copy of one snapshot, unless an earlier attempt has made it, and writes it down.
func (s Step) copyOf(ctx context.Context, j job.Job, r ledger.Registration, from types.Snapshot, first bool,
) (ledger.Registration, error) {
	id, err := "", error(nil)
	if !first {
		if id, err = s.made(ctx, r, from); err != nil {
			return r, err
		}
	}
	if !first && id == "" {
		if r, err = s.again(ctx, r, from); err != nil {
			return r, err
		}
	}
	if id == "" {
		if id, err = s.send(ctx, j, r, from); err != nil {
			return s.unsent(ctx, r, err)
		}
	}
	return s.amend(ctx, register.WithCopy(r, aws.ToString(from.SnapshotId), id))
}

// amend writes down what has changed of a registration.
func (s Step) amend(ctx context.Context, r ledger.Registration) (ledger.Registration, error) {
	amended, err := s.Ledger.Amend(ctx, r)
	if errors.As(err, new(*ledger.MovedError)) {
		return r, &fault.NotYet{Err: err} // Another attempt has written meanwhile.
	}
	if err != nil {
		return r, fmt.Errorf("registering what belongs to image %s: %w", r.AMIName, err)
	}
	return amended, nil
}

// again notes that the copy is asked for once more, when one that was made before would be shown by now.
func (s Step) again(ctx context.Context, r ledger.Registration, from types.Snapshot) (ledger.Registration, error) {
	now := s.Now().UTC()
	if now.Sub(r.Asked) < appearing {
		return r, &fault.NotYet{Err: fmt.Errorf("whether %s is copied already is not shown yet",
			aws.ToString(from.SnapshotId))}
	}
	r.Asked = now
	return s.amend(ctx, r)
}

// unsent is the failure of a copy. Where EC2 has refused it none was made, so that the next attempt need not wait
// until it would be shown.
func (s Step) unsent(ctx context.Context, r ledger.Registration, failed error) (ledger.Registration, error) {
	if fault.Code(failed) == "" || fault.IsTransient(failed) {
		return r, failed
	}
	r.Asked = time.Time{}
	if _, err := s.amend(ctx, r); err != nil {
		return r, errors.Join(failed, err)
	}
	return r, failed
}

// send asks once: the SDK's own retries would make a second copy of one whose answer was lost.
func (s Step) send(ctx context.Context, j job.Job, r ledger.Registration, from types.Snapshot) (string, error) {
	id := aws.ToString(from.SnapshotId)
	in := &ec2.CopySnapshotInput{
		SourceRegion: aws.String(s.Region), SourceSnapshotId: from.SnapshotId,
		Description: aws.String(register.Copied(r, id)),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot,
			Tags: tag.List(image.Tags(j))}},
	}
	if aws.ToBool(from.Encrypted) { // Else the copy would be under the account's key for EBS.
		in.Encrypted, in.KmsKeyId = aws.Bool(true), from.KmsKeyId
	}
	out, err := s.EC2.CopySnapshot(ctx, in, func(o *ec2.Options) { o.Retryer = aws.NopRetryer{} })
	switch {
	case err == nil:
		return aws.ToString(out.SnapshotId), nil
	case fault.IsNotFound(err):
		return "", deleted(j, err)
	case fault.Code(err) == "SnapshotLimitExceeded":
		return "", fault.Failure("Delete snapshots that are not needed, or ask AWS for a higher quota of snapshots.",
			"copying %s of %s: %w", id, j.Source.Name, err)
	case fault.Code(err) == "TagPolicyViolation":
		return "", fault.Failure("Correct the plan's image tags or the organization's tag policy.",
			"copying %s of %s: %w", id, j.Source.Name, err)
	}
	return "", fmt.Errorf("copying %s of %s: %w", id, j.Source.Name, err)
}

// made is the copy that an earlier attempt made, by what of it cannot be changed.
func (s Step) made(ctx context.Context, r ledger.Registration, from types.Snapshot) (string, error) {
	pages := ec2.NewDescribeSnapshotsPaginator(s.EC2, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, Filters: []types.Filter{{
			Name: aws.String("description"), Values: []string{register.Copied(r, aws.ToString(from.SnapshotId))},
		}},
	})
	var found []types.Snapshot
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("looking for the copy of %s: %w", aws.ToString(from.SnapshotId), err)
		}
		found = append(found, out.Snapshots...)
	}
	return register.CopyAmong(r, aws.ToString(from.SnapshotId), found), nil
}
