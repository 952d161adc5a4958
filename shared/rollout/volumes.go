package rollout

import (
	"context"
	"fmt"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Volumes says whether an image is to have all its volumes deleted with the instances that are launched from it:
// members of groups would leave their volumes behind, while the image of one server stays as the server
// is. Either is told.
func (f Finder) Volumes(
	ctx context.Context, p plan.Plan, source job.Source,
) (always bool, told *job.Reason, err error) {
	kept := source.Kept
	if len(kept) == 0 {
		return false, nil, nil
	}
	switch p.Image.DeleteOnTermination {
	case plan.DeleteAlways:
		always = true
	case plan.DeleteAsSource:
	default:
		if always, err = f.takesImages(ctx, p.Roll, source); err != nil {
			return false, nil, err
		}
	}
	text := "What is launched from its image keeps the volumes of %s when it is terminated, as the source does; " +
		"image.deleteOnTermination: always deletes them."
	if always {
		text = "What is launched from its image has the volumes of %s deleted when it is terminated; the source keeps its " +
			"own. image.deleteOnTermination: source keeps them."
	}
	return always, &job.Reason{Code: job.KeptVolumes, Text: fmt.Sprintf(text, listed(kept))}, nil
}

// takesImages reports whether a launch template takes a source's images: by its tag, by the plan's list, or, in a
// version that may be launched, from the source's alias. What cannot be read keeps volumes.
func (f Finder) takesImages(ctx context.Context, roll plan.Roll, source job.Source) (bool, error) {
	if roll.Skip {
		return false, nil
	}
	names := Keys(source)
	if listed := list(roll, names); len(listed.key) > 0 {
		return true, nil
	}
	tagged, err := TagsOf(ctx, f.EC2, names)
	if err != nil || len(tagged) > 0 {
		return len(tagged) > 0, passing(err)
	}
	takes, err := f.survey().takeAny(ctx, f.aliasesOf(names))
	return takes, passing(err)
}

// takeAny reports whether one of some parameters gives its image to what a template launches.
func (s *survey) takeAny(ctx context.Context, parameters []string) (bool, error) {
	ids, _, err := s.takers(ctx, parameters...)
	if err != nil {
		return false, err
	}
	for _, id := range ids {
		t, err := s.follower(ctx, id)
		if fault.IsNotFound(err) {
			continue
		}
		if err != nil {
			return false, err
		}
		for _, name := range parameters {
			if some, _ := t.takes(aliasPrefix + name); some {
				return true, nil
			}
		}
	}
	return false, nil
}

func (f Finder) aliasesOf(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = f.alias(name)
	}
	return all
}
