package rollout

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
)

func spec(id, name, version string) *scaling.LaunchTemplateSpecification {
	return &scaling.LaunchTemplateSpecification{LaunchTemplateId: pointer(id), LaunchTemplateName: pointer(name),
		Version: pointer(version)}
}

// likeID is the name of a template that has the form of an id.
const likeID = "lt-0123456789abcdef0"

func mixed(of *scaling.LaunchTemplateSpecification,
	overrides ...scaling.LaunchTemplateOverrides) *scaling.MixedInstancesPolicy {
	return &scaling.MixedInstancesPolicy{LaunchTemplate: &scaling.LaunchTemplate{LaunchTemplateSpecification: of,
		Overrides: overrides}}
}

func TestOfGroup(t *testing.T) {
	web := func(l launcher) launcher { l.name, l.group = "group web", true; return l }
	for name, c := range map[string]struct {
		group scaling.AutoScalingGroup
		want  []launcher
	}{
		"a launch configuration":     {scaling.AutoScalingGroup{LaunchConfigurationName: aws.String("old")}, nil},
		"a policy without templates": {scaling.AutoScalingGroup{MixedInstancesPolicy: &scaling.MixedInstancesPolicy{}}, nil},
		"a template without version": {
			scaling.AutoScalingGroup{LaunchTemplate: spec("lt-1", "", "")},
			[]launcher{web(launcher{id: "lt-1", version: "$Default"})},
		},
		"a template by name, with a warm pool": {
			scaling.AutoScalingGroup{LaunchTemplate: spec("", "base", "$Latest"), WarmPoolSize: aws.Int32(2)},
			[]launcher{web(launcher{title: "base", version: "$Latest", warm: 2})},
		},
		"a template by a name that looks like an id": {
			scaling.AutoScalingGroup{LaunchTemplate: spec("", likeID, "3")},
			[]launcher{web(launcher{title: likeID, version: "3"})},
		},
		"a policy without overrides": {
			scaling.AutoScalingGroup{MixedInstancesPolicy: mixed(spec("lt-1", "base", "3"))},
			[]launcher{web(launcher{id: "lt-1", version: "3"})},
		},
		"overrides: a type, a template of its own, an image of its own, and what it asks of types": {
			scaling.AutoScalingGroup{MixedInstancesPolicy: mixed(
				spec("lt-1", "", "3"),
				scaling.LaunchTemplateOverrides{InstanceType: aws.String("t3.micro")},
				scaling.LaunchTemplateOverrides{InstanceType: aws.String("m6g.large"),
					LaunchTemplateSpecification: spec("lt-2", "", "$Latest")},
				scaling.LaunchTemplateOverrides{InstanceType: aws.String("m5.large"), ImageId: aws.String("ami-1")},
				scaling.LaunchTemplateOverrides{InstanceRequirements: &scaling.InstanceRequirements{
					VCpuCount:        &scaling.VCpuCountRequest{Min: aws.Int32(2)},
					CpuManufacturers: []scaling.CpuManufacturer{scaling.CpuManufacturerAmd},
				}},
			)},
			[]launcher{
				web(launcher{id: "lt-1", version: "3", kind: "t3.micro"}),
				web(launcher{id: "lt-2", version: "$Latest", kind: "m6g.large"}),
				web(launcher{id: "lt-1", version: "3", kind: "m5.large", image: "ami-1"}),
				web(launcher{id: "lt-1", version: "3", requirements: &types.InstanceRequirementsRequest{
					VCpuCount:        &types.VCpuCountRangeRequest{Min: aws.Int32(2)},
					CpuManufacturers: []types.CpuManufacturer{types.CpuManufacturerAmd},
				}}),
			},
		},
	} {
		c.group.AutoScalingGroupName = aws.String("web")
		if diff := cmp.Diff(c.want, ofGroup(c.group), unexported); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestOfFleets(t *testing.T) {
	of := &types.FleetLaunchTemplateSpecification{LaunchTemplateId: aws.String("lt-1"), Version: aws.String("2")}
	plain := launcher{name: "fleet f", id: "lt-1", version: "2"}
	typed, other, asking := plain, plain, plain
	typed.kind, other.kind, other.image = "t3.micro", "m5.large", "ami-1"
	asking.requirements = &types.InstanceRequirementsRequest{VCpuCount: &types.VCpuCountRangeRequest{Min: aws.Int32(2)}}
	asks := &types.InstanceRequirements{VCpuCount: &types.VCpuCountRange{Min: aws.Int32(2)}}
	for name, c := range map[string]struct{ got, want []launcher }{
		"a fleet without template": {ofConfig("fleet f", types.FleetLaunchTemplateConfig{}), nil},
		"a fleet without overrides": {
			ofConfig("fleet f", types.FleetLaunchTemplateConfig{LaunchTemplateSpecification: of}), []launcher{plain},
		},
		"a fleet by the template's name": {
			ofConfig("fleet f", types.FleetLaunchTemplateConfig{
				LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecification{LaunchTemplateName: aws.String("base")},
			}),
			[]launcher{{name: "fleet f", title: "base", version: "$Default"}},
		},
		"a Spot Fleet by a name that looks like an id": {
			ofSpot("fleet f", types.LaunchTemplateConfig{
				LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecification{LaunchTemplateName: aws.String(likeID)},
			}),
			[]launcher{{name: "fleet f", title: likeID, version: "$Default"}},
		},
		"a fleet's overrides, one with an image of its own": {
			ofConfig("fleet f", types.FleetLaunchTemplateConfig{LaunchTemplateSpecification: of,
				Overrides: []types.FleetLaunchTemplateOverrides{
					{InstanceType: "t3.micro"}, {InstanceType: "m5.large", ImageId: aws.String("ami-1")}, {InstanceRequirements: asks},
				}}),
			[]launcher{typed, other, asking},
		},
		"a Spot Fleet's overrides": {
			ofSpot("fleet f", types.LaunchTemplateConfig{LaunchTemplateSpecification: of,
				Overrides: []types.LaunchTemplateOverrides{
					{InstanceType: "t3.micro"}, {InstanceRequirements: asks},
				}}),
			[]launcher{typed, asking},
		},
		"a Spot Fleet without template": {ofSpot("fleet f", types.LaunchTemplateConfig{}), nil},
	} {
		if diff := cmp.Diff(c.want, c.got, unexported); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A launcher by id launches from the template of that id, one by name from the template of that name, whatever they
// look like.
func TestLaunchesFrom(t *testing.T) {
	own, other := &template{id: "lt-1", name: likeID}, &template{id: likeID, name: "base"}
	for _, c := range []struct {
		by   *scaling.LaunchTemplateSpecification
		want []bool
	}{
		{spec("", likeID, "1"), []bool{true, false}},
		{spec(likeID, "", "1"), []bool{false, true}},
		{spec("lt-1", likeID, "1"), []bool{true, false}},
		{spec("", "base", "1"), []bool{false, true}},
	} {
		l := named("group web", c.by)
		if diff := cmp.Diff(c.want, []bool{l.of(own), l.of(other)}); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", l, diff)
		}
	}
}

// unexported compares our own types whole, and of the SDK's what they export.
var unexported = cmp.Options{cmp.AllowUnexported(launcher{}), cmp.FilterPath(func(p cmp.Path) bool {
	field, ok := p.Last().(cmp.StructField)
	return ok && field.Name() == "noSmithyDocumentSerde"
}, cmp.Ignore())}
