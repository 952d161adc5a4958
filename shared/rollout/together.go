package rollout

import (
	"cmp"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
)

// alone is what is said of a target that is left alone for another's sake.
func alone(bad *Target) string {
	return fmt.Sprintf("left alone, since %s could not be rolled, and the plan rolls all or none",
		cmp.Or(bad.Rolled.Name, bad.Rolled.Target))
}

// Together leaves all alone where one cannot be rolled, as a run does whose plan rolls all or none.
func Together(targets []*Target, image Image) {
	bad := failed(targets, image)
	for _, t := range targets {
		if bad != nil && t.Rolled.Problem == "" && !t.Decision.There {
			t.Rolled.Problem = alone(bad)
		}
	}
}

// mostAsked is how many templates are asked about before they are changed: EC2 takes a hundred such calls at once.
const mostAsked = 100

// allowed asks EC2 about templates that were never rolled, before the first target is changed: what may not be changed
// would have the others rolled and put back. What a dry run does not tell, such as a quota, is found by rolling.
func (w Writer) allowed(ctx context.Context, targets []*Target, image Image) error {
	if failed(targets, image) != nil || len(targets) < 2 {
		return nil
	}
	asked, _ := split(targets, untried)
	for _, t := range asked[:min(len(asked), mostAsked)] {
		err := w.mayMake(ctx, t, image)
		if err == nil {
			err = w.mayMove(ctx, t)
		}
		if err := t.fail(err); err != nil {
			return err
		}
		if t.Rolled.Problem != "" {
			return w.put(ctx, t, t.leave(t.Record, image, false))
		}
	}
	return nil
}

// untried reports whether a template is to be rolled that never was.
func untried(t *Target) bool {
	return t.template != nil && t.Rolled.Problem == "" && !t.Decision.There && len(t.Record.Points) == 0 &&
		t.Record.Begun == nil
}

// mayMake asks EC2 whether the template's next version may be made.
func (w Writer) mayMake(ctx context.Context, t *Target, image Image) error {
	_, err := w.Templates.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: aws.String(t.template.id), SourceVersion: number(t.template.base), DryRun: aws.Bool(true),
		LaunchTemplateData: t.template.next(t.template.base, image),
	})
	return dry("whether a version may be made", err)
}

// mayMove asks EC2 whether the default may be moved, where it is to be.
func (w Writer) mayMove(ctx context.Context, t *Target) error {
	if t.At.Stays {
		return nil
	}
	_, err := w.Templates.ModifyLaunchTemplate(ctx, &ec2.ModifyLaunchTemplateInput{
		LaunchTemplateId: aws.String(t.template.id), DefaultVersion: number(t.At.Default), DryRun: aws.Bool(true),
	})
	return dry("whether its default may be moved", err)
}

// mayMoveNow asks it of a template that could not be rolled last: a version that then cannot be made the default would
// be one more each night.
func (w Writer) mayMoveNow(ctx context.Context, t *Target) error {
	if !t.failed {
		return nil
	}
	return w.mayMove(ctx, t)
}

// dry is the answer of a dry run: the error that the call itself would have had.
func dry(what string, err error) error {
	if err == nil || fault.Code(err) == "DryRunOperation" {
		return nil
	}
	return fmt.Errorf("asking %s: %w", what, err)
}

// putBack undoes what was changed, since the plan wants all or none. What is put back is written down, so that another
// try of the run goes on with the rest.
func (w Writer) putBack(ctx context.Context, targets []*Target, bad *Target, image Image) error {
	name := cmp.Or(bad.Rolled.Name, bad.Rolled.Target)
	for i, t := range targets {
		switch {
		case t.Rolled.Problem != "":
			continue
		case !t.changed && t.Decision.There && !t.Decision.Made:
			continue // it had the image before this run
		case !t.changed && !t.Decision.Made:
			t.Rolled.Problem = alone(bad)
			continue
		}
		if Late(ctx) {
			return &fault.NotYet{Err: fmt.Errorf("%s could not be rolled; %d of %d targets are looked at, and the rest is put "+
				"back by the next try", name, i, len(targets))}
		}
		if err := w.undo(ctx, t, name, image); err != nil {
			return err
		}
	}
	return nil
}

func (w Writer) undo(ctx context.Context, t *Target, bad string, image Image) error {
	from := t.Decision.From
	why := bad + " could not be rolled, and the plan rolls all or none"
	if t.At.Alias && from.Version == 0 {
		t.Rolled.Problem = fmt.Sprintf("%s; this parameter is new and keeps %s, for it has nothing to go back to", why,
			t.Rolled.To)
		return w.put(ctx, t, t.leave(t.Record, image, true))
	}
	err := w.unroll(ctx, t, from)
	switch {
	case fault.IsTransient(err) || fault.IsNotYet(err):
		return err
	case err != nil:
		t.Rolled.Problem = fmt.Sprintf("%s; putting this one back failed: %s", why, fault.Brief(err))
		return w.put(ctx, t, t.leave(t.Record, image, true))
	default:
		t.Rolled.Problem = "put back, since " + why
		return w.put(ctx, t, t.leave(unrolled(t, from), image, true))
	}
}

// unroll leads $Default and $Latest back to what was there before this roll.
func (w Writer) unroll(ctx context.Context, t *Target, from ledger.Point) error {
	if t.At.Alias {
		return w.write(ctx, t, from.Image)
	}
	if err := w.survey().look(ctx, t); err != nil {
		return err
	}
	return w.undoing(t, from).back(ctx)
}

// unrolled is the target's record without this roll. A parameter gets a new
// version when it is put back, so the record has to name that one.
func unrolled(t *Target, from ledger.Point) ledger.TargetRecord {
	next := unbegun(t.Record)
	if last, ok := Latest(next); ok && last.Image == t.Rolled.To {
		next.Points = next.Points[1:]
	}
	if t.At.Alias && len(next.Points) > 0 {
		points := append([]ledger.Point{next.Points[0]}, next.Points[1:]...)
		points[0].Version, points[0].Image = t.Rolled.Version, from.Image
		next.Points = points
	}
	return next
}
