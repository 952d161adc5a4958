package rollback_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/rollback"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// The versions of template base: before the roll, rolled, and somebody's own.
const was, rolled, theirs = "1", "2", "3"

// fleet is a template that was rolled to version 2, and a group that still names version 1.
func fleet(s *steptest.Stage) (handler.Func[json.RawMessage, rollback.Answer], json.RawMessage) {
	made, err := s.EC2.CreateLaunchTemplate(s.Context(), &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("base"),
		LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: aws.String(ec2.ImageX86),
			InstanceType: ec2types.InstanceTypeT3Micro},
	})
	s.Must(err)
	id := made.LaunchTemplate.LaunchTemplateId
	for _, image := range []string{ec2.ImageWindows, ec2.ImageX86} {
		_, err = s.EC2.CreateLaunchTemplateVersion(s.Context(), &sdk.CreateLaunchTemplateVersionInput{
			LaunchTemplateId: id, SourceVersion: aws.String(was),
			LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: aws.String(image)},
		})
		s.Must(err)
	}
	_, err = s.EC2.ModifyLaunchTemplate(s.Context(),
		&sdk.ModifyLaunchTemplateInput{LaunchTemplateId: id, DefaultVersion: aws.String(rolled)})
	s.Must(err)
	_, err = s.AutoScaling.CreateAutoScalingGroup(s.Context(), &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("fleet"), MinSize: aws.Int32(2), MaxSize: aws.Int32(4),
		AvailabilityZones: []string{steptest.Region + "a"},
		LaunchTemplate:    version(id, was),
	})
	s.Must(err)
	time.Sleep(5 * time.Minute)
	_, err = s.Ledger.Kept.PutTarget(s.Context(),
		ledger.TargetRecord{Source: "web", ID: aws.ToString(id), Title: "base", Points: []ledger.Point{
			{Image: ec2.ImageWindows, Version: 2, Run: "tuesday"}, {Image: ec2.ImageX86, Version: 1, Run: "monday"},
		}})
	s.Must(err)
	return rollback.Step{
		EC2: s.EC2, AutoScaling: s.AutoScaling, SSM: s.SSM, Ledger: s.Ledger, People: s.People(),
		Refreshes: rollback.Fleet{Groups: s.AutoScaling, Members: s.EC2, Ledger: s.Ledger}, Now: time.Now,
	}.Handle, ask(`"name":"web","by":"ada"`)
}

func version(id *string, number string) *types.LaunchTemplateSpecification {
	return &types.LaunchTemplateSpecification{LaunchTemplateId: id, Version: aws.String(number)}
}

// names lets the group name another version.
func names(s *steptest.Stage, number string) {
	_, err := s.AutoScaling.UpdateAutoScalingGroup(s.Context(), &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("fleet"), LaunchTemplate: version(group(s).template, number),
	})
	s.Must(err)
}

// moving has begun to refresh the group to a version, and bakes by now; "" for what it names.
func moving(number string) func(*steptest.Stage, *json.RawMessage) {
	return func(s *steptest.Stage, _ *json.RawMessage) {
		in := &autoscaling.StartInstanceRefreshInput{
			AutoScalingGroupName: aws.String("fleet"), Preferences: &types.RefreshPreferences{BakeTime: aws.Int32(7200)},
		}
		if number != "" {
			in.DesiredConfiguration = &types.DesiredConfiguration{LaunchTemplate: version(group(s).template, number)}
		}
		_, err := s.AutoScaling.StartInstanceRefresh(s.Context(), in)
		s.Must(err)
		time.Sleep(time.Minute)
	}
}

// known is how the group stands.
type known struct {
	template *string
	status   types.InstanceRefreshStatus
}

func group(s *steptest.Stage) known {
	s.Helper()
	groups, err := s.AutoScaling.DescribeAutoScalingGroups(s.Context(), &autoscaling.DescribeAutoScalingGroupsInput{})
	s.Must(err)
	refreshes, err := s.AutoScaling.DescribeInstanceRefreshes(s.Context(),
		&autoscaling.DescribeInstanceRefreshesInput{AutoScalingGroupName: aws.String("fleet")})
	s.Must(err)
	is := known{template: groups.AutoScalingGroups[0].LaunchTemplate.LaunchTemplateId}
	if len(refreshes.InstanceRefreshes) > 0 {
		is.status = refreshes.InstanceRefreshes[0].Status
	}
	return is
}

// told holds what the answer says of the group's refresh, and how that stands.
func told(status types.InstanceRefreshStatus, groups, note string) func(*steptest.Stage, rollback.Answer) {
	return func(s *steptest.Stage, a rollback.Answer) {
		s.Helper()
		t := a.Targets[0]
		s.Same("problem", t.Problem, "")
		s.Same("groups", strings.Join(t.Groups, " "), groups)
		s.Same("refresh", group(s).status, status)
		if !strings.Contains(t.Note, note) || note == "" && t.Note != "" {
			s.Errorf("the note is %q, want %q", t.Note, note)
		}
	}
}

func TestRefreshes(t *testing.T) {
	const (
		asks    = "Targets Owner Targets DescribeLaunchTemplateVersions*2 DescribeImages PutTarget "
		fits    = "DescribeLaunchTemplateVersions DescribeImages DescribeAutoScalingGroups"
		fleets  = " DescribeFleets DescribeSpotFleetRequests"
		moves   = " DescribeInstanceTypes ModifyLaunchTemplate PutTarget DescribeAutoScalingGroups"
		changes = asks + fits + fleets + moves
		finds   = fleets + " DescribeLaunchTemplateVersions DescribeInstances"
		looks   = changes + finds + " DescribeInstanceRefreshes"
		undoes  = looks + " RollbackInstanceRefresh"
		tells   = " GetSecretValue PutTarget: ok"
	)
	onDefault := func(s *steptest.Stage, in *json.RawMessage) {
		names(s, "$Default")
		moving("")(s, in)
	}
	steptest.Play(t, fleet, []steptest.Case[json.RawMessage, rollback.Answer]{
		{Name: "none goes on", Want: looks + tells, Then: told("", "", "")},
		{
			Name: "the roll's own goes back, asked of Auto Scaling once", Given: moving(rolled),
			Want: undoes + tells + " | Targets Owner Targets DescribeLaunchTemplateVersions DescribeAutoScalingGroups" + finds +
				" DescribeInstanceRefreshes: ok",
			Between: func(*steptest.Stage) { time.Sleep(10 * time.Second) },
			Then:    told(types.InstanceRefreshStatusRollbackInProgress, "fleet", ""),
		},
		{Name: "somebody's own goes on", Given: moving(theirs), Want: looks + tells,
			Then: told(types.InstanceRefreshStatusBaking, "", "")},
		{
			Name: "one to what the group names anyway cannot go back", Given: onDefault,
			Want: looks + tells, Then: told(types.InstanceRefreshStatusBaking, "",
				"group fleet names $Default, and Auto Scaling rolls no such refresh back"),
		},
		{
			Name: "one whose group names no number is refused",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				names(s, "$Latest")
				moving(rolled)(s, in)
			},
			Want: undoes + tells, Then: told(types.InstanceRefreshStatusBaking, "",
				"Auto Scaling does not roll back: cancel it"),
		},
		{
			Name: "it ended between the look and the call",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				moving(rolled)(s, in)
				s.Refuse("RollbackInstanceRefresh", "ActiveInstanceRefreshNotFound", 1)
			},
			Want: undoes + tells, Then: told(types.InstanceRefreshStatusBaking, "", "end before it could be rolled back"),
		},
		{
			Name: "the function may not",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				moving(rolled)(s, in)
				s.Refuse("RollbackInstanceRefresh", "AccessDenied", 1)
			},
			Want: undoes + tells, Then: told(types.InstanceRefreshStatusBaking, "",
				"group fleet was not rolled back; put this right and ask again"),
		},
		{
			Name: "the groups cannot be read: the template is back all the same",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				moving(rolled)(s, in)
				s.Refuse("DescribeAutoScalingGroups", "AccessDenied", 2)
			},
			Want: asks + fits + moves + tells,
			Then: told(types.InstanceRefreshStatusBaking, "",
				"which groups still launch it was not found out; put this right and ask again"),
		},
	})
}
