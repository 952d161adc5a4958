package snapshot

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/attribute"
	"goldsmith/shared/fault"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/register"
	"goldsmith/shared/tag"
)

// register registers the image of the copies, with exactly what was decided. The name makes it happen once.
func (s Step) register(ctx context.Context, j job.Job) (job.Job, error) {
	now := s.Now().UTC()
	registered, err := s.Ledger.Register(ctx, register.OfSnapshot(j, now))
	if err != nil {
		return j, fmt.Errorf("registering the image of %s (%s): %w", j.Source.Name, j.Source.ID, err)
	}
	if registered.From != j.Registering.Root() {
		return j, fault.Failure("Ask again.", "the copy of %s (%s) is not registered any more", j.Source.Name, j.Source.ID)
	}
	if j.Image.ID = registered.ID; j.Image.ID == "" {
		out, err := s.EC2.RegisterImage(ctx, request(j))
		switch {
		case err == nil:
			registered.ID = aws.ToString(out.ImageId)
		case fault.IsNameTaken(err):
			if registered.ID, err = register.Taken(ctx, s.EC2, registered, err); err != nil {
				return j, err
			}
		case fault.Code(err) == "TagPolicyViolation":
			return j, fault.Failure("Correct the plan's image tags or the organization's tag policy.",
				"registering the image of %s (%s): %w", j.Source.Name, j.Source.ID, err)
		default:
			return j, fmt.Errorf("registering the image of %s (%s): %w", j.Source.Name, j.Source.ID, err)
		}
		if _, err := s.amend(ctx, registered); err != nil {
			return j, err
		}
		j.Image.ID = registered.ID
	}
	j.Image.State, j.Times.ImageSent = string(types.ImageStatePending), now
	return j, nil
}

// request asks with tags in the creating call, so that no image of ours ever lives without them.
func request(j job.Job) *ec2.RegisterImageInput {
	in := attribute.Carried(j.Registering).Input(j.Image.Name)
	in.Description = aws.String(image.Description(j))
	in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeImage, Tags: tag.List(image.Tags(j))}}
	return in
}

// compare compares how the available image is billed with what it was. One that has lost it is rolled to nothing, and
// is no successor of another image: the sweep removes it with its copies, unless something uses it.
func (s Step) compare(ctx context.Context, j job.Job) (job.Job, error) {
	out, err := s.EC2.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{j.Image.ID}})
	if fault.IsNotFound(err) || err == nil && len(out.Images) == 0 {
		return j, &fault.NotYet{Err: fmt.Errorf("image %s of %s (%s) is not shown", j.Image.ID, j.Source.Name, j.Source.ID)}
	}
	if err != nil {
		return j, fmt.Errorf("looking how image %s is billed: %w", j.Image.ID, err)
	}
	if lost := attribute.Carried(j.Registering).LostBilling(out.Images[0]); lost != "" {
		return j, fault.Failure("Make the image from an instance, which keeps how it is billed.",
			"image %s of %s (%s) is billed otherwise than it was, so Goldsmith removes it again: %s",
			j.Image.ID, j.Source.Name, j.Source.ID, lost)
	}
	j.Image.State = string(types.ImageStateAvailable)
	return j, nil
}
