// Package roll points launch templates and Parameter Store aliases at a new image.
package roll

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/template"
)

// Step rolls an image out.
type Step struct {
	ec2        EC2
	parameters Parameters
	path       string
}

// New makes the step. The alias of a source lies in Parameter Store under path,
// such as /goldsmith/images.
func New(ec2 EC2, parameters Parameters, path string) Step {
	return Step{ec2, parameters, strings.TrimSuffix(path, "/")}
}

// Handle rolls the job's image. What cannot be rolled is reported on its own
// and keeps its old image; only an AWS that is busy is an error, since the
// whole step can then be tried again: what is rolled already stays as it is.
func (s Step) Handle(ctx context.Context, j job.Job) (job.Job, error) {
	j.Rolled = nil
	if j.Plan.Roll.Skip {
		return j, nil
	}
	if err := s.launchable(ctx, j); err != nil {
		return j, err
	}
	found, missing, err := s.find(ctx, j)
	if err != nil {
		return j, err
	}
	j.Rolled = missing
	aliases := map[string][]string{s.path + "/" + parameterName(j.Source.Name): nil}
	for _, t := range found {
		if name, fixed, ok := template.Alias(aws.ToString(t.LaunchTemplateData.ImageId)); ok && !fixed {
			aliases[name] = append(aliases[name], aws.ToString(t.LaunchTemplateId))
			continue
		}
		if err := keep(ctx, &j, func() (job.Rolled, error) { return s.rollTemplate(ctx, j, t) }); err != nil {
			return j, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(aliases)) {
		if err := keep(ctx, &j, func() (job.Rolled, error) { return s.rollAlias(ctx, j, name, aliases[name]) }); err != nil {
			return j, err
		}
	}
	return j, nil
}

// keep remembers what became of one target. A failure that lasts is that
// target's alone; one that passes is the step's.
func keep(ctx context.Context, j *job.Job, roll func() (job.Rolled, error)) error {
	rolled, err := roll()
	if err != nil {
		if fault.IsThrottled(err) || fault.IsNotYet(err) {
			return err
		}
		rolled.Problem = fault.Brief(err)
		handler.Log(ctx).WarnContext(ctx, "not rolled", "target", rolled.Target, "error", err)
	}
	j.Rolled = append(j.Rolled, rolled)
	return nil
}

// parameterName is a source's name as Parameter Store takes it: letters,
// digits and "._-". A slash would open another level of the hierarchy.
func parameterName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._-", r):
			return r
		default:
			return '-'
		}
	}, name)
}

func problemf(r job.Rolled, format string, args ...any) (job.Rolled, error) {
	return r, fmt.Errorf(format, args...)
}
