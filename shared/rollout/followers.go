package rollout

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
)

// followers adds the templates that take their image from a parameter, and that nobody has tagged or listed: they
// launch what is written into it all the same. One that is not there yet has none that can launch.
func (a *aliasing) followers(ctx context.Context, name string, at *Target) error {
	if at.At.Version == 0 || at.Rolled.Problem != "" {
		return nil
	}
	ids, err := a.following(ctx, name)
	if err != nil {
		return at.fail(err)
	}
	for _, id := range ids {
		if slices.ContainsFunc(a.through[name], func(t *template) bool { return t.id == id }) {
			continue
		}
		t, err := a.named(ctx, job.Rolled{Target: id})
		if err == nil {
			err = a.readLaunchers(ctx)
		}
		if err == nil {
			err = a.launch(ctx, t)
		}
		switch {
		case fault.IsNotFound(err):
		case err != nil:
			return at.fail(err)
		case t.takes(aliasPrefix + name):
			t.unasked = true
			a.through[name] = append(a.through[name], t)
		}
	}
	return nil
}

// following are the templates of which the default or the latest version takes its image from a parameter.
func (a *aliasing) following(ctx context.Context, name string) (ids []string, err error) {
	pages := ec2.NewDescribeLaunchTemplateVersionsPaginator(a.EC2, &ec2.DescribeLaunchTemplateVersionsInput{
		Versions: []string{standard, latest},
		Filters:  []types.Filter{{Name: aws.String("image-id"), Values: []string{aliasPrefix + name}}},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for what takes images from %s: %w", name, err)
		}
		for _, v := range out.LaunchTemplateVersions {
			if id := aws.ToString(v.LaunchTemplateId); !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

// takes reports whether the template launches an image by that name, and bases what is judged on the version that does.
func (t *template) takes(image string) bool {
	launched := t.launched()
	if len(launched) == 0 {
		launched = []int64{t.standard, t.latest}
	}
	i := slices.IndexFunc(launched, func(n int64) bool { return t.image(n) == image })
	if i >= 0 {
		t.base = launched[i]
	}
	return i >= 0
}

// readLaunchers reads what launches from templates, once.
func (s *survey) readLaunchers(ctx context.Context) (err error) {
	if !s.looked {
		s.launching, err = s.launchers(ctx)
		s.looked = err == nil
	}
	return err
}

// worse says why a template that follows a parameter unasked would not launch the image; empty where it does not
// launch the present one either.
func (s *survey) worse(ctx context.Context, t *template, image Image) (problem string, err error) {
	problem, err = s.fits(ctx, t, image)
	if err != nil || problem == "" || !t.unasked {
		return problem, err
	}
	old, err := s.machine(ctx, t.present())
	if err != nil || old == nil {
		return "", err
	}
	now, err := s.launches(ctx, t, Image{ID: t.present(), Machine: *old})
	if now != "" {
		problem = ""
	}
	return problem, err
}
