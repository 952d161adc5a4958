package claim_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/claim"
	"goldsmith/local/ec2"
	"goldsmith/local/stage"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// What a source is over time is what Auto Scaling says. Only an instance that shows the tag of a member costs the
// question.
func TestClaimLineages(t *testing.T) {
	live := func(_ *stage.Stage, in *claim.Input) { in.Job.Plan.Consistency = plan.None }
	shown := func(s *stage.Stage, in *claim.Input) {
		live(s, in)
		s.Must(s.Cloud.SetTags(s.Web, map[string]string{tag.Group: "fleet"}))
	}
	lineage := func(want string) func(*stage.Stage, job.Job) {
		return func(s *stage.Stage, j job.Job) {
			s.Same("lineage", []string{j.Source.Lineage, string(j.Decision)}, []string{want, "image"})
		}
	}
	const asked = "Claim DescribeInstances DescribeAutoScalingInstances"
	stage.Play(t, scene, cases{
		{Name: "no member: nothing to ask", Given: live, Want: "Claim DescribeInstances Record: ok", Then: lineage("")},
		{
			Name: "a member", Given: func(s *stage.Stage, in *claim.Input) { live(s, in); in.Job.Source.ID = member(s) },
			Want: asked + " Record: ok",
			Then: lineage("group/fleet"),
		},
		{Name: "its tag says so, and Auto Scaling does not", Given: shown, Want: asked + " Record: ok", Then: lineage("")},
		{
			Name: "Auto Scaling is busy", Want: asked + "*6: Throttled | " + asked + " Record: ok", Then: lineage(""),
			Given: func(s *stage.Stage, in *claim.Input) {
				shown(s, in)
				s.Refuse("DescribeAutoScalingInstances", "Throttling", stage.Attempts)
			},
		},
		{
			Name: "Auto Scaling may not be asked: a source of its own", Want: asked + " Record: ok", Then: lineage(""),
			Given: func(s *stage.Stage, in *claim.Input) {
				shown(s, in)
				s.Refuse("DescribeAutoScalingInstances", "AccessDenied", 1)
			},
		},
	})
}

// member is a member of group fleet that is enrolled.
func member(s *stage.Stage) string {
	s.Helper()
	made, err := s.EC2.CreateLaunchTemplate(s.Context(), &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("fleet"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(ec2.ImageX86),
			InstanceType: types.InstanceTypeT3Micro},
	})
	s.Must(err)
	_, err = s.AutoScaling.CreateAutoScalingGroup(s.Context(), &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("fleet"), MinSize: aws.Int32(0), MaxSize: aws.Int32(4),
		DesiredCapacity:   aws.Int32(1),
		AvailabilityZones: []string{stage.Region + "a"},
		LaunchTemplate: &scaling.LaunchTemplateSpecification{LaunchTemplateId: made.LaunchTemplate.LaunchTemplateId,
			Version: aws.String("1")},
	})
	s.Must(err)
	time.Sleep(10 * time.Minute)
	out, err := s.AutoScaling.DescribeAutoScalingInstances(s.Context(), &autoscaling.DescribeAutoScalingInstancesInput{})
	s.Must(err)
	id := aws.ToString(out.AutoScalingInstances[0].InstanceId)
	s.Must(s.Cloud.SetTags(id, map[string]string{tag.Plan: "nightly"}))
	return id
}
