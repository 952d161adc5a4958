package image

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Holding are the snapshots that images of the account hold, disabled ones included. It may name more than it is
// asked for, which are at most 200: a filter takes no more.
func Holding(ctx context.Context, api ec2.DescribeImagesAPIClient, snapshots []string) (map[string]bool, error) {
	held := map[string]bool{}
	pages := ec2.NewDescribeImagesPaginator(api, &ec2.DescribeImagesInput{
		Owners: []string{"self"}, IncludeDisabled: aws.Bool(true), MaxResults: aws.Int32(1000),
		Filters: []types.Filter{{Name: aws.String("block-device-mapping.snapshot-id"), Values: snapshots}},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for images that use them: %w", err)
		}
		for _, i := range out.Images {
			for _, id := range Snapshots(i) {
				held[id] = true
			}
		}
	}
	return held, nil
}
