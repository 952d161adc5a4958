package rollout

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Volumes says whether an image is to have all its volumes deleted with the instances that are launched from it:
// members of groups would leave their volumes behind, while the image of one server stays as the server
// is. Either is told.
func Volumes(ctx context.Context, api Subscribers, path string, p plan.Plan,
	source job.Source) (always bool, told *job.Reason, err error) {
	kept := source.Kept
	if len(kept) == 0 {
		return false, nil, nil
	}
	switch p.Image.DeleteOnTermination {
	case plan.DeleteAlways:
		always = true
	case plan.DeleteAsSource:
	default:
		if always, err = rolls(ctx, api, path, p.Roll, source); err != nil {
			return false, nil, err
		}
	}
	text := "What is launched from its image keeps the volumes of %s when it is terminated, as the source does; image.deleteOnTermination: always deletes them."
	if always {
		text = "What is launched from its image has the volumes of %s deleted when it is terminated; the source keeps its own. image.deleteOnTermination: source keeps them."
	}
	return always, &job.Reason{Code: job.KeptVolumes, Text: fmt.Sprintf(text, listed(kept))}, nil
}

// Subscribers finds the launch templates that take a source's images.
type Subscribers interface {
	ec2.DescribeLaunchTemplatesAPIClient
	ec2.DescribeLaunchTemplateVersionsAPIClient
}

// rolls reports whether a launch template takes a source's images: by its tag, by the plan's list, or from the source's
// alias under path. What cannot be read keeps volumes.
func rolls(ctx context.Context, api Subscribers, path string, roll plan.Roll, source job.Source) (bool, error) {
	if roll.Skip {
		return false, nil
	}
	names := Keys(source)
	if listed := list(roll, names); len(listed.key) > 0 {
		return true, nil
	}
	tagged, err := tagsOf(ctx, api, names)
	if err == nil && len(tagged) > 0 {
		return true, nil
	}
	var follow []string
	if err == nil {
		follow, err = following(ctx, api, aliasesOf(path, names)...)
	}
	if fault.IsTransient(err) || fault.IsNotYet(err) {
		return false, err
	}
	return len(follow) > 0, nil
}

func aliasesOf(path string, names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = Finder{Path: path}.alias(name)
	}
	return all
}
