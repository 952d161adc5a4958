package ec2_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	scalingsdk "github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/autoscaling"
	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/shared/fault"
)

// scaling is the embedded Auto Scaling in front of the rig's EC2, behind the real client.
func (r *rig) scaling() *scalingsdk.Client {
	r.t.Helper()
	service := autoscaling.New(autoscaling.Options{
		Clock: clock.Real(), EC2: r.world, Region: "eu-west-1", Account: "123456789012", Log: r.log, Emit: r.record,
	})
	r.t.Cleanup(service.Close)
	return scalingsdk.New(scalingsdk.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String("http://embedded.invalid"), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""), HTTPClient: query.Client(service),
	})
}

// asTemplate is the content of a template that says what a launch says.
func asTemplate(t *testing.T, in *sdk.RunInstancesInput) *types.RequestLaunchTemplateData {
	t.Helper()
	raw, err := json.Marshal(in) //nolint:gosec // no secret is among the rows
	if err != nil {
		t.Fatal(err)
	}
	var data types.RequestLaunchTemplateData
	if err := json.Unmarshal(raw, &data); err != nil {
		t.Fatal(err)
	}
	return &data
}

// short is a group of one that launches $Default of a template, whose default becomes data once the group is there. It
// is the error with which EC2 refuses such a version; nil when the group has it.
func (r *rig) short(scaling *scalingsdk.Client, name string, data *types.RequestLaunchTemplateData) error {
	r.t.Helper()
	ctx := r.t.Context()
	_, err := r.CreateLaunchTemplate(ctx, &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: &name,
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro"},
	})
	r.wantCode("", err)
	_, err = scaling.CreateAutoScalingGroup(ctx, &scalingsdk.CreateAutoScalingGroupInput{
		AutoScalingGroupName: &name, MinSize: aws.Int32(0), MaxSize: aws.Int32(1), AvailabilityZones: []string{"eu-west-1a"},
		LaunchTemplate: &scalingtypes.LaunchTemplateSpecification{LaunchTemplateName: &name, Version: aws.String("$Default")},
	})
	r.wantCode("", err)
	_, refused := r.CreateLaunchTemplateVersion(ctx, &sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateName: &name, LaunchTemplateData: data,
	})
	if refused == nil {
		_, err = r.ModifyLaunchTemplate(ctx, &sdk.ModifyLaunchTemplateInput{
			LaunchTemplateName: &name, DefaultVersion: aws.String("2"),
		})
		r.wantCode("", err)
	}
	_, err = scaling.UpdateAutoScalingGroup(ctx, &scalingsdk.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: &name, DesiredCapacity: aws.Int32(1),
	})
	r.wantCode("", err)
	time.Sleep(time.Minute)
	return refused
}

// members and activities are a group's.
func (r *rig) members(scaling *scalingsdk.Client, name string) []scalingtypes.Instance {
	r.t.Helper()
	out, err := scaling.DescribeAutoScalingGroups(r.t.Context(), &scalingsdk.DescribeAutoScalingGroupsInput{
		AutoScalingGroupNames: []string{name},
	})
	r.wantCode("", err)
	return out.AutoScalingGroups[0].Instances
}

func (r *rig) activities(scaling *scalingsdk.Client, name string) []scalingtypes.Activity {
	r.t.Helper()
	out, err := scaling.DescribeScalingActivities(r.t.Context(), &scalingsdk.DescribeScalingActivitiesInput{
		AutoScalingGroupName: &name,
	})
	r.wantCode("", err)
	return out.Activities
}

// TestLaunchesOfAGroupAreRefused plays each row through a group: its activity says why in EC2's words, it stays short,
// and it tries again. A version that EC2 refuses to make never reaches the group, which launches what it did.
func TestLaunchesOfAGroupAreRefused(t *testing.T) {
	for name, row := range refusals {
		if ofTheRequest[name] {
			continue
		}
		t.Run(name, func(t *testing.T) {
			inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
				scaling := r.scaling()
				in := &sdk.RunInstancesInput{ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro"}
				row.change(in, r.images())
				refused := r.short(scaling, "web", asTemplate(t, in))
				if refused != nil {
					r.keeps(scaling, refused, row.code)
					return
				}
				r.staysShort(scaling, row.says)
			})
		})
	}
}

// keeps wants a group to have launched what it did before a version was refused.
func (r *rig) keeps(scaling *scalingsdk.Client, refused error, code string) {
	r.t.Helper()
	// A template has a code of its own for user data.
	if got := fault.Code(refused); got != code && got != "InvalidUserData.Malformed" {
		r.t.Errorf("the version is refused with %v, want %s", refused, code)
	}
	if members := r.members(scaling, "web"); len(members) != 1 || aws.ToString(members[0].LaunchTemplate.Version) != "1" {
		r.t.Errorf("members %+v", members)
	}
}

// staysShort wants a group without a member, and each activity to say why.
func (r *rig) staysShort(scaling *scalingsdk.Client, says string) {
	r.t.Helper()
	if members := r.members(scaling, "web"); len(members) != 0 {
		r.t.Errorf("it launched %+v", members)
	}
	all := r.activities(scaling, "web")
	if len(all) < 2 {
		r.t.Errorf("%d activities: it does not try again", len(all))
	}
	for _, a := range all {
		why := aws.ToString(a.StatusMessage)
		if a.StatusCode != scalingtypes.ScalingActivityStatusCodeFailed || !strings.Contains(why, says) ||
			aws.ToString(a.Description) != fmt.Sprintf("Launching a new EC2 instance.  Status Reason: %s", why) {
			r.t.Errorf("%s, %s: %s; want %q", a.StatusCode, aws.ToString(a.Description), why, says)
		}
	}
	out, err := r.DescribeInstances(r.t.Context(), &sdk.DescribeInstancesInput{})
	if r.wantCode("", err); err == nil && len(out.Reservations) > 0 {
		r.t.Errorf("%d launches were not refused", len(out.Reservations))
	}
}
