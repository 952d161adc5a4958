// Package roll points launch templates and Parameter Store aliases at a new image.
package roll

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/rollout"
)

// EC2 reads and writes launch templates, and tells how images are.
type EC2 interface {
	rollout.Reader
	rollout.Templates
}

// Parameters is Parameter Store as far as aliases need it.
type Parameters interface {
	rollout.Parameters
	rollout.Values
}

// Book remembers what targets pointed at.
type Book interface {
	rollout.Book
	rollout.Records
}

// Step rolls an image out.
type Step struct {
	images ec2.DescribeImagesAPIClient
	room   rollout.Writer
}

// New makes the step. The alias of a source lies in Parameter Store under path,
// such as /goldsmith/images.
func New(ec2 EC2, groups rollout.Groups, parameters Parameters, book Book, path string, now func() time.Time) Step {
	return Step{ec2, rollout.Writer{
		Finder:    rollout.Finder{EC2: ec2, Groups: groups, Parameters: parameters, Book: book, Path: path, Now: now},
		Templates: ec2, Values: parameters, Records: book,
	}}
}

// Handle rolls the job's image. What cannot be rolled is reported on its own
// and keeps its old image; only an AWS that is busy is an error, since the
// whole step can then be tried again: what is rolled already stays as it is.
func (s Step) Handle(ctx context.Context, j job.Job) (job.Job, error) {
	j.Carry(nil)
	if j.Plan.Roll.Skip {
		return j, nil
	}
	made, err := s.launchable(ctx, j)
	if err != nil {
		return j, err
	}
	image := rollout.Image{
		ID: j.Image.ID, Machine: rollout.MachineOf(made), Source: j.Source.ID, Name: j.Source.Name,
		InstanceType: j.Source.InstanceType, Run: j.Run.Name,
	}
	targets, err := s.room.Find(ctx, j.Plan.Roll, image)
	if err != nil {
		return j, err
	}
	if err := s.room.Roll(ctx, targets, image, j.Plan.Roll.Together); err != nil {
		return j, err
	}
	all := make([]job.Rolled, 0, len(targets))
	for _, t := range targets {
		if t.Rolled.Problem != "" {
			handler.Log(ctx).WarnContext(ctx, "not rolled", "target", t.Rolled.Target, "name", t.Rolled.Name, "problem", t.Rolled.Problem)
		}
		all = append(all, t.Rolled)
	}
	j.Carry(all)
	return j, nil
}
