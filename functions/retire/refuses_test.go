package retire_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/test/steptest"
)

func TestRetireRefuses(t *testing.T) {
	var due string
	kept := func(said string) func(*steptest.Stage, job.Batch) {
		return func(s *steptest.Stage, _ job.Batch) {
			s.Same("image", is(s, due), "available")
			s.Same("status", status(s, due), said)
		}
	}
	steptest.Play(t, aged(&due), cases{
		{
			Name: "it is pinned by a group",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				id := template(s, "fleet", due, ec2.ImageX86, ec2.ImageX86)
				_, err := s.AutoScaling.CreateAutoScalingGroup(s.Context(), &autoscaling.CreateAutoScalingGroupInput{
					AutoScalingGroupName: aws.String("workers"), MinSize: aws.Int32(0), MaxSize: aws.Int32(0),
					AvailabilityZones: []string{steptest.Region + "a"},
					LaunchTemplate: &scaling.LaunchTemplateSpecification{LaunchTemplateId: aws.String(id),
						Version: aws.String("1")},
				})
				s.Must(err)
				deprecated(s, due, 72*time.Hour)
			},
			Unordered: true,
			Want:      sees + "*2" + gates + " DescribeLaunchTemplateVersions DisableImageDeprecation PutRetirement" + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("status", strings.HasPrefix(status(s, due),
					"in-use: Auto Scaling group workers pins version 1 of launch template fleet"), true)
				s.Same("image", is(s, due), "available")
			},
		},
		{
			Name: "it is shared",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				_, err := s.EC2.ModifyImageAttribute(s.Context(), &sdk.ModifyImageAttributeInput{ImageId: aws.String(due),
					LaunchPermission: &types.LaunchPermissionModifications{Add: []types.LaunchPermission{{UserId: aws.String("210987654321")}}}})
				s.Must(err)
			},
			Want: sees + "*2" + gates + " PutRetirement" + ": ok", Then: kept("in-use: shared with account 210987654321"),
		},
		{
			Name:  "a describe is refused",
			Given: func(s *steptest.Stage, _ *job.Batch) { s.Refuse("DescribeLaunchConfigurations", "AccessDenied", 1) },
			Want: sees + "*2 DescribeInstances DescribeLaunchTemplateVersions DescribeAutoScalingGroups " +
				"DescribeLaunchConfigurations PutRetirement: ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				kept("")(s, p)
				s.Same("told", strings.HasPrefix(status(s, "uses of images"),
					"stuck: nothing was retired, since it could not be found out what is in use"), true)
			},
		},
		{
			Name: "EC2 is busy",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeImageReferences", Code: "RequestLimitExceeded"})
			},
			Want: sees + "*2" + refs + "*6: Transient", Then: kept(""),
		},
		{
			Name: "it is protected when it is deregistered",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				deprecated(s, due, 72*time.Hour)
				s.Cloud.Inject(ec2.Fault{Action: "DeregisterImage", Code: "OperationNotPermitted",
					Message: "The image is protected."})
			},
			Want: sees + "*2" + gates + " PutRetirement DescribeSnapshots DeregisterImage PutRetirement" + ": ok",
			Then: func(s *steptest.Stage, _ job.Batch) {
				s.Same("image", is(s, due), "deprecated")
				s.Same("status", status(s, due),
					"stuck: no rule keeps it; deregistering it failed: OperationNotPermitted: The image is protected. The next run "+
						"tries again.")
			},
		},
		{
			Name: "its snapshots may not be deleted",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				deprecated(s, due, 72*time.Hour)
				s.Cloud.Inject(ec2.Fault{Action: "DeregisterImage", SnapshotReturn: "missing-permissions"})
			},
			Want: sees + "*2" + gates + " PutRetirement DescribeSnapshots DeregisterImage PutRetirement " +
				"ListImagesInRecycleBin PutRetirement Amend: ok | " +
				missed + " DescribeImageAttribute DescribeSnapshots DescribeImages ListImagesInRecycleBin" + launches + snaps +
				" DeleteSnapshot PutRetirement: ok | " + missed + " DescribeImageAttribute DescribeSnapshots Retire: ok | " +
				sees + ": ok",
			Between: func(s *steptest.Stage) {
				s.Same("image", is(s, due), "gone")
				s.Same("snapshots", snapshots(s) <= 2, true)
			},
			Then: func(s *steptest.Stage, _ job.Batch) { s.Same("snapshots", snapshots(s), 1) },
		},
	})
}
