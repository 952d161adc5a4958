package refresh_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/test/steptest"
)

const golden = "/golden/web"

// holding makes the parameter hold an image, of data type text, which is not checked.
func holding(s *steptest.Stage, image string) {
	s.Helper()
	_, err := s.SSM.PutParameter(s.Context(), &ssm.PutParameterInput{
		Name: aws.String(golden), Value: aws.String(image), Type: ssmtypes.ParameterTypeString, Overwrite: aws.Bool(true),
	})
	s.Must(err)
}

// aliased is a group whose template takes its image from a parameter that reads the old value, though it was written.
func aliased(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
	step, j := scene(s)
	holding(s, before)
	made, err := s.EC2.CreateLaunchTemplate(s.Context(), &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("aliased"),
		LaunchTemplateData: &ec2types.RequestLaunchTemplateData{
			ImageId: aws.String("resolve:ssm:" + golden), InstanceType: ec2types.InstanceTypeT3Micro,
		},
	})
	s.Must(err)
	id := aws.ToString(made.LaunchTemplate.LaunchTemplateId)
	group(s, "aliased", id, "$Default")
	j.Rolled = []job.Rolled{{Target: golden, Parameter: true, From: before, To: newest, Version: 2, Through: []string{id}}}
	j.Times.Released = time.Now().UTC()
	return step, j
}

// A refresh of a group that launches from an alias begins only when the alias reads as it was written.
func TestRefreshFromAnAlias(t *testing.T) {
	const looks = finds + reads + " GetParameters"
	steptest.Play(t, aliased, cases{
		{
			Name: "it reads as it was written", Given: func(s *steptest.Stage, _ *job.Job) { holding(s, newest) },
			Want: looks + " StartInstanceRefresh" + writes,
		},
		{
			Name: "it reads the old image: asked again, and refreshed once it does not",
			Want: looks + ": NotYet | " + looks + " StartInstanceRefresh" + writes, Says: nil,
			Between: func(s *steptest.Stage) { holding(s, newest) },
		},
		{
			Name:  "it reads something else for long: told, and nothing is refreshed",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Times.Released = time.Now().Add(-11 * time.Minute) },
			Want:  looks + writes,
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("problem", j.Refreshes[0].Problem, "Its image comes from parameter "+golden+", which holds "+before+
					" and not "+newest+" as it was written.")
			},
		},
		{
			Name: "it is gone: asked again, then told",
			Given: func(s *steptest.Stage, _ *job.Job) {
				_, err := s.SSM.DeleteParameter(s.Context(), &ssm.DeleteParameterInput{Name: aws.String(golden)})
				s.Must(err)
			},
			Want:    looks + ": NotYet | " + looks + writes,
			Between: func(*steptest.Stage) { time.Sleep(11 * time.Minute) },
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("problem", j.Refreshes[0].Problem, "Its image comes from parameter "+golden+", which holds nothing and not "+
					newest+" as it was written.")
			},
		},
		{
			Name:  "it may not be read: told",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Refuse("GetParameters", "AccessDeniedException", 1) },
			Want:  looks + writes,
		},
	})
}
