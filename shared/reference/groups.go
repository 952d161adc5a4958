package reference

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/rollout"
)

// groupsPage is Auto Scaling's largest page, of groups and of launch configurations.
const groupsPage = 100

// pins are the numbered versions that groups launch, by template and number: the groups' names.
type pins map[string]map[int64][]string

// groups reads what every Auto Scaling group launches. $Default and $Latest have been read with
// the templates; a numbered version is read here.
func (g Gate) groups(ctx context.Context, s *search) error {
	pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(g.AutoScaling, &autoscaling.DescribeAutoScalingGroupsInput{
		MaxRecords: aws.Int32(groupsPage),
	})
	pinned := pins{}
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, group := range out.AutoScalingGroups {
			s.group(group, pinned)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(pinned)) {
		if err := g.pinned(ctx, s, id, pinned[id]); err != nil {
			return fmt.Errorf("launch template %s: %w", id, err)
		}
	}
	return nil
}

func (s *search) group(group scaling.AutoScalingGroup, pinned pins) {
	name := aws.ToString(group.AutoScalingGroupName)
	pinned.add(name, group.LaunchTemplate)
	if group.MixedInstancesPolicy == nil || group.MixedInstancesPolicy.LaunchTemplate == nil {
		return
	}
	mixed := group.MixedInstancesPolicy.LaunchTemplate
	pinned.add(name, mixed.LaunchTemplateSpecification)
	for _, o := range mixed.Overrides {
		pinned.add(name, o.LaunchTemplateSpecification)
		if o.ImageId != nil {
			s.named = append(s.named, mention{*o.ImageId, use{"override of " + name, "override of Auto Scaling group " + name}})
		}
	}
}

func (p pins) add(group string, spec *scaling.LaunchTemplateSpecification) {
	if spec == nil {
		return
	}
	number, err := strconv.ParseInt(aws.ToString(spec.Version), 10, 64)
	if err != nil {
		return // $Default, $Latest, or nothing, which means $Default
	}
	id := cmp.Or(aws.ToString(spec.LaunchTemplateId), aws.ToString(spec.LaunchTemplateName))
	if p[id] == nil {
		p[id] = map[int64][]string{}
	}
	if !slices.Contains(p[id][number], group) {
		p[id][number] = append(p[id][number], group)
	}
}

// pinned reads a range of a template's versions: a version that was deleted is left out of it, where
// asking for it by its number would fail. A template that is gone can launch nothing.
func (g Gate) pinned(ctx context.Context, s *search, template string, versions map[int64][]string) error {
	numbers := slices.Sorted(maps.Keys(versions))
	in := &ec2.DescribeLaunchTemplateVersionsInput{
		MinVersion: aws.String(strconv.FormatInt(numbers[0], 10)), MaxVersion: aws.String(strconv.FormatInt(numbers[len(numbers)-1], 10)),
		MaxResults: aws.Int32(versionsPage),
	}
	if ids, _ := rollout.Split([]string{template}); len(ids) > 0 {
		in.LaunchTemplateId = aws.String(template)
	} else {
		in.LaunchTemplateName = aws.String(template)
	}
	pages := ec2.NewDescribeLaunchTemplateVersionsPaginator(g.EC2, in)
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if fault.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, v := range out.LaunchTemplateVersions {
			for _, group := range versions[aws.ToInt64(v.VersionNumber)] {
				s.pin(v, group)
			}
		}
	}
	return nil
}

func (s *search) pin(v types.LaunchTemplateVersion, group string) {
	s.name(v, "pin of "+group+" "+versionOf(v), fmt.Sprintf("Auto Scaling group %s pins version %d of launch template %s", group, aws.ToInt64(v.VersionNumber), called(v)))
}

func (g Gate) configurations(ctx context.Context, s *search) error {
	pages := autoscaling.NewDescribeLaunchConfigurationsPaginator(g.AutoScaling, &autoscaling.DescribeLaunchConfigurationsInput{
		MaxRecords: aws.Int32(groupsPage),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, c := range out.LaunchConfigurations {
			name := aws.ToString(c.LaunchConfigurationName)
			s.add(aws.ToString(c.ImageId), "configuration "+name, "launch configuration "+name)
		}
	}
	return nil
}
