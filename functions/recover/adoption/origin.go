package adoption

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/awsclient"
	"goldsmith/shared/image"
	"goldsmith/shared/lineage"
	"goldsmith/shared/register"
)

// Origins tells what images were made of.
type Origins struct {
	EC2    lineage.Snapshots
	Groups lineage.Members
}

// origins are the lineages of what images were made of, by image: an instance's group, if it is a member of one
// now, and the instance or the volume of a snapshot. A copy has its parent, so that it displaces nothing.
func (a Adoption) origins(ctx context.Context, images []types.Image) (map[string]string, error) {
	found := map[string]string{}
	instances, snapshots := map[string][]string{}, map[string][]string{}
	for _, i := range images {
		id, instance := aws.ToString(i.ImageId), aws.ToString(i.SourceInstanceId)
		switch root := register.Root(i); {
		case instance != "":
			instances[instance] = append(instances[instance], id)
		case aws.ToString(i.SourceImageId) == "" && root != "":
			snapshots[root] = append(snapshots[root], id)
		}
	}
	members, err := lineage.OfInstances(ctx, a.Origins.Groups, slices.Sorted(maps.Keys(instances)))
	if err != nil {
		return nil, err
	}
	volumes, err := lineage.OfSnapshots(ctx, a.Origins.EC2, slices.Sorted(maps.Keys(snapshots)))
	if err != nil {
		return nil, err
	}
	for of, ids := range instances {
		assign(found, ids, members[of])
	}
	for of, ids := range snapshots {
		assign(found, ids, volumes[of])
	}
	return found, nil
}

// madeWith are the snapshots of images that are not older than those, by image: the others were there before. A
// snapshot that is not the account's own, or not shown, counts as older.
func (a Adoption) madeWith(ctx context.Context, images []types.Image) (map[string][]string, error) {
	var ids []string
	for _, i := range images {
		ids = append(ids, image.Snapshots(i)...)
	}
	started := map[string]time.Time{}
	for some := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(ids))), awsclient.FilterValues) {
		pages := ec2.NewDescribeSnapshotsPaginator(a.Origins.EC2, &ec2.DescribeSnapshotsInput{
			OwnerIds: []string{"self"}, MaxResults: aws.Int32(1000),
			Filters: []types.Filter{{Name: aws.String("snapshot-id"), Values: some}},
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("asking when snapshots were started: %w", err)
			}
			for _, s := range out.Snapshots {
				started[aws.ToString(s.SnapshotId)] = aws.ToTime(s.StartTime)
			}
		}
	}
	own := map[string][]string{}
	for _, i := range images {
		made, _ := time.Parse(time.RFC3339, aws.ToString(i.CreationDate)) // Without it no image is registered.
		for _, id := range image.Snapshots(i) {
			if !started[id].Before(made.Truncate(time.Second)) { // EC2 may give whole seconds.
				own[aws.ToString(i.ImageId)] = append(own[aws.ToString(i.ImageId)], id)
			}
		}
	}
	return own, nil
}

func assign(found map[string]string, images []string, lineage string) {
	for _, id := range images {
		found[id] = lineage
	}
}
