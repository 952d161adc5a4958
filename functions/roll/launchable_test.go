package roll_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/test/steptest"
)

// An image that is available no more is rolled nowhere.
func TestAnImageThatCannotBeLaunched(t *testing.T) {
	untouched := func(s *steptest.Stage, _ job.Job) {
		s.Same("versions", len(versions(s, "fleet")), 1)
		s.Same("image", aws.ToString(versions(s, "fleet")[0].LaunchTemplateData.ImageId), before)
	}
	answers := func(code string) func(*steptest.Stage, *job.Job) {
		return func(s *steptest.Stage, _ *job.Job) {
			s.Cloud.Inject(ec2.Fault{Action: "DescribeImages", Code: code})
		}
	}
	steptest.Play(t, subscribed, cases{
		{
			Name:  "deregistered by somebody",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Image.ID = "ami-0cccccccccccccccc" },
			Want:  "DescribeImages: Failed",
			Says:  []string{"image ami-0cccccccccccccccc of web (i-", "is not there any more", "nothing was pointed at it"},
			Then:  untouched,
		},
		{
			Name: "not known any more", Given: answers("InvalidAMIID.Unavailable"),
			Want: "DescribeImages: Failed", Says: []string{"is not there any more"}, Then: untouched,
		},
		{
			Name: "pending again: asked later", Given: func(s *steptest.Stage, j *job.Job) { j.Image.ID = pendingImage(s) },
			Want: "DescribeImages: NotYet", Says: []string{"is pending again"}, Then: untouched,
		},
		{
			Name: "EC2 is busy", Given: answers("RequestLimitExceeded"),
			Want: "DescribeImages*6: Transient", Then: untouched,
		},
		{
			Name: "EC2 does not say", Given: answers("UnauthorizedOperation"),
			Want: "DescribeImages: Failed", Says: []string{"looking at image " + newest}, Then: untouched,
		},
	})
}

// pendingImage asks for an image and does not wait for it.
func pendingImage(s *steptest.Stage) string {
	s.Helper()
	out, err := s.EC2.CreateImage(s.Context(),
		&sdk.CreateImageInput{InstanceId: aws.String(s.Web), Name: aws.String("another"), NoReboot: aws.Bool(true)})
	s.Must(err)
	return aws.ToString(out.ImageId)
}
