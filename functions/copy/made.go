package copying

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/awsclient"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/register"
	"goldsmith/shared/sharing"
	"goldsmith/shared/tag"
)

// ask has EC2 make the copy, and writes down which image it is. The client token makes it happen once, and so does the
// name.
func (s Step) ask(ctx context.Context, j job.Job, c job.Copy, r ledger.Registration) (ledger.Registration, error) {
	api := s.In(c.Region)
	out, err := api.CopyImage(ctx, request(j, c, r))
	switch {
	case err == nil:
		r.ID = aws.ToString(out.ImageId)
	case fault.IsNameTaken(err):
		id, err := register.Taken(ctx, api, r, err)
		if err != nil {
			return r, err
		}
		r.ID = id
	default:
		return r, fmt.Errorf("copying image %s to %s: %w", j.Image.ID, c.Region, err)
	}
	return s.amend(ctx, r)
}

// request is the same for the same job, as its token wants it. CopyImage copies no tags unless it is told to, and then
// what a person has put on the image since, too.
func request(j job.Job, c job.Copy, r ledger.Registration) *ec2.CopyImageInput {
	tags := tag.List(image.Tags(j))
	in := &ec2.CopyImageInput{
		Name: aws.String(r.AMIName), SourceImageId: aws.String(r.From), SourceRegion: aws.String(r.FromRegion),
		Description: aws.String(image.Description(j)),
		ClientToken: aws.String(awsclient.Token("copy", j.Run.Name, j.Source.ID, c.Region)),
		TagSpecifications: []types.TagSpecification{
			{ResourceType: types.ResourceTypeImage, Tags: tags}, {ResourceType: types.ResourceTypeSnapshot, Tags: tags},
		},
	}
	if c.Key != "" {
		in.Encrypted, in.KmsKeyId = aws.Bool(true), aws.String(c.Key)
	}
	return in
}

// look sees what has become of a copy.
func (s Step) look(ctx context.Context, j job.Job, c job.Copy, r ledger.Registration) (job.Copy, error) {
	out, err := s.In(c.Region).DescribeImages(ctx, &ec2.DescribeImagesInput{
		ImageIds: []string{r.ID}, IncludeDisabled: aws.Bool(true),
	})
	if fault.IgnoreNotFound(err) != nil {
		return c, fmt.Errorf("looking at the copy of image %s in %s: %w", j.Image.ID, c.Region, err)
	}
	if err != nil || len(out.Images) == 0 {
		return s.absent(ctx, j.Plan, c, r)
	}
	i := out.Images[0]
	if why := register.Image(r, i); why != nil {
		return s.fails(ctx, c, r, fmt.Errorf("%s is not the copy that was asked for: %w", r.ID, why),
			"See whose it is; the next image is copied.")
	}
	switch image.ProgressOf(i.State) {
	case image.Available:
		return s.proven(ctx, j, c, r, i)
	case image.Lost:
		return s.lost(ctx, c, r, i)
	case image.Pending:
	}
	if r, err = s.snapshots(ctx, r, i); err != nil {
		return c, err
	}
	if s.Now().Sub(r.Begun) > limit {
		c.Problem = fmt.Sprintf("copy %s is still pending %s after it was asked for", r.ID, limit)
		c.Do = "Look at it: " + describe(c.Region, r.ID) + ". It counts once it is available."
	}
	return c, nil
}

// proven writes down that the copy is there: others may be retired for it, since its image is proven. Then it is shared
// and rolled in its Region, neither of which waits for the other, and what came of each is written down as well: the
// same look is repeated until all copies are there.
func (s Step) proven(
	ctx context.Context, j job.Job, c job.Copy, r ledger.Registration, i types.Image,
) (job.Copy, error) {
	parts := s.parts(j.Plan, c, r)
	r.Good, r.Snapshots = true, image.Snapshots(i)
	if len(parts) == 0 {
		r.Seen = s.Now().UTC()
	}
	r, err := s.amend(ctx, r)
	if err != nil {
		return c, err
	}
	if err := s.Ledger.Settle(ctx, r); err != nil {
		return c, fmt.Errorf("settling copy %s in %s: %w", r.ID, c.Region, err)
	}
	var busy error
	for n, part := range parts {
		done, err := part(ctx, j, r, i)
		if err != nil {
			r, busy = done, err
			continue
		}
		if r = done; n == len(parts)-1 && busy == nil {
			r.Seen = s.Now().UTC()
		}
		if r, err = s.amend(ctx, r); err != nil {
			return c, err
		}
	}
	c.At = r.Seen
	return toldOf(c, r), busy
}

// part is one of what is done with a copy that is there. Its registration has what came of it.
type part func(context.Context, job.Job, ledger.Registration, types.Image) (ledger.Registration, error)

// parts are what is to be done with a copy, and was not yet.
func (s Step) parts(p plan.Plan, c job.Copy, r ledger.Registration) (due []part) {
	if !p.CopyIn(c.Region).Share.IsZero() && c.Shared == nil && r.Sharing == nil {
		due = append(due, s.share)
	}
	if p.RollsIn(c.Region, s.Home) {
		due = append(due, s.roll)
	}
	return due
}

// share lets others launch a copy. What cannot be shared is a copy all the same.
func (s Step) share(
	ctx context.Context, j job.Job, r ledger.Registration, i types.Image,
) (ledger.Registration, error) {
	with, err := sharing.With(ctx, s.Organizations, j.Plan.CopyIn(r.Region).Share)
	if err = sharing.Advice(err, r.ID, r.Region); err == nil {
		with.At = s.Now().UTC()
		r, with, err = sharing.Giver{Region: r.Region, EC2: s.In(r.Region), Register: s.Ledger}.Give(ctx, r, i, with)
	}
	failed := (*fault.Failed)(nil)
	switch {
	case err == nil:
		r.Sharing = &with
	case errors.As(err, &failed):
		r.Sharing = &job.Sharing{Problem: fault.Brief(failed.Err), Do: failed.Do}
	case s.late(r, err):
		r.Sharing = &job.Sharing{
			Problem: fmt.Sprintf("it was tried for %s: %s", limit, fault.Brief(err)),
			Do:      "Nothing is to be done, unless it has to be shared now: the next image is shared as the plan says then.",
		}
	default:
		return r, err
	}
	return r, nil
}

// lost removes a copy that has failed, with what it has of snapshots, and tells EC2's reason. What stays is removed by
// the runs that retire.
func (s Step) lost(ctx context.Context, c job.Copy, r ledger.Registration, i types.Image) (job.Copy, error) {
	if i.State == types.ImageStateDisabled || i.State == types.ImageStateDeregistered {
		return s.fails(ctx, c, r, fmt.Errorf("copy %s in %s is %s, and not by Goldsmith", r.ID, c.Region, i.State),
			"See who has done that; the next image is copied.")
	}
	r.Snapshots = image.Snapshots(i)
	out, err := s.In(c.Region).DeregisterImage(ctx, &ec2.DeregisterImageInput{
		ImageId: aws.String(r.ID), DeleteAssociatedSnapshots: aws.Bool(true),
	})
	switch {
	case fault.IsTransient(err):
		return c, fmt.Errorf("removing copy %s in %s, which has failed: %w", r.ID, c.Region, err)
	case err != nil && !fault.IsNoImage(err):
		handler.Log(ctx).WarnContext(ctx, "failed copy not removed", "image", r.ID, "region", c.Region, "error", err)
	case err == nil:
		for _, result := range out.DeleteSnapshotResults {
			handler.Log(ctx).InfoContext(ctx, "snapshot of a failed copy deleted or kept", "snapshot",
				aws.ToString(result.SnapshotId), "code", string(result.ReturnCode))
		}
	}
	under := ""
	if c.Key != "" {
		under = " under key " + c.Key
	}
	return s.fails(ctx, c, r, fmt.Errorf("copying image %s to %s%s failed. %s", r.From, c.Region, under, image.Why(i)),
		"Put right what EC2 says, for the most part the key; the next image is copied.")
}

// absent is a copy that EC2 does not show: not yet, or not any more.
func (s Step) absent(ctx context.Context, p plan.Plan, c job.Copy, r ledger.Registration) (job.Copy, error) {
	if s.Now().Sub(r.Begun) < appearing {
		return c, &fault.NotYet{Err: fmt.Errorf("EC2 does not show copy %s in %s yet", r.ID, c.Region)}
	}
	return s.fails(ctx, c, r, fmt.Errorf("copy %s is not there any more: it has been deregistered", r.ID),
		"The next image is copied. "+leaves(p, r))
}

// snapshots writes down which snapshots a copy is given while it is on its way: a person who deregisters it leaves
// them, and nothing else says for certain whose they are.
func (s Step) snapshots(ctx context.Context, r ledger.Registration, i types.Image) (ledger.Registration, error) {
	shown := image.Snapshots(i)
	if len(shown) == 0 || slices.Equal(shown, r.Snapshots) {
		return r, nil
	}
	r.Snapshots = shown
	return s.amend(ctx, r)
}

// leaves is what becomes of the snapshots of a copy that a person deregistered on its way. Those that the register has
// go as those of any image do that somebody deregisters; of others only a person can say that they are the copy's,
// since anybody may give a snapshot the description by which they are found.
func leaves(p plan.Plan, r ledger.Registration) string {
	if len(r.Snapshots) > 0 && p.KeepIn(r.Region).Rules() {
		return "Its snapshots are kept for the grace period, and go then: " + strings.Join(r.Snapshots, ", ") + "."
	}
	return "Snapshots that this one had stay, and cost: delete what " + orphans(r.Region, r.ID) + " shows."
}

// orphans is the command that shows the snapshots of a copy that was deregistered: CopyImage describes them so.
func orphans(region, id string) string {
	return "aws ec2 describe-snapshots --region " + region + " --owner-ids self --filters " +
		"'Name=description,Values=Copied for DestinationAmi " + id + " *'"
}
