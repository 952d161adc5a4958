package ec2_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

// TestADryRunReadsTheRequestFirst holds that a dry run names what does not exist, says
// DryRunOperation of the rest, and changes nothing (API reference, "Common query parameters":
// the error is DryRunOperation if the caller has the permissions).
func TestADryRunReadsTheRequestFirst(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		up, dry := r.running(), aws.Bool(true)
		image := r.world.SeedImage("made", time.Now(), nil)
		start := func(ids ...string) error {
			_, err := r.StartInstances(t.Context(), &sdk.StartInstancesInput{InstanceIds: ids, DryRun: dry})
			return err
		}
		r.wantCode("DryRunOperation", start(up))
		r.wantCode("InvalidInstanceID.NotFound", start(up, "i-00000000000000000"))
		r.wantCode("InvalidInstanceID.Malformed", start(up, "web"))
		_, err := r.StopInstances(t.Context(), &sdk.StopInstancesInput{InstanceIds: []string{up}, DryRun: dry})
		r.wantCode("DryRunOperation", err)
		_, err = r.TerminateInstances(t.Context(), &sdk.TerminateInstancesInput{InstanceIds: []string{up}, DryRun: dry})
		r.wantCode("DryRunOperation", err)
		_, err = r.CreateImage(t.Context(), &sdk.CreateImageInput{InstanceId: &up, Name: aws.String("made"), DryRun: dry})
		r.wantCode("InvalidAMIName.Duplicate", err)
		_, err = r.CreateImage(t.Context(), &sdk.CreateImageInput{InstanceId: &up, Name: aws.String("new"), DryRun: dry})
		r.wantCode("DryRunOperation", err)
		_, err = r.DeregisterImage(t.Context(), &sdk.DeregisterImageInput{ImageId: &image, DryRun: dry})
		r.wantCode("DryRunOperation", err)
		_, err = r.CreateTags(t.Context(),
			&sdk.CreateTagsInput{Resources: []string{up}, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
				DryRun: dry})
		r.wantCode("DryRunOperation", err)
		_, err = r.DescribeInstances(t.Context(),
			&sdk.DescribeInstancesInput{InstanceIds: []string{"i-00000000000000000"}, DryRun: dry})
		r.wantCode("InvalidInstanceID.NotFound", err)
		_, err = r.DescribeImages(t.Context(), &sdk.DescribeImagesInput{DryRun: dry})
		r.wantCode("DryRunOperation", err)
		r.settle()
		if r.world.State(up) != ec2.Running || len(r.world.Tags(up)) != 0 || r.image(image).ImageId == nil {
			t.Error("a dry run had an effect")
		}
	})
}
