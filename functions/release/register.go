package release

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
)

// ledgerAPI is the register of what Goldsmith made.
type ledgerAPI interface {
	Registration(ctx context.Context, id string) (r ledger.Registration, ok bool, err error)
	Register(ctx context.Context, r ledger.Registration) (ledger.Registration, error)
}

// register registers the job's image, should it not be: an earlier version that knew no register made it,
// and was updated while the run went on. The claim is the run's, so EC2's facts prove whose the image is.
func (s Step) register(ctx context.Context, j job.Job) error {
	if j.Image.ID == "" {
		return nil
	}
	_, ok, err := s.Results.Registration(ctx, j.Image.ID)
	if err != nil {
		return fmt.Errorf("looking for image %s in the register: %w", j.Image.ID, err)
	}
	if ok {
		return nil
	}
	out, err := s.EC2.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{j.Image.ID}})
	if fault.IgnoreNotFound(err) != nil {
		_, err := passing(ctx, j, fmt.Errorf("looking at image %s, which is not registered: %w", j.Image.ID, err))
		return err
	}
	if out == nil || len(out.Images) == 0 {
		return nil
	}
	r := register.ImageOf(j)
	r.ID = j.Image.ID
	if why := register.Image(r, out.Images[0]); why != nil {
		handler.Log(ctx).WarnContext(ctx, "the image is not registered", "image", r.ID, "source", r.Source, "why", why)
		return nil
	}
	if _, err := s.Results.Register(ctx, r); err != nil {
		return fmt.Errorf("registering image %s: %w", r.ID, err)
	}
	return nil
}
