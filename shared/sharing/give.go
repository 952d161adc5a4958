package sharing

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
)

// registerAPI is what the ledger has of what Goldsmith made.
type registerAPI interface {
	Amend(ctx context.Context, r ledger.Registration) (ledger.Registration, error)
}

// Giver shares images, in one Region.
type Giver struct {
	// Region is that of copies; empty for the suite's own.
	Region string
	EC2    EC2
	// Snapshots tells which snapshots are an image's own; nil for copies, whose snapshots all are.
	Snapshots ec2.DescribeSnapshotsAPIClient
	Register  registerAPI
}

// Give shares an image with others. It is registered before: a permission that is not would be taken for one that a
// person gave, and keep the image for ever. What is answered is whom it is shared with, which may be less, and how it
// is registered then. Where EC2 shares it with none for good the error is a *fault.Failed, and the register says so.
func (g Giver) Give(
	ctx context.Context, r ledger.Registration, i types.Image, with job.Sharing,
) (ledger.Registration, job.Sharing, error) {
	own, others, err := g.own(ctx, r, i, with)
	if err != nil {
		return r, job.Sharing{}, err
	}
	if r, err = g.note(ctx, r, with); err != nil {
		return r, job.Sharing{}, err
	}
	shared, err := Permit(ctx, g.EC2, r.ID, own, with)
	switch {
	case fault.IsNotFound(err):
		return r, shared, &fault.NotYet{Err: err}
	case fault.IsTransient(err) || fault.IsNotYet(err):
		return r, shared, err
	}
	r, failed := g.less(ctx, r, with, shared, err)
	if failed != nil {
		return r, shared, failed
	}
	if err == nil && shared.Problem == "" && others > 0 {
		shared.Problem = fmt.Sprintf("%d of its snapshots are not Goldsmith's, and so not shared: "+
			"it can be launched and not copied", others)
		shared.Do = "Leave out share.snapshots, or have the image made of a copy (image.copy)."
	}
	return r, shared, Advice(err, r.ID, g.Region)
}

// less writes down that the image is shared with fewer than it was to be, where that is so.
func (g Giver) less(
	ctx context.Context, r ledger.Registration, with, shared job.Sharing, err error,
) (ledger.Registration, error) {
	if err == nil && len(shared.With()) == len(with.With()) {
		return r, nil
	}
	return g.note(ctx, r, shared)
}

// own are the snapshots that are shared with the image, and how many are other people's, which are not.
func (g Giver) own(ctx context.Context, r ledger.Registration, i types.Image, with job.Sharing) ([]string, int, error) {
	if !with.Snapshots {
		return nil, 0, nil
	}
	own, _, err := register.Own(ctx, g.Snapshots, r, i)
	return own, len(image.Snapshots(i)) - len(own), err
}

// note writes into the register whom the image is shared with.
func (g Giver) note(ctx context.Context, r ledger.Registration, with job.Sharing) (ledger.Registration, error) {
	r.Shared = nil
	if !with.None() {
		with.Problem, with.Do = "", ""
		r.Shared = &with
	}
	amended, err := g.Register.Amend(ctx, r)
	if errors.As(err, new(*ledger.MovedError)) {
		return r, &fault.NotYet{Err: err}
	}
	if err != nil {
		return r, fmt.Errorf("writing down whom image %s is shared with: %w", r.ID, err)
	}
	return amended, nil
}

// underManaged is what EC2 says of snapshots under a key that AWS manages, which nobody can share by hand either.
const underManaged = "AWS Managed CMK"

// Advice is an error that lasts with what a person does about it, where it does not say so itself. Region is that of a
// copy.
func Advice(err error, id, region string) error {
	if err == nil || errors.As(err, new(*fault.Failed)) || fault.IsTransient(err) || fault.IsNotYet(err) {
		return err
	}
	if strings.Contains(err.Error(), underManaged) {
		do := "Encrypt its volumes under a customer managed key (docs/sharing.md); the next image is shared."
		if region != "" {
			do = "Name a customer managed key of " + region + " in the plan's copies (docs/sharing.md); the next copy is shared."
		}
		return fault.Failure(do, "%w", err)
	}
	where := ""
	if region != "" {
		where = "--region " + region + " "
	}
	return fault.Failure("Put right what it says; the next image is shared. This one by hand: "+
		"aws ec2 modify-image-attribute "+where+"--image-id "+id+" --launch-permission "+
		"'Add=[{UserId=...},{OrganizationArn=...},{OrganizationalUnitArn=...}]'", "%w", err)
}
