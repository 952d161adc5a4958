package selection

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/bound"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// shares gives back the shares of the plan's limit that a lost or restored ledger does not know of any more, before
// others take them. What was stopped is seen by its image, whose run the ledger does not know, and by a start since
// then: what was imaged as it was has taken none. Of one that was stopped and not imaged nothing is found.
func (s Step) shares(ctx context.Context, p job.Batch) error {
	if p.Run.Most == 0 || p.Plan.Consistency != plan.Stop {
		return nil
	}
	since := p.Run.Since
	if since.IsZero() {
		since = s.Now().UTC().Add(-bound.Rolling)
	}
	images, err := s.imagesSince(ctx, p.Run.Plan, since)
	if err != nil || len(images) == 0 {
		return err
	}
	known := map[string]bool{}
	lost := map[string]time.Time{} // when its image was made, by source
	for _, i := range images {
		run := tag.Map(i.Tags)[tag.Run]
		if _, asked := known[run]; !asked {
			if _, known[run], err = s.Ledger.GetRun(ctx, run); err != nil {
				return fmt.Errorf("looking up run %s: %w", run, err)
			}
		}
		if !known[run] {
			lost[aws.ToString(i.SourceInstanceId)] = created(i)
		}
	}
	return s.share(ctx, p, since, lost)
}

// imagesSince are the plan's images of instances that were made since then.
func (s Step) imagesSince(ctx context.Context, plan string, since time.Time) (made []types.Image, err error) {
	pages := ec2.NewDescribeImagesPaginator(s.EC2, &ec2.DescribeImagesInput{
		Owners: []string{"self"}, MaxResults: aws.Int32(imagesPage), Filters: []types.Filter{
			{Name: aws.String("tag:" + tag.Plan), Values: []string{plan}},
			{Name: aws.String("tag:" + tag.Managed), Values: []string{"true"}},
		},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing images of plan %s: %w", plan, err)
		}
		for _, i := range page.Images {
			if i.SourceInstanceId != nil && !created(i).Before(since) {
				made = append(made, i)
			}
		}
	}
	return made, nil
}

// created is when an image was made; the zero time when EC2 does not say so.
func created(i types.Image) time.Time {
	at, _ := time.Parse(time.RFC3339, aws.ToString(i.CreationDate)) // The zero time is before any.
	return at
}

// imagesPage is the most images that DescribeImages gives at once.
const imagesPage = 1000

// share writes down the shares of those that were started after their images.
func (s Step) share(ctx context.Context, p job.Batch, since time.Time, lost map[string]time.Time) error {
	instances, err := source.Among(ctx, s.EC2, slices.Sorted(maps.Keys(lost)))
	if err != nil {
		return err
	}
	for _, i := range instances {
		id := aws.ToString(i.InstanceId)
		if !aws.ToTime(i.LaunchTime).After(lost[id]) {
			continue
		}
		err := bound.ShareAnew(ctx, s.Ledger, bound.Ask{
			Plan: p.Run.Plan, Source: id, Name: source.Name(source.Tags(i), id), Most: p.Run.Most, Since: since, Now: lost[id],
		})
		if err != nil {
			return err
		}
	}
	return nil
}
