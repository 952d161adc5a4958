package lineage

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// idForm are ids of what images are made of. EC2's old ids have eight digits.
var idForm = regexp.MustCompile(`^(i|vol|snap|ami)-([0-9a-f]{8}|[0-9a-f]{17})$`)

// Names reports whether a text names a lineage, or something by its id. As the name of a source it would
// speak for another one.
func Names(text string) bool {
	group, isGroup := Group(text)
	return isGroup && group != "" || idForm.MatchString(text)
}

// asked is how many ids DescribeAutoScalingInstances takes (API reference).
const asked = 50

// Members tells of which Auto Scaling groups instances are members.
type Members interface {
	autoscaling.DescribeAutoScalingInstancesAPIClient
	autoscaling.DescribeAutoScalingGroupsAPIClient
}

// OfInstances are the lineages of instances, by id: the Auto Scaling group of each member, and the id itself of
// any other. A member whose group is not shown is a lineage of its own.
func OfInstances(ctx context.Context, api Members, ids []string) (map[string]string, error) {
	found, names := map[string]string{}, map[string]string{}
	for some := range slices.Chunk(ids, asked) {
		for _, id := range some {
			found[id] = id
		}
		in := &autoscaling.DescribeAutoScalingInstancesInput{InstanceIds: some}
		pages := autoscaling.NewDescribeAutoScalingInstancesPaginator(api, in)
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("asking which Auto Scaling groups instances are members of: %w", err)
			}
			for _, m := range out.AutoScalingInstances {
				names[aws.ToString(m.InstanceId)] = aws.ToString(m.AutoScalingGroupName)
			}
		}
	}
	there, err := groupsNamed(ctx, api, slices.Collect(maps.Values(names)))
	if err != nil {
		return nil, fmt.Errorf("asking which Auto Scaling groups these are: %w", err)
	}
	for id, name := range names {
		found[id] = cmp.Or(OfGroup(there[groupPrefix+name]), id)
	}
	return found, nil
}

// Snapshots describes snapshots and the volumes that they are of.
type Snapshots interface {
	ec2.DescribeSnapshotsAPIClient
	ec2.DescribeVolumesAPIClient
}

// UnknownVolume is what EC2 shows of a snapshot that was copied: an arbitrary id "that you should not use for any
// purpose" (API reference, Snapshot). That it is always this one is not documented.
const UnknownVolume = "vol-ffffffff"

// OfSnapshots are the lineages of snapshots, by id: the instance that the volume is attached to, else the volume.
// One whose volume is not known is a lineage of its own.
func OfSnapshots(ctx context.Context, api Snapshots, ids []string) (map[string]string, error) {
	found := map[string]string{}
	of := map[string][]string{}
	for some := range slices.Chunk(ids, atOnce) {
		for _, id := range some {
			found[id] = id
		}
		if err := volumesOf(ctx, api, some, of); err != nil {
			return nil, err
		}
	}
	volumes := make([]string, 0, len(of))
	for volume, snapshots := range of {
		volumes = append(volumes, volume)
		for _, id := range snapshots {
			found[id] = volume
		}
	}
	slices.Sort(volumes)
	for some := range slices.Chunk(volumes, atOnce) {
		if err := attached(ctx, api, some, func(volume, instance string) {
			for _, id := range of[volume] {
				found[id] = instance
			}
		}); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func volumesOf(ctx context.Context, api Snapshots, ids []string, of map[string][]string) error {
	pages := ec2.NewDescribeSnapshotsPaginator(api, &ec2.DescribeSnapshotsInput{
		MaxResults: aws.Int32(1000), Filters: []types.Filter{{Name: aws.String("snapshot-id"), Values: ids}},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("asking what snapshots were made of: %w", err)
		}
		for _, s := range out.Snapshots {
			if volume := aws.ToString(s.VolumeId); volume != "" && volume != UnknownVolume {
				of[volume] = append(of[volume], aws.ToString(s.SnapshotId))
			}
		}
	}
	return nil
}

func attached(
	ctx context.Context, api ec2.DescribeVolumesAPIClient, ids []string, see func(volume, instance string),
) error {
	pages := ec2.NewDescribeVolumesPaginator(api, &ec2.DescribeVolumesInput{
		MaxResults: aws.Int32(500), Filters: []types.Filter{{Name: aws.String("volume-id"), Values: ids}},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("asking what volumes are attached to: %w", err)
		}
		for _, v := range out.Volumes {
			if len(v.Attachments) == 1 { // A Multi-Attach volume is of no one instance.
				see(aws.ToString(v.VolumeId), aws.ToString(v.Attachments[0].InstanceId))
			}
		}
	}
	return nil
}
