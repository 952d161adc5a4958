package roll

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
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

// find is the default version of every template that wants the source's image:
// those tagged with its name and those the plan lists. A listed one that does
// not exist is reported as not rolled.
func (s Step) find(ctx context.Context, j job.Job) (found []types.LaunchTemplateVersion, missing []job.Rolled, err error) {
	ids, err := s.tagged(ctx, j.Source.Name)
	if err != nil {
		return nil, nil, err
	}
	listed, names := template.Split(j.Plan.Roll.Templates[j.Source.Name])
	for _, id := range append(ids, listed...) {
		found, missing, err = s.add(ctx, found, missing, job.Rolled{Target: id})
		if err != nil {
			return nil, nil, err
		}
	}
	for _, name := range names {
		found, missing, err = s.add(ctx, found, missing, job.Rolled{Name: name})
		if err != nil {
			return nil, nil, err
		}
	}
	return found, missing, nil
}

func (s Step) tagged(ctx context.Context, name string) ([]string, error) {
	pages := ec2.NewDescribeLaunchTemplatesPaginator(s.ec2, &ec2.DescribeLaunchTemplatesInput{
		Filters:    []types.Filter{{Name: aws.String("tag:" + tag.Source), Values: []string{literal(name)}}},
		MaxResults: aws.Int32(200),
	})
	var ids []string
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for the launch templates of %s: %w", name, err)
		}
		for _, t := range out.LaunchTemplates {
			ids = append(ids, aws.ToString(t.LaunchTemplateId))
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// add looks up a template's default version, unless it is there already.
func (s Step) add(ctx context.Context, found []types.LaunchTemplateVersion, missing []job.Rolled, t job.Rolled) ([]types.LaunchTemplateVersion, []job.Rolled, error) {
	in := &ec2.DescribeLaunchTemplateVersionsInput{Versions: []string{"$Default"}}
	if t.Target != "" {
		in.LaunchTemplateId = aws.String(t.Target)
	} else {
		in.LaunchTemplateName = aws.String(t.Name)
	}
	out, err := s.ec2.DescribeLaunchTemplateVersions(ctx, in)
	switch {
	case fault.IsNotFound(err):
		t.Problem = "there is no such launch template"
		return found, append(missing, t), nil
	case err != nil:
		return nil, nil, fmt.Errorf("reading launch template %s%s: %w", t.Target, t.Name, err)
	}
	for _, v := range out.LaunchTemplateVersions {
		if !slices.ContainsFunc(found, func(f types.LaunchTemplateVersion) bool {
			return aws.ToString(f.LaunchTemplateId) == aws.ToString(v.LaunchTemplateId)
		}) {
			found = append(found, v)
		}
	}
	return found, missing, nil
}

// rollTemplate makes a version that differs from the default one in nothing but
// the image, and makes it the default.
func (s Step) rollTemplate(ctx context.Context, j job.Job, current types.LaunchTemplateVersion) (job.Rolled, error) {
	from, version := aws.ToString(current.LaunchTemplateData.ImageId), aws.ToInt64(current.VersionNumber)
	r := job.Rolled{
		Target: aws.ToString(current.LaunchTemplateId), Name: aws.ToString(current.LaunchTemplateName),
		From: from, To: j.Image.ID, Version: version, Previous: version,
	}
	if from == j.Image.ID {
		return r, nil
	}
	if _, fixed, alias := template.Alias(from); alias && fixed {
		return problemf(r, "it takes its image from %s, a parameter's pinned version or another account's parameter; name a parameter of this account without version or label to have it rolled", from)
	}
	if err := s.fits(ctx, j, current.LaunchTemplateData.InstanceType); err != nil {
		return r, err
	}
	token := template.Token(r.Target, strconv.FormatInt(version, 10), j.Image.ID)
	made, err := s.ec2.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId:   current.LaunchTemplateId,
		SourceVersion:      aws.String(strconv.FormatInt(version, 10)),
		LaunchTemplateData: template.Next(*current.LaunchTemplateData, j.Image.ID),
		VersionDescription: aws.String("Goldsmith run " + j.Run.Name),
		ClientToken:        aws.String(token),
	})
	if err != nil {
		return problemf(r, "making a version with %s: %w", j.Image.ID, err)
	}
	r.Version = aws.ToInt64(made.LaunchTemplateVersion.VersionNumber)
	_, err = s.ec2.ModifyLaunchTemplate(ctx, &ec2.ModifyLaunchTemplateInput{
		LaunchTemplateId: current.LaunchTemplateId,
		DefaultVersion:   aws.String(strconv.FormatInt(r.Version, 10)),
		ClientToken:      aws.String(token),
	})
	if err != nil {
		return problemf(r, "making version %d the default: %w", r.Version, err)
	}
	return r, nil
}

// fits reports a template whose instance type cannot run the image. The type
// the image was made on can; a template without one leaves it to the group.
func (s Step) fits(ctx context.Context, j job.Job, instanceType types.InstanceType) error {
	if instanceType == "" || string(instanceType) == j.Source.InstanceType {
		return nil
	}
	out, err := s.ec2.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{instanceType}})
	if err != nil {
		return fmt.Errorf("looking up instance type %s: %w", instanceType, err)
	}
	for _, t := range out.InstanceTypes {
		if t.ProcessorInfo == nil || !slices.Contains(t.ProcessorInfo.SupportedArchitectures, types.ArchitectureType(j.Source.Architecture)) {
			return fmt.Errorf("its instance type %s does not run %s images", instanceType, j.Source.Architecture)
		}
	}
	return nil
}

// literal keeps EC2 from reading "*", "?" and "\\" in a name as wildcards of a filter.
func literal(value string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`).Replace(value)
}
