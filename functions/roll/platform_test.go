package roll_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/test/steptest"
)

// What launches Windows is not made to launch Linux, or the other way round, also by the first roll: whether it names
// the image, or takes it from a parameter.
func TestRollOfAnotherPlatform(t *testing.T) {
	const no = "its image %s is one of %s, and the new one is of %s"
	for name, c := range map[string]struct {
		of, had, problem string
	}{
		"Linux into Linux":     {ec2.ImageX86, ec2.ImageX86, ""},
		"Windows into Windows": {ec2.ImageWindows, ec2.ImageWindows, ""},
		"Linux into Windows": {ec2.ImageX86, ec2.ImageWindows,
			fmt.Sprintf(no, ec2.ImageWindows, "Windows", "Linux or UNIX")},
		"Windows into Linux": {ec2.ImageWindows, ec2.ImageX86,
			fmt.Sprintf(no, ec2.ImageX86, "Linux or UNIX", "Windows")},
		"into what is gone": {ec2.ImageX86, "ami-0123456789abcdef0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				template(s, "fleet", "web", c.had)
				step, j := first(s)
				j.Image.ID = copied(s, c.of)
				registered(s, j, shown(s, j.Image.ID))
				put(s, listed, c.had)
				template(s, "aliased", "web", "resolve:ssm:"+listed)
				done, err := step(s.Context(), j)
				s.Must(err)
				s.Same("the template", find(done, "fleet").Problem, c.problem)
				through := ""
				if c.problem != "" {
					through = "launch template aliased takes its image from it: " + c.problem
				}
				s.Same("the parameter", find(done, listed).Problem, through)
				s.Same("the alias", find(done, alias).Problem, "")
			})
		})
	}
}

// copied is a copy of an image.
func copied(s *steptest.Stage, id string) string {
	s.Helper()
	out, err := s.EC2.CopyImage(s.Context(), &sdk.CopyImageInput{
		Name: aws.String("copy"), SourceImageId: aws.String(id), SourceRegion: aws.String("eu-central-1"),
	})
	s.Must(err)
	time.Sleep(time.Hour)
	return aws.ToString(out.ImageId)
}

// Of which kind the images of many templates are is asked by one call, and of what a roll of the same source put there
// not again.
func TestRollAsksOnceOfWhichKindImagesAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		for n := range 30 {
			id := fmt.Sprintf("ami-0cccccccccccccc%02d", n)
			s.Cloud.AddImage(id)
			template(s, fmt.Sprint("fleet-", n), "web", id)
		}
		template(s, "windows", "web", ec2.ImageWindows)
		step, j := first(s)
		asked := func() int {
			was := len(s.Sent("DescribeImages"))
			done, err := step(s.Context(), j)
			s.Must(err)
			for _, r := range done.Rolled {
				s.Same(r.Name, strings.Contains(r.Problem, "one of Windows"), r.Name == "windows")
			}
			return len(s.Sent("DescribeImages")) - was
		}
		s.Same("first", asked(), 2)
		time.Sleep(time.Hour)
		j.Run.Name, j.Image.ID = "the next", copied(s, ec2.ImageX86)
		registered(s, j, shown(s, j.Image.ID))
		s.Same("next", asked(), 2)
		for _, form := range s.Sent("DescribeImages")[5:] {
			s.Same("asked for Windows alone", form.Get("ImageId.1"), ec2.ImageWindows)
		}
	})
}

// Every version that something launches is asked, not the one alone that the new one is made from.
func TestRollBesideAnotherPlatform(t *testing.T) {
	for _, first := range []string{ec2.ImageWindows, ec2.ImageX86} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			template(s, "fleet", "web", first, func(d *types.RequestLaunchTemplateData) { d.InstanceType = "m5.large" })
			_, err := s.EC2.CreateLaunchTemplateVersion(s.Context(), &sdk.CreateLaunchTemplateVersionInput{
				LaunchTemplateName: aws.String("fleet"), SourceVersion: aws.String("1"),
				LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(ec2.ImageX86)},
			})
			s.Must(err)
			step, j := scene(s)
			done, err := step(s.Context(), j)
			s.Must(err)
			s.Same("left alone", strings.Contains(find(done, "fleet").Problem, "one of Windows"), first == ec2.ImageWindows)
		})
	}
}
