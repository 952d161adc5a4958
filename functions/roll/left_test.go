package roll_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/test/steptest"
)

// What cannot be rolled keeps its image, alone.
func TestRollLeaves(t *testing.T) {
	left := func(name, problem string) func(*steptest.Stage, job.Job) {
		return func(s *steptest.Stage, j job.Job) {
			s.Same("problem", find(j, name).Problem, problem)
			s.Same("kept", []any{find(j, name).From == newest, len(versions(s, name))}, []any{false, 1})
			s.Same("the others", []string{find(j, "fleet").Problem, find(j, alias).Problem}, []string{"", ""})
		}
	}
	typed := func(name string, t types.InstanceType) func(*steptest.Stage, *job.Job) {
		return func(s *steptest.Stage, _ *job.Job) {
			template(s, name, "web", before, func(d *types.RequestLaunchTemplateData) { d.InstanceType = t })
		}
	}
	const both = finds + "*2"
	steptest.Play(t, subscribed, cases{
		{
			Name: "its instance type is of another architecture", Given: typed("arm", types.InstanceTypeT4gMicro),
			Want: did(both + reads + " DescribeInstanceTypes" + rolls + writes + ": ok"),
			Then: left("arm", "its instance type t4g.micro does not run x86_64 images"),
		},
		{
			Name: "another instance type of the same architecture is as good", Given: typed("large", types.InstanceTypeM5Large),
			Want: did(both + reads + " DescribeInstanceTypes" + rolls + rolls + writes + ": ok"),
			Then: func(s *steptest.Stage, j job.Job) { s.Same("rolled", find(j, "large").To, newest) },
		},
		{
			Name: "the source's own instance type is looked up too", Given: typed("same", types.InstanceTypeT3Micro),
			Want: did(both + reads + " DescribeInstanceTypes" + rolls + rolls + writes + ": ok"),
		},
		{
			Name:  "it is pinned to a parameter's version",
			Given: func(s *steptest.Stage, _ *job.Job) { template(s, "pinned", "web", "resolve:ssm:/golden/web:3") },
			Want:  did(both + reads + rolls + writes + ": ok"),
			Then: left("pinned",
				"it takes its image from resolve:ssm:/golden/web:3, a parameter's pinned version or another account's "+
					"parameter; name a parameter of this account without version or label to have it rolled"),
		},
		{
			Name:  "it takes one of AWS's own parameters",
			Given: func(s *steptest.Stage, _ *job.Job) { template(s, "public", "web", "resolve:ssm:/aws/service/al2023") },
			Want:  did(both + reads + rolls + writes + ": ok"),
			Then: left("public", "it takes its image from /aws/service/al2023, one of AWS's own parameters; "+
				"name a parameter of this account, or an image, to have it rolled"),
		},
		{
			Name: "it takes another account's parameter",
			Given: func(s *steptest.Stage, _ *job.Job) {
				template(s, "shared", "web", "resolve:ssm:arn:aws:ssm:eu-central-1:210987654321:parameter/golden/web")
			},
			Want: did(both + reads + rolls + writes + ": ok"),
			Then: left("shared",
				"it takes its image from resolve:ssm:arn:aws:ssm:eu-central-1:210987654321:parameter/golden/web, a parameter's "+
					"pinned version or another account's parameter; name a parameter of this account without version or label to "+
					"have it rolled"),
		},
	})
}

// EC2's refusals: what lasts is that target's alone, what passes is the step's.
func TestRollRefused(t *testing.T) {
	refused := func(action, code string) func(*steptest.Stage, *job.Job) {
		return func(s *steptest.Stage, _ *job.Job) {
			template(s, "second", "web", before)
			first := min(aws.ToString(versions(s, "fleet")[0].LaunchTemplateId),
				aws.ToString(versions(s, "second")[0].LaunchTemplateId))
			s.Cloud.Inject(ec2.Fault{Action: action, Resource: first, Code: code})
		}
	}
	one := func(s *steptest.Stage, j job.Job) {
		problems := 0
		for _, r := range j.Rolled {
			if r.Problem != "" {
				problems++
			}
		}
		s.Same("targets and problems", []int{len(j.Rolled), problems}, []int{3, 1})
		s.Same("the other's version", len(versions(s, "fleet"))+len(versions(s, "second")) >= 3, true)
	}
	const both = finds + "*2"
	steptest.Play(t, subscribed, cases{
		{
			Name:  "the function may not change one of two templates",
			Given: refused("CreateLaunchTemplateVersion", "UnauthorizedOperation"),
			Want: did(both + reads + " PutTarget CreateLaunchTemplateVersion PutTarget*2 CreateLaunchTemplateVersion " +
				"DescribeLaunchTemplateVersions ModifyLaunchTemplate PutTarget" + writes + ": ok"), Then: one,
		},
		{
			Name:  "the function may not make one of two the default",
			Given: refused("ModifyLaunchTemplate", "UnauthorizedOperation"),
			Want: did(both + reads + " PutTarget CreateLaunchTemplateVersion DescribeLaunchTemplateVersions " +
				"ModifyLaunchTemplate" +
				" DescribeLaunchTemplateVersions CreateLaunchTemplateVersion PutTarget" + rolls + writes + ": ok"), Then: one,
		},
		{
			Name:  "one of two was deleted meanwhile",
			Given: refused("DescribeLaunchTemplateVersions", "InvalidLaunchTemplateId.NotFound"),
			Want:  did(both + reads + rolls + writes + ": ok"), Then: one,
		},
		{
			Name: "EC2 is busy making a version", Given: refused("CreateLaunchTemplateVersion", "RequestLimitExceeded"),
			Want: did(both + reads + " PutTarget CreateLaunchTemplateVersion*6: Transient"),
			Says: []string{"making a version with " + newest},
		},
		{
			Name: "EC2 is busy listing templates", Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeLaunchTemplates", Code: "RequestLimitExceeded"})
			},
			Want: did("DescribeImages Registration Owner Targets DescribeLaunchTemplates*6: Transient"),
			Says: []string{"looking for the launch templates of web"},
		},
		{
			Name: "the function may not list templates", Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeLaunchTemplates", Code: "UnauthorizedOperation"})
			},
			Want: did("DescribeImages Registration Owner Targets DescribeLaunchTemplates: Failed"),
		},
		{
			Name: "templates over two pages are all rolled", Given: func(s *steptest.Stage, _ *job.Job) {
				for n := range 200 {
					template(s, fmt.Sprintf("t%03d", n), "web", newest)
				}
			},
			Want: did("DescribeImages Registration Owner Targets DescribeLaunchTemplates*2 DescribeLaunchTemplateVersions*3" + reads +
				rolls + writes + ": ok"),
			Then: func(s *steptest.Stage, j job.Job) { s.Same("targets", len(j.Rolled), 202) },
		},
	})
}
