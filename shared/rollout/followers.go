package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
)

// followers adds the templates that take their image from a parameter, and are neither tagged nor listed: they
// launch what is written into it all the same. One that is not there yet has none that can launch.
func (a *aliasing) followers(ctx context.Context, name string, at *Target) error {
	if at.At.Version == 0 || at.Rolled.Problem != "" {
		return nil
	}
	ids, all, err := a.takers(ctx, name)
	if err != nil {
		return at.fail(err)
	}
	if !all {
		at.Rolled.Note = notes(at.Rolled.Note, fmt.Sprintf("more than %d launch templates are launched by their versions' "+
			"numbers or $Latest: whether others of them take their image from it was not looked at", mostFollowers))
	}
	for _, id := range ids {
		if slices.ContainsFunc(a.through[name], func(t *template) bool { return t.id == id }) {
			continue
		}
		t, err := a.follower(ctx, id)
		if fault.IsNotFound(err) {
			continue
		}
		if err != nil {
			return at.fail(err)
		}
		if some, _ := t.takes(aliasPrefix + name); some {
			t.unasked = true
			a.through[name] = append(a.through[name], t)
		}
	}
	return nil
}

// takers are the ids of the templates of which a version that may be launched takes its image from one of some
// parameters; all is whether each was looked at.
func (s *survey) takers(ctx context.Context, names ...string) (ids []string, all bool, err error) {
	images := make([]string, len(names))
	for i, name := range names {
		images[i] = aliasPrefix + name
	}
	ids, err = following(ctx, s.EC2, images)
	if err != nil && !IsNoVersion(err) {
		return nil, false, err
	}
	more, all, err := s.byVersion(ctx, err != nil, images)
	return append(ids, more...), all, err
}

// mostFollowers is how many templates are asked whether a version that a launcher names takes its image from a
// parameter: EC2 takes the numbers of one template at a time, twenty such calls a second.
const mostFollowers = 50

// byVersion are the templates of which a launcher names a version by its number, and a version has one of some images;
// with latests, or by $Latest.
func (s *survey) byVersion(ctx context.Context, latests bool, images []string) (ids []string, all bool, err error) {
	if err := s.readLaunchers(ctx); err != nil {
		return nil, false, err
	}
	asked := map[[2]string]bool{}
	for _, l := range s.launching {
		of := l.named()
		if l.version == versionDefault || l.version == versionLatest && !latests || asked[of] {
			continue
		}
		if len(asked) == mostFollowers {
			return ids, false, nil
		}
		asked[of] = true
		some, err := s.naming(ctx, pointer(l.id), pointer(l.title), images)
		if err != nil {
			return nil, false, err
		}
		ids = append(ids, some...)
	}
	return ids, true, nil
}

// naming is the template's id where one of its versions has one of some images.
func (s *survey) naming(ctx context.Context, id, title *string, images []string) ([]string, error) {
	out, err := s.EC2.DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: id, LaunchTemplateName: title,
		Filters: []types.Filter{{Name: aws.String("image-id"), Values: images}},
	})
	if fault.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("looking for what takes its image from %s: %w", listed(images), err)
	}
	if out == nil || len(out.LaunchTemplateVersions) == 0 {
		return nil, nil
	}
	return []string{aws.ToString(out.LaunchTemplateVersions[0].LaunchTemplateId)}, nil
}

// follower is a template with what launches from it.
func (s *survey) follower(ctx context.Context, id string) (*template, error) {
	t, err := s.named(ctx, job.Rolled{Target: id})
	if err == nil {
		err = s.readLaunchers(ctx)
	}
	if err == nil {
		err = s.launch(ctx, t)
	}
	return t, err
}

// following are the templates of which the default or the latest version has one of some images.
func following(
	ctx context.Context, api ec2.DescribeLaunchTemplateVersionsAPIClient, images []string,
) ([]string, error) {
	pages := ec2.NewDescribeLaunchTemplateVersionsPaginator(api, &ec2.DescribeLaunchTemplateVersionsInput{
		Versions: []string{versionDefault, versionLatest},
		Filters:  []types.Filter{{Name: aws.String("image-id"), Values: images}},
	})
	var ids []string
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for what takes images from %s: %w",
				strings.ReplaceAll(listed(images), aliasPrefix, ""), err)
		}
		for _, v := range out.LaunchTemplateVersions {
			if id := aws.ToString(v.LaunchTemplateId); !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

// takes reports whether the template launches an image by that name; what is judged are the versions that do. The
// default is one of them whoever is seen to launch others: not all who launch by it are seen. all is whether what is
// seen launches nothing else.
func (t *template) takes(image string) (some, all bool) {
	launched := t.launched()
	if len(launched) == 0 {
		launched = []int64{t.defaultVersion, t.latest}
	}
	other := func(n int64) bool { return t.image(n) != image }
	those := slices.DeleteFunc(append(slices.Clone(launched), t.defaultVersion), other)
	if len(those) == 0 {
		return false, false
	}
	t.base, t.also = those[0], slices.Compact(those[1:])
	return true, !slices.ContainsFunc(launched, other)
}

// readLaunchers reads what launches from templates, once.
func (s *survey) readLaunchers(ctx context.Context) (err error) {
	if !s.looked {
		s.launching, err = s.Lately.launchers(s.Now, func() ([]launcher, error) { return s.launchers(ctx) })
		s.looked = err == nil
	}
	return err
}

// worse says why a template that follows a parameter would not launch the image by one of its versions; empty where it
// was not asked to, and does not launch the present one either.
func (s *survey) worse(ctx context.Context, t *template, image Image) (problem string, err error) {
	for _, n := range append([]int64{t.base}, t.also...) {
		one := *t
		one.base = n
		if problem, err = s.fits(ctx, &one, image); err != nil {
			return "", err
		}
		if problem == "" {
			continue
		}
		if was, err := s.unfit(ctx, &one); err != nil || !was {
			return problem, err
		}
	}
	return "", nil
}

// unfit reports whether a template that follows a parameter unasked does not launch the present image either.
func (s *survey) unfit(ctx context.Context, t *template) (bool, error) {
	old, err := s.machine(ctx, t.present())
	if err != nil || !t.unasked || old == nil {
		return t.unasked && old == nil, err
	}
	problem, err := s.launches(ctx, t, Image{ID: t.present(), Machine: *old})
	return problem != "", err
}
