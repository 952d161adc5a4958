package rehearsal

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/asg"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/rollout"
)

// Group is one Auto Scaling group that launches from what would be rolled, and what the run would do with it.
type Group struct {
	// Source is the id of the source whose image it takes.
	Source string `json:"source"`
	// Refreshed is whether an instance refresh would be begun.
	Refreshed bool `json:"refreshed"`
	job.Refresh
}

// prospect is what would be rolled for one source.
type prospect struct {
	source string
	rolled asg.Rolled
	// follows are the versions of rolled templates that would launch the new image.
	follows map[asg.Spec]bool
}

// prospectOf is what the templates and aliases of a source would be.
func prospectOf(source string, found []*rollout.Target) prospect {
	next := prospect{source: source, rolled: asg.Rolled{}, follows: map[asg.Spec]bool{}}
	for _, t := range found {
		switch {
		case t.Rolled.Problem != "":
		case t.At.Alias:
			for _, through := range t.Rolled.Through {
				next.rolled[through] = asg.Launched{}
			}
		default:
			version := t.At.Latest + 1
			if t.Decision.There {
				version = t.Rolled.Version
			}
			next.rolled[t.Rolled.Target] = asg.Launched{Version: version, Image: Expected(source)}
			next.follows[asg.Spec{Template: t.Rolled.Target, Version: "$Latest"}] = true
			next.follows[asg.Spec{Template: t.Rolled.Target, Version: "$Default"}] = !t.At.Stays
		}
	}
	return next
}

// groups says of every source what would become of the groups that use what is rolled.
func (s Stage) groups(ctx context.Context, p plan.Plan, prospects []prospect, sources []Source) ([]Group, error) {
	all := []Group{}
	asked := p.Roll.Refresh
	if !asked.Enabled && !asked.Warn || len(prospects) == 0 {
		return all, nil
	}
	known, err := asg.List(ctx, s.AutoScaling, true)
	if err != nil {
		return nil, fmt.Errorf("looking for the groups that use what would be rolled: %w", err)
	}
	for _, next := range prospects {
		using := asg.Using(known, next.rolled)
		if !asked.Enabled {
			warn(sources, next.source, asg.PinnedWarning(using, next.rolled))
			continue
		}
		found, err := s.judged(ctx, asked, next, using)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func warn(sources []Source, id string, warning *job.Reason) {
	for i := range sources {
		if sources[i].ID == id && warning != nil {
			sources[i].Warnings = append(sources[i].Warnings, *warning)
		}
	}
}

func (s Stage) judged(ctx context.Context, asked plan.Refresh, next prospect, using []types.AutoScalingGroup) ([]Group,
	error) {
	var all []Group
	for i, g := range using {
		if i == job.MaxRefreshes {
			return append(all, Group{Source: next.source, Refresh: asg.Beyond(len(using) - i)}), nil
		}
		images := asg.Images{}
		for _, spec := range asg.Specs(g) {
			image, err := s.image(ctx, next, spec)
			if err != nil {
				return nil, err
			}
			images[spec] = image
		}
		d, r := asg.Judge(g, next.rolled, images, asked)
		all = append(all, Group{Source: next.source, Refreshed: d.Do == asg.Plain || d.Do == asg.Desired, Refresh: r})
	}
	return all, nil
}

// image is what a version that a group names would launch.
func (s Stage) image(ctx context.Context, next prospect, spec asg.Spec) (string, error) {
	if next.follows[asg.Spec{Template: spec.Template, Version: spec.Version}] {
		return next.rolled[spec.Template].Image, nil
	}
	out, err := s.EC2.DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: aws.String(spec.Template), Versions: []string{spec.Version},
	})
	if err != nil {
		return "", fmt.Errorf("reading launch template %s: %w", spec, err)
	}
	for _, v := range out.LaunchTemplateVersions {
		return aws.ToString(v.LaunchTemplateData.ImageId), nil
	}
	return "", nil
}
