package roll_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/test/steptest"
)

// numbered makes a group without members that launches a version of a template.
func numbered(s *steptest.Stage, template, version string) {
	s.Helper()
	_, err := s.AutoScaling.CreateAutoScalingGroup(s.Context(), &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(template + "-" + version), MinSize: aws.Int32(0), MaxSize: aws.Int32(1),
		AvailabilityZones: []string{"eu-central-1a"},
		LaunchTemplate: &scaling.LaunchTemplateSpecification{
			LaunchTemplateName: aws.String(template), Version: aws.String(version),
		},
	})
	s.Must(err)
}

// again makes versions that equal the first.
func again(s *steptest.Stage, template string, count int) {
	s.Helper()
	for range count {
		_, err := s.EC2.CreateLaunchTemplateVersion(s.Context(), &sdk.CreateLaunchTemplateVersionInput{
			LaunchTemplateName: aws.String(template), SourceVersion: aws.String("1"),
			LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(before)},
		})
		s.Must(err)
	}
}

// The versions that groups name by their numbers are read by the page, also when some of them are gone.
func TestNumberedVersionsAreReadByThePage(t *testing.T) {
	const many = 230
	for name, gone := range map[string]bool{"all are there": false, "one is gone": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				step, j := first(s)
				s.Cloud.AddImage(before)
				template(s, "fleet", "web", before, func(d *types.RequestLaunchTemplateData) { d.InstanceType = "t3.micro" })
				again(s, "fleet", many+1)
				for n := range many {
					numbered(s, "fleet", fmt.Sprint(n+2))
				}
				if gone {
					_, err := s.EC2.DeleteLaunchTemplateVersions(s.Context(), &sdk.DeleteLaunchTemplateVersionsInput{
						LaunchTemplateName: aws.String("fleet"), Versions: []string{"7"},
					})
					s.Must(err)
				}
				asked := len(s.Sent("DescribeLaunchTemplateVersions"))
				done, err := step(s.Context(), j)
				s.Must(err)
				r := find(done, "fleet")
				s.Same("problem", r.Problem, "")
				s.Same("named", strings.Contains(r.Note, "group fleet-10 (version 10)") && strings.Contains(r.Note,
					fmt.Sprint(" and ", many-12-map[bool]int{true: 1}[gone], " more go on launching what it has now")), true)
				// The template, two pages of numbers or one and two of all, a look for the alias's, and one before the default
				// moves.
				s.Same("calls", len(s.Sent("DescribeLaunchTemplateVersions"))-asked, map[bool]int{false: 4, true: 5}[gone])
			})
		})
	}
}

// Templates beyond those that one call has time to ask for numbers are left alone, and the remedy is told.
func TestMoreTemplatesThanAreAskedForNumbers(t *testing.T) {
	const many = 303
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		step, j := first(s)
		s.Cloud.AddImage(before)
		for n := range many {
			name := fmt.Sprintf("fleet-%03d", n)
			template(s, name, "web", before, func(d *types.RequestLaunchTemplateData) { d.InstanceType = "t3.micro" })
			again(s, name, 2)
			numbered(s, name, "2")
		}
		done, err := step(s.Context(), j)
		s.Must(err)
		left := 0
		for _, r := range done.Rolled {
			if strings.Contains(r.Problem,
				"more than 300 templates of this source are launched by versions' numbers, and version 2") &&
				strings.HasSuffix(r.Problem, "let what launches from it name $Default or $Latest") {
				left++
			}
		}
		s.Same("left alone", left, 3)
	})
}
