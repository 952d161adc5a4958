package retention

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
	"goldsmith/shared/tag"
)

// values is how many values one filter is given; EC2 takes 200.
const values = 200

// describe looks at the plan's registered images. Most carry its tags, and are listed by them, a thousand a call;
// what somebody has untagged is asked for by id. An image with the tags and without a registration
// is somebody's own, unless it is one that was gone and that somebody had back.
func (w Reviewer) describe(ctx context.Context, plan string, o *Review) error {
	var strangers []types.Image
	see := func(i types.Image) {
		id := aws.ToString(i.ImageId)
		r, registered := o.Registered[id]
		switch {
		case o.Shown[id]:
		case !registered:
			strangers = append(strangers, i)
		case register.Image(r, i) != nil:
		case !r.Gone.IsZero(), !r.Missed.IsZero():
			o.Back = append(o.Back, r)
		default:
			o.Images[id] = i
		}
		o.Shown[id] = true
	}
	filters := []types.Filter{{Name: aws.String("tag:" + tag.Managed), Values: []string{"true"}},
		{Name: aws.String("tag:" + tag.Plan), Values: []string{plan}}}
	if err := w.list(ctx, filters, see); err != nil {
		return err
	}
	untagged := slices.DeleteFunc(slices.Sorted(maps.Keys(o.Registered)), func(id string) bool { return o.Shown[id] })
	for some := range slices.Chunk(untagged, values) {
		if err := w.list(ctx, []types.Filter{{Name: aws.String("image-id"), Values: some}}, see); err != nil {
			return err
		}
	}
	return w.back(ctx, plan, strangers, o)
}

func (w Reviewer) list(ctx context.Context, filters []types.Filter, see func(types.Image)) error {
	pages := ec2.NewDescribeImagesPaginator(w.EC2, &ec2.DescribeImagesInput{
		Owners: []string{"self"}, IncludeDisabled: aws.Bool(true), MaxResults: aws.Int32(1000), Filters: filters,
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, i := range out.Images {
			see(i)
		}
	}
	return nil
}

// halfRemoved takes out the images that are there though their removal was begun, or was done and not written down:
// they may have been had back. Where the removal was begun a moment ago the run goes on with its own, and leaves that
// of another.
func (o *Review) halfRemoved(run string, now time.Time) {
	for _, id := range slices.Sorted(maps.Keys(o.Images)) {
		known, begun := o.Known[id], o.Registered[id].Going
		if known.Status == job.Retiring || known.Status == job.Retired {
			begun = known.At
		}
		young := now.Sub(begun) < ledger.Removing
		if begun.IsZero() || young && known.Status == job.Retiring && known.Run == run {
			continue
		}
		if delete(o.Images, id); !young {
			o.Back = append(o.Back, o.Registered[id])
		}
	}
}

// back finds the images among them that were retired and are there again, out of the Recycle Bin.
func (w Reviewer) back(ctx context.Context, plan string, strangers []types.Image, o *Review) error {
	for _, i := range strangers {
		r, ok, err := w.Ledger.Registration(ctx, aws.ToString(i.ImageId))
		if err != nil {
			return err
		}
		if ok && !r.Retired.IsZero() && r.Plan == plan && r.Region == w.Region && register.Image(r, i) == nil {
			o.Back = append(o.Back, r)
		}
	}
	return nil
}
