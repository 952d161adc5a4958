package rehearsal

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/register"
	"goldsmith/shared/retention"
	"goldsmith/shared/tag"
	"goldsmith/shared/usage"
)

// Place is what a rehearsal asks in the Region of copies.
type Place struct {
	EC2         EC2
	AutoScaling autoScalingAPI
	Parameters  parametersAPI
}

// Afar are the places of who has this configuration.
func Afar(c aws.Config) func(region string) Place {
	return func(region string) Place {
		at := c.Copy()
		at.Region = region
		return Place{EC2: ec2.NewFromConfig(at), AutoScaling: autoscaling.NewFromConfig(at),
			Parameters: ssm.NewFromConfig(at)}
	}
}

// copies are the decisions about the plan's copies in the Regions where it has any, or would.
func (s Stage) copies(ctx context.Context, registered []string, p plan.Plan, home *after, look looker, n Night) (
	images []Image, blind string, err error) {
	regions := slices.Clone(registered)
	for _, c := range n.Copies {
		if c.Problem == "" {
			regions = append(regions, c.Region)
		}
	}
	slices.Sort(regions)
	for _, region := range slices.Compact(regions) {
		at := s.Afar(region)
		there := home.in(region, s.Copies.Home, at.EC2, n)
		ruled := p
		ruled.Keep = p.KeepIn(region)
		review, err := look(ctx, ruled, retention.Reviewer{Region: region, EC2: there, Ledger: there, Usage: usage.Finder{
			EC2: there, AutoScaling: at.AutoScaling, SSM: at.Parameters, Path: s.Path, Now: s.Now,
		}})
		if err != nil {
			return nil, "", err
		}
		if review.Blind != nil {
			blind = review.Blind.Error()
		}
		for _, i := range shown(review.Decisions, there.expected) {
			i.Region = region
			images = append(images, i)
		}
	}
	return images, blind, nil
}

// looker has a reviewer look at the images or copies of a plan.
type looker func(context.Context, plan.Plan, retention.Reviewer) (retention.Review, error)

// in is a Region of copies as the run would leave it: with a copy of each new image, where nothing stands in its way.
func (a *after) in(region, home string, cloud EC2, n Night) *after {
	there := &after{
		EC2: cloud, ledgerAPI: a.ledgerAPI, stage: a.stage, run: a.run, newest: a.newest, expected: map[string]bool{},
	}
	made := slices.ContainsFunc(n.Copies, func(c job.Copy) bool { return c.Region == region && c.Problem == "" })
	for _, j := range a.jobs {
		if !made {
			continue
		}
		r := register.CopyOf(j, job.Copy{Region: region}, home, a.stage.Now())
		r.ID = "copy of the " + j.Image.ID
		there.expected[r.ID] = true
		there.registered = append(there.registered, r)
		there.made = append(there.made, types.Image{
			ImageId: aws.String(r.ID), Name: aws.String(r.AMIName), SourceImageId: aws.String(r.From),
			SourceImageRegion: aws.String(r.FromRegion), State: types.ImageStateAvailable, Tags: tag.List(image.Tags(j)),
		})
	}
	return there
}
