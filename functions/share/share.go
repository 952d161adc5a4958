// Package share lets other accounts launch a proven image.
package share

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
	"goldsmith/shared/sharing"
)

// ec2API gives permissions, and tells which snapshots are an image's own.
type ec2API interface {
	sharing.EC2
	ec2.DescribeImagesAPIClient
	ec2.DescribeSnapshotsAPIClient
}

// ledgerAPI is the register of what Goldsmith made.
type ledgerAPI interface {
	Registration(ctx context.Context, id string) (r ledger.Registration, ok bool, err error)
	Amend(ctx context.Context, r ledger.Registration) (ledger.Registration, error)
}

// Step shares an image.
type Step struct {
	EC2           ec2API
	Organizations sharing.Organizations
	Ledger        ledgerAPI
	Now           func() time.Time
}

// Handle shares the job's image with whom its plan says. It is registered before: a permission that is not would be
// taken for one that a person gave, and keep the image for ever.
func (s Step) Handle(ctx context.Context, j job.Job) (job.Job, error) {
	if j.Plan.Share.IsZero() || j.Image.ID == "" {
		return j, nil
	}
	with, err := sharing.With(ctx, s.Organizations, j.Plan.Share)
	if err != nil {
		return j, unshared(j, err)
	}
	o, err := s.own(ctx, j)
	if err != nil {
		return j, err
	}
	with.At = s.Now().UTC()
	registered, err := s.note(ctx, o.registered, with)
	if err != nil {
		return j, err
	}
	shared, err := sharing.Permit(ctx, s.EC2, j.Image.ID, o.snapshots, with)
	if err != nil {
		return j, s.failed(ctx, j, registered, shared, err)
	}
	if len(shared.With()) < len(with.With()) {
		if _, err := s.note(ctx, registered, shared); err != nil {
			return j, err
		}
	}
	shared = o.told(shared)
	j.Shared = &shared
	return j, nil
}

// found is the image's registration, and the snapshots that go with it. Those of other people are not shared.
type found struct {
	registered ledger.Registration
	snapshots  []string
	others     int
}

// told says which snapshots are not shared.
func (f found) told(shared job.Sharing) job.Sharing {
	if shared.Problem == "" && f.others > 0 {
		shared.Problem = fmt.Sprintf("%d of its snapshots are not Goldsmith's, and so not shared: "+
			"it can be launched and not copied", f.others)
		shared.Do = "Leave out share.snapshots, or have the image made of a copy (image.copy)."
	}
	return shared
}

func (s Step) own(ctx context.Context, j job.Job) (f found, err error) {
	registered, ok, err := s.Ledger.Registration(ctx, j.Image.ID)
	if err != nil {
		return f, fmt.Errorf("looking for image %s in the register: %w", j.Image.ID, err)
	}
	if !ok || !registered.Known() {
		return f, unshared(j, fmt.Errorf("image %s is not registered, and so not shared", j.Image.ID))
	}
	f.registered = registered
	out, err := s.EC2.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{j.Image.ID}})
	if fault.IgnoreNotFound(err) != nil {
		return f, fmt.Errorf("looking at image %s: %w", j.Image.ID, err)
	}
	// An image can be pending again just after it was shown as available (hashicorp/packer, issue 2659).
	if err != nil || len(out.Images) == 0 || out.Images[0].State == types.ImageStatePending {
		return f, &fault.NotYet{Err: fmt.Errorf("image %s is not shared yet: EC2 does not show it", j.Image.ID)}
	}
	if !j.Plan.Share.Snapshots {
		return f, nil
	}
	f.snapshots, _, err = register.Own(ctx, s.EC2, registered, out.Images[0])
	f.others = len(image.Snapshots(out.Images[0])) - len(f.snapshots)
	return f, err
}

// note writes into the register whom the image is shared with.
func (s Step) note(ctx context.Context, r ledger.Registration, with job.Sharing) (ledger.Registration, error) {
	r.Shared = nil
	if !with.None() {
		with.Problem, with.Do = "", ""
		r.Shared = &with
	}
	amended, err := s.Ledger.Amend(ctx, r)
	if errors.As(err, new(*ledger.MovedError)) {
		return r, &fault.NotYet{Err: err}
	}
	if err != nil {
		return r, fmt.Errorf("writing down whom image %s is shared with: %w", r.ID, err)
	}
	return amended, nil
}

// failed forgets what did not come to pass: an error that another try may heal leaves the register as it is.
func (s Step) failed(ctx context.Context, j job.Job, r ledger.Registration, shared job.Sharing, err error) error {
	switch {
	case fault.IsNotFound(err):
		return &fault.NotYet{Err: err}
	case fault.IsTransient(err) || fault.IsNotYet(err):
		return err
	}
	if _, err := s.note(ctx, r, shared); err != nil {
		return err
	}
	return unshared(j, err)
}

// unshared says what to do, where the error does not.
func unshared(j job.Job, err error) error {
	if errors.As(err, new(*fault.Failed)) || fault.IsTransient(err) || fault.IsNotYet(err) {
		return err
	}
	return fault.Failure("Put right what it says; the next image is shared. "+byHand(j), "%w", err)
}

// byHand is how a person shares the image that there is.
func byHand(j job.Job) string {
	return "This one by hand: aws ec2 modify-image-attribute --image-id " + j.Image.ID +
		" --launch-permission 'Add=[{UserId=...}]'"
}
