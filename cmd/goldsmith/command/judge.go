package command

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"goldsmith/cmd/goldsmith/deployment"
	"goldsmith/shared/fault"
	"goldsmith/shared/plan"
	"goldsmith/shared/retention"
	"goldsmith/shared/settings"
	"goldsmith/shared/usage"
)

// judge says of each image in a Region what its plan's rules and its uses say, as the next run would before it makes
// images of its own. The note says what could not be looked at.
func (t *terms) judge(
	ctx context.Context, which wanted, known made, region string, images []types.Image, shown []goldenImage,
) (note string, err error) {
	plans, err := t.rules(which.plans)
	if err != nil {
		return "", err
	}
	reviewer, finder, err := t.reviewer(ctx, region)
	if err != nil {
		return excuse(err)
	}
	known.strange(images, shown)
	if plans == nil {
		note = "Why images are kept is left out: there is no file " + which.plans + "; name it with --plans."
	}
	if err := next(ctx, reviewer, known.reviews(reviewer.Region, region), plans, shown); err != nil {
		return note, err
	}
	if !which.uses {
		return note, nil
	}
	uses, err := finder.Uses(ctx, images)
	for i := range shown {
		shown[i].Uses = uses[shown[i].ID]
	}
	return note, wrap("asking what refers to images", err)
}

// rules are the plans of the file; nil when there is none.
func (t *terms) rules(path string) (map[string]plan.Plan, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && path == plansFile {
		return nil, nil
	}
	plans, err := t.plans(path)
	return plans.Plans, err
}

// reviewer is that of images, or of the copies in another Region, beside what finds out what uses them.
func (t *terms) reviewer(ctx context.Context, region string) (retention.Reviewer, usage.Finder, error) {
	site, err := t.site(ctx)
	if err != nil {
		return retention.Reviewer{}, usage.Finder{}, err
	}
	path, err := deployment.ImagePath(ctx, lambda.NewFromConfig(site.aws))
	there := settings.Settings{
		AWS: site.aws, Ledger: site.ledger, Now: t.Now, Values: map[settings.Name]string{settings.ImagePath: path},
	}
	afar := ""
	if region != site.aws.Region {
		afar = region
	}
	reviewer := retention.Wire(there, afar)
	there.AWS.Region = region
	return reviewer, usage.Wire(there), err
}

// excuse makes of what a role may not see a note: the list itself is of use without it.
func excuse(err error) (string, error) {
	var absent *deployment.AbsentError
	if errors.As(err, &absent) || slices.Contains(denied, fault.Code(err)) {
		return "Why images are kept is left out: " + fault.Brief(err), nil
	}
	return "", err
}

// reviews are the Regions by which what is in one is looked at: images go by none, and their copies by theirs.
func (m made) reviews(afar, region string) []string {
	for _, r := range m {
		if afar == "" && r.Region == region {
			return []string{afar, region}
		}
	}
	return []string{afar}
}

// next looks at each plan that has images in the list.
func next(
	ctx context.Context, w retention.Reviewer, regions []string, plans map[string]plan.Plan, shown []goldenImage,
) error {
	said := map[string]string{}
	looked := map[string]bool{}
	for _, i := range shown {
		p, known := plans[i.Plan]
		if !known || looked[i.Plan] {
			continue
		}
		looked[i.Plan] = true
		for _, w.Region = range regions {
			if err := decisions(ctx, w, p, said); err != nil {
				return wrap("looking at the images of plan "+i.Plan, err)
			}
		}
	}
	for n, i := range shown {
		if !i.Unregistered {
			shown[n].Next = cmp.Or(said[i.ID], said[i.Plan])
		}
	}
	return nil
}

// decisions are what the plan's rules say of its images, or of its copies in the Region that is looked at.
func decisions(ctx context.Context, w retention.Reviewer, p plan.Plan, said map[string]string) error {
	name := p.Name
	if w.Region != "" {
		p.Keep = p.KeepIn(w.Region)
	}
	review, err := w.Look(ctx, p, retention.Scope{})
	for _, d := range review.Decisions {
		said[d.ID] = d.String()
	}
	if !p.Keep.Rules() {
		said[name] = "keep: the plan has no rule"
	}
	return err
}
