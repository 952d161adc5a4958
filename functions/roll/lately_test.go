package roll_test

import (
	"context"
	"testing"
	"time"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/rollout"
	"goldsmith/test/steptest"
)

// What launches from templates is read once for images that are rolled within seconds, and anew after that.
func TestRollReadsOnceForMany(t *testing.T) {
	scene := func(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
		_, j := subscribed(s)
		step := step(s)
		step.Lately = &rollout.Lately{}
		return func(ctx context.Context, j job.Job) (job.Job, error) {
			defer time.Sleep(8 * time.Second)
			return step.Handle(ctx, j)
		}, j
	}
	steptest.Play(t, scene, []steptest.Case[job.Job, job.Job]{{
		Name: "three rolls, eight seconds apart",
		Want: "DescribeImages Registration Owner Targets DescribeLaunchTemplates DescribeLaunchTemplateVersions " +
			"DescribeAutoScalingGroups DescribeFleets DescribeSpotFleetRequests GetParameter Targets DescribeImages " +
			"PutTarget CreateLaunchTemplateVersion DescribeLaunchTemplateVersions ModifyLaunchTemplate PutTarget*2 " +
			"PutParameter PutTarget: ok | " +
			"DescribeImages Registration Owner Targets DescribeLaunchTemplates DescribeLaunchTemplateVersions GetParameter " +
			"DescribeLaunchTemplateVersions: ok | " +
			"DescribeImages Registration Owner Targets DescribeLaunchTemplates DescribeLaunchTemplateVersions " +
			"DescribeAutoScalingGroups DescribeFleets DescribeSpotFleetRequests GetParameter " +
			"DescribeLaunchTemplateVersions: ok",
	}})
}
