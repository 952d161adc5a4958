package retire

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/shared/rollout"
	"goldsmith/shared/tag"
)

// templatesAPI are launch templates and their versions.
type templatesAPI interface {
	ec2.DescribeLaunchTemplatesAPIClient
	ec2.DescribeLaunchTemplateVersionsAPIClient
	DeleteLaunchTemplateVersions(context.Context, *ec2.DeleteLaunchTemplateVersionsInput,
		...func(*ec2.Options)) (*ec2.DeleteLaunchTemplateVersionsOutput, error)
}

// versionsMost is how many versions DeleteLaunchTemplateVersions takes, and the size of a page of both describes.
const versionsMost = 200

// prune deletes the versions of launch templates that a roll made and that name an image which is gone. The finder has
// seen that no such version is default, latest or pinned by a group; default and latest are looked at again. What pins
// versions is looked at again for images that went in an earlier round: that may be days ago.
func (r *round) prune(ctx context.Context) error {
	byTemplate := map[string][]string{}
	for _, what := range r.gone {
		for _, id := range what.Templates {
			byTemplate[id] = append(byTemplate[id], what.Subject)
		}
	}
	unread := r.pin(ctx)
	for _, id := range slices.Sorted(maps.Keys(byTemplate)) {
		t, keys, err := r.template(ctx, id)
		err = cmp.Or(unread, err)
		if err == nil && len(keys) > 0 {
			err = r.pruneOne(ctx, t, keys, byTemplate[id])
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

// pin finds out which versions are pinned by now, where an earlier round removed an image.
func (r *round) pin(ctx context.Context) (err error) {
	if r.resumed {
		r.pins, err = r.Reviewer.Pins(ctx)
	}
	return err
}

// template is a template as it is now, and the keys by which rolls of it are recorded: what it subscribes to, and what
// the plan lists it by. Without one Goldsmith may not change it.
func (r *round) template(ctx context.Context, id string) (t types.LaunchTemplate, keys []string, err error) {
	if region := r.page.Retire.Region; region != "" && !r.page.Plan.CopyIn(region).Alias {
		return t, nil, nil
	}
	out, err := r.EC2.DescribeLaunchTemplates(ctx, &ec2.DescribeLaunchTemplatesInput{LaunchTemplateIds: []string{id}})
	if err != nil || len(out.LaunchTemplates) == 0 {
		return t, nil, err
	}
	t = out.LaunchTemplates[0]
	if key, subscribed := tag.Map(t.Tags)[tag.Source]; subscribed {
		keys = append(keys, key)
	}
	for _, key := range slices.Sorted(maps.Keys(r.page.Plan.Roll.Templates)) {
		listed := r.page.Plan.Roll.Templates[key]
		lists := slices.Contains(listed, id) || slices.Contains(listed, aws.ToString(t.LaunchTemplateName))
		if lists && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return t, keys, nil
}

// rolled are the records of what was rolled into a template.
func (r *round) rolled(ctx context.Context, template string, keys []string) (all []ledger.TargetRecord, err error) {
	for _, key := range keys {
		for t, err := range r.targets(ctx, key) {
			if err != nil {
				return nil, fmt.Errorf("reading what %s has rolled: %w", key, err)
			}
			if t.ID == template {
				all = append(all, t)
			}
		}
	}
	return all, nil
}

// targets are what was rolled by a key in the round's Region.
func (r *round) targets(ctx context.Context, key string) iter.Seq2[ledger.TargetRecord, error] {
	if region := r.page.Retire.Region; region != "" {
		return rollout.TargetsIn(ctx, r.Ledger, region, key)
	}
	return r.Ledger.Targets(ctx, key)
}

func (r *round) pruneOne(ctx context.Context, t types.LaunchTemplate, keys, images []string) error {
	rolled, err := r.rolled(ctx, aws.ToString(t.LaunchTemplateId), keys)
	if err != nil {
		return err
	}
	numbers, err := r.stale(ctx, t, rolled, images)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(numbers, versionsMost) {
		out, err := r.EC2.DeleteLaunchTemplateVersions(ctx,
			&ec2.DeleteLaunchTemplateVersionsInput{LaunchTemplateId: t.LaunchTemplateId, Versions: some})
		if err != nil {
			return err
		}
		handler.Log(ctx).InfoContext(ctx, "pruned", "template", aws.ToString(t.LaunchTemplateId), "versions", some)
		for _, left := range out.UnsuccessfullyDeletedLaunchTemplateVersions {
			if left.ResponseError != nil &&
				left.ResponseError.Code != types.LaunchTemplateErrorCodeLaunchTemplateVersionDoesNotExist {
				return fmt.Errorf("version %d: %s: %s", aws.ToInt64(left.VersionNumber), left.ResponseError.Code,
					aws.ToString(left.ResponseError.Message))
			}
		}
	}
	return nil
}

// VersionsWith asks for the versions of a template that name one of the images.
func VersionsWith(template *string, images []string) *ec2.DescribeLaunchTemplateVersionsInput {
	return &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: template, MaxResults: aws.Int32(versionsMost),
		Filters: []types.Filter{{Name: aws.String("image-id"), Values: images}},
	}
}

// stale are the versions that a roll made with one of the images and that are neither default nor latest. What a person
// made may have more in it than the image, and stays.
func (r *round) stale(
	ctx context.Context, t types.LaunchTemplate, rolled []ledger.TargetRecord, images []string,
) ([]string, error) {
	var numbers []string
	pages := ec2.NewDescribeLaunchTemplateVersionsPaginator(r.EC2, VersionsWith(t.LaunchTemplateId, images))
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, v := range out.LaunchTemplateVersions {
			number := aws.ToInt64(v.VersionNumber)
			if why := r.kept(rolled, t, v); why != "" {
				r.stays(t, v, why)
				continue
			}
			if !aws.ToBool(v.DefaultVersion) && number != aws.ToInt64(t.DefaultVersionNumber) &&
				number != aws.ToInt64(t.LatestVersionNumber) {
				numbers = append(numbers, strconv.FormatInt(number, 10))
				r.pruned(v)
			}
		}
	}
	return numbers, nil
}

// kept is why a version stays; empty when it may go.
func (r *round) kept(rolled []ledger.TargetRecord, t types.LaunchTemplate, v types.LaunchTemplateVersion) string {
	if !madeBy(rolled, v) {
		return "no roll made it"
	}
	if who := r.pins.Of(t, aws.ToInt64(v.VersionNumber)); len(who) > 0 {
		return strings.Join(who, " and ") + " by now launches it by its number"
	}
	return ""
}

func madeBy(rolled []ledger.TargetRecord, v types.LaunchTemplateVersion) bool {
	return slices.ContainsFunc(rolled, func(t ledger.TargetRecord) bool {
		return t.Rolled(aws.ToInt64(v.VersionNumber), imageOf(v))
	})
}

// imageOf is the image that a version names.
func imageOf(v types.LaunchTemplateVersion) string {
	if v.LaunchTemplateData == nil {
		return ""
	}
	return aws.ToString(v.LaunchTemplateData.ImageId)
}

// stays tells, with its image, of a version that is not deleted.
func (r *round) stays(t types.LaunchTemplate, v types.LaunchTemplateVersion, reason string) {
	for i := range r.gone {
		if r.gone[i].Subject == imageOf(v) {
			why := fmt.Sprintf("version %d of launch template %s names it and stays: %s",
				aws.ToInt64(v.VersionNumber), aws.ToString(t.LaunchTemplateName), reason)
			r.gone[i].Why = append(slices.Clone(r.gone[i].Why), why)
		}
	}
}

// pruned counts a version with its image.
func (r *round) pruned(v types.LaunchTemplateVersion) {
	for i := range r.gone {
		if r.gone[i].Subject == imageOf(v) {
			r.gone[i].Pruned++
		}
	}
}
