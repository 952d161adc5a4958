package retire_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

func TestRetireLeavesNothing(t *testing.T) {
	var orphan string
	var due, fleet string
	steptest.Play(t, aged(&due), cases{
		{
			Name: "template versions that named it are pruned",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				fleet = template(s, "fleet", due, ec2.ImageX86, due, ec2.ImageX86)
				deprecated(s, due, 72*time.Hour)
			},
			Want: sees + "*2" + gates + " PutRetirement DescribeSnapshots DeregisterImage DescribeLaunchTemplates Targets " +
				"DescribeLaunchTemplateVersions DeleteLaunchTemplateVersions ListImagesInRecycleBin PutRetirement Retire: ok",
			Then: func(s *steptest.Stage, _ job.Batch) { s.Same("versions", versions(s, fleet), []int64{2, 4}) },
		},
		{
			Name: "a round that was cut off after the image went is ended",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				fleet = template(s, "fleet", due, ec2.ImageX86)
				deprecated(s, due, 72*time.Hour)
				s.Cloud.Inject(ec2.Fault{Action: "DescribeLaunchTemplates", Code: "RequestLimitExceeded",
					Until: time.Now().Add(time.Minute)})
			},
			Between: func(*steptest.Stage) { time.Sleep(2 * time.Minute) },
			Want: sees + "*2" + gates + " PutRetirement DescribeSnapshots DeregisterImage DescribeLaunchTemplates*6: " +
				"Transient | " +
				missed + " DescribeImageAttribute DescribeAutoScalingGroups DescribeFleets DescribeSpotFleetRequests" +
				" DescribeLaunchTemplates Targets DescribeLaunchTemplateVersions DeleteLaunchTemplateVersions" +
				" ListImagesInRecycleBin PutRetirement Amend DescribeImageAttribute DescribeSnapshots Retire: ok",
			Then: func(s *steptest.Stage, _ job.Batch) {
				s.Same("status", status(s, due), "retired: no rule keeps it")
				s.Same("versions", versions(s, fleet), []int64{2})
			},
		},
		{
			Name: "what lies in the Recycle Bin is said to be there",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				s.Cloud.SetRecycleBin(7 * 24 * time.Hour)
				deprecated(s, due, 72*time.Hour)
			},
			Want: sees + "*2" + gates + gone + ": ok",
			Then: func(s *steptest.Stage, _ job.Batch) {
				s.Same("status",
					strings.HasPrefix(status(s, due), "retired: no rule keeps it; it lies in the Recycle Bin until "), true)
			},
		},
		{
			Name: "snapshots of an image that was deregistered by hand are swept",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				_, err := s.EC2.DeregisterImage(s.Context(), &sdk.DeregisterImageInput{ImageId: aws.String(due)})
				s.Must(err)
				misses(s, due, 72*time.Hour)
			},
			Want: missed + " DescribeImageAttribute DescribeSnapshots DescribeImages ListImagesInRecycleBin" + launches +
				snaps + " DeleteSnapshot PutRetirement: ok",
			Then: func(s *steptest.Stage, _ job.Batch) { s.Same("snapshots", snapshots(s), 1) },
		},
		{
			Name: "unless something makes volumes of them: told, and left",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				out, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{ImageIds: []string{due}})
				s.Must(err)
				orphan = aws.ToString(out.Images[0].BlockDeviceMappings[0].Ebs.SnapshotId)
				_, err = s.EC2.DeregisterImage(s.Context(), &sdk.DeregisterImageInput{ImageId: aws.String(due)})
				s.Must(err)
				misses(s, due, 72*time.Hour)
				_, err = s.EC2.CreateLaunchTemplate(s.Context(), &sdk.CreateLaunchTemplateInput{
					LaunchTemplateName: aws.String("analytics"), LaunchTemplateData: &types.RequestLaunchTemplateData{
						ImageId: aws.String(ec2.ImageX86), InstanceType: types.InstanceTypeT3Micro,
						BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMappingRequest{{
							DeviceName: aws.String("/dev/sdf"), Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{SnapshotId: &orphan},
						}},
					},
				})
				s.Must(err)
			},
			Want: missed + " DescribeImageAttribute DescribeSnapshots DescribeImages ListImagesInRecycleBin" + launches +
				snaps + " PutRetirement: ok",
			Then: func(s *steptest.Stage, _ job.Batch) {
				s.Same("snapshots", snapshots(s), 2)
				s.Same("status",
					strings.HasPrefix(status(s, orphan), "in-use: snapshot "+orphan+": launch template analytics"), true)
			},
		},
		{
			Name: "or nobody can say what uses them",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				_, err := s.EC2.DeregisterImage(s.Context(), &sdk.DeregisterImageInput{ImageId: aws.String(due)})
				s.Must(err)
				misses(s, due, 72*time.Hour)
				s.Cloud.Inject(ec2.Fault{Action: "DescribeLockedSnapshots", Code: "UnauthorizedOperation"})
			},
			Want: missed + " DescribeImageAttribute DescribeSnapshots DescribeImages ListImagesInRecycleBin" + launches +
				" DescribeVolumes DescribeSnapshotAttribute DescribeFastSnapshotRestores DescribeLockedSnapshots PutRetirement: ok",
			Then: func(s *steptest.Stage, _ job.Batch) {
				s.Same("snapshots", snapshots(s), 2)
				s.Same("told",
					strings.HasPrefix(status(s, "snapshots without an image"), "stuck: looking what uses it failed"), true)
			},
		},
		{
			Name: "unless the image can be restored",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				s.Cloud.SetRecycleBin(7 * 24 * time.Hour)
				_, err := s.EC2.DeregisterImage(s.Context(), &sdk.DeregisterImageInput{ImageId: aws.String(due)})
				s.Must(err)
				misses(s, due, 72*time.Hour)
			},
			Want: missed + " DescribeImageAttribute DescribeSnapshots DescribeImages ListImagesInRecycleBin: ok",
			Then: func(s *steptest.Stage, _ job.Batch) { s.Same("snapshots", snapshots(s), 2) },
		},
		{
			Name: "images and snapshots over two pages",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				for n := range 1100 {
					old(s, 1, map[string]string{tag.Name: fmt.Sprintf("batch-%04d", n), tag.Source: fmt.Sprintf("i-%04d", n)})
				}
				last := map[string]string{tag.Name: "zebra", tag.Source: "i-zebra"}
				old(s, 1, last)
				due = old(s, 10, last)
			},
			Want: "Registrations DescribeImages*2 Claims Retirements Results*2" +
				refs[:len(refs)-len(" DescribeImageAttribute DescribeImageReferences")] +
				" DescribeImageAttribute*2 DescribeImageReferences" + strings.Replace(snaps, "Attribute", "Attribute*2", 1) +
				strings.Repeat(" PutRetirement EnableImageDeprecation", 2) + ": ok",
			Then: func(s *steptest.Stage, _ job.Batch) { s.Same("image", is(s, due), "deprecated") },
		},
		{
			Name: "a fleet is retired in rounds",
			Given: func(s *steptest.Stage, p *job.Batch) {
				for n := range 120 {
					source := map[string]string{tag.Name: fmt.Sprintf("batch-%03d", n), tag.Source: fmt.Sprintf("i-%03d", n)}
					old(s, 1, source)
					old(s, 2, source)
				}
			},
			Unordered: true,
			Want: "Registrations DescribeImages Claims Retirements Results*3 DescribeInstances " +
				"DescribeLaunchTemplateVersions DescribeAutoScalingGroups DescribeLaunchConfigurations DescribeFleets " +
				"DescribeSpotFleetRequests DescribeSpotInstanceRequests GetParametersByPath DescribeImageAttribute*100 " +
				"DescribeImageReferences*10 DescribeVolumes DescribeSnapshotAttribute*100 DescribeFastSnapshotRestores " +
				"DescribeLockedSnapshots DescribeSnapshotTierStatus PutRetirement*100 EnableImageDeprecation*100 ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("round", p.Retire, job.Retire{Cursor: "batch-099\ni-099", More: true})
			},
		},
		{
			Name: "and the next round goes on behind the last history of the one before",
			Given: func(s *steptest.Stage, p *job.Batch) {
				for n := range 3 {
					source := map[string]string{tag.Name: fmt.Sprintf("batch-%03d", n), tag.Source: fmt.Sprintf("i-%03d", n)}
					old(s, 1, source)
					old(s, 2, source)
				}
				p.Retire = job.Retire{Cursor: "batch-001\ni-001", More: true}
			},
			Want: sees + "*3" + gates[:len(refs)-len(" DescribeImageReferences")] + "*2 DescribeImageReferences" +
				strings.Replace(snaps, "Attribute", "Attribute*2", 1) +
				strings.Repeat(" PutRetirement EnableImageDeprecation", 2) + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("due", is(s, due), "deprecated")
				s.Same("round", p.Retire, job.Retire{Cursor: "web\n" + s.Web})
			},
		},
	})
}
