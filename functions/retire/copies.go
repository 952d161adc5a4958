package retire

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/handler"
	"goldsmith/shared/image"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/register"
)

// regions are those of a plan's copies and of copies that it has had, in order.
func regions(p plan.Plan, registered []string) []string {
	all := slices.Clone(registered)
	for _, c := range p.Copies {
		all = append(all, c.Region)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// after is the first of the regions behind one; empty when there is none.
func after(regions []string, region string) string {
	for _, next := range regions {
		if next > region {
			return next
		}
	}
	return ""
}

// copies sees to what the runs that asked for copies have left: copies that have failed are removed, and those whose
// making was never answered are found by their names.
func (r *round) copies(ctx context.Context) error {
	for _, lost := range r.Lost {
		what := retirement{Subject: lost.ID, Name: lost.Name,
			Why: []string{"it is a copy that has failed: " + image.Why(r.Images[lost.ID])}}
		if err := r.remove(ctx, what); err != nil {
			return err
		}
	}
	for _, registered := range r.Unanswered {
		if err := r.unanswered(ctx, registered); err != nil {
			return err
		}
	}
	return nil
}

// unanswered writes down which image a copy is, or that there is none.
func (r *round) unanswered(ctx context.Context, registered ledger.Registration) error {
	out, err := r.EC2.DescribeImages(ctx, &ec2.DescribeImagesInput{
		Owners: []string{"self"}, IncludeDisabled: aws.Bool(true),
		Filters: []types.Filter{{Name: aws.String("name"), Values: []string{registered.AMIName}}},
	})
	if err != nil {
		what := retirement{Subject: registered.AMIName, Name: registered.Name}
		return r.failed(ctx, what, err, "looking for the copy")
	}
	at := slices.IndexFunc(out.Images, func(i types.Image) bool { return register.Image(registered, i) == nil })
	if at < 0 {
		if err := r.Ledger.Retire(ctx, registered, r.now); err != nil {
			return fmt.Errorf("ending the registration of copy %s: %w", registered.AMIName, err)
		}
		return nil
	}
	registered.ID = aws.ToString(out.Images[at].ImageId)
	handler.Log(ctx).WarnContext(ctx, "found a copy whose making was not answered", "image", registered.ID, "source",
		registered.Source, "run", registered.Run, "region", registered.Region)
	amended, err := r.Ledger.Amend(ctx, registered)
	switch moved := (*ledger.MovedError)(nil); {
	case errors.As(err, &moved):
		return nil // Who has changed it has seen it.
	case err != nil:
		return fmt.Errorf("registering copy %s: %w", registered.ID, err)
	}
	return r.Ledger.Settle(ctx, amended)
}
