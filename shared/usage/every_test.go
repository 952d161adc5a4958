package usage

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// A use of a snapshot keeps every image that holds it.
func TestEveryImageOfASnapshotIsKept(t *testing.T) {
	image := func(id string) types.Image {
		return types.Image{ImageId: aws.String(id), BlockDeviceMappings: []types.BlockDeviceMapping{mapping(snapshot)}}
	}
	s := newSearch([]types.Image{image("ami-1"), image("ami-2")})
	s.snapshot(aws.String(snapshot), "lock", "locked")
	if uses := s.found().Uses; len(uses["ami-1"]) != 1 || len(uses["ami-2"]) != 1 {
		t.Errorf("%v", uses)
	}
}

// Everyone who launches a version by its number is named.
func TestEveryPinIsNamed(t *testing.T) {
	p, s := &twoPages{}, searching()
	for _, who := range []string{"group web", "group db"} {
		s.pins.add(who, aws.String("lt-1"), nil, aws.String("7"))
	}
	if err := (Finder{EC2: p}).pinnedVersions(t.Context(), s); err != nil {
		t.Error(err)
	}
	want := []string{
		"snapshot snap-1: group web pins version 7 of launch template  (lt-1)",
		"snapshot snap-1: group db pins version 7 of launch template  (lt-1)",
	}
	if !slices.Equal(s.said(), want) {
		t.Errorf("%q", s.said())
	}
	s.pins.add("fleet by name", nil, aws.String("web"), aws.String("7"))
	of := s.pins.Of(types.LaunchTemplate{LaunchTemplateId: aws.String("lt-1"), LaunchTemplateName: aws.String("web")}, 7)
	if !slices.Equal(of, []string{"group web", "group db", "fleet by name"}) {
		t.Errorf("%q", of)
	}
}

// Groups whose refreshes are asked for are those of a template by its id, and by its name.
func TestGroupsOfATemplateByIDAndName(t *testing.T) {
	s := searching()
	s.old[subject], s.titles["lt-1"] = []string{"lt-1"}, "web"
	s.groupsOf[templateOf{id: "lt-1"}] = []string{"by id"}
	s.groupsOf[templateOf{name: "web"}] = []string{"by name"}
	if got := s.groupsOfOld(); !slices.Equal(got, []string{"by id", "by name"}) {
		t.Errorf("%q", got)
	}
}

// A snapshot on its way into the archive or out of it is there on purpose.
func TestUnderWay(t *testing.T) {
	on := []types.TieringOperationStatus{
		types.TieringOperationStatusArchivalInProgress, types.TieringOperationStatusTemporaryRestoreInProgress,
		types.TieringOperationStatusPermanentRestoreInProgress,
	}
	for _, status := range types.TieringOperationStatus("").Values() {
		if underWay(status) != slices.Contains(on, status) {
			t.Errorf("%s: %t", status, underWay(status))
		}
	}
}

// leavesOut is an EC2 that leaves every version out of its answers, and says what it does to a version's number.
type leavesOut struct {
	EC2
	code string
}

func (l leavesOut) DescribeLaunchTemplateVersions(
	_ context.Context, in *ec2.DescribeLaunchTemplateVersionsInput, _ ...func(*ec2.Options),
) (*ec2.DescribeLaunchTemplateVersionsOutput, error) {
	if len(in.Versions) > 0 && l.code != "" {
		return nil, &smithy.GenericAPIError{Code: l.code}
	}
	return &ec2.DescribeLaunchTemplateVersionsOutput{}, nil
}

// A version that a group launches by its number and that an answer leaves out may have any image, unless EC2 says that
// it does not exist.
func TestAVersionThatIsLeftOut(t *testing.T) {
	for code, free := range map[string]bool{
		"": false, "UnauthorizedOperation": false, "InvalidLaunchTemplateId.VersionNotFound": true,
	} {
		s := searching()
		s.pins.add("group web", nil, aws.String("web"), aws.String("7"))
		if err := (Finder{EC2: leavesOut{code: code}}).pinnedVersions(t.Context(), s); (err == nil) != free {
			t.Errorf("%q: %v", code, err)
		}
	}
}
