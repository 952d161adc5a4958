package command

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/register"
)

// strange marks the images that are not registered in their Region, or that EC2's facts show to be others.
func (m made) strange(images []types.Image, shown []goldenImage) {
	for n, i := range images {
		r, known := m[aws.ToString(i.ImageId)]
		if known && (!r.Known() || register.Image(r, i) == nil) {
			continue
		}
		shown[n].Unregistered, shown[n].Next = true, "not registered: neither counted nor removed"
	}
}

// strangers are the images that carry Goldsmith's tags and are not registered.
func (s site) strangers(ctx context.Context) ([]goldenImage, error) {
	images, err := describe(ctx, ec2.NewFromConfig(s.aws), wanted{})
	if err != nil || len(images) == 0 {
		return nil, err
	}
	shown := []goldenImage{}
	for _, i := range images {
		shown = append(shown, golden(i))
	}
	known, err := registered(ctx, s.ledger)
	if err != nil {
		return nil, err
	}
	known.strange(images, shown)
	var strangers []goldenImage
	for _, i := range shown {
		if i.Unregistered {
			strangers = append(strangers, i)
		}
	}
	return strangers, nil
}
