package rollback

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/asg"
	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
)

// found are the templates that what is undone concerns, and the numbers of the versions that launch it.
type found struct {
	templates asg.Rolled
	// bad are the numbers, heads those of $Default and $Latest that launch it.
	bad, heads []string
}

// launches reports whether a version, as a launcher names it, launches what is undone.
func (f found) launches(version string) bool {
	return slices.Contains(f.bad, version) || slices.Contains(f.heads, version)
}

// versions finds the versions of a template that launch what is undone; for an alias, the templates that
// take their image from it.
func (f *Round) versions(ctx context.Context, u Undo, groups []types.AutoScalingGroup) (found, error) {
	if u.Parameter {
		return f.following(ctx, u, groups)
	}
	at := found{templates: asg.Rolled{u.Target: {Version: u.Version, Image: u.Image, Also: u.also()}}}
	if len(u.Images) == 0 {
		return at, nil
	}
	all, err := f.with(ctx, u.Images, aws.String(u.Target))
	for _, v := range all {
		at.bad = append(at.bad, strconv.FormatInt(aws.ToInt64(v.VersionNumber), 10))
	}
	if err != nil || !u.Failed {
		return at, err
	}
	// It was not led back: what names no number launches what is undone, too.
	for _, head := range []string{"$Default", "$Latest"} {
		bad, err := f.with(ctx, u.Images, aws.String(u.Target), head)
		if err != nil {
			return at, err
		}
		if len(bad) > 0 {
			at.heads = append(at.heads, head)
		}
	}
	return at, nil
}

// also are the images that what launches from the template goes back to beside Image.
func (u Undo) also() (images []string) {
	if u.Was == nil {
		return nil
	}
	for _, v := range []ledger.Version{u.Was.Latest, u.Was.Base} {
		if v.Image != "" && !slices.Contains(u.Images, v.Image) {
			images = append(images, v.Image)
		}
	}
	return images
}

// former are the templates that what is undone concerns, for one group: it goes back to the version that it named
// before the roll, if that is there and launches none of the images that are undone.
func (f *Round) former(ctx context.Context, u Undo, at found, name string) (asg.Rolled, error) {
	if u.Was == nil || u.Was.Groups[name] == 0 {
		return at.templates, nil
	}
	n := u.Was.Groups[name]
	out, err := f.Members.DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: aws.String(u.Target), Versions: []string{strconv.FormatInt(n, 10)},
	})
	if fault.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("reading version %d of launch template %s: %w", n, u.Target, err)
	}
	if err == nil {
		for _, v := range out.LaunchTemplateVersions {
			if image := aws.ToString(v.LaunchTemplateData.ImageId); !slices.Contains(u.Images, image) {
				return asg.Rolled{u.Target: {Version: n, Image: image, Also: append(u.also(), u.Image)}}, nil
			}
		}
	}
	return at.templates, nil
}

// following are the templates that take their image from the alias: in $Default, in $Latest, or in a version that a
// group names by its number. EC2 takes numbers for one template at a time.
func (f *Round) following(ctx context.Context, u Undo, groups []types.AutoScalingGroup) (found, error) {
	at := found{templates: asg.Rolled{}}
	images := []string{"resolve:ssm:" + u.Target}
	all, err := f.with(ctx, images, nil, "$Default", "$Latest")
	if err != nil {
		return at, err
	}
	for template, versions := range numbers(groups) {
		more, err := f.with(ctx, images, aws.String(template))
		if fault.IgnoreNotFound(err) != nil {
			return at, err
		}
		for _, v := range more {
			if slices.Contains(versions, strconv.FormatInt(aws.ToInt64(v.VersionNumber), 10)) {
				all = append(all, v)
			}
		}
	}
	for _, v := range all {
		at.templates[aws.ToString(v.LaunchTemplateId)] = asg.Launched{}
	}
	return at, nil
}

// numbers are the versions that groups name by their numbers, by template.
func numbers(groups []types.AutoScalingGroup) map[string][]string {
	all := map[string][]string{}
	for _, g := range groups {
		for _, s := range asg.Specs(g) {
			if !strings.HasPrefix(s.Version, "$") && !slices.Contains(all[s.Template], s.Version) {
				all[s.Template] = append(all[s.Template], s.Version)
			}
		}
	}
	return all
}

// with are the versions that have one of the images: of a template all or some, or of every template some.
func (f *Round) with(
	ctx context.Context, images []string, template *string, versions ...string,
) (all []ec2types.LaunchTemplateVersion, err error) {
	pages := ec2.NewDescribeLaunchTemplateVersionsPaginator(f.Members, &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: template, Versions: versions,
		Filters: []ec2types.Filter{{Name: aws.String("image-id"), Values: images}},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for what launches %s: %w", strings.Join(images, ", "), err)
		}
		all = append(all, out.LaunchTemplateVersions...)
	}
	return all, nil
}
