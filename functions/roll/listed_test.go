package roll_test

import (
	"testing"

	"goldsmith/local/stage"
	"goldsmith/shared/job"
)

// The plan's list adds to the templates found by tag.
func TestRollListed(t *testing.T) {
	listed := func(names ...string) func(*stage.Stage, *job.Job) {
		return func(s *stage.Stage, j *job.Job) {
			template(s, "listed", "", before)
			j.Plan.Roll.Templates = map[string][]string{"web": names, "db": {"of-another"}}
		}
	}
	stage.Play(t, subscribed, cases{
		{
			Name: "by its name", Given: listed("listed"), Want: did(finds + "*2" + reads + rolls + rolls + writes + ": ok"),
			Then: func(s *stage.Stage, j job.Job) { s.Same("rolled", find(j, "listed").To, newest) },
		},
		{
			Name: "one that is tagged as well is rolled once", Given: listed("fleet", "listed", "listed"),
			Want: did("DescribeImages Owner Targets DescribeLaunchTemplates DescribeLaunchTemplateVersions*3" + reads + rolls +
				rolls + writes + ": ok"),
			Then: func(s *stage.Stage, j job.Job) {
				s.Same("targets", len(j.Rolled), 3)
				s.Same("versions", len(versions(s, "fleet")), 2)
			},
		},
		{
			Name: "what does not exist is said so, and the others go on", Given: listed("lt-00000000000000bad", "no-such"),
			Want: did("DescribeImages Owner Targets DescribeLaunchTemplates DescribeLaunchTemplateVersions*3" + reads + rolls +
				writes + ": ok"),
			Then: func(s *stage.Stage, j job.Job) {
				s.Same("by id", find(j, "lt-00000000000000bad").Problem, "there is no such launch template")
				s.Same("by name", find(j, "no-such").Problem, "there is no such launch template")
				s.Same("rolled", find(j, "fleet").To, newest)
			},
		},
	})
}
