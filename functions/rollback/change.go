package rollback

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/template"
)

// EC2 reads and writes launch templates, and says how images are.
type EC2 interface {
	Reader
	Writer
}

// Reader reads templates and images.
type Reader interface {
	DescribeImages(context.Context, *ec2.DescribeImagesInput, ...func(*ec2.Options)) (*ec2.DescribeImagesOutput, error)
	DescribeLaunchTemplateVersions(context.Context, *ec2.DescribeLaunchTemplateVersionsInput, ...func(*ec2.Options)) (*ec2.DescribeLaunchTemplateVersionsOutput, error)
}

// Writer makes versions and makes them default.
type Writer interface {
	CreateLaunchTemplateVersion(context.Context, *ec2.CreateLaunchTemplateVersionInput, ...func(*ec2.Options)) (*ec2.CreateLaunchTemplateVersionOutput, error)
	ModifyLaunchTemplate(context.Context, *ec2.ModifyLaunchTemplateInput, ...func(*ec2.Options)) (*ec2.ModifyLaunchTemplateOutput, error)
}

// Parameters is Parameter Store as far as aliases need it.
type Parameters interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
}

type version = types.ResponseLaunchTemplateData

// look reads where a target points now. One that is gone is told, and the others go on.
func (s Step) look(ctx context.Context, t *target) error {
	if !t.template() {
		out, err := s.parameters.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(t.known.ID)})
		if err == nil {
			t.at = template.Now{Alias: true, Version: out.Parameter.Version, Image: aws.ToString(out.Parameter.Value)}
		}
		return t.missing(err, "there is no such parameter any more")
	}
	out, err := s.ec2.DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: aws.String(t.known.ID), Versions: []string{"$Default"},
	})
	if err == nil && len(out.LaunchTemplateVersions) == 1 && out.LaunchTemplateVersions[0].LaunchTemplateData != nil {
		v := out.LaunchTemplateVersions[0]
		t.data = v.LaunchTemplateData
		t.at = template.Now{Version: aws.ToInt64(v.VersionNumber), Image: aws.ToString(t.data.ImageId)}
		return nil
	}
	if err == nil {
		err = fmt.Errorf("EC2 shows no default version of %s", t.known.ID)
	}
	return t.missing(err, "there is no such launch template any more")
}

// template reports whether the target is a launch template; what else is rolled are parameters.
func (t *target) template() bool { return strings.HasPrefix(t.known.ID, "lt-") }

func (t *target) missing(err error, problem string) error {
	switch {
	case fault.IsNotFound(err):
		t.Problem = problem
		return nil
	case err != nil:
		return fmt.Errorf("reading %s: %w", t.known.ID, err)
	default:
		return nil
	}
}

func (s Step) change(ctx context.Context, t *target) error {
	if t.at.Alias {
		return s.write(ctx, t)
	}
	to := t.back.To.Version
	if to == 0 {
		var err error
		if to, err = s.version(ctx, t); err != nil {
			return err
		}
	}
	_, err := s.ec2.ModifyLaunchTemplate(ctx, &ec2.ModifyLaunchTemplateInput{LaunchTemplateId: aws.String(t.known.ID), DefaultVersion: number(to)})
	if fault.IsNotFound(err) && t.back.To.Version != 0 {
		// The version was pruned: one like what is default now takes its place.
		t.back.To.Version = 0
		return s.change(ctx, t)
	}
	if err != nil {
		return fmt.Errorf("making version %d the default: %w", to, err)
	}
	t.Version = to
	return nil
}

// version makes a version that differs from the default one in the image alone.
func (s Step) version(ctx context.Context, t *target) (int64, error) {
	made, err := s.ec2.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: aws.String(t.known.ID), SourceVersion: number(t.at.Version),
		LaunchTemplateData: template.Next(*t.data, t.back.To.Image),
		VersionDescription: aws.String("Goldsmith rollback"),
		ClientToken:        aws.String(template.Token("rollback", t.known.ID, *number(t.at.Version), t.back.To.Image)),
	})
	if err != nil {
		return 0, fmt.Errorf("making a version with %s: %w", t.back.To.Image, err)
	}
	return aws.ToInt64(made.LaunchTemplateVersion.VersionNumber), nil
}

func (s Step) write(ctx context.Context, t *target) error {
	put, err := s.parameters.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(t.known.ID), Value: aws.String(t.back.To.Image), Overwrite: aws.Bool(true),
		Type: ssmtypes.ParameterTypeString, DataType: aws.String("aws:ec2:image"), Description: aws.String("Rolled back by Goldsmith"),
	})
	if err != nil {
		return fmt.Errorf("writing it: %w", err)
	}
	t.Version = put.Version
	return nil
}

func number(n int64) *string { return aws.String(strconv.FormatInt(n, 10)) }
