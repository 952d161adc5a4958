package usage

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

	"goldsmith/shared/asg"
	"goldsmith/shared/fault"
)

// groupsPage is Auto Scaling's largest page, of groups and of launch configurations.
const groupsPage = 100

// Pins are the numbered versions that groups and fleets launch, by template and number: who does.
type Pins map[templateOf]map[int64][]string

// templateOf is a template as a group or a fleet has it: by its id, or by its name only. A name may look like an id.
type templateOf struct{ id, name string }

func ofTemplate(id, name *string) templateOf {
	if aws.ToString(id) != "" {
		return templateOf{id: *id}
	}
	return templateOf{name: aws.ToString(name)}
}

func (t templateOf) String() string { return t.id + t.name }

func compareTemplates(a, b templateOf) int {
	return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.name, b.name))
}

// Of names who launches a version of a template by its number.
func (p Pins) Of(t types.LaunchTemplate, version int64) []string {
	byID, byName := templateOf{id: aws.ToString(t.LaunchTemplateId)}, templateOf{name: aws.ToString(t.LaunchTemplateName)}
	return slices.Concat(p[byID][version], p[byName][version])
}

// Pins are the template versions that are launched by their numbers now.
func (g Finder) Pins(ctx context.Context) (Pins, error) {
	s := newSearch(nil)
	err := s.through(ctx, []look{
		{g.groups, "Auto Scaling groups"}, {g.fleets, "EC2 Fleets"}, {g.spotFleets, "Spot Fleets"},
	})
	return s.pins, err
}

// groups notes what every Auto Scaling group launches. $Default and $Latest have been read with
// the templates; numbered versions are read by pinnedVersions.
func (g Finder) groups(ctx context.Context, s *search) error {
	groups, err := asg.List(ctx, g.AutoScaling, true)
	for _, group := range groups {
		s.group(group)
	}
	return err
}

func (g Finder) pinnedVersions(ctx context.Context, s *search) error {
	for _, t := range slices.SortedFunc(maps.Keys(s.pins), compareTemplates) {
		if err := g.pinned(ctx, s, t, s.pins[t]); err != nil {
			return fmt.Errorf("launch template %s: %w", t, err)
		}
	}
	return nil
}

func (s *search) group(group scaling.AutoScalingGroup) {
	name := aws.ToString(group.AutoScalingGroupName)
	for _, t := range s.launched("Auto Scaling group "+name, group.LaunchTemplate, group.MixedInstancesPolicy) {
		s.groupsOf[t] = append(s.groupsOf[t], name)
	}
}

// launched notes what a group launches, or is to launch, and gives its templates.
func (s *search) launched(
	who string, single *scaling.LaunchTemplateSpecification, mixed *scaling.MixedInstancesPolicy,
) (of []templateOf) {
	add := func(spec *scaling.LaunchTemplateSpecification) {
		if spec != nil {
			of = append(of, ofTemplate(spec.LaunchTemplateId, spec.LaunchTemplateName))
			s.pins.add(who, spec.LaunchTemplateId, spec.LaunchTemplateName, spec.Version)
		}
	}
	add(single)
	if mixed == nil || mixed.LaunchTemplate == nil {
		return of
	}
	add(mixed.LaunchTemplate.LaunchTemplateSpecification)
	for _, o := range mixed.LaunchTemplate.Overrides {
		add(o.LaunchTemplateSpecification)
		if o.ImageId != nil {
			s.named = append(s.named, mention{*o.ImageId, use{"override of " + who, "override of " + who}})
		}
	}
	return of
}

func (p Pins) add(who string, templateID, templateName, version *string) {
	number, err := strconv.ParseInt(aws.ToString(version), 10, 64)
	if err != nil {
		return // $Default, $Latest, or nothing, which means $Default
	}
	t := ofTemplate(templateID, templateName)
	if p[t] == nil {
		p[t] = map[int64][]string{}
	}
	if !slices.Contains(p[t][number], who) {
		p[t][number] = append(p[t][number], who)
	}
}

// Between asks for the versions of a template that have such numbers: one that was deleted is left out.
func Between(in *ec2.DescribeLaunchTemplateVersionsInput, least, most int64) *ec2.DescribeLaunchTemplateVersionsInput {
	in.MinVersion, in.MaxVersion = decimal(least), decimal(most)
	return in
}

// pinned reads a range of a template's versions: a version that was deleted is left out of it, where
// asking for it by its number would fail. A template that is gone can launch nothing.
func (g Finder) pinned(ctx context.Context, s *search, t templateOf, versions map[int64][]string) error {
	numbers := slices.Sorted(maps.Keys(versions))
	in := Between(t.versions(), numbers[0], numbers[len(numbers)-1])
	pages := ec2.NewDescribeLaunchTemplateVersionsPaginator(g.EC2, in)
	seen := map[int64]bool{}
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if code := fault.Code(err); code == "InvalidLaunchTemplateId.NotFound" ||
			code == "InvalidLaunchTemplateName.NotFoundException" {
			return nil
		}
		if err != nil {
			return err
		}
		for _, v := range out.LaunchTemplateVersions {
			seen[aws.ToInt64(v.VersionNumber)] = true
			for _, who := range versions[aws.ToInt64(v.VersionNumber)] {
				s.pin(v, who)
			}
		}
	}
	for _, number := range numbers {
		if !seen[number] {
			if err := g.deleted(ctx, t, number); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleted is an error unless EC2 says that the version, which an answer has left out, does not exist.
func (g Finder) deleted(ctx context.Context, t templateOf, number int64) error {
	in := t.versions()
	in.Versions = []string{*decimal(number)}
	_, err := g.EC2.DescribeLaunchTemplateVersions(ctx, in)
	if fault.Code(err) == "InvalidLaunchTemplateId.VersionNotFound" {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("version %d was left out of an answer", number)
	}
	return err
}

func (t templateOf) versions() *ec2.DescribeLaunchTemplateVersionsInput {
	in := &ec2.DescribeLaunchTemplateVersionsInput{MaxResults: aws.Int32(versionsPage)}
	if t.id != "" {
		in.LaunchTemplateId = aws.String(t.id)
	} else {
		in.LaunchTemplateName = aws.String(t.name)
	}
	return in
}

func decimal(number int64) *string { return aws.String(strconv.FormatInt(number, 10)) }

func (s *search) pin(v types.LaunchTemplateVersion, who string) {
	s.name(v, "pin of "+who+" "+versionOf(v),
		fmt.Sprintf("%s pins version %d of launch template %s", who, aws.ToInt64(v.VersionNumber), called(v)))
}

func (g Finder) configurations(ctx context.Context, s *search) error {
	pages := autoscaling.NewDescribeLaunchConfigurationsPaginator(g.AutoScaling,
		&autoscaling.DescribeLaunchConfigurationsInput{
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
			for _, m := range c.BlockDeviceMappings {
				if m.Ebs != nil {
					s.snapshot(m.Ebs.SnapshotId, "configuration "+name, "launch configuration "+name)
				}
			}
		}
	}
	return nil
}
