package roll

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/template"
)

// EC2 reads and writes launch templates.
type EC2 interface {
	Images
	Reader
	Writer
}

// Reader finds templates, and what their instance types can run.
type Reader interface {
	DescribeLaunchTemplates(context.Context, *ec2.DescribeLaunchTemplatesInput, ...func(*ec2.Options)) (*ec2.DescribeLaunchTemplatesOutput, error)
	DescribeLaunchTemplateVersions(context.Context, *ec2.DescribeLaunchTemplateVersionsInput, ...func(*ec2.Options)) (*ec2.DescribeLaunchTemplateVersionsOutput, error)
	DescribeInstanceTypes(context.Context, *ec2.DescribeInstanceTypesInput, ...func(*ec2.Options)) (*ec2.DescribeInstanceTypesOutput, error)
}

// Writer makes versions and makes them default.
type Writer interface {
	CreateLaunchTemplateVersion(context.Context, *ec2.CreateLaunchTemplateVersionInput, ...func(*ec2.Options)) (*ec2.CreateLaunchTemplateVersionOutput, error)
	ModifyLaunchTemplate(context.Context, *ec2.ModifyLaunchTemplateInput, ...func(*ec2.Options)) (*ec2.ModifyLaunchTemplateOutput, error)
}

// version is a template's default version, and the number of its latest.
type version struct {
	types.LaunchTemplateVersion
	latest int64
}

// standard reads a template's default version. It asks for the latest as well,
// so that a version which somebody makes in the middle of a roll shows by its number.
func (s Step) standard(ctx context.Context, id, name *string) (version, error) {
	var v version
	out, err := s.ec2.DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: id, LaunchTemplateName: name, Versions: []string{"$Default", "$Latest"},
	})
	if err != nil {
		return v, fmt.Errorf("reading launch template %s%s: %w", aws.ToString(id), aws.ToString(name), err)
	}
	for _, each := range out.LaunchTemplateVersions {
		v.latest = max(v.latest, aws.ToInt64(each.VersionNumber))
		if aws.ToBool(each.DefaultVersion) {
			v.LaunchTemplateVersion = each
		}
	}
	if v.LaunchTemplateData == nil {
		return v, fmt.Errorf("reading launch template %s%s: EC2 shows no default version", aws.ToString(id), aws.ToString(name))
	}
	return v, nil
}

// version makes a version that differs from the default one in nothing but the
// image, and makes it the default, unless somebody has made another one
// default meanwhile.
func (s Step) version(ctx context.Context, t *target, image template.Image) (problem string, err error) {
	current := t.found
	made, err := s.ec2.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId:   current.LaunchTemplateId,
		SourceVersion:      number(t.at.Version),
		LaunchTemplateData: template.Next(*current.LaunchTemplateData, image.ID),
		VersionDescription: aws.String("Goldsmith run " + image.Run),
		ClientToken:        aws.String(template.Token(t.rolled.Target, *number(t.at.Version), image.ID)),
	})
	if err != nil {
		return "", fmt.Errorf("making a version with %s: %w", image.ID, err)
	}
	next := aws.ToInt64(made.LaunchTemplateVersion.VersionNumber)
	if next > current.latest+1 {
		// Somebody has made a version since we looked. EC2 changes the default unconditionally, so look again.
		again, err := s.standard(ctx, current.LaunchTemplateId, nil)
		if err != nil {
			return "", err
		}
		if n := aws.ToInt64(again.VersionNumber); n != t.at.Version && n != next {
			return fmt.Sprintf("somebody made version %d its default while it was rolled; the image is in version %d, and the next run rolls from what is default then", n, next), nil
		}
	}
	return "", s.makeDefault(ctx, t, next)
}

// makeDefault sends no client token of ours: EC2 would answer a repeated one
// without doing anything, also when the template was set back in between.
func (s Step) makeDefault(ctx context.Context, t *target, n int64) error {
	_, err := s.ec2.ModifyLaunchTemplate(ctx, &ec2.ModifyLaunchTemplateInput{
		LaunchTemplateId: t.found.LaunchTemplateId, DefaultVersion: number(n),
	})
	if err != nil {
		return fmt.Errorf("making version %d the default: %w", n, err)
	}
	t.rolled.Version = n
	return nil
}

func number(n int64) *string { return aws.String(strconv.FormatInt(n, 10)) }
