package roll_test

import (
	"testing"
	"testing/synctest"

	"goldsmith/shared/job"
	"goldsmith/test/steptest"
)

// The plan's list adds to the templates found by tag.
func TestRollListed(t *testing.T) {
	listed := func(names ...string) func(*steptest.Stage, *job.Job) {
		return func(s *steptest.Stage, j *job.Job) {
			template(s, "listed", "", before)
			j.Plan.Roll.Templates = map[string][]string{"web": names, "db": {"of-another"}}
		}
	}
	steptest.Play(t, subscribed, cases{
		{
			Name: "by its name", Given: listed("listed"), Want: did(finds + "*2" + reads + rolls + rolls + writes + ": ok"),
			Then: func(s *steptest.Stage, j job.Job) { s.Same("rolled", find(j, "listed").To, newest) },
		},
		{
			Name: "one that is tagged as well is rolled once", Given: listed("fleet", "listed", "listed"),
			Want: did("DescribeImages Registration Owner Targets DescribeLaunchTemplates DescribeLaunchTemplateVersions*3" +
				reads + rolls +
				rolls + writes + ": ok"),
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("targets", len(j.Rolled), 3)
				s.Same("versions", len(versions(s, "fleet")), 2)
			},
		},
		{
			Name: "what does not exist is said so, and the others go on", Given: listed("lt-00000000000000bad", "no-such"),
			Want: did("DescribeImages Registration Owner Targets DescribeLaunchTemplates DescribeLaunchTemplateVersions*3" +
				reads + rolls +
				writes + ": ok"),
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("by id", find(j, "lt-00000000000000bad").Problem, "there is no such launch template")
				s.Same("by name", find(j, "no-such").Problem, "there is no such launch template")
				s.Same("rolled", find(j, "fleet").To, newest)
			},
		},
	})
}

// A template takes the images of one source: what the plan lists for another is left alone, whatever its tag says.
func TestRollLeavesWhatIsListedForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		template(s, "tagged", "web", before)
		template(s, "both", "", before)
		template(s, "mine", "web", before)
		step, j := scene(s)
		j.Plan.Roll.Templates = map[string][]string{"db": {"tagged", "both"}, "web": {"both", "mine"}}
		done, err := step(s.Context(), j)
		s.Must(err)
		s.Same("tagged", find(done, "tagged").Problem,
			"the plan's roll.templates lists it for db, which goes before its tag goldsmith:source")
		s.Same("both", find(done, "both").Problem,
			"the plan's roll.templates lists it for db as well; have it list it for one source")
		s.Same("mine", find(done, "mine").To, newest)
		s.Same("versions", []int{len(versions(s, "tagged")), len(versions(s, "both"))}, []int{1, 1})
	})
}
