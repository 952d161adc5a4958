package roll_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/test/steptest"
)

// A template that takes its image from the alias launches what is written into it, whether it is tagged or not: the
// alias is not written where such a template would then not launch any more, and it is named with the alias where it
// would.
func TestRollIntoAnAliasThatUntaggedTemplatesFollow(t *testing.T) {
	typed := func(kind types.InstanceType) func(*types.RequestLaunchTemplateData) {
		return func(d *types.RequestLaunchTemplateData) { d.InstanceType = kind }
	}
	const takes = "launch template follows takes its image from it: "
	for name, c := range map[string]struct {
		given   func(s *steptest.Stage)
		problem string
		through int
	}{
		"one that would launch": {func(s *steptest.Stage) {
			template(s, "follows", "", "resolve:ssm:"+alias, typed("t3.micro"))
		}, "", 1},
		"of a volume that is too small": {func(s *steptest.Stage) {
			template(s, "follows", "", "resolve:ssm:"+alias, typed("t3.micro"), sized("/dev/xvda", 8))
		}, takes + "its /dev/xvda has 8 GiB, the image needs 30", 1},
		"one that does not launch now either": {func(s *steptest.Stage) {
			template(s, "follows", "", "resolve:ssm:"+alias, typed("m6g.large"))
		}, "", 1},
		"by its default, while a group launches another version": {func(s *steptest.Stage) {
			template(s, "follows", "", "resolve:ssm:"+alias, typed("t3.micro"), sized("/dev/xvda", 8))
			launchedBy(s, "follows", another(s, "follows", ec2.ImageX86))
		}, takes + "its /dev/xvda has 8 GiB, the image needs 30", 1},
		"by no version that is launched, nor by its default": {func(s *steptest.Stage) {
			template(s, "follows", "", ec2.ImageX86, typed("t3.micro"), sized("/dev/xvda", 8))
			another(s, "follows", "resolve:ssm:"+alias)
			launchedBy(s, "follows", "1")
		}, "", 0},
		"one that launches another image": {func(s *steptest.Stage) {
			template(s, "follows", "", before, typed("m6g.large"))
		}, "", 0},
		"one that takes another's alias": {func(s *steptest.Stage) {
			template(s, "follows", "", "resolve:ssm:"+alias+"2", typed("t3.micro"))
		}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				put(s, alias, ec2.ImageX86)
				step, j := first(s)
				if c.problem != "" {
					j.Image.ID = grown(s)
					registered(s, j, shown(s, j.Image.ID))
				}
				c.given(s)
				done, err := step(s.Context(), j)
				s.Must(err)
				s.Same("problem", find(done, alias).Problem, c.problem)
				s.Same("through", len(find(done, alias).Through), c.through)
			})
		})
	}
}

// another makes one more version of a template, with another image, and gives its number.
func another(s *steptest.Stage, name, image string) string {
	s.Helper()
	out, err := s.EC2.CreateLaunchTemplateVersion(s.Context(), &sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateName: aws.String(name), SourceVersion: aws.String("1"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(image)},
	})
	s.Must(err)
	return fmt.Sprint(*out.LaunchTemplateVersion.VersionNumber)
}

// launchedBy makes a group without members that launches a version of a template.
func launchedBy(s *steptest.Stage, name, version string) {
	s.Helper()
	_, err := s.AutoScaling.CreateAutoScalingGroup(s.Context(), &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("members"), MinSize: aws.Int32(0), MaxSize: aws.Int32(1),
		AvailabilityZones: []string{steptest.Region + "a"},
		LaunchTemplate: &scaling.LaunchTemplateSpecification{
			LaunchTemplateName: aws.String(name), Version: aws.String(version),
		},
	})
	s.Must(err)
}

// sized maps a device to a volume of a size.
func sized(device string, gib int32) func(*types.RequestLaunchTemplateData) {
	return func(d *types.RequestLaunchTemplateData) {
		d.BlockDeviceMappings = []types.LaunchTemplateBlockDeviceMappingRequest{{
			DeviceName: aws.String(device), Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(gib)},
		}}
	}
}

// grown is an image of Linux whose root has 30 GiB.
func grown(s *steptest.Stage) string {
	s.Helper()
	out, err := s.EC2.RegisterImage(s.Context(), &sdk.RegisterImageInput{
		Name: aws.String("grown"), Architecture: types.ArchitectureValuesX8664, VirtualizationType: aws.String("hvm"),
		EnaSupport: aws.Bool(true), RootDeviceName: aws.String("/dev/xvda"),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{
			SnapshotId: aws.String("snap" + ec2.ImageX86[len("ami"):]), VolumeSize: aws.Int32(30),
		}}},
	})
	s.Must(err)
	time.Sleep(time.Minute)
	return aws.ToString(out.ImageId)
}

// meddling makes a version of a person's own, and the default of it, right after the roll has made one.
type meddling struct {
	*sdk.Client
	stage *steptest.Stage
	done  bool
}

func (m *meddling) CreateLaunchTemplateVersion(
	ctx context.Context, in *sdk.CreateLaunchTemplateVersionInput, o ...func(*sdk.Options),
) (*sdk.CreateLaunchTemplateVersionOutput, error) {
	out, err := m.Client.CreateLaunchTemplateVersion(ctx, in, o...)
	if !m.done {
		m.done = true
		theirs, err := m.Client.CreateLaunchTemplateVersion(ctx, &sdk.CreateLaunchTemplateVersionInput{
			LaunchTemplateId: in.LaunchTemplateId, SourceVersion: aws.String("1"),
			LaunchTemplateData: &types.RequestLaunchTemplateData{UserData: aws.String("dGhlaXJz")},
		})
		m.stage.Must(err)
		_, err = m.ModifyLaunchTemplate(ctx, &sdk.ModifyLaunchTemplateInput{LaunchTemplateId: in.LaunchTemplateId,
			DefaultVersion: aws.String(fmt.Sprint(*theirs.LaunchTemplateVersion.VersionNumber))})
		m.stage.Must(err)
	}
	return out, err
}

// A version that a person makes during a roll that then fails stays the latest.
func TestAFailedRollCoversNoPersonsVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		template(s, "fleet", "web", before)
		_, j := scene(s)
		of := step(s)
		of.EC2 = &meddling{Client: s.EC2, stage: s}
		done, err := of.Handle(s.Context(), j)
		s.Must(err)
		s.Same("told", find(done, "fleet").Problem != "", true)
		latest := versions(s, "fleet")[0]
		s.Same("latest", []any{aws.ToString(latest.LaunchTemplateData.UserData), aws.ToBool(latest.DefaultVersion),
			len(versions(s, "fleet"))}, []any{"dGhlaXJz", true, 3})
	})
}
