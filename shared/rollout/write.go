package rollout

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
)

// Writer changes what a Finder finds.
type Writer struct {
	Finder
	Templates Templates
	Values    Values
	Records   Records
}

// Templates makes versions and makes them default.
type Templates interface {
	CreateLaunchTemplateVersion(context.Context, *ec2.CreateLaunchTemplateVersionInput, ...func(*ec2.Options)) (*ec2.CreateLaunchTemplateVersionOutput, error)
	ModifyLaunchTemplate(context.Context, *ec2.ModifyLaunchTemplateInput, ...func(*ec2.Options)) (*ec2.ModifyLaunchTemplateOutput, error)
}

// Values writes parameters.
type Values interface {
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
}

// Records keeps the records of targets.
type Records interface {
	PutTarget(ctx context.Context, t ledger.TargetRecord) (ledger.TargetRecord, error)
}

// Roll rolls each target on its own, or all or none. What cannot be rolled is told by
// Target.Rolled; only an AWS that is busy is an error, since all of it can then be tried again.
func (w Writer) Roll(ctx context.Context, targets []*Target, image Image, together bool) error {
	for _, t := range targets {
		if together && failed(targets) != nil {
			break
		}
		if err := w.roll(ctx, t, image); err != nil {
			return err
		}
	}
	if bad := failed(targets); together && bad != nil {
		return w.putBack(ctx, targets, bad)
	}
	return nil
}

// failed is the first target that is not rolled; nil when there is none.
func failed(targets []*Target) *Target {
	for _, t := range targets {
		if t.Rolled.Problem != "" {
			return t
		}
	}
	return nil
}

// roll rolls one target: written down before it is changed and after. A try that
// was cut off in between is found by the next, which then knows where it was before.
func (w Writer) roll(ctx context.Context, t *Target, image Image) error {
	switch {
	case t.Rolled.Problem != "":
		return nil
	case t.Decision.There && !t.Decision.Made:
		return nil
	case t.Decision.Made:
		t.changed = true
		return w.finish(ctx, t)
	}
	to := ledger.Point{Image: image.ID, Run: image.Run, Source: image.Source, At: w.Now().UTC()}
	if err := w.put(ctx, t, beginning(t.Record, ledger.Change{From: t.Decision.From, To: to})); err != nil {
		return err
	}
	problem, err := w.tried(ctx, t, image)
	if err != nil {
		return err
	}
	if problem != "" {
		t.Rolled.Problem = problem
		return w.put(ctx, t, unbegun(t.Record))
	}
	t.changed = true
	return w.finish(ctx, t)
}

// tried makes the change; an error that lasts is the target's own problem.
func (w Writer) tried(ctx context.Context, t *Target, image Image) (problem string, err error) {
	if t.At.Alias {
		err = w.write(ctx, t, image.ID, "The newest golden image of "+image.Source)
	} else {
		problem, err = w.version(ctx, t, image)
	}
	if err == nil || fault.IsThrottled(err) || fault.IsNotYet(err) {
		return problem, err
	}
	return fault.Brief(err), nil
}

// finish records a change that was made, unless it is recorded.
func (w Writer) finish(ctx context.Context, t *Target) error {
	if t.Record.Begun == nil || t.Record.Begun.To.Image != t.Rolled.To {
		return nil
	}
	made := *t.Record.Begun
	made.To.Version = t.Rolled.Version
	return w.put(ctx, t, rolled(t.Record, made))
}

// version makes a version that differs from the default one in nothing but the
// image, and makes it the default, unless somebody has made another one
// default meanwhile.
func (w Writer) version(ctx context.Context, t *Target, image Image) (problem string, err error) {
	token := Token(t.Rolled.Target, *number(t.At.Version), image.ID)
	next, err := w.create(ctx, t, image.ID, "Goldsmith run "+image.Run, token)
	if err != nil {
		return "", err
	}
	if next > t.found.latest+1 {
		// Somebody has made a version since we looked. EC2 changes the default unconditionally, so look again.
		again, err := w.standard(ctx, t.found.LaunchTemplateId, nil)
		if err != nil {
			return "", err
		}
		if n := aws.ToInt64(again.VersionNumber); n != t.At.Version && n != next {
			return fmt.Sprintf("somebody made version %d its default while it was rolled; the image is in version %d, and the next run rolls from what is default then", n, next), nil
		}
	}
	return "", w.makeDefault(ctx, t, next)
}

// create makes a version that differs from the one that the target points at in the image alone.
func (w Writer) create(ctx context.Context, t *Target, image, description, token string) (int64, error) {
	made, err := w.Templates.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId:   t.found.LaunchTemplateId,
		SourceVersion:      number(t.At.Version),
		LaunchTemplateData: Next(*t.found.LaunchTemplateData, image),
		VersionDescription: aws.String(description),
		ClientToken:        aws.String(token),
	})
	if err != nil {
		return 0, fmt.Errorf("making a version with %s: %w", image, err)
	}
	return aws.ToInt64(made.LaunchTemplateVersion.VersionNumber), nil
}

// makeDefault sends no client token of ours: EC2 would answer a repeated one
// without doing anything, also when the template was set back in between.
func (w Writer) makeDefault(ctx context.Context, t *Target, n int64) error {
	_, err := w.Templates.ModifyLaunchTemplate(ctx, &ec2.ModifyLaunchTemplateInput{
		LaunchTemplateId: t.found.LaunchTemplateId, DefaultVersion: number(n),
	})
	if err != nil {
		return fmt.Errorf("making version %d the default: %w", n, err)
	}
	t.Rolled.Version = n
	return nil
}

func number(n int64) *string { return aws.String(strconv.FormatInt(n, 10)) }
