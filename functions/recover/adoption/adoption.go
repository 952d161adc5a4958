// Package adoption registers images that were made before there was a register, or whose registrations were lost.
package adoption

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/recover/executions"
	"goldsmith/functions/recover/leftovers"
	"goldsmith/shared/event"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
	"goldsmith/shared/tag"
)

// records is what the ledger knows of images that are to be registered.
type records interface {
	Registrations(ctx context.Context, lineage string) iter.Seq2[ledger.Registration, error]
	Registration(ctx context.Context, id string) (r ledger.Registration, ok bool, err error)
	Register(ctx context.Context, r ledger.Registration) (ledger.Registration, error)
	Settle(ctx context.Context, r ledger.Registration) error
	Claims(ctx context.Context) iter.Seq2[ledger.Claim, error]
	Results(ctx context.Context, run string) iter.Seq2[job.Result, error]
}

// Adoption registers images that were made before there was a register, or whose registrations were lost.
type Adoption struct {
	EC2        ec2.DescribeImagesAPIClient
	Origins    Origins
	Ledger     records
	Executions executions.API
	// Execution is the ARN of a run's execution.
	Execution func(run string) string
	// Tests reports whether the plan of that name has its images tested.
	Tests func(plan string) bool
}

// Adopted is what became of the images.
type Adopted struct {
	Images []register.Candidate `json:"images"`
	// After is behind which image to go on; empty when all were looked at.
	After string `json:"after,omitempty"`
}

// adoptedAtOnce is how many images one call looks at.
const adoptedAtOnce = 200

// Adopt registers the images that a person names, or those that the facts prove.
func (a Adoption) Adopt(ctx context.Context, e event.Adopt) (Adopted, error) {
	adopted := Adopted{Images: []register.Candidate{}}
	images, err := a.images(ctx, e)
	if err != nil {
		return adopted, err
	}
	if e.All && len(images) > adoptedAtOnce {
		images = images[:adoptedAtOnce]
		adopted.After = aws.ToString(images[adoptedAtOnce-1].ImageId)
	}
	v, err := a.view(ctx, images)
	if err != nil {
		return adopted, err
	}
	for _, i := range images {
		c, err := a.one(ctx, e, v, i)
		if err != nil {
			return adopted, fmt.Errorf("adopting image %s: %w", aws.ToString(i.ImageId), err)
		}
		adopted.Images = append(adopted.Images, c)
	}
	for _, id := range e.Images {
		if !slices.ContainsFunc(images, func(i types.Image) bool { return aws.ToString(i.ImageId) == id }) {
			missing := register.Candidate{Registration: ledger.Registration{ID: id},
				Why: "EC2 shows no such image of this account and Region"}
			adopted.Images = append(adopted.Images, missing)
		}
	}
	return adopted, nil
}

// images are the named ones, or those that carry Goldsmith's tag and are not registered, in the order of their ids.
func (a Adoption) images(ctx context.Context, e event.Adopt) ([]types.Image, error) {
	filter := types.Filter{Name: aws.String("tag:" + tag.Managed), Values: []string{"true"}}
	registered := map[string]bool{}
	if !e.All {
		filter = types.Filter{Name: aws.String("image-id"), Values: e.Images}
	} else {
		for r, err := range a.Ledger.Registrations(ctx, "") {
			if err != nil {
				return nil, fmt.Errorf("reading the register: %w", err)
			}
			registered[r.ID] = true
		}
	}
	var found []types.Image
	pages := ec2.NewDescribeImagesPaginator(a.EC2, &ec2.DescribeImagesInput{
		Owners: []string{"self"}, IncludeDisabled: aws.Bool(true), MaxResults: aws.Int32(1000),
		Filters: []types.Filter{filter},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for images to adopt: %w", err)
		}
		for _, i := range out.Images {
			if id := aws.ToString(i.ImageId); id > e.After && !registered[id] {
				found = append(found, i)
			}
		}
	}
	slices.SortFunc(found,
		func(x, y types.Image) int { return cmp.Compare(aws.ToString(x.ImageId), aws.ToString(y.ImageId)) })
	return found, nil
}

// view is what is asked once for all images of a call.
type view struct {
	claims  []ledger.Claim
	results map[string]map[string]job.Result
	spans   map[string]span
	// lineages are those of what the images were made of, by image.
	lineages map[string]string
	// snapshots are those that were made with each image, by image.
	snapshots map[string][]string
}

func (a Adoption) view(ctx context.Context, images []types.Image) (view, error) {
	v := view{results: map[string]map[string]job.Result{}, spans: map[string]span{}}
	for c, err := range a.Ledger.Claims(ctx) {
		if err != nil {
			return v, fmt.Errorf("reading the claims: %w", err)
		}
		v.claims = append(v.claims, c)
	}
	var err error
	if v.lineages, err = a.origins(ctx, images); err != nil {
		return v, err
	}
	v.snapshots, err = a.madeWith(ctx, images)
	return v, err
}

// one registers an image unless something speaks against it.
func (a Adoption) one(ctx context.Context, e event.Adopt, v view, i types.Image) (register.Candidate, error) {
	c := register.Adopt(i, v.snapshots[aws.ToString(i.ImageId)], cmp.Or(e.By, "a person"))
	c.Lineage = cmp.Or(v.lineages[c.ID], c.Lineage)
	if c.Why != "" {
		return c, nil
	}
	unproved, err := a.objection(ctx, e, v, i, c.Registration)
	if err != nil {
		return c, err
	}
	if unproved != nil {
		c.Why = unproved.Error()
		return c, nil //nolint:nilerr // what speaks against it is the answer
	}
	if e.Dry {
		return c, nil
	}
	return a.register(ctx, c)
}

// objection is what speaks against registering an image; nil for nothing.
func (a Adoption) objection(ctx context.Context, e event.Adopt, v view, i types.Image,
	r ledger.Registration) (against, err error) {
	known, ok, err := a.Ledger.Registration(ctx, r.ID)
	switch {
	case err != nil:
		return nil, err
	case ok && !known.Retired.IsZero():
		return errors.New("it was retired, and restored since: the next run of its plan registers it anew"), nil
	case ok:
		return errors.New("it is registered already"), nil
	case leftovers.Held(v.claims, r):
		return fmt.Errorf("run %s has it in hand", r.Run), nil
	case e.All:
		return a.prove(ctx, v, i, r)
	}
	return nil, nil
}

// register writes it down. A sweep looks at it no more.
func (a Adoption) register(ctx context.Context, c register.Candidate) (register.Candidate, error) {
	r, err := a.Ledger.Register(ctx, c.Registration)
	switch {
	case err != nil:
		return c, err
	case r.ID != c.ID || !r.Known():
		c.Why = "its name is registered already, by a run that goes on or was cut off: the sweep sees to it"
		return c, nil
	}
	handler.Log(ctx).InfoContext(ctx, "adopted an image", "image", c.ID, "source", c.Source, "by", c.Adopted)
	c.Registration = r
	return c, a.Ledger.Settle(ctx, r)
}
