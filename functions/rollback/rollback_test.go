package rollback_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/functions/rollback"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

const alias = "/goldsmith/images/web"

// scene is an alias that was rolled from one public image to another.
func scene(s *steptest.Stage) (handler.Func[json.RawMessage, rollback.Answer], json.RawMessage) {
	for _, image := range []string{ec2.ImageX86, ec2.ImageWindows} {
		_, err := s.SSM.PutParameter(s.Context(), &ssm.PutParameterInput{
			Name: aws.String(alias), Value: aws.String(image), Type: ssmtypes.ParameterTypeString,
			DataType: aws.String("aws:ec2:image"), Overwrite: aws.Bool(true),
		})
		s.Must(err)
		time.Sleep(time.Minute)
	}
	_, err := s.Ledger.Kept.PutTarget(s.Context(), ledger.TargetRecord{Source: "web", ID: alias, Points: []ledger.Point{
		{Image: ec2.ImageWindows, Version: 2, Run: "tuesday"}, {Image: ec2.ImageX86, Version: 1, Run: "monday"},
	}})
	s.Must(err)
	return rollback.Step{
		EC2: s.EC2, AutoScaling: s.AutoScaling, SSM: s.SSM, Ledger: s.Ledger, People: s.People(),
		Refreshes: rollback.Fleet{Groups: s.AutoScaling, Members: s.EC2, Ledger: s.Ledger}, Now: time.Now,
	}.Handle, ask(`"name":"web","by":"ada"`)
}

func ask(rest string) json.RawMessage {
	return json.RawMessage(`{"goldsmith":"rollback","version":"1",` + rest + `}`)
}

func asks(rest string) func(*steptest.Stage, *json.RawMessage) {
	return func(_ *steptest.Stage, in *json.RawMessage) { *in = ask(rest) }
}

const (
	looks  = "Targets Owner Targets GetParameter DescribeImages"
	groups = " DescribeAutoScalingGroups DescribeFleets DescribeSpotFleetRequests DescribeLaunchTemplateVersions " +
		"DescribeInstances"
	writes = " PutTarget DescribeImages DescribeLaunchTemplateVersions DescribeAutoScalingGroups DescribeFleets " +
		"DescribeSpotFleetRequests PutParameter PutTarget"
)

func TestRollback(t *testing.T) {
	steptest.Play(t, scene, []steptest.Case[json.RawMessage, rollback.Answer]{
		{
			Name: "to the image before, once, however often it is asked for",
			Want: looks + writes + groups + " GetSecretValue PutTarget: ok | Targets Owner Targets GetParameter" +
				groups + ": ok",
			Between: func(*steptest.Stage) { time.Sleep(time.Minute) },
			Then: func(s *steptest.Stage, a rollback.Answer) {
				value, _ := s.Parameters.Value(alias)
				s.Same("value", value, ec2.ImageX86)
				s.Same("there", a.Targets[0].There, true)
			},
		},
		{
			Name: "a rehearsal changes nothing", Given: asks(`"name":"web","dry":true`), Want: looks + ": ok",
			Then: func(s *steptest.Stage, a rollback.Answer) {
				s.Same("answer", []string{a.Targets[0].From, a.Targets[0].To}, []string{ec2.ImageWindows, ec2.ImageX86})
			},
		},
		{
			Name: "an image that there is not", Given: asks(`"name":"web","to":"ami-0123456789abcdef0"`), Want: looks +
				": Failed",
			Says: []string{"to: image ami-0123456789abcdef0 is gone", "Nothing was changed", "known are " + ec2.ImageX86},
		},
		{
			Name: "an image of something else", Given: asks(`"name":"web","to":"` + ec2.ImageARM + `"`), Want: looks +
				": Failed",
			Says: []string{"is no image of web"},
		},
		{Name: "a version nobody had", Given: asks(`"name":"web","to":"9"`), Want: "Targets Owner Targets: Failed",
			Says: []string{"to: no template is known to have had an image in version 9"}},
		{Name: "a name that nothing has", Given: asks(`"name":"wbe"`), Want: "Targets Owner Targets: Failed",
			Says: []string{`name: nothing was ever rolled for "wbe"`}},
		{Name: "no name", Given: asks(`"by":"ada"`), Want: ": Failed", Says: []string{"name: missing"}},
		{
			Name: "a run is rolling it", Want: "Targets Owner Targets: NotYet", Says: []string{"try again in two minutes"},
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				for target, err := range s.Ledger.Kept.Targets(s.Context(), "web") {
					s.Must(err)
					target.Begun = &ledger.Change{To: ledger.Point{Image: "ami-1", Run: "wednesday", At: time.Now()}}
					_, err = s.Ledger.Kept.PutTarget(s.Context(), target)
					s.Must(err)
				}
			},
		},
		{
			Name: "the function may not write it: told of that target", Want: looks + writes + groups + ": ok",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Refuse("PutParameter", "AccessDeniedException", 1) },
			Then:  func(s *steptest.Stage, a rollback.Answer) { s.Same("problem", a.Targets[0].Problem != "", true) },
		},
	})
}
