package night_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
)

// Answers that are lost on the way: the call has had its effect.
func TestEveryAnswerLostOnce(t *testing.T) {
	for _, action := range []string{"StopInstances", "CreateImage", "StartInstances", "CreateTags",
		"CreateLaunchTemplateVersion", "ModifyLaunchTemplate"} {
		t.Run(action, func(t *testing.T) {
			amongOthers(t, func(n *night, _, _ string) {
				n.EC2.Inject(ec2.Fault{Action: action, Nth: []int{1}, Drop: true})
			}, func(n *night, r sfn.Execution, web string) {
				n.wasImaged(r, web)
				n.want("its image is rolled", aws.ToString(n.defaults()[0].LaunchTemplateData.ImageId), n.results(r)[web].Image.ID)
				n.want("version", *n.defaults()[0].VersionNumber, 2)
				n.want("FAILED", strings.Contains(n.said(), "FAILED"), false)
			})
		})
	}
}
