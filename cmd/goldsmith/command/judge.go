package command

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/cmd/goldsmith/deployment"
	"goldsmith/shared/fault"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/retention"
	"goldsmith/shared/usage"
)

// judge says of each image what its plan's rules and its uses say, as the next run would
// before it makes images of its own. The note says what could not be looked at.
func (t *terms) judge(ctx context.Context, which wanted, images []types.Image, shown []goldenImage) (note string,
	err error) {
	if len(images) == 0 {
		return "", nil
	}
	plans, err := t.rules(which.plans)
	if err != nil {
		return "", err
	}
	reviewer, finder, err := t.reviewer(ctx)
	if err != nil {
		return excuse(err)
	}
	if err := strange(ctx, reviewer.Ledger, images, shown); err != nil {
		return excuse(err)
	}
	if plans == nil {
		note = "Why images are kept is left out: there is no file " + which.plans + "; name it with --plans."
	}
	if err := next(ctx, reviewer, plans, shown); err != nil {
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

func (t *terms) reviewer(ctx context.Context) (retention.Reviewer, usage.Finder, error) {
	site, err := t.site(ctx)
	if err != nil {
		return retention.Reviewer{}, usage.Finder{}, err
	}
	path, err := deployment.ImagePath(ctx, lambda.NewFromConfig(site.aws))
	cloud := ec2.NewFromConfig(site.aws)
	scaling := autoscaling.NewFromConfig(site.aws)
	finder := usage.Finder{EC2: cloud, AutoScaling: scaling, SSM: ssm.NewFromConfig(site.aws), Path: path, Now: t.Now}
	lineages := lineage.Finder{EC2: cloud, Groups: scaling}
	return retention.Reviewer{EC2: cloud, Ledger: site.ledger, Lineages: lineages, Usage: finder, Now: t.Now}, finder, err
}

// excuse makes of what a role may not see a note: the list itself is of use without it.
func excuse(err error) (string, error) {
	var absent *deployment.AbsentError
	if errors.As(err, &absent) || slices.Contains(denied, fault.Code(err)) {
		return "Why images are kept is left out: " + fault.Brief(err), nil
	}
	return "", err
}

// next looks at each plan that has images in the list.
func next(ctx context.Context, w retention.Reviewer, plans map[string]plan.Plan, shown []goldenImage) error {
	said := map[string]string{}
	looked := map[string]bool{}
	for _, i := range shown {
		p, known := plans[i.Plan]
		if !known || looked[i.Plan] {
			continue
		}
		looked[i.Plan] = true
		review, err := w.Look(ctx, p, retention.Scope{})
		if err != nil {
			return wrap("looking at the images of plan "+i.Plan, err)
		}
		for _, d := range review.Decisions {
			said[d.ID] = d.String()
		}
		if !p.Keep.Rules() {
			said[i.Plan] = "keep: the plan has no rule"
		}
	}
	for n := range shown {
		if shown[n].Unregistered {
			continue
		}
		shown[n].Next = said[shown[n].ID]
		if shown[n].Next == "" {
			shown[n].Next = said[shown[n].Plan]
		}
	}
	return nil
}
