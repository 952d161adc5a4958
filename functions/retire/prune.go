package retire

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/tag"
)

// Templates are launch templates and their versions.
type Templates interface {
	DescribeLaunchTemplates(context.Context, *ec2.DescribeLaunchTemplatesInput, ...func(*ec2.Options)) (*ec2.DescribeLaunchTemplatesOutput, error)
	DescribeLaunchTemplateVersions(context.Context, *ec2.DescribeLaunchTemplateVersionsInput, ...func(*ec2.Options)) (*ec2.DescribeLaunchTemplateVersionsOutput, error)
	DeleteLaunchTemplateVersions(context.Context, *ec2.DeleteLaunchTemplateVersionsInput, ...func(*ec2.Options)) (*ec2.DeleteLaunchTemplateVersionsOutput, error)
}

// versionsMost is how many versions DeleteLaunchTemplateVersions takes, and the size of a page of both describes.
const versionsMost = 200

// prune deletes the versions of launch templates that name an image which is gone. The gate has seen
// that no such version is default, latest or pinned by a group; default and latest are looked at again.
func (r *round) prune(ctx context.Context) error {
	byTemplate := map[string][]string{}
	var ids []string
	for _, what := range r.gone {
		for _, id := range what.Templates {
			if byTemplate[id] == nil {
				ids = append(ids, id)
			}
			byTemplate[id] = append(byTemplate[id], what.Subject)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		t, ours, err := r.template(ctx, id)
		if err == nil && ours {
			err = r.pruneOne(ctx, t, byTemplate[id])
		}
		if fault.IgnoreNotFound(err) == nil {
			continue
		}
		for _, image := range byTemplate[id] {
			r.unpruned[image] = append(r.unpruned[image], id)
		}
		if err := r.failed(ctx, retirement{Subject: id}, err, "pruning the versions of"); err != nil {
			return err
		}
	}
	return nil
}

// template is a template as it is now, and whether Goldsmith may change it: it subscribes, or the plan lists it.
func (r *round) template(ctx context.Context, id string) (t types.LaunchTemplate, ours bool, err error) {
	out, err := r.ec2.DescribeLaunchTemplates(ctx, &ec2.DescribeLaunchTemplatesInput{LaunchTemplateIds: []string{id}})
	if err != nil || len(out.LaunchTemplates) == 0 {
		return t, false, err
	}
	t = out.LaunchTemplates[0]
	_, ours = tag.Map(t.Tags)[tag.Source]
	for _, listed := range r.page.Plan.Roll.Templates {
		ours = ours || slices.Contains(listed, id) || slices.Contains(listed, aws.ToString(t.LaunchTemplateName))
	}
	return t, ours, nil
}

func (r *round) pruneOne(ctx context.Context, t types.LaunchTemplate, images []string) error {
	numbers, err := r.stale(ctx, t, images)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(numbers, versionsMost) {
		out, err := r.ec2.DeleteLaunchTemplateVersions(ctx, &ec2.DeleteLaunchTemplateVersionsInput{LaunchTemplateId: t.LaunchTemplateId, Versions: some})
		if err != nil {
			return err
		}
		handler.Log(ctx).InfoContext(ctx, "pruned", "template", aws.ToString(t.LaunchTemplateId), "versions", some)
		for _, left := range out.UnsuccessfullyDeletedLaunchTemplateVersions {
			if left.ResponseError != nil && left.ResponseError.Code != types.LaunchTemplateErrorCodeLaunchTemplateVersionDoesNotExist {
				return fmt.Errorf("version %d: %s: %s", aws.ToInt64(left.VersionNumber), left.ResponseError.Code, aws.ToString(left.ResponseError.Message))
			}
		}
	}
	return nil
}

// stale are the versions that name one of the images and are neither default nor latest.
func (r *round) stale(ctx context.Context, t types.LaunchTemplate, images []string) ([]string, error) {
	var numbers []string
	pages := ec2.NewDescribeLaunchTemplateVersionsPaginator(r.ec2, &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: t.LaunchTemplateId, MaxResults: aws.Int32(versionsMost),
		Filters: []types.Filter{{Name: aws.String("image-id"), Values: images}},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, v := range out.LaunchTemplateVersions {
			number := aws.ToInt64(v.VersionNumber)
			if !aws.ToBool(v.DefaultVersion) && number != aws.ToInt64(t.DefaultVersionNumber) && number != aws.ToInt64(t.LatestVersionNumber) {
				numbers = append(numbers, strconv.FormatInt(number, 10))
				r.pruned(v)
			}
		}
	}
	return numbers, nil
}

// pruned counts a version with its image.
func (r *round) pruned(v types.LaunchTemplateVersion) {
	for i := range r.gone {
		if v.LaunchTemplateData != nil && r.gone[i].Subject == aws.ToString(v.LaunchTemplateData.ImageId) {
			r.gone[i].Pruned++
		}
	}
}
