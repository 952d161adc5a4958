package autoscaling_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	ec2sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

// activities are the group's, newest first.
func (s *scene) activities(group string) []types.Activity {
	s.t.Helper()
	out, err := s.DescribeScalingActivities(s.t.Context(),
		&sdk.DescribeScalingActivitiesInput{AutoScalingGroupName: aws.String(group)})
	s.must(err)
	return out.Activities
}

// small adds a version whose root volume is smaller than the image's, and makes it the default.
func (s *scene) small(template string, size int32) {
	s.t.Helper()
	v, err := s.ec2.CreateLaunchTemplateVersion(s.t.Context(), &ec2sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateName: aws.String(template), SourceVersion: aws.String("1"),
		LaunchTemplateData: &ec2types.RequestLaunchTemplateData{BlockDeviceMappings: []ec2types.LaunchTemplateBlockDeviceMappingRequest{
			{DeviceName: aws.String("/dev/xvda"),
				Ebs: &ec2types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(size)}},
		}},
	})
	s.must(err)
	_, err = s.ec2.ModifyLaunchTemplate(s.t.Context(), &ec2sdk.ModifyLaunchTemplateInput{
		LaunchTemplateName: aws.String(template),
		DefaultVersion:     aws.String(strconv.FormatInt(aws.ToInt64(v.LaunchTemplateVersion.VersionNumber), 10)),
	})
	s.must(err)
}

func TestAGroupThatCannotLaunchStaysShortAndSaysWhy(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		template := s.template("web", ec2.ImageX86)
		template.Version = aws.String("$Default")
		s.group("web", 1, func(in *sdk.CreateAutoScalingGroupInput) { in.LaunchTemplate = template })
		first := s.activities("web")
		if len(first) != 1 || first[0].StatusCode != types.ScalingActivityStatusCodeSuccessful ||
			aws.ToString(first[0].Description) != "Launching a new EC2 instance: "+s.ids()[0] {
			t.Fatalf("%+v", first)
		}
		s.small("web", 4)
		_, err := s.UpdateAutoScalingGroup(t.Context(),
			&sdk.UpdateAutoScalingGroupInput{AutoScalingGroupName: aws.String("web"), DesiredCapacity: aws.Int32(2)})
		s.must(err)
		time.Sleep(2 * time.Minute)
		s.want("1 InService Healthy")
		failed := s.activities("web")
		if len(failed) < 3 {
			t.Fatalf("only %d activities: it does not try again", len(failed))
		}
		const why = "Volume of size 4GB is smaller than snapshot 'snap-00000000000000086', expect size >= 8GB. Launching " +
			"EC2 instance failed."
		a := failed[0]
		if a.StatusCode != types.ScalingActivityStatusCodeFailed || aws.ToString(a.StatusMessage) != why ||
			aws.ToString(a.Description) != "Launching a new EC2 instance.  Status Reason: "+why || a.EndTime == nil {
			t.Errorf("%+v", a)
		}
		s.small("web", 8)
		time.Sleep(2 * time.Minute)
		s.want("2 InService Healthy")
	})
}

func TestATemplateThatEC2RefusesMakesNoGroup(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		template := s.template("web", ec2.ImageX86)
		s.small("web", 4)
		template.Version = aws.String("$Latest")
		in := &sdk.CreateAutoScalingGroupInput{
			AutoScalingGroupName: aws.String("web"), MinSize: aws.Int32(0), MaxSize: aws.Int32(1),
			AvailabilityZones: []string{zone}, LaunchTemplate: template,
		}
		_, err := s.CreateAutoScalingGroup(t.Context(), in)
		const why = "You must use a valid fully-formed launch template. Volume of size 4GB is smaller than snapshot " +
			"'snap-00000000000000086', expect size >= 8GB"
		s.refused(err, "ValidationError", why)
		template.Version = aws.String("1")
		_, err = s.CreateAutoScalingGroup(t.Context(), in)
		s.must(err)
		template.Version = aws.String("2")
		_, err = s.UpdateAutoScalingGroup(t.Context(),
			&sdk.UpdateAutoScalingGroupInput{AutoScalingGroupName: aws.String("web"), LaunchTemplate: template})
		s.refused(err, "ValidationError", why)
	})
}

func TestRequirementsStandForTypes(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		template := s.template("web", ec2.ImageARM)
		s.group("web", 1, func(in *sdk.CreateAutoScalingGroupInput) {
			in.MixedInstancesPolicy = &types.MixedInstancesPolicy{LaunchTemplate: &types.LaunchTemplate{
				LaunchTemplateSpecification: template,
				Overrides: []types.LaunchTemplateOverrides{{InstanceRequirements: &types.InstanceRequirements{
					VCpuCount: &types.VCpuCountRequest{Min: aws.Int32(4)}, MemoryMiB: &types.MemoryMiBRequest{Min: aws.Int32(16384)},
					AllowedInstanceTypes: []string{"m6g.*", "c6g.*"},
				}}},
			}}
		})
		if typ := aws.ToString(s.describe("web").Instances[0].InstanceType); typ != "m6g.xlarge" {
			t.Errorf("launched a %s", typ)
		}
	})
}

func TestAGroupPutsATemplatesInterfaceIntoItsSubnet(t *testing.T) {
	play(t, func(t *testing.T, s *scene) {
		template := s.template("web", ec2.ImageX86)
		_, err := s.ec2.CreateLaunchTemplateVersion(t.Context(), &ec2sdk.CreateLaunchTemplateVersionInput{
			LaunchTemplateName: aws.String("web"), SourceVersion: aws.String("1"),
			LaunchTemplateData: &ec2types.RequestLaunchTemplateData{NetworkInterfaces: []ec2types.LaunchTemplateInstanceNetworkInterfaceSpecificationRequest{
				{DeviceIndex: aws.Int32(0), AssociatePublicIpAddress: aws.Bool(false)},
			}},
		})
		s.must(err)
		template.Version = aws.String("2")
		subnet := ec2.DefaultSubnet("eu-west-1", "123456789012")
		s.group("web", 1, func(in *sdk.CreateAutoScalingGroupInput) {
			in.LaunchTemplate, in.AvailabilityZones, in.VPCZoneIdentifier = template, nil, aws.String(subnet)
		})
		out, err := s.ec2.DescribeInstances(t.Context(), &ec2sdk.DescribeInstancesInput{InstanceIds: s.ids()})
		s.must(err)
		if i := out.Reservations[0].Instances[0]; aws.ToString(i.SubnetId) != subnet || i.PublicIpAddress != nil {
			t.Errorf("in %s with %s", aws.ToString(i.SubnetId), aws.ToString(i.PublicIpAddress))
		}
	})
}
