package register

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
)

// Taken is the id of the image that an earlier attempt of the registered run made under the name, as EC2's facts show.
// taken is EC2's answer to the attempt that found the name taken.
func Taken(ctx context.Context, api ec2.DescribeImagesAPIClient, r ledger.Registration, taken error) (string, error) {
	out, err := api.DescribeImages(ctx, &ec2.DescribeImagesInput{
		Owners: []string{"self"}, IncludeDisabled: aws.Bool(true),
		Filters: []types.Filter{{Name: aws.String("name"), Values: []string{r.AMIName}}},
	})
	if err != nil {
		return "", fmt.Errorf("looking for image %s: %w", r.AMIName, err)
	}
	if len(out.Images) == 0 {
		// EC2 may not show an image it has just made, and keeps the name of one that
		// was deregistered a moment ago: both pass.
		return "", &fault.NotYet{
			Err: errors.Join(fmt.Errorf("the name %s is taken by an image that is not shown", r.AMIName), taken),
		}
	}
	id := aws.ToString(out.Images[0].ImageId) // A name is one image's.
	if why := Image(r, out.Images[0]); why != nil {
		return "", fault.Failure("Run the plan again: the next run's image has another name.",
			"the name %s is taken by %s, which this run did not make: %w", r.AMIName, id, why)
	}
	return id, nil
}
