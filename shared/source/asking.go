package source

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// Asker finds what carries a tag.
type Asker interface {
	Lister
	ec2.DescribeSnapshotsAPIClient
}

// Carrying are the instances that carry a tag with this key.
func Carrying(ctx context.Context, api Lister, key string) ([]types.Instance, error) {
	return list(ctx, api, types.Filter{Name: aws.String("tag-key"), Values: []string{key}})
}

// Tagged are the instances of which a tag has that value, in which an asterisk stands for anything.
func Tagged(ctx context.Context, api Lister, key, value string) ([]types.Instance, error) {
	return list(ctx, api, types.Filter{Name: aws.String("tag:" + key), Values: []string{value}})
}

// DownWith are the instances that carry a tag with this key and are down, or on their way down or up.
func DownWith(ctx context.Context, api Lister, key string) ([]types.Instance, error) {
	return list(ctx, api, types.Filter{Name: aws.String("tag-key"), Values: []string{key}},
		types.Filter{Name: aws.String("instance-state-name"), Values: down})
}

// down are the states between running and running again.
var down = []string{
	string(types.InstanceStateNamePending), string(types.InstanceStateNameStopping),
	string(types.InstanceStateNameStopped),
}

// Asking are the requests that stand on instances and on the account's own
// snapshots, by the tag goldsmith:image.
func Asking(ctx context.Context, api Asker) ([]job.Request, error) {
	byKey := types.Filter{Name: aws.String("tag-key"), Values: []string{tag.Request}}
	instances, err := list(ctx, api, byKey)
	if err != nil {
		return nil, err
	}
	var asking []job.Request
	for _, i := range instances {
		if !Ending(State(i)) {
			asking = append(asking, job.Request{Source: aws.ToString(i.InstanceId), Kind: job.Instance,
				Value: Tags(i)[tag.Request]})
		}
	}
	pages := ec2.NewDescribeSnapshotsPaginator(api, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, Filters: []types.Filter{byKey}, MaxResults: aws.Int32(page),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing snapshots: %w", err)
		}
		for _, s := range out.Snapshots {
			if value := tag.Map(s.Tags)[tag.Request]; value != tag.LeftOut {
				asking = append(asking, job.Request{Source: aws.ToString(s.SnapshotId), Kind: job.Snapshot, Value: value})
			}
		}
	}
	return asking, nil
}
