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
	"goldsmith/shared/rollout"
)

// versionDefault and versionLatest are what may stand instead of a version's number.
const (
	versionDefault = "$Default"
	versionLatest  = "$Latest"
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
	for _, head := range []string{versionDefault, versionLatest} {
		bad, err := f.with(ctx, u.Images, aws.String(u.Target), head)
		if fault.IgnoreNotFound(err) != nil { // $Latest leads to none where the latest version was deleted.
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

// former are the templates that what is undone concerns, for one group. One that names versions by number goes back to
// the version that it named before the roll, if it names what the roll made of that; else to one that launches, in all
// but the image, what it names by now: what a person has edited since stays.
func (f *Round) former(ctx context.Context, u Undo, at found, g types.AutoScalingGroup) (asg.Rolled, error) {
	named := namedBy(g, u.Target)
	if u.Parameter || len(named) == 0 {
		return at.templates, nil
	}
	candidates, own, err := f.candidates(ctx, u, named, aws.ToString(g.AutoScalingGroupName))
	if err != nil {
		return nil, err
	}
	to, differs, err := rollout.Finder{EC2: f.Members}.Alike(ctx, u.Target, own, candidates, u.Images)
	switch {
	case err != nil:
		return nil, err
	case to.Number == 0 && differs == "":
		return nil, fmt.Errorf("no version of its template launches %s: let it name one of its own that does", u.Image)
	case to.Number == 0:
		return nil, fmt.Errorf("version %d, which it names, differs %s, which launches %s: "+
			"let it name a version of its own that does", named[0], differs, u.Image)
	}
	return asg.Rolled{u.Target: {Version: to.Number, Image: to.Image, Also: append(u.also(), u.Image)}}, nil
}

// candidates are the versions that a group may go back to, the best first, and those that what it goes back to has to
// equal.
func (f *Round) candidates(ctx context.Context, u Undo, named []int64, group string) (to, equals []int64, err error) {
	var images []string
	for _, image := range append(u.also(), u.Image) {
		if image != "" {
			images = append(images, image)
		}
	}
	if len(named) == 1 {
		to = named // It may launch nothing that is undone.
	}
	was := int64(0)
	if u.Was != nil {
		was = u.Was.Groups[group]
	}
	to = slices.Concat(to, []int64{was, u.Version})
	if len(images) > 0 {
		good, err := f.with(ctx, images, aws.String(u.Target))
		if err != nil {
			return nil, nil, err
		}
		var numbers []int64
		for _, v := range good {
			numbers = append(numbers, aws.ToInt64(v.VersionNumber))
		}
		slices.Sort(numbers)
		slices.Reverse(numbers)
		to = append(to, numbers...)
	}
	if was != 0 && !slices.ContainsFunc(named, func(n int64) bool { return !u.rolled(n) }) {
		return to, nil, nil // A roll has moved it there.
	}
	return to, named, nil
}

// namedBy are the numbers of the versions of a template that a group names, each once.
func namedBy(g types.AutoScalingGroup, template string) (all []int64) {
	for _, s := range asg.Specs(g) {
		n, err := strconv.ParseInt(s.Version, 10, 64)
		if s.Template == template && err == nil && !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}

// rolled reports whether a roll has made a version with what is undone.
func (u Undo) rolled(n int64) bool {
	return slices.ContainsFunc(u.Images, func(image string) bool { return u.Record.Rolled(n, image) })
}

// following are the templates that take their image from the alias: in $Default, in $Latest, or in a version that a
// group names by its number. EC2 takes numbers for one template at a time.
func (f *Round) following(ctx context.Context, u Undo, groups []types.AutoScalingGroup) (found, error) {
	at := found{templates: asg.Rolled{}}
	images := []string{"resolve:ssm:" + u.Target}
	all, err := f.heads(ctx, images, groups)
	if err != nil {
		return at, err
	}
	for template, versions := range versionsIn(groups, func(v string) bool { return !strings.HasPrefix(v, "$") }) {
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

// heads are the versions with one of some images that $Default and $Latest lead to. Where a template's latest version
// was deleted EC2 shows none at all: then each template is asked that a group names by $Latest.
func (f *Round) heads(
	ctx context.Context, images []string, groups []types.AutoScalingGroup,
) ([]ec2types.LaunchTemplateVersion, error) {
	all, err := f.with(ctx, images, nil, versionDefault, versionLatest)
	if !fault.IsNotFound(err) {
		return all, err
	}
	if all, err = f.with(ctx, images, nil, versionDefault); err != nil {
		return nil, err
	}
	for template := range versionsIn(groups, func(v string) bool { return v == versionLatest }) {
		more, err := f.with(ctx, images, aws.String(template), versionLatest)
		if fault.IgnoreNotFound(err) != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// versionsIn are versions as groups name them, by template.
func versionsIn(groups []types.AutoScalingGroup, wanted func(version string) bool) map[string][]string {
	all := map[string][]string{}
	for _, g := range groups {
		for _, s := range asg.Specs(g) {
			if wanted(s.Version) && !slices.Contains(all[s.Template], s.Version) {
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
	for some := range slices.Chunk(images, imagesACall) {
		pages := ec2.NewDescribeLaunchTemplateVersionsPaginator(f.Members, &ec2.DescribeLaunchTemplateVersionsInput{
			LaunchTemplateId: template, Versions: versions,
			Filters: []ec2types.Filter{{Name: aws.String("image-id"), Values: some}},
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("looking for what launches %s: %w", strings.Join(some, ", "), err)
			}
			all = append(all, out.LaunchTemplateVersions...)
		}
	}
	return all, nil
}
