// Package share lets other accounts launch a proven image.
package share

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
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

// Handle shares the job's image with whom its plan says.
func (s Step) Handle(ctx context.Context, j job.Job) (job.Job, error) {
	if j.Plan.Share.IsZero() || j.Image.ID == "" {
		return j, nil
	}
	with, err := sharing.With(ctx, s.Organizations, j.Plan.Share)
	if err != nil {
		return j, sharing.Advice(err, j.Image.ID, "")
	}
	registered, shown, err := s.image(ctx, j)
	if err != nil {
		return j, err
	}
	with.At = s.Now().UTC()
	_, shared, err := sharing.Giver{EC2: s.EC2, Snapshots: s.EC2, Register: s.Ledger}.Give(ctx, registered, shown, with)
	if err != nil {
		return j, err
	}
	j.Shared = &shared
	return j, nil
}

// image is what the register and EC2 know of the job's image.
func (s Step) image(ctx context.Context, j job.Job) (r ledger.Registration, i types.Image, err error) {
	r, ok, err := s.Ledger.Registration(ctx, j.Image.ID)
	if err != nil {
		return r, i, fmt.Errorf("looking for image %s in the register: %w", j.Image.ID, err)
	}
	if !ok || !r.Known() {
		return r, i, sharing.Advice(fmt.Errorf("image %s is not registered, and so not shared", j.Image.ID), j.Image.ID, "")
	}
	out, err := s.EC2.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{j.Image.ID}})
	if fault.IgnoreNotFound(err) != nil {
		return r, i, fmt.Errorf("looking at image %s: %w", j.Image.ID, err)
	}
	// An image can be pending again just after it was shown as available (hashicorp/packer, issue 2659).
	if err != nil || len(out.Images) == 0 || out.Images[0].State == types.ImageStatePending {
		return r, i, &fault.NotYet{Err: fmt.Errorf("image %s is not shared yet: EC2 does not show it", j.Image.ID)}
	}
	return r, out.Images[0], nil
}
