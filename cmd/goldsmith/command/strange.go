package command

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
	"goldsmith/shared/retention"
)

// strange marks the images that are not registered, or that EC2's facts show to be others.
func strange(ctx context.Context, book retention.Ledger, images []types.Image, shown []goldenImage) error {
	registered := map[string]ledger.Registration{}
	for r, err := range book.Registrations(ctx, "") {
		if err != nil {
			return wrap("reading the register", err)
		}
		registered[r.ID] = r
	}
	facts := map[string]types.Image{}
	for _, i := range images {
		facts[aws.ToString(i.ImageId)] = i
	}
	for n, i := range shown {
		r, known := registered[i.ID]
		if known && (!r.Known() || register.Image(r, facts[i.ID]) == nil) {
			continue
		}
		shown[n].Unregistered, shown[n].Next = true, "not registered: neither counted nor removed"
	}
	return nil
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
	if err := strange(ctx, s.ledger, images, shown); err != nil {
		return nil, err
	}
	var strangers []goldenImage
	for _, i := range shown {
		if i.Unregistered {
			strangers = append(strangers, i)
		}
	}
	return strangers, nil
}
