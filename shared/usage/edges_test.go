package usage

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// An override of a fleet keeps its image, and a fleet may have a config without a template.
func TestOverridesOfFleetsKeepTheirImage(t *testing.T) {
	s := searching()
	s.fleet(types.FleetData{FleetId: aws.String("fleet-1"), LaunchTemplateConfigs: []types.FleetLaunchTemplateConfig{
		{Overrides: []types.FleetLaunchTemplateOverrides{{}, {ImageId: aws.String(subject)}}},
	}})
	s.spotFleet("Spot Fleet sfr-1",
		types.SpotFleetRequestConfigData{LaunchTemplateConfigs: []types.LaunchTemplateConfig{{}}})
	if err := (Finder{}).resolve(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.said(), []string{"override of EC2 Fleet fleet-1"}) || len(s.pins) != 0 {
		t.Errorf("%q, %v", s.said(), s.pins)
	}
}

// fleetsOf has one fleet, in a state.
type fleetsOf struct {
	EC2
	state types.FleetStateCode
}

func (f fleetsOf) DescribeFleets(context.Context, *ec2.DescribeFleetsInput,
	...func(*ec2.Options)) (*ec2.DescribeFleetsOutput, error) {
	spec := &types.FleetLaunchTemplateSpecification{LaunchTemplateId: aws.String("lt-1"), Version: aws.String("7")}
	return &ec2.DescribeFleetsOutput{Fleets: []types.FleetData{{FleetState: f.state,
		LaunchTemplateConfigs: []types.FleetLaunchTemplateConfig{{LaunchTemplateSpecification: spec}}}}}, nil
}

// What launches nothing any more pins nothing.
func TestEndedFleetsPinNothing(t *testing.T) {
	for _, state := range types.FleetStateCode("").Values() {
		s := searching()
		if err := (Finder{EC2: fleetsOf{state: state}}).fleets(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if ended := slices.Contains(endedFleets, state); (len(s.pins) == 0) != ended {
			t.Errorf("%s: %v", state, s.pins)
		}
	}
}

// Templates are asked about in the order of their ids, then of their names.
func TestOrderOfTemplates(t *testing.T) {
	all := []templateOf{{name: "a"}, {name: "b"}, {id: "lt-1"}, {id: "lt-2"}}
	for i, a := range all {
		for j, b := range all {
			if got := compareTemplates(a, b); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%v and %v: %d", a, b, got)
			}
		}
	}
}

// The error of a version that an answer left out is EC2's, where that says something else than that it is gone.
func TestWhyALeftOutVersionCannotBeRead(t *testing.T) {
	for code, want := range map[string]string{"": "version 7 was left out of an answer",
		"UnauthorizedOperation": "UnauthorizedOperation"} {
		err := (Finder{EC2: leavesOut{code: code}}).deleted(t.Context(), templateOf{id: "lt-1"}, 7)
		if err == nil || !strings.Contains(err.Error(), want) || (code != "") == strings.Contains(err.Error(), "left out") {
			t.Errorf("%q: %v", code, err)
		}
	}
}

func TestParameterName(t *testing.T) {
	const arn = "arn:aws:ssm:eu-central-1:123456789012:"
	for of, want := range map[string]string{
		arn + "parameter/web": "web", arn + "parameter/golden/web": "/golden/web", arn + "other/web": arn + "other/web",
	} {
		if got := parameterName(of); got != want {
			t.Errorf("%s: %q, want %q", of, got, want)
		}
	}
}

// some is a Parameter Store that leaves all but the first name out of its answer.
type some struct{ Parameters }

func (some) GetParameters(
	_ context.Context, in *ssm.GetParametersInput, _ ...func(*ssm.Options),
) (*ssm.GetParametersOutput, error) {
	return &ssm.GetParametersOutput{Parameters: []ssmtypes.Parameter{
		{Name: aws.String(in.Names[0]), Value: aws.String(subject)},
	}}, nil
}

// A parameter that an answer leaves out may hold any image.
func TestAParameterThatIsLeftOut(t *testing.T) {
	values := map[string]string{}
	err := (Finder{SSM: some{}}).values(t.Context(), []string{"/a", "/b", "/c"}, values)
	if err == nil || err.Error() != "parameter /b was left out of the answer" {
		t.Errorf("%v, %v", values, err)
	}
	if err := (Finder{SSM: some{}}).values(t.Context(), []string{"/a"}, values); err != nil || values["/a"] != subject {
		t.Errorf("%v, %v", values, err)
	}
}

// The groups of every template, of every image that nothing else uses, are asked for their refreshes.
func TestGroupsOfAllOldTemplates(t *testing.T) {
	s := newSearch([]types.Image{
		{ImageId: aws.String("ami-1")}, {ImageId: aws.String("ami-2")}, {ImageId: aws.String("ami-3")},
	})
	s.old = map[string][]string{"ami-1": {"lt-1", "lt-2"}, "ami-2": {"lt-3"}, "ami-3": {"lt-4"}}
	s.add("ami-3", "x", "in use")
	for id, groups := range map[string][]string{"lt-1": {"a", "b"}, "lt-2": {"c"}, "lt-3": {"d"}, "lt-4": {"e"}} {
		s.groupsOf[templateOf{id: id}] = groups
	}
	if got := s.groupsOfOld(); !slices.Equal(got, []string{"a", "b", "c", "d"}) {
		t.Errorf("%q", got)
	}
}

// A search without a snapshot asks for no locks.
func TestNoLocksOfNothing(t *testing.T) {
	if err := (Finder{}).locks(t.Context(), newSearch(nil)); err != nil { // It would have no EC2 to ask.
		t.Error(err)
	}
}
