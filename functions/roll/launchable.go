package roll

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
)

// launchable is the image, if it can be launched now. It was available once,
// but that may be hours ago, when there was no room to start the instance, and
// EC2 lets a launch template name an image that is not there.
func (s Step) launchable(ctx context.Context, j job.Job) (found types.Image, err error) {
	out, err := s.images.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{j.Image.ID}})
	switch {
	case fault.IsNotFound(err) || err == nil && len(out.Images) == 0:
		return found, useless(j, "is not there any more: somebody has deregistered or disabled it")
	case err != nil:
		return found, fmt.Errorf("looking at image %s: %w", j.Image.ID, err)
	}
	found = out.Images[0]
	switch image.ProgressOf(found.State) {
	case image.Pending:
		// An image may look available and be pending again for a while.
		return found, &fault.NotYet{Err: fmt.Errorf("image %s of %s (%s) is %s again", j.Image.ID, j.Source.Name, j.Source.ID, found.State)}
	case image.Lost:
		return found, useless(j, fmt.Sprintf("is %s now. %s", found.State, image.Why(found)))
	case image.Available:
	}
	return found, nil
}

func useless(j job.Job, why string) error {
	return fault.Failure("Nothing is to be done: nothing was pointed at it, and the next run makes another.",
		"image %s of %s (%s) %s", j.Image.ID, j.Source.Name, j.Source.ID, why)
}
