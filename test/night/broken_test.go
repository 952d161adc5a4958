package night_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/ec2"
	"goldsmith/local/states"
	"goldsmith/shared/job"
)

func TestAnInstanceTerminatedInTheMiddle(t *testing.T) {
	for _, step := range []string{"stop", "watch:stopped", "image", "watch:snapshotted", "start", "watch:running", "watch:available", "roll", "release"} {
		t.Run(step, func(t *testing.T) {
			amongOthers(t, func(n *night, web, _ string) {
				n.at(step, web, func(work) {
					_, err := n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{web}})
					n.ok(err)
				})
			}, func(n *night, r states.Execution, web string) {
				result := n.results(r)[web]
				late := step == "watch:available" || step == "roll" || step == "release"
				if late && result.Ending == job.Imaged {
					return
				}
				n.want("ending", result.Ending, job.Broken)
				n.saysOf(r, "PARTIAL", web)
			})
		})
	}
}

// Answers that are lost on the way: the call has had its effect.
func TestEveryAnswerLostOnce(t *testing.T) {
	for _, action := range []string{"StopInstances", "CreateImage", "StartInstances", "CreateTags", "CreateLaunchTemplateVersion", "ModifyLaunchTemplate"} {
		t.Run(action, func(t *testing.T) {
			amongOthers(t, func(n *night, _, _ string) {
				n.EC2.Inject(ec2.Fault{Action: action, Nth: []int{1}, Drop: true})
			}, func(n *night, r states.Execution, web string) {
				n.wasImaged(r, web)
				n.want("its image is rolled", aws.ToString(n.defaults()[0].LaunchTemplateData.ImageId), n.results(r)[web].Image.ID)
				n.want("version", *n.defaults()[0].VersionNumber, 2)
				n.want("FAILED", strings.Contains(n.said(), "FAILED"), false)
			})
		})
	}
}
