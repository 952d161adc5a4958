package command_test

import (
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/shared/tag"
)

func in(name, plans string) func(*sdk.RunInstancesInput) {
	return func(in *sdk.RunInstancesInput) {
		tags := map[string]string{"Name": name}
		if plans != "" {
			tags[tag.Plan] = plans
		}
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tag.List(tags)}}
	}
}

func (s *scene) plansOf(id string) string { return s.suite.EC2.Tags(id)[tag.Plan] }

func TestEnrolAsksAndTags(t *testing.T) {
	play(t, func(s *scene) {
		web, both := s.launch("web", in("web", "")), s.launch("both", in("both", "weekly"))
		kept := s.launch("kept", protected, in("kept", ""))
		s.answers = "n\n"
		s.golden("enrol-no", s.types("enrol", "nightly", web, both, kept, "--plans", "testdata/plans.yaml"), command.OK)
		if s.plansOf(web) != "" || s.plansOf(both) != "weekly" {
			t.Errorf("plans are %q and %q after a no", s.plansOf(web), s.plansOf(both))
		}
		s.answers = "y\n"
		s.golden("enrol", s.types("enrol", "nightly", web, both, "--plans", "testdata/plans.yaml"), command.OK)
		if s.plansOf(web) != "nightly" || s.plansOf(both) != "weekly nightly" {
			t.Errorf("plans are %q and %q", s.plansOf(web), s.plansOf(both))
		}
		s.golden("enrol-again-json",
			s.types("enrol", "nightly", web, "--plans", "testdata/plans.yaml", "--yes", "-o", "json"),
			command.OK)
		s.types("run", "nightly")
		time.Sleep(time.Hour)
		s.golden("leave-one", s.types("leave", "--plan", "nightly", both, "--yes"), command.OK)
		s.golden("leave", s.types("leave", web, kept), command.OK)
		if s.plansOf(web) != "" || s.plansOf(both) != "weekly" {
			t.Errorf("plans are %q and %q after leave", s.plansOf(web), s.plansOf(both))
		}
	})
}

func TestEnrolRefuses(t *testing.T) {
	play(t, func(s *scene) {
		web := s.launch("web", in("web", ""))
		for name, line := range map[string][]string{
			"enrol-no-plan":  {"enrol", "nightli", web, "--plans", "testdata/plans.yaml"},
			"enrol-no-id":    {"enrol", "nightly", "web", "--plans", "testdata/plans.yaml"},
			"enrol-nothing":  {"enrol", "nightly"},
			"enrol-json":     {"enrol", "nightly", web, "-o", "json"},
			"enrol-snapshot": {"enrol", "nightly", "snap-0123456789abcdef0"},
			"leave-nothing":  {"leave"},
		} {
			s.golden(name, s.types(line...), command.Misused)
		}
		s.golden("enrol-unknown",
			s.types("enrol", "nightly", web, "i-0123456789abcdef0", "--plans", "testdata/plans.yaml", "--yes"),
			command.Broken)
		if plans := s.plansOf(web); plans != "" {
			t.Errorf("web is in %q", plans)
		}
	})
}
