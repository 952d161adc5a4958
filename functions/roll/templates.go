package roll

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/target"
	"goldsmith/shared/template"
)

// EC2 reads and writes launch templates.
type EC2 interface {
	Images
	target.Reader
	Writer
}

// Writer makes versions and makes them default.
type Writer interface {
	CreateLaunchTemplateVersion(context.Context, *ec2.CreateLaunchTemplateVersionInput, ...func(*ec2.Options)) (*ec2.CreateLaunchTemplateVersionOutput, error)
	ModifyLaunchTemplate(context.Context, *ec2.ModifyLaunchTemplateInput, ...func(*ec2.Options)) (*ec2.ModifyLaunchTemplateOutput, error)
}

// version makes a version that differs from the default one in nothing but the
// image, and makes it the default, unless somebody has made another one
// default meanwhile.
func (s Step) version(ctx context.Context, t *one, image template.Image) (problem string, err error) {
	current := t.Found
	made, err := s.ec2.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId:   current.LaunchTemplateId,
		SourceVersion:      number(t.At.Version),
		LaunchTemplateData: template.Next(*current.LaunchTemplateData, image.ID),
		VersionDescription: aws.String("Goldsmith run " + image.Run),
		ClientToken:        aws.String(template.Token(t.Rolled.Target, *number(t.At.Version), image.ID)),
	})
	if err != nil {
		return "", fmt.Errorf("making a version with %s: %w", image.ID, err)
	}
	next := aws.ToInt64(made.LaunchTemplateVersion.VersionNumber)
	if next > current.Latest+1 {
		// Somebody has made a version since we looked. EC2 changes the default unconditionally, so look again.
		again, err := s.finder().Standard(ctx, current.LaunchTemplateId, nil)
		if err != nil {
			return "", err
		}
		if n := aws.ToInt64(again.VersionNumber); n != t.At.Version && n != next {
			return fmt.Sprintf("somebody made version %d its default while it was rolled; the image is in version %d, and the next run rolls from what is default then", n, next), nil
		}
	}
	return "", s.makeDefault(ctx, t, next)
}

// makeDefault sends no client token of ours: EC2 would answer a repeated one
// without doing anything, also when the template was set back in between.
func (s Step) makeDefault(ctx context.Context, t *one, n int64) error {
	_, err := s.ec2.ModifyLaunchTemplate(ctx, &ec2.ModifyLaunchTemplateInput{
		LaunchTemplateId: t.Found.LaunchTemplateId, DefaultVersion: number(n),
	})
	if err != nil {
		return fmt.Errorf("making version %d the default: %w", n, err)
	}
	t.Rolled.Version = n
	return nil
}

func number(n int64) *string { return aws.String(strconv.FormatInt(n, 10)) }
