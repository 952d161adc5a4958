package command_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/cmd/goldsmith/command"
)

// What would be refreshed, what that would wait for, and which volumes would be deleted with their instances.
func TestPlanGroups(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plans.yaml")
	text := "default: nightly\nplans:\n  nightly:\n    roll:\n      refresh:\n        enabled: true\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	play(t, func(s *scene) {
		s.launch("web", func(in *sdk.RunInstancesInput) {
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{
				DeviceName: aws.String("/dev/sdf"),
				Ebs:        &types.EbsBlockDevice{VolumeSize: aws.Int32(8), DeleteOnTermination: aws.Bool(false)},
			}}
		})
		s.template("base", "t3.micro")
		scaling := autoscaling.NewFromConfig(s.suite.AWS())
		for _, g := range []struct {
			name, version string
			protected     bool
			tags          []scalingtypes.Tag
		}{
			{name: "guarded", version: "$Default", protected: true},
			{name: "nodes", version: "1", tags: []scalingtypes.Tag{{Key: aws.String("eks:nodegroup-name"),
				Value: aws.String("blue")}}},
			{name: "plain", version: "1"},
		} {
			_, err := scaling.CreateAutoScalingGroup(s.Context(), &autoscaling.CreateAutoScalingGroupInput{
				AutoScalingGroupName: aws.String(g.name), MinSize: aws.Int32(1), MaxSize: aws.Int32(2),
				AvailabilityZones: []string{"eu-central-1a"},
				LaunchTemplate: &scalingtypes.LaunchTemplateSpecification{LaunchTemplateName: aws.String("base"),
					Version: aws.String(g.version)},
				NewInstancesProtectedFromScaleIn: aws.Bool(g.protected), Tags: g.tags,
			})
			s.must(err)
		}
		time.Sleep(time.Minute)
		s.golden("plan-groups", s.types("plan", "--plans", path), command.OK)
	})
}
