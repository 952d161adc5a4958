package roll_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/test/steptest"
)

// EC2 makes a version that it would not launch, and warns: it is not made the default, and $Latest launches what it
// did.
func TestAVersionThatEC2WarnsOfIsNotRolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		s.Cloud.AddImage(before)
		template(s, "fleet", "web", before, func(d *types.RequestLaunchTemplateData) {
			d.InstanceType = types.InstanceTypeT3Micro
			d.InstanceRequirements = &types.InstanceRequirementsRequest{
				VCpuCount: &types.VCpuCountRangeRequest{Min: aws.Int32(1)},
				MemoryMiB: &types.MemoryMiBRequest{Min: aws.Int32(1)},
			}
		})
		step, j := first(s)
		done, err := step(s.Context(), j)
		s.Must(err)
		got := find(done, "fleet")
		for _, words := range []string{"EC2 warns of version 2", "ValidationError: ", "Correct that in launch template lt-"} {
			if !strings.Contains(got.Problem, words) {
				t.Errorf("%q does not say %q", got.Problem, words)
			}
		}
		all := versions(s, "fleet")
		for _, v := range all {
			s.Same("default", aws.ToBool(v.DefaultVersion), aws.ToInt64(v.VersionNumber) == 1)
		}
		s.Same("latest", aws.ToString(all[0].LaunchTemplateData.ImageId), before)
	})
}
