package roll

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
)

// launchable is the image, if it can be launched now. It was available once,
// but that may be hours ago, when there was no room to start the instance, and
// EC2 lets a launch template name an image that is not there.
func (s Step) launchable(ctx context.Context, j job.Job) (found types.Image, err error) {
	out, err := s.EC2.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{j.Image.ID}})
	switch {
	case fault.IsNotFound(err) || err == nil && len(out.Images) == 0:
		return found, useless(j, "is not there any more: it has been deregistered or disabled")
	case err != nil:
		return found, fmt.Errorf("looking at image %s: %w", j.Image.ID, err)
	}
	found = out.Images[0]
	switch image.ProgressOf(found.State) {
	case image.Pending:
		// An image may look available and be pending again for a while.
		return found, &fault.NotYet{Err: fmt.Errorf("image %s of %s (%s) is %s again", j.Image.ID, j.Source.Name,
			j.Source.ID, found.State)}
	case image.Lost:
		return found, useless(j, fmt.Sprintf("is %s now. %s", found.State, image.Why(found)))
	case image.Available:
	}
	return found, nil
}

// registered is what the register says of the image: only an image that Goldsmith made of this source is rolled,
// whatever a job says.
func (s Step) registered(ctx context.Context, j job.Job, found types.Image) (r ledger.Registration, err error) {
	r, ok, err := s.Ledger.Registration(ctx, j.Image.ID)
	switch {
	case err != nil:
		return r, fmt.Errorf("looking for image %s in the register: %w", j.Image.ID, err)
	case !ok:
		return unregistered(j, found)
	case !r.Retired.IsZero():
		return r, foreign(j, "it was retired")
	case r.Source != j.Source.ID:
		return r, foreign(j, "it is registered as made of "+r.Source)
	}
	if why := register.Image(r, found); why != nil {
		return r, foreign(j, why.Error())
	}
	return r, nil
}

// unregistered is the registration of an image that has none, since the table was lost in the middle of the run or an
// earlier version made it, if EC2's facts are the job's. What its source is over time is not known but by its id then.
func unregistered(j job.Job, found types.Image) (ledger.Registration, error) {
	r := register.ImageOf(j)
	r.ID, r.Lineage = j.Image.ID, j.Source.ID
	why := register.Image(r, found)
	if why == nil && !image.Derived(r.AMIName, r.Source, r.Name, r.Run) {
		why = fmt.Errorf("its name is not what run %s calls it", r.Run)
	}
	if why != nil {
		return r, foreign(j, "it is not registered, and "+why.Error())
	}
	return r, nil
}

func foreign(j job.Job, why string) error {
	return fault.Failure("Nothing was pointed at it. Where the table was lost, the next run makes another and rolls that.",
		"image %s of %s (%s) is not known to be Goldsmith's: %s", j.Image.ID, j.Source.Name, j.Source.ID, why)
}

func useless(j job.Job, why string) error {
	return fault.Failure("Nothing is to be done: nothing was pointed at it, and the next run makes another.",
		"image %s of %s (%s) %s", j.Image.ID, j.Source.Name, j.Source.ID, why)
}
