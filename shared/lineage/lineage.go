// Package lineage knows what images are made of over time, and whether it still lives: an instance,
// an Auto Scaling group for whichever member stands for it, or a volume.
package lineage

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
)

// ec2API describes instances and volumes.
type ec2API interface {
	ec2.DescribeInstancesAPIClient
	ec2.DescribeVolumesAPIClient
}

// Groups describes Auto Scaling groups, and says which there are not.
type Groups interface {
	autoscaling.DescribeAutoScalingGroupsAPIClient
	autoscaling.DescribeInstanceRefreshesAPIClient
}

// Finder asks AWS about lineages.
type Finder struct {
	EC2    ec2API
	Groups Groups
}

// atOnce is how many of them one describe is about: a filter takes 200 values.
const atOnce = 100

// Living reports which of the lineages live. What cannot be found out lives: its history stays its own.
func (f Finder) Living(ctx context.Context, lineages []string) map[string]bool {
	living := map[string]bool{}
	for some := range slices.Chunk(lineages, atOnce) {
		var instances, volumes, groups []string
		for _, each := range some {
			_, isGroup := Group(each)
			switch {
			case isGroup:
				groups = append(groups, each)
			case strings.HasPrefix(each, "i-"):
				instances = append(instances, each)
			case strings.HasPrefix(each, "vol-"):
				volumes = append(volumes, each)
			default:
				living[each] = true
			}
		}
		mark(ctx, living, instances, f.instances)
		mark(ctx, living, volumes, f.volumes)
		mark(ctx, living, groups, f.groups)
	}
	return living
}

// mark asks for those that there are; all of them count when the answer does not come.
func mark(
	ctx context.Context, living map[string]bool, ids []string, ask func(context.Context, []string) ([]string, error),
) {
	if len(ids) == 0 {
		return
	}
	found, err := ask(ctx, ids)
	if err != nil {
		handler.Log(ctx).WarnContext(ctx, "living sources not looked up", "sources", ids, "error", err)
		found = ids
	}
	for _, id := range found {
		living[id] = true
	}
}

// instances are those that EC2 shows, and those of which it does not say that they are gone: an answer that leaves
// one out proves nothing.
func (f Finder) instances(ctx context.Context, ids []string) (found []string, err error) {
	pages := ec2.NewDescribeInstancesPaginator(f.EC2, &ec2.DescribeInstancesInput{
		MaxResults: aws.Int32(1000), Filters: []types.Filter{{Name: aws.String("instance-id"), Values: ids}},
	})
	ended := map[string]bool{}
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		see(ended, out.Reservations)
	}
	var missing []string
	for _, id := range ids {
		gone, shown := ended[id]
		switch {
		case !shown:
			missing = append(missing, id)
		case !gone:
			found = append(found, id)
		}
	}
	left, err := f.notGone(ctx, missing)
	return append(found, left...), err
}

// see notes whether instances are terminated.
func see(ended map[string]bool, of []types.Reservation) {
	for _, r := range of {
		for _, i := range r.Instances {
			ended[aws.ToString(i.InstanceId)] = i.State != nil && i.State.Name == types.InstanceStateNameTerminated
		}
	}
}

// notGone leaves out the instances that EC2 says do not exist, or shows as terminated. Asked by id it names in its
// error those that do not exist.
func (f Finder) notGone(ctx context.Context, ids []string) ([]string, error) {
	for len(ids) > 0 {
		out, err := f.EC2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: ids})
		if err == nil {
			ended := map[string]bool{}
			see(ended, out.Reservations)
			return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return ended[id] }), nil
		}
		if fault.Code(err) != "InvalidInstanceID.NotFound" {
			return nil, err
		}
		left := unnamed(ids, err)
		if len(left) == len(ids) {
			return ids, nil
		}
		ids = left
	}
	return nil, nil
}

// unnamed are the ids that an error does not name.
func unnamed(ids []string, err error) []string {
	message := err.Error()
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return strings.Contains(message, id) })
}

// volumes are those that EC2 shows, and those of which it does not say that they do not exist.
func (f Finder) volumes(ctx context.Context, ids []string) (found []string, err error) {
	pages := ec2.NewDescribeVolumesPaginator(f.EC2, &ec2.DescribeVolumesInput{
		MaxResults: aws.Int32(500), Filters: []types.Filter{{Name: aws.String("volume-id"), Values: ids}},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, v := range out.Volumes {
			found = append(found, aws.ToString(v.VolumeId))
		}
	}
	missing := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(found, id) })
	for len(missing) > 0 {
		_, err := f.EC2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: missing})
		if err != nil && fault.Code(err) != "InvalidVolume.NotFound" {
			return nil, err
		}
		left := missing
		if err != nil {
			left = unnamed(missing, err)
		}
		if len(left) == len(missing) {
			return append(found, left...), nil
		}
		missing = left
	}
	return found, nil
}
