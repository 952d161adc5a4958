package claim_test

import (
	"strings"
	"testing"

	"goldsmith/functions/claim"
	"goldsmith/shared/job"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// What a source is over time is what Auto Scaling says. Only an instance that shows the tag of a member costs the
// question.
func TestClaimLineages(t *testing.T) {
	live := func(_ *steptest.Stage, in *claim.Input) { in.Job.Plan.Consistency = plan.None }
	shown := func(s *steptest.Stage, in *claim.Input) {
		live(s, in)
		s.Must(s.Cloud.SetTags(s.Web, map[string]string{tag.Group: "fleet"}))
	}
	of := func(want string) func(*steptest.Stage, job.Job) {
		return func(s *steptest.Stage, j job.Job) {
			s.Same("lineage", []string{lineage.Key(j.Source.Lineage), string(j.Decision)}, []string{want, "image"})
			s.Same("a group has its UUID", strings.Contains(j.Source.Lineage, ":"), want != "")
		}
	}
	inGroup := func(s *steptest.Stage, in *claim.Input) { live(s, in); in.Job.Source.ID = member(s) }
	const asked = "Claim Reserve DescribeInstances DescribeAutoScalingInstances"
	steptest.Play(t, scene, cases{
		{Name: "no member: nothing to ask", Given: live, Want: "Claim Reserve DescribeInstances Record: ok", Then: of("")},
		{
			Name: "a member", Given: inGroup, Then: of("group/fleet"), Want: asked + " DescribeAutoScalingGroups Record: ok",
		},
		{
			Name: "which group it is may not be asked: a source of its own", Then: of(""),
			Given: func(s *steptest.Stage, in *claim.Input) {
				inGroup(s, in)
				s.Refuse("DescribeAutoScalingGroups", "AccessDenied", 1)
			},
			Want: asked + " DescribeAutoScalingGroups Record: ok",
		},
		{Name: "its tag says so, and Auto Scaling does not", Given: shown, Want: asked + " Record: ok", Then: of("")},
		{
			Name: "Auto Scaling is busy", Want: asked + "*6: Transient | " + asked + " Record: ok", Then: of(""),
			Given: func(s *steptest.Stage, in *claim.Input) {
				shown(s, in)
				s.Refuse("DescribeAutoScalingInstances", "Throttling", steptest.Attempts)
			},
		},
		{
			Name: "Auto Scaling may not be asked: a source of its own", Want: asked + " Record: ok", Then: of(""),
			Given: func(s *steptest.Stage, in *claim.Input) {
				shown(s, in)
				s.Refuse("DescribeAutoScalingInstances", "AccessDenied", 1)
			},
		},
	})
}

// member is a member of group fleet that is enrolled.
func member(s *steptest.Stage) string {
	s.Helper()
	id := s.Group("fleet", 1)[0]
	s.Must(s.Cloud.SetTags(id, map[string]string{tag.Plan: "nightly"}))
	return id
}
