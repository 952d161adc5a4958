package rollback_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/functions/rollback"
	"goldsmith/local/ec2"
	"goldsmith/test/steptest"
)

// What may not be read is not taken for something that launches another image: who may launch what is undone by it is
// told, and the template is back all the same.
func TestWhatMayNotBeReadIsTold(t *testing.T) {
	says := func(words string) func(*steptest.Stage, rollback.Answer) {
		return func(s *steptest.Stage, a rollback.Answer) {
			s.Helper()
			s.Same("problem", a.Targets[0].Problem, "")
			if note := a.Targets[0].Note; !strings.Contains(note, words) {
				s.Errorf("the note is %q, want %q", note, words)
			}
		}
	}
	const refused = " could not be read (AccessDenied: An injected fault): what is launched from there by group "
	for name, c := range map[string]struct {
		given func(s *steptest.Stage)
		says  string
	}{
		"a parameter": {func(s *steptest.Stage) {
			follows(s, "/golden/mine")
			s.Refuse("GetParameter", "AccessDenied", 1)
		}, "parameter /golden/mine" + refused + "mine is not known"},
		"a parameter that has another image": {func(s *steptest.Stage) { follows(s, "/golden/mine") }, ""},
		"launch configurations": {func(s *steptest.Stage) {
			configured(s, ec2.ImageWindows)
			s.Refuse("DescribeLaunchConfigurations", "AccessDenied", 1)
		}, "launch configurations" + refused + "old is not known"},
		"a launch configuration that is read": {func(s *steptest.Stage) { configured(s, ec2.ImageWindows) },
			"group old launches what is undone from launch configuration base"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				handle, in := fleet(s)
				c.given(s)
				answer, err := handle(s.Context(), in)
				s.Must(err)
				says(c.says)(s, answer)
			})
		})
	}
}

// follows makes a group that launches from a parameter.
func follows(s *steptest.Stage, parameter string) {
	s.Helper()
	_, err := s.SSM.PutParameter(s.Context(), &ssm.PutParameterInput{
		Name: aws.String(parameter), Value: aws.String(ec2.ImageX86), Type: ssmtypes.ParameterTypeString,
		DataType: aws.String("aws:ec2:image"),
	})
	s.Must(err)
	time.Sleep(time.Minute)
	made, err := s.EC2.CreateLaunchTemplate(s.Context(), &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("mine"),
		LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: aws.String("resolve:ssm:" + parameter),
			InstanceType: ec2types.InstanceTypeT3Micro},
	})
	s.Must(err)
	idle(s, "mine", func(in *autoscaling.CreateAutoScalingGroupInput) {
		in.LaunchTemplate = version(made.LaunchTemplate.LaunchTemplateId, "1")
	})
}

// configured makes a group that launches an image from a launch configuration.
func configured(s *steptest.Stage, image string) {
	s.Helper()
	_, err := s.AutoScaling.CreateLaunchConfiguration(s.Context(), &autoscaling.CreateLaunchConfigurationInput{
		LaunchConfigurationName: aws.String("base"), ImageId: aws.String(image), InstanceType: aws.String("t3.micro"),
	})
	s.Must(err)
	idle(s, "old", func(in *autoscaling.CreateAutoScalingGroupInput) { in.LaunchConfigurationName = aws.String("base") })
}

// idle makes a group without members.
func idle(s *steptest.Stage, name string, edit func(*autoscaling.CreateAutoScalingGroupInput)) {
	s.Helper()
	in := &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(name), MinSize: aws.Int32(0), MaxSize: aws.Int32(1),
		AvailabilityZones: []string{steptest.Region + "a"},
	}
	edit(in)
	_, err := s.AutoScaling.CreateAutoScalingGroup(s.Context(), in)
	s.Must(err)
}

// More images than the filters of one request take are looked for by several.
func TestMoreImagesThanARequestTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		_, _ = fleet(s)
		undone := rollback.Undo{Target: aws.ToString(group(s).template), Title: "base", Name: "web", Image: ec2.ImageWindows}
		for i := range 420 {
			undone.Images = append(undone.Images, fmt.Sprintf("ami-%017x", i))
		}
		undone.Images = append(undone.Images, ec2.ImageX86) // The members run it.
		of := rollback.Fleet{Groups: s.AutoScaling, Members: s.EC2, Parameters: s.SSM, Ledger: s.Ledger}
		done, err := of.Round().RollBack(s.Context(), undone)
		s.Must(err)
		s.Same("left", strings.Join(done.Left, "; "), "group fleet launches version 1 and runs it in 4 members: "+
			"goldsmith rollback --name web --refresh moves it")
	})
}
