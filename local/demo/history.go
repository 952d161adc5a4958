package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

const (
	// kept is how many daily images before tonight's a plan keeps that keeps seven.
	kept = 6
	// deprecated is how long ago two of the old images were deprecated: longer than any grace period there is.
	deprecated = 31 * 24 * time.Hour
)

// history gives api a past: an image of each of the last nights, and three more of
// the earliest that no rule keeps. One has been deprecated for long and goes tonight, one
// would go as well but an instance still runs from it, and one is only deprecated.
func (c *scene) history(ctx context.Context) error {
	for night := range kept {
		if _, err := c.old(ctx, c.due.AddDate(0, 0, -1-night)); err != nil {
			return err
		}
	}
	first := c.due.AddDate(0, 0, -kept)
	for n := range 3 {
		id, err := c.old(ctx, first.Add(time.Duration(n-4)*time.Minute))
		if err == nil && n < 2 {
			err = c.deprecate(ctx, id)
		}
		if err == nil && n == 1 {
			err = c.use(ctx, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// old is an image that a run made well.
func (c *scene) old(ctx context.Context, made time.Time) (string, error) {
	run := job.RunName(c.name, made)
	name := "goldsmith/api/" + c.api + "/" + run
	id := c.suite.EC2.SeedImage(name, made, map[string]string{
		tag.Managed: "true", tag.Plan: c.name, tag.Name: "api", tag.Source: c.api, tag.Run: run,
	})
	_, err := c.suite.Ledger.Register(ctx, ledger.Registration{
		Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: c.api, Source: c.api, Name: "api", Plan: c.name, Run: run,
		AMIName: name, ID: id, Good: true, Begun: made,
	})
	if err != nil {
		return id, err
	}
	return id, c.suite.Ledger.PutResult(ctx, job.Result{
		Run: run, Source: c.api, Name: "api", Plan: c.name, Ending: job.Imaged, At: made,
		Image: job.Image{ID: id, State: "available"},
	})
}

// deprecate does what an earlier run would have done.
func (c *scene) deprecate(ctx context.Context, id string) error {
	_, err := c.ec2.EnableImageDeprecation(ctx, &ec2.EnableImageDeprecationInput{
		ImageId: aws.String(id), DeprecateAt: aws.Time(c.clock.Now().Add(2 * time.Minute)),
	})
	if err != nil {
		return fmt.Errorf("deprecating %s: %w", id, err)
	}
	return c.suite.Ledger.PutRetirement(ctx, job.Retirement{
		Plan: c.name, Subject: id, Name: "api", Run: job.RunName(c.name, c.due.AddDate(0, 0, -1)), Status: job.Deprecated,
		Since: c.due.Add(-deprecated), At: c.due.AddDate(0, 0, -1),
	})
}

// use launches an instance that keeps its image from going.
func (c *scene) use(ctx context.Context, id string) error {
	_, err := c.ec2.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String(id), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeInstance, Tags: tag.List(map[string]string{"Name": "api-of-last-week"}),
		}},
	})
	if err != nil {
		return fmt.Errorf("launching from %s: %w", id, err)
	}
	return nil
}
