package usage

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
)

// An account that may launch an image keeps it, but for the own one.
func TestPermissions(t *testing.T) {
	for want, p := range map[string]types.LaunchPermission{
		"public":                                        {Group: types.PermissionGroupAll},
		"shared with organization arn:o":                {OrganizationArn: aws.String("arn:o")},
		"shared with organizational unit arn:u":         {OrganizationalUnitArn: aws.String("arn:u")},
		"shared with an account that EC2 does not name": {},
		"shared with account 210987654321":              {UserId: aws.String("210987654321")},
		"":                                              {UserId: aws.String("123456789012")},
	} {
		s := searching()
		s.permission(s.images[0], p)
		var all []string
		if want != "" {
			all = []string{want}
		}
		if !slices.Equal(s.said(), all) {
			t.Errorf("%q, want %q", s.said(), want)
		}
	}
}

// What EC2 says refers to an image, each in people's words. A template whose current versions have been read names it
// in an old one.
func TestReferencesInWords(t *testing.T) {
	for kind, c := range map[types.ImageReferenceResourceType]struct{ arn, want string }{
		types.ImageReferenceResourceTypeEc2Instance: {"arn:aws:ec2:r:a:instance/i-1", "instance i-1"},
		"ec2:LaunchTemplate": {"arn:aws:ec2:r:a:launch-template/lt-1",
			"launch template lt-1"},
		types.ImageReferenceResourceTypeSsmParameter:                {"arn:aws:ssm:r:a:parameter/a/b", "parameter /a/b"},
		types.ImageReferenceResourceTypeImageBuilderImageRecipe:     {"arn:r", "Image Builder recipe arn:r"},
		types.ImageReferenceResourceTypeImageBuilderContainerRecipe: {"arn:c", "Image Builder recipe arn:c"},
		"new:Thing": {"arn:n", "new:Thing arn:n"},
	} {
		s := searching()
		for range 2 {
			s.reference(types.ImageReference{ImageId: aws.String(subject), Arn: aws.String(c.arn), ResourceType: kind})
		}
		if got := s.found(); !slices.Equal(got.Uses[subject], []string{c.want}) || len(got.Old) > 0 {
			t.Errorf("%s: %+v, want %q", kind, got, c.want)
		}
	}
	s := searching()
	s.read["lt-1"] = true
	for _, id := range []string{"lt-1", "lt-1", "lt-2"} {
		s.reference(types.ImageReference{
			ImageId: aws.String(subject), Arn: aws.String("arn:aws:ec2:r:a:launch-template/" + id),
			ResourceType: types.ImageReferenceResourceTypeEc2LaunchTemplate,
		})
	}
	want := Found{
		Uses: map[string][]string{subject: {"launch template lt-2"}}, Old: map[string][]string{subject: {"lt-1"}},
	}
	if diff := cmp.Diff(want, s.found()); diff != "" {
		t.Error(diff)
	}
}

func TestParameterNames(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:ssm:r:a:parameter/a": "a", "arn:aws:ssm:r:a:parameter/a/b": "/a/b", "arn:aws:ssm:r:a:document/a": "",
	} {
		if got := parameterName(arn); got != want && (want != "" || got != arn) {
			t.Errorf("%s is %s, want %s", arn, got, want)
		}
	}
}

// Numbered versions alone are pins, each told once for each that pins it; a template's id goes before its name.
func TestPins(t *testing.T) {
	p := Pins{}
	for _, version := range []string{"2", "2", "$Default", "$Latest", "", "3"} {
		p.add("group a", aws.String("lt-1"), aws.String("name"), aws.String(version))
	}
	p.add("group b", aws.String("lt-1"), nil, aws.String("2"))
	p.add("group b", nil, aws.String("name"), aws.String("2"))
	p.add("group b", nil, nil, nil)
	want := Pins{
		{id: "lt-1"}: {2: {"group a", "group b"}, 3: {"group a"}}, {name: "name"}: {2: {"group b"}},
	}
	if diff := cmp.Diff(want, p, cmp.AllowUnexported(templateOf{})); diff != "" {
		t.Error(diff)
	}
}

// What is over, or has nothing in it, is no use.
func TestWhatLaunchesNothing(t *testing.T) {
	s := searching()
	s.name(types.LaunchTemplateVersion{}, "lt-1:1", "a template without data")
	s.spotRequest(types.SpotInstanceRequest{State: types.SpotInstanceStateOpen})
	for _, state := range endedSpot {
		s.spotRequest(types.SpotInstanceRequest{State: state, LaunchSpecification: &types.LaunchSpecification{
			ImageId: aws.String(subject), BlockDeviceMappings: []types.BlockDeviceMapping{mapping(snapshot)},
		}})
	}
	if len(s.named) > 0 || len(s.said()) > 0 {
		t.Errorf("%+v, %q", s.named, s.said())
	}
}

// What an image says of itself: EC2 tells of a launch late, so it counts for two days.
func TestWhatAnImageSaysOfItself(t *testing.T) {
	now := time.Date(2026, 3, 30, 3, 0, 0, 0, time.UTC)
	at := func(ago time.Duration) *string { return aws.String(now.Add(-ago).Format(time.RFC3339)) }
	for want, i := range map[string]types.Image{
		"":                                    {},
		"public":                              {Public: aws.Bool(true)},
		"deregistration-protected":            {DeregistrationProtection: aws.String("enabled-with-cooldown")},
		"last launched less than an hour ago": {LastLaunchedTime: at(59 * time.Minute)},
		"last launched 1h ago":                {LastLaunchedTime: at(time.Hour)},
		"last launched 47h ago":               {LastLaunchedTime: at(48*time.Hour - time.Second)},
		"last launched at a time that cannot be read: yesterday": {LastLaunchedTime: aws.String("yesterday")},
	} {
		s := searching()
		i.ImageId = aws.String(subject)
		s.itself(i, now)
		if got := fmt.Sprint(s.said()); got != "["+want+"]" {
			t.Errorf("%s, want %q", got, want)
		}
	}
	for _, i := range []types.Image{
		{DeregistrationProtection: aws.String("disabled")}, {LastLaunchedTime: at(48 * time.Hour)},
	} {
		s := searching()
		i.ImageId = aws.String(subject)
		if s.itself(i, now); len(s.said()) > 0 {
			t.Errorf("%+v: %q", i, s.said())
		}
	}
}

// snapshotsAPI are asked about as many at once as one filter takes beside another one.
func TestSnapshotsInPortions(t *testing.T) {
	s := newSearch(nil)
	for n := range 400 {
		s.subjects[fmt.Sprintf("snap-%03d", n)] = []string{subject}
	}
	var portions []int
	seen := map[string]bool{}
	err := s.snapshots(func(ids []string) error {
		portions = append(portions, len(ids))
		for _, id := range ids {
			seen[id] = true
		}
		return nil
	})
	if err != nil || !slices.Equal(portions, []int{199, 199, 2}) || len(seen) != 400 {
		t.Errorf("%d, %d, %v", portions, len(seen), err)
	}
}

// A snapshot that is no image's is its own subject, and one of no image is no use of anything.
func TestSubjects(t *testing.T) {
	s := searching()
	if diff := cmp.Diff(map[string][]string{snapshot: {subject}}, s.subjects); diff != "" {
		t.Error(diff)
	}
	s.snapshot(aws.String("snap-2"), "r", "why")
	s.snapshot(nil, "r", "why")
	s.add("ami-2", "r", "why")
	if len(s.uses) > 0 {
		t.Errorf("%+v", s.uses)
	}
	for range 2 {
		s.add(subject, "r", "why")
	}
	if !slices.Equal(s.said(), []string{"why"}) {
		t.Errorf("%q", s.said())
	}
}
