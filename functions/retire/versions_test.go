package retire_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/retire"
	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// A template that EC2 does not list, without saying that it does not exist, is left alone.
func TestATemplateThatIsNotListed(t *testing.T) {
	rounds(t, func(s *steptest.Stage, due string, a *answers) retire.Ledger {
		template(s, "fleet", due, ec2.ImageX86)
		a.noTemplates = true
		return s.Ledger
	}, func(s *steptest.Stage, due string, err error) {
		s.Must(err)
		s.Same("status", record(s, due).Status, job.Retired)
	})
}

// templatesAPI are looked at in the order of their ids, so that a round does the same each time.
func TestTemplatesInTheirOrder(t *testing.T) {
	rounds(t, func(s *steptest.Stage, due string, _ *answers) retire.Ledger {
		for _, name := range []string{"t-a", "t-b", "t-c", "t-d", "t-e", "t-f"} {
			template(s, name, due, ec2.ImageX86)
		}
		return s.Ledger
	}, func(s *steptest.Stage, _ string, err error) {
		s.Must(err)
		var asked []string
		for _, form := range s.Sent("DescribeLaunchTemplates") {
			asked = append(asked, form.Get("LaunchTemplateId.1"))
		}
		s.Same("templates", len(asked), 6)
		s.Same("in their order", slices.IsSorted(asked), true)
	})
}

// A version that no roll made stays, also one without an image, and the message says so with its image.
func TestAPersonsVersionIsTold(t *testing.T) {
	var id string
	rounds(t, func(s *steptest.Stage, due string, _ *answers) retire.Ledger {
		id = template(s, "fleet", due, due, ec2.ImageX86)
		for r, err := range s.Ledger.Kept.Targets(s.Context(), "web") {
			s.Must(err)
			r.Made = []int64{1}
			_, err = s.Ledger.Kept.PutTarget(s.Context(), r)
			s.Must(err)
		}
		return s.Ledger
	}, func(s *steptest.Stage, due string, err error) {
		s.Must(err)
		s.Same("versions", versions(s, id), []int64{2, 3})
		s.Same("told", slices.Contains(record(s, due).Why,
			"version 2 of launch template fleet names it and stays: no roll made it"), true)
		s.Same("pruned", record(s, due).Pruned, 1)
	})
}

// A version that has become the default or the latest since the uses were looked at stays.
func TestAVersionThatLaunchesByNow(t *testing.T) {
	for name, now := range map[string]func(*types.LaunchTemplate){
		"default": func(l *types.LaunchTemplate) { l.DefaultVersionNumber = aws.Int64(1) },
		"latest":  func(l *types.LaunchTemplate) { l.LatestVersionNumber = aws.Int64(1) },
	} {
		var id string
		rounds(t, func(s *steptest.Stage, due string, a *answers) retire.Ledger {
			id = template(s, "fleet", due, due, ec2.ImageX86)
			a.templates = now
			return s.Ledger
		}, func(s *steptest.Stage, _ string, err error) {
			s.Must(err)
			s.Same("while 1 is the "+name, versions(s, id), []int64{1, 3})
		})
	}
}

// A version that a record has as rolled to with that image was made by a roll, also where older records do not say so;
// with another image it was not.
func TestAVersionThatARecordHas(t *testing.T) {
	for _, c := range []struct {
		image string
		left  []int64
	}{{"", []int64{2}}, {ec2.ImageX86, []int64{1, 2}}} {
		var id string
		rounds(t, func(s *steptest.Stage, due string, _ *answers) retire.Ledger {
			id = template(s, "fleet", due, ec2.ImageX86)
			for r, err := range s.Ledger.Kept.Targets(s.Context(), "web") {
				s.Must(err)
				image := c.image
				if image == "" {
					image = due
				}
				r.Made, r.Points = nil, []ledger.Point{{Version: 1, Image: image, Run: "before", Source: s.Web}}
				_, err = s.Ledger.Kept.PutTarget(s.Context(), r)
				s.Must(err)
			}
			return s.Ledger
		}, func(s *steptest.Stage, _ string, err error) {
			s.Must(err)
			s.Same("left", versions(s, id), c.left)
		})
	}
}

// Each image that goes is told what of it stays.
func TestEachImageIsToldWhatStays(t *testing.T) {
	var second string
	rounds(t, func(s *steptest.Stage, due string, _ *answers) retire.Ledger {
		second = of(s, "db", 9)
		deprecated(s, second, 72*time.Hour)
		template(s, "fleet", due, second, ec2.ImageX86)
		for r, err := range s.Ledger.Kept.Targets(s.Context(), "web") {
			s.Must(err)
			r.Made = nil
			_, err = s.Ledger.Kept.PutTarget(s.Context(), r)
			s.Must(err)
		}
		return s.Ledger
	}, func(s *steptest.Stage, due string, err error) {
		s.Must(err)
		for version, id := range map[string]string{"1": due, "2": second} {
			s.Same("told of version "+version, slices.Contains(record(s, id).Why,
				"version "+version+" of launch template fleet names it and stays: no roll made it"), true)
			s.Same("and of no other", strings.Count(strings.Join(record(s, id).Why, "; "), "of launch template fleet"), 1)
		}
	})
}

// A version of an image that an earlier round removed is looked at again before it goes: what launches it by its number
// by now keeps it, and what cannot be read keeps all.
func TestAVersionThatIsPinnedByNow(t *testing.T) {
	for name, c := range map[string]struct {
		given  func(s *steptest.Stage, id string)
		left   []int64
		status job.Status
		told   string
	}{
		"by nothing": {func(*steptest.Stage, string) {}, []int64{3}, job.Retired, ""},
		"by a group": {func(s *steptest.Stage, id string) { pinning(s, id, "1") }, []int64{1, 3}, job.Retired,
			"version 1 of launch template fleet names it and stays: Auto Scaling group pinned by now launches it by its number"},
		"by a group that launches the default": {func(s *steptest.Stage, id string) { pinning(s, id, "$Default") },
			[]int64{3},
			job.Retired, ""},
		"by what cannot be read": {func(s *steptest.Stage, _ string) {
			s.Cloud.Inject(ec2.Fault{Action: "DescribeFleets", Code: "UnauthorizedOperation"})
		}, []int64{1, 2, 3}, job.Retiring, ""},
	} {
		var id string
		rounds(t, func(s *steptest.Stage, due string, _ *answers) retire.Ledger {
			id = template(s, "fleet", due, due, ec2.ImageX86)
			c.given(s, id)
			byHand(s, due)
			s.Must(s.Ledger.Kept.PutRetirement(s.Context(), job.Retirement{
				Plan: "nightly", Subject: due, Name: "web", Run: "before", Status: job.Retiring, Templates: []string{id},
				At: time.Now(),
			}))
			return s.Ledger
		}, func(s *steptest.Stage, due string, err error) {
			s.Must(err)
			s.Same(name+": left", versions(s, id), c.left)
			s.Same(name+": status", record(s, due).Status, c.status)
			s.Same(name+": told", c.told == "" || slices.Contains(record(s, due).Why, c.told), true)
		})
	}
}

// pinning makes a group that launches a version of a template.
func pinning(s *steptest.Stage, template, version string) {
	s.Helper()
	_, err := s.AutoScaling.CreateAutoScalingGroup(s.Context(), &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("pinned"), MinSize: aws.Int32(0), MaxSize: aws.Int32(1),
		DesiredCapacity: aws.Int32(0), AvailabilityZones: []string{"eu-central-1a"},
		LaunchTemplate: &scaling.LaunchTemplateSpecification{
			LaunchTemplateId: aws.String(template), Version: aws.String(version),
		},
	})
	s.Must(err)
}
