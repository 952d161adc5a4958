package selection_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// A plan's limit is held against the whole fleet before anything is touched.
func TestSelectLimit(t *testing.T) {
	three := func(s *steptest.Stage) (handler.Func[job.Batch, job.Batch], job.Batch) {
		s.Launch("two", enrolled)
		s.Launch("three", enrolled)
		for range 7 {
			s.Launch("others", nil)
		}
		return scene(s)
	}
	limit := func(l plan.Limit) func(*steptest.Stage, *job.Batch) {
		return func(_ *steptest.Stage, p *job.Batch) { p.Plan.Limit = l }
	}
	steptest.Play(t, three, cases{
		{Name: "three of at most three", Given: limit(plan.Limit{Count: 3}),
			Want: strings.Replace(asks, "DescribeInstances GetServiceQuota", "DescribeInstances*2 GetServiceQuota", 1) + ": ok"},
		{
			Name: "three of at most two", Given: limit(plan.Limit{Count: 2}), Want: "PutRun DescribeInstances: Failed",
			Says: []string{"plan nightly selects 3 sources, its limit is 2. Nothing was touched. Raise the plan's limit, or " +
				"narrow its sources."},
		},
		{Name: "three of ten are 30%", Given: limit(plan.Limit{Percent: 30}),
			Want: "PutRun DescribeInstances*3 GetServiceQuota DescribeInstances DescribeInstanceTypes " +
				"DescribeVolumes DescribeInstances: ok"},
		{
			Name: "three of ten are more than 29%", Given: limit(plan.Limit{Percent: 29}),
			Want: "PutRun DescribeInstances*2: Failed",
			Says: []string{"plan nightly selects 3 sources, its limit is 29% (2)"},
		},
		{
			Name: "terminated instances do not raise a percentage",
			Given: func(s *steptest.Stage, p *job.Batch) {
				for range 10 {
					s.Set(s.Launch("gone", nil), ec2.Terminated)
				}
				p.Plan.Limit.Percent = 29
			},
			Want: "PutRun DescribeInstances*2: Failed",
		},
	})
}

// A fleet larger than one page is handed out page by page, each source once.
func TestSelectPages(t *testing.T) {
	const fleet, batches = 1000, job.PageSize / source.Batch
	steptest.Play(t, scene, cases{{
		Name: "1,001 instances in two pages",
		Given: func(s *steptest.Stage, p *job.Batch) {
			launch(s, fleet)
			step, _ := scene(s)
			first, err := step(s.Context(), *p)
			s.Must(err)
			s.Same("first page", []any{len(first.Sources), first.More}, []any{batches * source.Batch, true})
			s.Same("cursor", first.Cursor, first.Sources[len(first.Sources)-1].ID)
			// The state machine hands each page on to the next call.
			*p = first
		},
		Want: "DescribeInstances*2 DescribeInstanceTypes DescribeVolumes DescribeInstances: ok",
		Then: func(s *steptest.Stage, p job.Batch) {
			s.Same("second page", []any{len(p.Sources), p.More}, []any{fleet + 1 - batches*source.Batch, false})
			s.Same("in order", slices.IsSorted(idsOf(p)), true)
		},
	}})
}

// launch starts many enrolled instances at once.
func launch(s *steptest.Stage, count int32) {
	s.Helper()
	_, err := s.EC2.RunInstances(s.Context(), &sdk.RunInstancesInput{
		ImageId: aws.String(ec2.ImageX86), InstanceType: types.InstanceTypeT3Micro, MinCount: aws.Int32(count),
		MaxCount:          aws.Int32(count),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tag.List(enrolled)}},
	})
	s.Must(err)
	time.Sleep(time.Hour)
}
