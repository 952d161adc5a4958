package command

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"

	"goldsmith/shared/planfile"
	"goldsmith/shared/tag"
)

// TestInitPassesCheck holds that whatever tags say, the file that is begun is one that check takes.
func TestInitPassesCheck(t *testing.T) {
	text := rapid.OneOf(
		rapid.SampledFrom([]string{"yes", "null", "1", "-", "a-b", "now", "sweep", "no", "default", "plans", "on-demand",
			"prod", "true", "0x1f"}),
		rapid.StringN(0, 40, 120))
	rapid.Check(t, func(r *rapid.T) {
		var all []types.Instance
		for range rapid.IntRange(0, 5).Draw(r, "instances") {
			all = append(all, types.Instance{InstanceId: aws.String("i-0123456789abcdef0"), Tags: tag.List(map[string]string{
				"Name": text.Draw(r, "name"), "Environment": text.Draw(r, "environment"),
				tag.Group: text.Draw(r, "group"), tag.Plan: rapid.OneOf(rapid.Just(""), text).Draw(r, "plan"),
			})})
		}
		if _, err := planfile.Parse("plans.yaml", []byte(proposed(all, "eu-central-1")), time.Now()); err != nil {
			r.Fatal(err)
		}
	})
}
