package members

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	local "goldsmith/local/ec2"
)

func must[T any](out T, err error) func(*world) T {
	return func(w *world) T {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
		return out
	}
}

// build makes one of everything.
func (w *world) build() {
	ctx := w.t.Context()
	w.suite.EC2.AddInstanceProfile("sample")
	w.suite.EC2.AddKeyPair("sample")
	w.ids["subnet"] = local.DefaultSubnet("eu-central-1", "123456789012")
	w.ids["group"] = aws.ToString(must(w.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("made"), Description: aws.String("made")}))(w).GroupId)
	w.ids["image"] = w.suite.EC2.SeedImage("golden", time.Now().Add(-time.Hour), map[string]string{"team": "a"})
	run := must(w.ec2.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String(local.ImageX86), InstanceType: "t3.micro", MinCount: aws.Int32(2), MaxCount: aws.Int32(2),
		IamInstanceProfile: &types.IamInstanceProfileSpecification{Name: aws.String("sample")},
	}))(w).Instances
	w.ids["instance"], w.ids["stopped"] = aws.ToString(run[0].InstanceId), aws.ToString(run[1].InstanceId)
	for n, state := range []local.State{local.Running, local.Stopped} {
		if err := w.suite.EC2.SetState(aws.ToString(run[n].InstanceId), state); err != nil {
			w.t.Fatal(err)
		}
	}
	w.ids["root"] = aws.ToString(run[0].BlockDeviceMappings[0].Ebs.VolumeId)
	w.ids["volume"] = aws.ToString(must(w.ec2.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-central-1a"), Size: aws.Int32(8)}))(w).VolumeId)
	w.ids["snapshot"] = aws.ToString(must(w.ec2.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: aws.String(w.ids["volume"])}))(w).SnapshotId)
	made := must(w.ec2.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("made"), LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(local.ImageX86), InstanceType: "t3.micro"},
	}))(w)
	w.ids["template"] = aws.ToString(made.LaunchTemplate.LaunchTemplateId)
	must(w.ec2.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: made.LaunchTemplate.LaunchTemplateId, SourceVersion: aws.String("1"), LaunchTemplateData: &types.RequestLaunchTemplateData{InstanceType: "t3.small"},
	}))(w)
	w.more()
	w.groups()
	must(w.ssm.PutParameter(ctx, &ssm.PutParameterInput{Name: aws.String("/made/sample"), Value: aws.String("1"), Type: ssmtypes.ParameterTypeString}))(w)
	must(w.ssm.LabelParameterVersion(ctx, &ssm.LabelParameterVersionInput{Name: aws.String("/made/sample"), Labels: []string{"old"}}))(w)
	secret := must(w.secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("made"), SecretString: aws.String("1")}))(w)
	w.ids["secret version"] = aws.ToString(secret.VersionId)
	time.Sleep(time.Hour)
}

// more are things in the states that some actions need: in the Recycle Bin, locked, archived, launched by a fleet.
func (w *world) more() {
	ctx := w.t.Context()
	w.suite.EC2.SetRecycleBin(1000 * time.Hour)
	w.suite.EC2.SetSnapshotRecycleBin(1000 * time.Hour)
	w.ids["binned image"] = w.suite.EC2.SeedImage("binned", time.Now().Add(-time.Hour), nil)
	must(w.ec2.DeregisterImage(ctx, &ec2.DeregisterImageInput{ImageId: w.id("binned image")}))(w)
	snapshot := func() *string {
		time.Sleep(time.Minute) // EC2 makes one snapshot of a volume in 15 seconds.
		made := must(w.ec2.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: w.id("volume")}))(w).SnapshotId
		time.Sleep(time.Hour)
		return made
	}
	locked, archived, binned := snapshot(), snapshot(), snapshot()
	w.ids["binned snapshot"] = aws.ToString(binned)
	must(w.ec2.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: binned}))(w)
	w.ids["locked"], w.ids["archived"] = aws.ToString(locked), aws.ToString(archived)
	must(w.ec2.LockSnapshot(ctx, &ec2.LockSnapshotInput{SnapshotId: locked, LockMode: "governance", LockDuration: aws.Int32(5)}))(w)
	must(w.ec2.ModifySnapshotTier(ctx, &ec2.ModifySnapshotTierInput{SnapshotId: archived, StorageTier: "archive"}))(w)
	time.Sleep(100 * time.Hour)
	w.ids["fleet"] = aws.ToString(must(w.ec2.CreateFleet(ctx, bases["ec2.CreateFleet"](w).(*ec2.CreateFleetInput)))(w).FleetId)
	w.ids["spot fleet"] = aws.ToString(must(w.ec2.RequestSpotFleet(ctx, bases["ec2.RequestSpotFleet"](w).(*ec2.RequestSpotFleetInput)))(w).SpotFleetRequestId)
}

func (w *world) groups() {
	ctx := w.t.Context()
	must(w.scaling.CreateLaunchConfiguration(ctx, &autoscaling.CreateLaunchConfigurationInput{
		LaunchConfigurationName: aws.String("made"), ImageId: aws.String(local.ImageX86), InstanceType: aws.String("t3.micro"),
	}))(w)
	must(w.scaling.CreateAutoScalingGroup(ctx, &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("made"), MinSize: aws.Int32(0), MaxSize: aws.Int32(4), DesiredCapacity: aws.Int32(2),
		AvailabilityZones: []string{"eu-central-1a"}, LaunchTemplate: &scalingtypes.LaunchTemplateSpecification{LaunchTemplateId: aws.String(w.ids["template"]), Version: aws.String("1")},
	}))(w)
	for n, name := range []string{"empty", "refreshing", "suspended"} {
		time.Sleep(7*time.Minute + 7*time.Second) // Groups that launch in one moment do so in any order.
		size := int32(n % 2)                      // The one that is refreshed has a member.
		must(w.scaling.CreateAutoScalingGroup(ctx, &autoscaling.CreateAutoScalingGroupInput{
			AutoScalingGroupName: aws.String(name), MinSize: aws.Int32(0), MaxSize: aws.Int32(4), DesiredCapacity: aws.Int32(size),
			AvailabilityZones: []string{"eu-central-1a"}, LaunchTemplate: &scalingtypes.LaunchTemplateSpecification{LaunchTemplateId: w.id("template"), Version: aws.String("1")},
		}))(w)
	}
	time.Sleep(5 * time.Minute)
	must(w.scaling.PutWarmPool(ctx, &autoscaling.PutWarmPoolInput{AutoScalingGroupName: aws.String("suspended")}))(w)
	must(w.scaling.SuspendProcesses(ctx, &autoscaling.SuspendProcessesInput{AutoScalingGroupName: aws.String("suspended")}))(w)
	must(w.scaling.StartInstanceRefresh(ctx, &autoscaling.StartInstanceRefreshInput{
		AutoScalingGroupName: aws.String("refreshing"), Preferences: &scalingtypes.RefreshPreferences{BakeTime: aws.Int32(172_800)},
		DesiredConfiguration: &scalingtypes.DesiredConfiguration{LaunchTemplate: &scalingtypes.LaunchTemplateSpecification{LaunchTemplateId: w.id("template"), Version: aws.String("2")}},
	}))(w)
	group := must(w.scaling.DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{"made"}}))(w).AutoScalingGroups[0]
	w.ids["member"] = aws.ToString(group.Instances[0].InstanceId)
	must(w.scaling.EnterStandby(ctx, &autoscaling.EnterStandbyInput{
		AutoScalingGroupName: aws.String("made"), InstanceIds: []string{aws.ToString(group.Instances[1].InstanceId)}, ShouldDecrementDesiredCapacity: aws.Bool(true),
	}))(w)
	w.ids["standby"] = aws.ToString(group.Instances[1].InstanceId)
	time.Sleep(time.Minute)
}

// crowd makes more of what is listed in pages: the smallest page of most has five.
func (w *world) crowd() {
	ctx := w.t.Context()
	for n := range 6 {
		name := fmt.Sprintf("more-%d", n)
		w.suite.EC2.SeedImage(name, time.Now().Add(-time.Hour), nil)
		must(w.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: &name, Description: &name}))(w)
		must(w.ec2.RunInstances(ctx, bases["ec2.RunInstances"](w).(*ec2.RunInstancesInput)))(w)
	}
}
