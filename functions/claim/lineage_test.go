package claim_test

import (
	"strings"
	"testing"

	"goldsmith/functions/claim"
	"goldsmith/local/stage"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Which group an instance is a member of is Auto Scaling's to say: its tag alone gives it no group's lineage.
func TestClaimOfAMember(t *testing.T) {
	member := func(s *stage.Stage) (handler.Func[claim.Input, job.Job], claim.Input) {
		step, in := scene(s)
		s.Must(s.Cloud.SetTags(s.Web, map[string]string{"aws:autoscaling:groupName": "fleet"}))
		in.Job.Plan.Consistency = plan.Reboot
		return step, in
	}
	own := func(warned bool) func(*stage.Stage, job.Job) {
		return func(s *stage.Stage, j job.Job) {
			s.Helper()
			s.Same("lineage", j.Source.Lineage, "")
			s.Same("warned", strings.Contains(s.Logs.String(), "its Auto Scaling group is not known"), warned)
		}
	}
	const asks = "Claim DescribeInstances DescribeAutoScalingInstances"
	stage.Play(t, member, cases{
		{Name: "Auto Scaling knows of no group", Want: asks + " Record: ok", Then: own(false)},
		{
			Name: "it may not be asked", Want: asks + " Record: ok", Then: own(true),
			Given: func(s *stage.Stage, _ *claim.Input) { s.Refuse("DescribeAutoScalingInstances", "AccessDenied", 1) },
		},
		{
			Name: "it is busy", Want: asks + "*6: Throttled",
			Given: func(s *stage.Stage, _ *claim.Input) { s.Refuse("DescribeAutoScalingInstances", "Throttling", stage.Attempts) },
		},
	})
}
