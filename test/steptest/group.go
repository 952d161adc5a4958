package steptest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

// Group makes an Auto Scaling group of that many members, and a launch template of its name. It gives the members'
// ids once they are in service.
func (s *Stage) Group(name string, size int32) (ids []string) {
	s.Helper()
	_, err := s.EC2.CreateLaunchTemplate(s.Context(), &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("group-" + name),
		LaunchTemplateData: &types.RequestLaunchTemplateData{
			ImageId: aws.String(ec2.ImageX86), InstanceType: types.InstanceTypeT3Micro,
		},
	})
	s.Must(err)
	return s.group(name, size)
}

// GroupAgain deletes a group that Group made, and makes another one of its name.
func (s *Stage) GroupAgain(name string, size int32) (ids []string) {
	s.Helper()
	_, err := s.AutoScaling.DeleteAutoScalingGroup(s.Context(), &autoscaling.DeleteAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(name), ForceDelete: aws.Bool(true),
	})
	s.Must(err)
	time.Sleep(30 * time.Minute)
	return s.group(name, size)
}

func (s *Stage) group(name string, size int32) (ids []string) {
	s.Helper()
	_, err := s.AutoScaling.CreateAutoScalingGroup(s.Context(), &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(name), MinSize: aws.Int32(0), MaxSize: aws.Int32(200),
		DesiredCapacity: aws.Int32(size), AvailabilityZones: []string{Region + "a"},
		LaunchTemplate: &scaling.LaunchTemplateSpecification{
			LaunchTemplateName: aws.String("group-" + name), Version: aws.String("1"),
		},
	})
	s.Must(err)
	time.Sleep(30 * time.Minute)
	pages := autoscaling.NewDescribeAutoScalingInstancesPaginator(s.AutoScaling,
		&autoscaling.DescribeAutoScalingInstancesInput{})
	for pages.HasMorePages() {
		out, err := pages.NextPage(s.Context())
		s.Must(err)
		for _, i := range out.AutoScalingInstances {
			if aws.ToString(i.AutoScalingGroupName) == name {
				ids = append(ids, aws.ToString(i.InstanceId))
			}
		}
	}
	return ids
}
