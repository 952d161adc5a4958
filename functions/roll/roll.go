// Package roll points launch templates and Parameter Store aliases at a new image.
package roll

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/rollout"
)

// ec2API reads and writes launch templates, and tells how images are.
type ec2API interface {
	rollout.Reader
	rollout.Templates
}

// parameters is Parameter Store as far as aliases need it.
type parameters interface {
	rollout.Parameters
	rollout.Values
}

// ledgerAPI remembers what targets pointed at, and whose names are.
type ledgerAPI interface {
	rollout.Ledger
	rollout.Records
}

// Step rolls an image out. The alias of a source lies in Parameter Store under Path, such as /goldsmith/images.
type Step struct {
	EC2         ec2API
	AutoScaling autoscaling.DescribeAutoScalingGroupsAPIClient
	SSM         parameters
	Lineages    rollout.Lineages
	Ledger      ledgerAPI
	Path        string
	Lately      *rollout.Lately
	Now         func() time.Time
}

func (s Step) writer() rollout.Writer {
	return rollout.Writer{
		Finder: rollout.Finder{
			EC2: s.EC2, Groups: s.AutoScaling, Parameters: s.SSM, Ledger: s.Ledger, Lineages: s.Lineages, Path: s.Path,
			Lately: s.Lately, Now: s.Now,
		},
		Templates: s.EC2, Values: s.SSM, Records: s.Ledger,
	}
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
	r, err := s.registered(ctx, j, made)
	if err != nil {
		return j, err
	}
	image := rollout.Image{
		ID: r.ID, Machine: rollout.MachineOf(made), Source: r.Source, Lineage: r.Lineage, Name: r.Name, Run: j.Run.Name,
		Taken: r.Taken, LeftOut: r.LeftOut,
	}
	found, err := s.writer().Find(ctx, j.Plan.Roll, image)
	if err != nil {
		return j, err
	}
	if err := s.writer().Take(ctx, found); err != nil {
		return j, err
	}
	if err := s.writer().Roll(ctx, found.Targets, image, j.Plan.Roll.Together); err != nil {
		return j, err
	}
	return withRolled(ctx, j, found, image), nil
}

// withRolled is the job with what became of the targets, and with a warning of an image whose name is another's.
func withRolled(ctx context.Context, j job.Job, found rollout.Found, image rollout.Image) job.Job {
	if reason := found.Reason(image); reason != nil {
		handler.Log(ctx).WarnContext(ctx, "not rolled under its name", "source", image.Source, "name", image.Name, "owner",
			found.Owner.Lineage)
		j.Warnings = append(slices.Clone(j.Warnings), *reason)
	}
	all := make([]job.Rolled, 0, len(found.Targets))
	for _, t := range found.Targets {
		if t.Rolled.Problem != "" {
			handler.Log(ctx).WarnContext(ctx, "not rolled", "target", t.Rolled.Target, "name", t.Rolled.Name, "problem",
				t.Rolled.Problem)
		}
		all = append(all, t.Rolled)
	}
	j.Carry(all)
	return j
}
