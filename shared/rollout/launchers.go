package rollout

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/asg"
	"goldsmith/shared/tag"
)

// Launcher is one way in which an Auto Scaling group or a fleet launches from a template.
type launcher struct {
	// name is "group web" or "fleet fleet-1".
	name string
	// id is the launch template's, title its name where no id is given: a name may look like an id.
	id, title string
	// version is $Default, $Latest or a number.
	version string
	// kind is the instance type of an override, or what it asks of types; both empty for the template's own.
	kind         types.InstanceType
	requirements *types.InstanceRequirementsRequest
	// mappings are the block device mappings of a fleet's override, which come before the template's.
	mappings []types.LaunchTemplateBlockDeviceMapping
	// image is that of an override, or of a Spot Fleet or a launch configuration, which launch it from no template.
	image string
	// configuration is the launch configuration that names the image; empty for none.
	configuration string
	// group is whether it is an Auto Scaling group, which a refresh can move.
	group bool
	// warm is how many instances wait in the group's warm pool.
	warm int32
	// owner is the AWS service that owns it; empty for none.
	owner string
}

// versionDefault and versionLatest are what may stand instead of a version's number.
const (
	versionDefault = "$Default"
	versionLatest  = "$Latest"
)

// launchers are all that may launch the images of templates, in the order of their names.
func (f Finder) launchers(ctx context.Context) ([]launcher, error) {
	var all []launcher
	groups, err := asg.List(ctx, f.Groups, false)
	if err != nil {
		return nil, fmt.Errorf("looking for the groups that launch from templates: %w", err)
	}
	for _, g := range groups {
		all = append(all, ofGroup(g)...)
	}
	fleets, err := f.fleets(ctx)
	if err != nil {
		return nil, err
	}
	spot, err := f.spotFleets(ctx)
	if err != nil {
		return nil, err
	}
	all = append(append(all, fleets...), spot...)
	all = slices.DeleteFunc(all, func(l launcher) bool { return l.image != "" })
	slices.SortStableFunc(all, func(a, b launcher) int { return cmp.Compare(a.name, b.name) })
	return all, nil
}

func ofGroup(g scaling.AutoScalingGroup) []launcher {
	all := ways(g)
	for i := range all {
		all[i].warm, all[i].owner = aws.ToInt32(g.WarmPoolSize), asg.OwnerOf(g)
	}
	return all
}

// ways are the ways in which a group launches.
func ways(g scaling.AutoScalingGroup) []launcher {
	name := "group " + aws.ToString(g.AutoScalingGroupName)
	if g.LaunchTemplate != nil {
		return []launcher{named(name, g.LaunchTemplate)}
	}
	if g.MixedInstancesPolicy == nil || g.MixedInstancesPolicy.LaunchTemplate == nil {
		return nil
	}
	policy := g.MixedInstancesPolicy.LaunchTemplate
	if len(policy.Overrides) == 0 {
		return []launcher{named(name, policy.LaunchTemplateSpecification)}
	}
	var all []launcher
	for _, o := range policy.Overrides {
		l := named(name, cmp.Or(o.LaunchTemplateSpecification, policy.LaunchTemplateSpecification))
		if l.kind = types.InstanceType(aws.ToString(o.InstanceType)); o.InstanceRequirements != nil {
			l.requirements = asked(o.InstanceRequirements)
		}
		l.image = aws.ToString(o.ImageId)
		all = append(all, l)
	}
	return all
}

func named(name string, t *scaling.LaunchTemplateSpecification) launcher {
	if t == nil {
		t = &scaling.LaunchTemplateSpecification{}
	}
	l := from(name, t.LaunchTemplateId, t.LaunchTemplateName, t.Version)
	l.group = true
	return l
}

// from is a launcher of a template as a describe gives it: by id, by name, or by both.
func from(name string, id, title, version *string) launcher {
	l := launcher{name: name, id: aws.ToString(id), version: cmp.Or(aws.ToString(version), versionDefault)}
	if l.id == "" {
		l.title = aws.ToString(title)
	}
	return l
}

// of reports whether it launches from a template.
func (l launcher) of(t *template) bool {
	if l.id != "" {
		return l.id == t.id
	}
	return l.title == t.name
}

// asked are requirements as EC2's calls take them: their fields have the same names everywhere.
func asked(requirements any) *types.InstanceRequirementsRequest {
	var r types.InstanceRequirementsRequest
	text, err := json.Marshal(requirements)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return nil // Types of the SDK are made of plain values.
	}
	return &r
}

// fleets are the EC2 Fleets that still launch.
func (f Finder) fleets(ctx context.Context) ([]launcher, error) {
	pages := ec2.NewDescribeFleetsPaginator(f.EC2, &ec2.DescribeFleetsInput{})
	var all []launcher
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for the fleets that launch from templates: %w", err)
		}
		for _, each := range out.Fleets {
			if each.Type == types.FleetTypeInstant || !slices.Contains(launching, string(each.FleetState)) {
				continue
			}
			for _, c := range each.LaunchTemplateConfigs {
				all = append(all, owned(each.Tags, ofConfig("fleet "+aws.ToString(each.FleetId), c))...)
			}
		}
	}
	return all, nil
}

// owned are the ways in which a fleet with these tags launches.
func owned(tags []types.Tag, ways []launcher) []launcher {
	for i := range ways {
		ways[i].owner = asg.Owner(tag.Map(tags))
	}
	return ways
}

// launching are the states of a fleet, or of a Spot Fleet request, that launches or may again.
var launching = []string{"submitted", "active", "modifying"}

func ofConfig(name string, c types.FleetLaunchTemplateConfig) (all []launcher) {
	own := ofFleet(name, c.LaunchTemplateSpecification)
	if len(c.Overrides) == 0 {
		return own
	}
	for _, o := range c.Overrides {
		for _, l := range own {
			l.mappings, l.image = mapped(o.BlockDeviceMappings), aws.ToString(o.ImageId)
			all = append(all, l.overridden(o.InstanceType, o.InstanceRequirements))
		}
	}
	return all
}

// overridden is the launcher with what an override says of its type.
func (l launcher) overridden(kind types.InstanceType, requirements *types.InstanceRequirements) launcher {
	if l.kind = kind; requirements != nil {
		l.requirements = asked(requirements)
	}
	return l
}

// mapped are an override's mappings as a template has them.
func mapped(all []types.BlockDeviceMappingResponse) (mappings []types.LaunchTemplateBlockDeviceMapping) {
	for _, m := range all {
		one := types.LaunchTemplateBlockDeviceMapping{
			DeviceName: m.DeviceName, NoDevice: m.NoDevice, VirtualName: m.VirtualName,
		}
		if e := m.Ebs; e != nil {
			one.Ebs = &types.LaunchTemplateEbsBlockDevice{
				SnapshotId: e.SnapshotId, VolumeSize: e.VolumeSize, VolumeType: e.VolumeType, Iops: e.Iops,
				Throughput: e.Throughput, Encrypted: e.Encrypted,
			}
		}
		mappings = append(mappings, one)
	}
	return mappings
}

// ofFleet is a fleet without overrides; none without a template.
func ofFleet(name string, t *types.FleetLaunchTemplateSpecification) []launcher {
	if t == nil {
		return nil
	}
	return []launcher{from(name, t.LaunchTemplateId, t.LaunchTemplateName, t.Version)}
}

func (f Finder) spotFleets(ctx context.Context) ([]launcher, error) {
	pages := ec2.NewDescribeSpotFleetRequestsPaginator(f.EC2, &ec2.DescribeSpotFleetRequestsInput{})
	var all []launcher
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for the Spot Fleets that launch from templates: %w", err)
		}
		for _, each := range out.SpotFleetRequestConfigs {
			if each.SpotFleetRequestConfig == nil || !slices.Contains(launching, string(each.SpotFleetRequestState)) {
				continue
			}
			name := "Spot Fleet " + aws.ToString(each.SpotFleetRequestId)
			for _, c := range each.SpotFleetRequestConfig.LaunchTemplateConfigs {
				all = append(all, owned(each.Tags, ofSpot(name, c))...)
			}
			for _, c := range each.SpotFleetRequestConfig.LaunchSpecifications {
				all = append(all, launcher{name: name, image: aws.ToString(c.ImageId)})
			}
		}
	}
	return all, nil
}

func ofSpot(name string, c types.LaunchTemplateConfig) (all []launcher) {
	own := ofFleet(name, c.LaunchTemplateSpecification)
	if len(c.Overrides) == 0 {
		return own
	}
	for _, o := range c.Overrides {
		for _, l := range own {
			all = append(all, l.overridden(o.InstanceType, o.InstanceRequirements))
		}
	}
	return all
}
