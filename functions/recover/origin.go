package recovery

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

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

func assign(found map[string]string, images []string, lineage string) {
	for _, id := range images {
		found[id] = lineage
	}
}
