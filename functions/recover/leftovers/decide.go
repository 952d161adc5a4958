package leftovers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
)

// good reports whether the job saw every snapshot while nothing was written any more:
// then the image is whole, whatever failed afterwards.
func (l leftover) good() bool {
	i := l.recorded()
	return !l.untested && i.ID == l.id && i.State != job.Unproven &&
		!l.result.Times.Snapshotted.IsZero() && image.ProgressOf(l.image.State) == image.Available
}

// recorded is the image of its kind that the result of its job has.
func (l leftover) recorded() job.Image { return l.result.ImageOf(l.registered.General) }

// another reports whether the result of its job has another image of its kind.
func (l leftover) another() bool { return l.recorded().ID != "" && l.recorded().ID != l.id }

// decide keeps what something uses already, since its job was cut off when it was all but
// done, and removes the rest.
func (l Images) decide(ctx context.Context, unsure []leftover) error {
	if len(unsure) == 0 {
		return nil
	}
	var images []types.Image
	for _, left := range unsure {
		images = append(images, left.image)
	}
	uses, err := l.Usage.Uses(ctx, images)
	if fault.IsNotFound(err) {
		// Another sweep, or a person, has removed one of them meanwhile; the next sweep looks at the others.
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking what uses the images of jobs that were cut off: %w", err)
	}
	var problems []error
	for _, left := range unsure {
		used := uses[left.id]
		if len(used) > 0 && left.untested {
			problems = append(problems, unlessMoved(l.doubt(ctx, left)))
			continue
		}
		if len(used) > 0 {
			left.result.Ending, left.result.Problem = job.Imaged, ""
			problems = append(problems, unlessMoved(l.keep(ctx, left, "in use: "+strings.Join(used, "; "))))
			continue
		}
		problems = append(problems, unlessMoved(l.remove(ctx, left)))
	}
	return errors.Join(problems...)
}

// keep records the image as good. What rolled it has finished its job, too.
func (l Images) keep(ctx context.Context, left leftover, why string) error {
	handler.Log(ctx).WarnContext(ctx, "kept the image of a job that was cut off", "image", left.id, "source",
		left.result.Source, "why", why)
	if err := l.record(ctx, left, string(types.ImageStateAvailable)); err != nil {
		return err
	}
	return l.settled(ctx, left)
}

// doubt keeps an image that something uses and that never passed its test: its own test instance is
// such a use, and counts as a launch for two days. It is no successor of an older image.
func (l Images) doubt(ctx context.Context, left leftover) error {
	if left.recorded().State == job.Unproven || left.another() {
		return l.forget(ctx, left.registered)
	}
	return l.record(ctx, left, job.Unproven)
}

// keepSnapshots writes down that an image is about to go, and which snapshots are its own; all is whether it holds no
// others.
func (l Images) keepSnapshots(ctx context.Context, left leftover) (r ledger.Registration, all bool, err error) {
	own, all, err := register.Own(ctx, l.EC2, left.registered, left.image)
	if err != nil {
		return r, false, fmt.Errorf("removing image %s of a job that was cut off: %w", left.id, err)
	}
	left.registered.Snapshots, left.registered.Going = own, l.Now()
	r, err = written(ctx, l.Register, left.registered)
	return r, all, err
}

// remove removes the image. Which snapshots are its own is written down before: one that stays is
// deleted by the next run that retires.
func (l Images) remove(ctx context.Context, left leftover) error {
	r, all, err := l.keepSnapshots(ctx, left)
	if err != nil {
		return err
	}
	out, err := l.EC2.DeregisterImage(ctx,
		&ec2.DeregisterImageInput{ImageId: aws.String(left.id), DeleteAssociatedSnapshots: aws.Bool(all)})
	if err != nil && !fault.IsNoImage(err) {
		return errors.Join(fmt.Errorf("removing image %s of a job that was cut off: %w", left.id, err), l.stays(ctx, r, err))
	}
	handler.Log(ctx).WarnContext(ctx, "removed the image of a job that was cut off", "image", left.id, "source",
		left.result.Source)
	whole := err == nil && all && noneStays(ctx, out)
	if err := l.record(ctx, left, job.Removed); err != nil {
		return err
	}
	if whole {
		return l.Register.Retire(ctx, r, l.Now())
	}
	// Its snapshots are the sweep's of a run: Goldsmith itself removed the image.
	r.Gone = l.Now()
	if r, err = written(ctx, l.Register, r); err != nil {
		return err
	}
	return l.Register.Settle(ctx, r)
}

// stays takes back that an image is about to go, where EC2 has refused that.
func (l Images) stays(ctx context.Context, r ledger.Registration, refused error) error {
	if !fault.DidNothing(refused) {
		return nil
	}
	r.Going = time.Time{}
	_, err := written(ctx, l.Register, r)
	return err
}

// noneStays reports whether every snapshot went with its image.
func noneStays(ctx context.Context, out *ec2.DeregisterImageOutput) bool {
	whole := true
	for _, s := range out.DeleteSnapshotResults {
		if s.ReturnCode != types.SnapshotReturnCodesSuccess {
			whole = false
			handler.Log(ctx).ErrorContext(ctx, "snapshot not deleted", "snapshot",
				aws.ToString(s.SnapshotId), "code", string(s.ReturnCode))
		}
	}
	return whole
}

// record forgets what the job waited for and writes what became of its image.
func (l Images) record(ctx context.Context, left leftover, state string) error {
	if err := ledger.Forget(ctx, l.Waits, left.id, left.result.Run); err != nil {
		return err
	}
	if left.another() {
		return nil // It may be good.
	}
	i := left.recorded()
	i.ID, i.State, i.General = left.id, state, left.registered.General
	left.result.Put(i)
	if err := l.Results.PutResult(ctx, *left.result); err != nil {
		return fmt.Errorf("recording what became of image %s: %w", left.id, err)
	}
	return nil
}
