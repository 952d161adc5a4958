package prove

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/functions/retire"
	"goldsmith/shared/fault"
	"goldsmith/shared/rollout"
	"goldsmith/shared/tag"
	"goldsmith/shared/usage"
)

// numbers are those of versions, in their order.
func numbers(all []types.LaunchTemplateVersion) []int64 {
	var found []int64
	for _, v := range all {
		found = append(found, aws.ToInt64(v.VersionNumber))
	}
	slices.Sort(found)
	return found
}

// reads is how versions differ from those that were to be read.
func reads(all []types.LaunchTemplateVersion, want ...int64) string {
	if got := numbers(all); !slices.Equal(got, want) {
		return fmt.Sprintf("versions %d were shown, not %d", got, want)
	}
	return ""
}

func defaultAndLatest(ctx context.Context, l *lab) (string, error) {
	out, err := l.ec2.DescribeLaunchTemplateVersions(ctx, rollout.Heads(aws.String(l.template), nil))
	if err != nil {
		return "", err
	}
	return reads(out.LaunchTemplateVersions, 1, 3), nil
}

// literalFilters looks for a template whose tag holds wildcards, beside one that they would match.
func literalFilters(ctx context.Context, l *lab) (string, error) {
	key := l.name("*?")
	wanted, err := l.newTemplate(ctx, "wildcards", map[string]string{tag.Source: key})
	if err != nil {
		return "", err
	}
	other, err := l.newTemplate(ctx, "matched", map[string]string{tag.Source: l.name("ab")})
	if err != nil {
		return "", err
	}
	found, err := rollout.TagsOf(ctx, l.ec2, []string{key})
	switch {
	case err != nil:
		return "", err
	case found[wanted] == nil:
		return "the template whose tag holds wildcards was not found", nil
	case found[other] != nil:
		return "a template was found that the wildcards match", nil
	}
	return "", nil
}

// elsewhere is a device that nothing is at.
const elsewhere = "/dev/sdh"

func emptyMapping(ctx context.Context, l *lab) (string, error) {
	v, err := l.newVersion(ctx, l.template, &types.RequestLaunchTemplateData{
		BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMappingRequest{
			{DeviceName: aws.String(elsewhere), Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{}},
		},
	})
	if err != nil {
		return "", err
	}
	_, err = l.ec2.DeleteLaunchTemplateVersions(ctx, &ec2.DeleteLaunchTemplateVersionsInput{
		LaunchTemplateId: aws.String(l.template), Versions: []string{fmt.Sprint(aws.ToInt64(v.VersionNumber))},
	})
	if err != nil {
		return "", err
	}
	for _, m := range v.LaunchTemplateData.BlockDeviceMappings {
		if aws.ToString(m.DeviceName) == elsewhere && m.Ebs != nil {
			return "the mapping is shown with something in Ebs", nil
		}
	}
	return "", nil
}

// versionRange reads versions by a range of numbers, of which the fourth was deleted, and by their image.
func versionRange(ctx context.Context, l *lab) (string, error) {
	more := func() (int64, error) {
		v, err := l.newVersion(ctx, l.template, &types.RequestLaunchTemplateData{ImageId: l.base.ImageId})
		if err != nil {
			return 0, err
		}
		return aws.ToInt64(v.VersionNumber), nil
	}
	gone, err := more()
	if err != nil {
		return "", err
	}
	after, err := more()
	if err != nil {
		return "", err
	}
	if err := l.deleteVersions(ctx, gone); err != nil {
		return "", err
	}
	in := usage.Between(&ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: aws.String(l.template)}, 2, after)
	out, err := l.ec2.DescribeLaunchTemplateVersions(ctx, in)
	if err != nil {
		return "", err
	}
	if wrong := reads(out.LaunchTemplateVersions, 2, 3, after); wrong != "" {
		return wrong, nil
	}
	by := retire.VersionsWith(aws.String(l.template), []string{aws.ToString(l.base.ImageId)})
	if out, err = l.ec2.DescribeLaunchTemplateVersions(ctx, by); err != nil {
		return "", err
	}
	if wrong := reads(out.LaunchTemplateVersions, 1, 2, 3, after); wrong != "" {
		return "by their image, " + wrong, nil
	}
	return "", l.deleteVersions(ctx, after)
}

func (l *lab) deleteVersions(ctx context.Context, number int64) error {
	_, err := l.ec2.DeleteLaunchTemplateVersions(ctx, &ec2.DeleteLaunchTemplateVersionsInput{
		LaunchTemplateId: aws.String(l.template), Versions: []string{fmt.Sprint(number)},
	})
	return err
}

// latestDeleted asks for $Latest once the latest version is deleted: of the template, and of all of the Region.
func latestDeleted(ctx context.Context, l *lab) (string, error) {
	v, err := l.newVersion(ctx, l.template, &types.RequestLaunchTemplateData{ImageId: l.base.ImageId})
	if err != nil {
		return "", err
	}
	if err := l.deleteVersions(ctx, aws.ToInt64(v.VersionNumber)); err != nil {
		return "", err
	}
	for _, id := range []*string{aws.String(l.template), nil} {
		out, err := l.ec2.DescribeLaunchTemplateVersions(ctx, rollout.Heads(id, nil))
		if err == nil {
			return fmt.Sprintf("versions %d were shown", numbers(out.LaunchTemplateVersions)), nil
		}
		if !rollout.IsNoVersion(err) {
			return "", err
		}
	}
	// Whatever reads heads in this Region would be refused while it is there.
	id := l.template
	l.template = ""
	_, err = l.ec2.DeleteLaunchTemplate(ctx, &ec2.DeleteLaunchTemplateInput{LaunchTemplateId: aws.String(id)})
	return "", err
}

// parameterTier writes a parameter as aliases are written, makes it Advanced, and writes it again.
func parameterTier(ctx context.Context, l *lab) (string, error) {
	name := l.path() + "/tier"
	in := rollout.Value(name, "first", rollout.TextType)
	if _, err := l.make("parameter tier", func() (string, error) {
		_, err := l.ssm.PutParameter(ctx, in)
		return name, err
	}); err != nil {
		return "", err
	}
	out, err := l.ssm.DescribeParameters(ctx, &ssm.DescribeParametersInput{
		ParameterFilters: []ssmtypes.ParameterStringFilter{{Key: aws.String("Name"), Values: []string{name}}},
	})
	if err != nil {
		return "", err
	}
	for _, p := range out.Parameters {
		if p.Tier != ssmtypes.ParameterTierStandard {
			return "it was made with the tier " + string(p.Tier), nil
		}
	}
	in.Tier = ssmtypes.ParameterTierAdvanced
	if _, err := l.ssm.PutParameter(ctx, in); err != nil {
		return "", err
	}
	_, err = l.ssm.PutParameter(ctx, rollout.Value(name, "second", rollout.TextType))
	return refusal(err, fault.IsAdvanced)
}

// parameterCheck writes the image as aliases are written, and waits until it is read.
func parameterCheck(ctx context.Context, l *lab) (string, error) {
	name := l.path() + "/image"
	id := aws.ToString(l.shown.ImageId)
	if _, err := l.make("parameter image", func() (string, error) {
		_, err := l.ssm.PutParameter(ctx, rollout.Value(name, id, rollout.ImageType))
		return name, err
	}); err != nil {
		return "", err
	}
	_, err := l.parameterShown(ctx, name)
	return "", err
}

// checking is how long Parameter Store has to refuse an image that there is not: when it has, nothing says.
const checking = 15 * time.Second

// parameterVersionRefused writes an image that there is not over one that there is.
func parameterVersionRefused(ctx context.Context, l *lab) (string, error) {
	name := l.path() + "/refused"
	for n, id := range []string{aws.ToString(l.shown.ImageId), "ami-" + strings.Repeat("0", 17)} {
		if _, err := l.make("parameter refused", func() (string, error) {
			_, err := l.ssm.PutParameter(ctx, rollout.Value(name, id, rollout.ImageType))
			return name, err
		}); err != nil {
			return "", err
		}
		if n == 1 {
			continue
		}
		if _, err := l.parameterShown(ctx, name); err != nil {
			return "", err
		}
	}
	if err := rest(ctx, checking); err != nil {
		return "", err
	}
	p, err := l.parameterShown(ctx, name)
	if err != nil || p.Version == 1 {
		return "", err
	}
	return fmt.Sprintf("the parameter is shown with version %d and %s", p.Version, aws.ToString(p.Value)), nil
}

// parameterShown waits until a parameter is there.
func (l *lab) parameterShown(ctx context.Context, name string) (p *ssmtypes.Parameter, err error) {
	err = until(ctx, "waiting until a parameter is there", soon, func() (bool, error) {
		out, err := l.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(name)})
		if err == nil {
			p = out.Parameter
		}
		return err == nil, fault.IgnoreNotFound(err)
	})
	return p, err
}
