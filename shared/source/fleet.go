package source

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/awsclient"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// Lister lists instances.
type Lister interface {
	ec2.DescribeInstancesAPIClient
}

// Investigator answers what DescribeInstances leaves open, for many instances in one call each.
type Investigator interface {
	ec2.DescribeInstanceTypesAPIClient
	ec2.DescribeSpotInstanceRequestsAPIClient
	ec2.DescribeVolumesAPIClient
}

// page is the most instances DescribeInstances gives at once.
const page = 1000

// Batch is how many instances are asked about at once.
const Batch = awsclient.FilterValues

// FleetOf are the instances whose tag goldsmith:plan names the plan, in id order.
func FleetOf(ctx context.Context, api Lister, plan string) ([]types.Instance, error) {
	// The wildcard also finds an instance enrolled in several plans, and another
	// plan whose name contains this one; Enrolled tells them apart.
	found, err := list(ctx, api, types.Filter{Name: aws.String("tag:" + tag.Plan), Values: []string{"*" + plan + "*"}})
	if err != nil {
		return nil, err
	}
	enrolled := slices.DeleteFunc(found, func(i types.Instance) bool { return !Enrolled(Tags(i), plan) })
	slices.SortFunc(enrolled, func(a, b types.Instance) int {
		return cmp.Compare(aws.ToString(a.InstanceId), aws.ToString(b.InstanceId))
	})
	return enrolled, nil
}

// Among are those of these instances that EC2 shows.
func Among(ctx context.Context, api Lister, ids []string) ([]types.Instance, error) {
	var all []types.Instance
	for part := range slices.Chunk(ids, Batch) {
		found, err := list(ctx, api, types.Filter{Name: aws.String("instance-id"), Values: part})
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// Count is how many instances the account has in the Region, terminated ones left out.
func Count(ctx context.Context, api Lister) (int, error) {
	all, err := Living(ctx, api)
	return len(all), err
}

// Living are the instances of the account in the Region, terminated ones left out.
func Living(ctx context.Context, api Lister) ([]types.Instance, error) {
	return list(ctx, api, types.Filter{
		Name:   aws.String("instance-state-name"),
		Values: []string{"pending", "running", "stopping", "stopped"},
	})
}

func list(ctx context.Context, api Lister, filters ...types.Filter) ([]types.Instance, error) {
	var found []types.Instance
	pages := ec2.NewDescribeInstancesPaginator(api, &ec2.DescribeInstancesInput{
		Filters: filters, MaxResults: aws.Int32(page),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing instances: %w", err)
		}
		for _, r := range out.Reservations {
			found = append(found, r.Instances...)
		}
	}
	return found, nil
}

// Find is one instance. ok is false when EC2 does not know it. It is asked for
// by a filter, since a describe with one has twice the request rate; whether ids
// alone count as one AWS does not say. But an answer without it proves
// nothing: that an instance is gone is believed when EC2 says NotFound to its id.
func Find(ctx context.Context, api Lister, id string) (i types.Instance, ok bool, err error) {
	byID := types.Filter{Name: aws.String("instance-id"), Values: []string{id}}
	for _, in := range []*ec2.DescribeInstancesInput{{Filters: []types.Filter{byID}}, {InstanceIds: []string{id}}} {
		out, err := api.DescribeInstances(ctx, in)
		if fault.IsNotFound(err) {
			return i, false, nil
		}
		if err != nil {
			return i, false, fmt.Errorf("looking at %s: %w", id, err)
		}
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				return i, true, nil
			}
		}
	}
	return i, false, &fault.NotYet{Err: fmt.Errorf("looking at %s: EC2 answers without it", id)}
}

// Missing says that a describe does not know an instance which a run has stopped. That alone is no proof that it was
// terminated: EC2 shows a terminated one for about an hour (User Guide, "Terminate Amazon EC2 instances").
func Missing(id string) error {
	return &fault.NotYet{Err: fmt.Errorf("looking at %s: a describe does not know it", id)}
}

// Investigate completes what DescribeInstances says of many instances, in a few
// calls however many they are. Stop protection is not among it: it takes a call
// for each instance, and claim makes that call just before it matters (Ask).
func Investigate(ctx context.Context, api Investigator, f Facts, instances []types.Instance) ([]Facts, error) {
	facts := make([]Facts, len(instances))
	for i, instance := range instances {
		facts[i] = f.Of(instance)
	}
	spot := func(ctx context.Context, api Investigator, part []Facts) error { return askSpot(ctx, api, part) }
	for _, ask := range []func(context.Context, Investigator, []Facts) error{askTypes, spot, askVolumes} {
		for part := range slices.Chunk(facts, Batch) {
			if err := ask(ctx, api, part); err != nil {
				return nil, err
			}
		}
	}
	return facts, nil
}

func askTypes(ctx context.Context, api Investigator, facts []Facts) error {
	stored := map[types.InstanceType]*bool{} // nil where EC2 does not say
	for _, f := range facts {
		stored[f.Instance.InstanceType] = nil
	}
	// DescribeInstanceTypes takes a hundred names, but fails as a whole for one it
	// does not know; the filter just leaves that one out.
	var names []string
	for name := range stored {
		names = append(names, string(name))
	}
	slices.Sort(names)
	pages := ec2.NewDescribeInstanceTypesPaginator(api, &ec2.DescribeInstanceTypesInput{
		Filters: []types.Filter{{Name: aws.String("instance-type"), Values: names}},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("looking up instance types: %w", err)
		}
		for _, t := range out.InstanceTypes {
			stored[t.InstanceType] = t.InstanceStorageSupported
		}
	}
	for i := range facts {
		said := stored[facts[i].Instance.InstanceType]
		facts[i].InstanceStore, facts[i].StoreUnseen = aws.ToBool(said), said == nil
	}
	return nil
}

// askVolumes looks at the volumes of the instances. Of one that is attached and not shown nothing is known.
func askVolumes(ctx context.Context, api Investigator, facts []Facts) error {
	index := make(map[string]int, len(facts))
	ids := make([]string, 0, len(facts))
	for i, f := range facts {
		id := aws.ToString(f.Instance.InstanceId)
		index[id] = i
		ids = append(ids, id)
		facts[i].Unread = Volumes(f.Instance)
	}
	pages := ec2.NewDescribeVolumesPaginator(api, &ec2.DescribeVolumesInput{
		Filters:    []types.Filter{{Name: aws.String("attachment.instance-id"), Values: ids}},
		MaxResults: aws.Int32(500),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("looking up volumes: %w", err)
		}
		for _, v := range out.Volumes {
			for _, a := range v.Attachments {
				if i, ok := index[aws.ToString(a.InstanceId)]; ok {
					facts[i].has(v)
				}
			}
		}
	}
	return nil
}

// has takes up what a volume of the instance says.
func (f *Facts) has(v types.Volume) {
	id, key := aws.ToString(v.VolumeId), aws.ToString(v.KmsKeyId)
	if Marked(v) && !slices.Contains(f.Marked, id) {
		f.Marked = append(f.Marked, id)
	}
	f.SlowVolume = f.SlowVolume || slow(v) && !f.leaves(id)
	f.keyed(id, key)
	f.Unread = slices.DeleteFunc(f.Unread, func(unread string) bool { return unread == id })
	if key == "" && (v.Encrypted == nil || *v.Encrypted) {
		f.Unread = append(f.Unread, id)
	}
}

// keyed takes up the key of a volume, if it has one.
func (f *Facts) keyed(volume, key string) {
	if key == "" {
		return
	}
	if f.keyOf == nil {
		f.keyOf = map[string]string{}
	}
	f.keyOf[volume] = key
	if !slices.Contains(f.Keys, key) {
		f.Keys = append(f.Keys, key)
	}
}

// KeysOf are the keys of some of the volumes.
func (f Facts) KeysOf(volumes []string) (keys []string) {
	for _, volume := range volumes {
		if key := f.keyOf[volume]; key != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// ImageKeys are the keys of the volumes that its image is to hold: a start needs those of the others as well.
func (f Facts) ImageKeys() []string {
	out, _ := LeaveOut(f.Instance, f.Plan.Image.Volumes, f.Marked)
	return f.KeysOf(slices.DeleteFunc(Volumes(f.Instance), job.Image{LeftOut: out}.Leaves))
}

func slow(v types.Volume) bool {
	return v.VolumeType == types.VolumeTypeSt1 || v.VolumeType == types.VolumeTypeSc1
}

// WithKeys are the facts of an instance with the keys and the tags of its volumes as they are now.
func WithKeys(ctx context.Context, api ec2.DescribeVolumesAPIClient, f Facts) (Facts, error) {
	f.Keys, f.keyOf, f.KeyUnseen, f.Marked, f.Unread = nil, nil, false, nil, Volumes(f.Instance)
	pages := ec2.NewDescribeVolumesPaginator(api, &ec2.DescribeVolumesInput{Filters: []types.Filter{
		{Name: aws.String("attachment.instance-id"), Values: []string{aws.ToString(f.Instance.InstanceId)}},
	}})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return f, fmt.Errorf("looking up the volumes of %s: %w", aws.ToString(f.Instance.InstanceId), err)
		}
		for _, v := range out.Volumes {
			f.has(v)
		}
	}
	return f, nil
}
