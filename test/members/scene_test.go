package members

import (
	"fmt"
	"maps"
	"slices"
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
	"goldsmith/local/elb"
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

// build makes one of everything that the actions of a service need.
func (w *world) build(service string) {
	ctx := w.t.Context()
	w.suite.EC2.AddInstanceProfile("sample")
	w.suite.EC2.AddKeyPair("sample")
	w.suite.EC2.AddKeyPair("other")
	for _, role := range []string{"first", "second"} {
		w.suite.EC2.Grant(w.suite.EC2.DefaultKey(), "arn:aws:iam::123456789012:role/"+role, "Decrypt")
	}
	w.ids["subnet"] = local.DefaultSubnet("eu-central-1", "123456789012")
	pairs := must(w.ec2.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{KeyNames: []string{"other"}}))(w).KeyPairs
	w.ids["other key"] = aws.ToString(pairs[0].KeyPairId)
	subnets := must(w.ec2.DescribeSubnets(ctx, nil))(w).Subnets
	w.ids["other subnet"] = aws.ToString(subnets[1].SubnetId)
	w.ids["group"] = aws.ToString(must(w.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName: aws.String("made"), Description: aws.String("made"),
	}))(w).GroupId)
	w.ids["image"] = w.suite.EC2.SeedImage("golden", time.Now().Add(-time.Hour), map[string]string{"team": "a"})
	run := must(w.ec2.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String(local.ImageX86), InstanceType: "t3.micro", MinCount: aws.Int32(2), MaxCount: aws.Int32(2),
		IamInstanceProfile: &types.IamInstanceProfileSpecification{Name: aws.String("sample")},
		BlockDeviceMappings: []types.BlockDeviceMapping{
			{DeviceName: aws.String("/dev/sdb"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(3)}},
		},
		TagSpecifications: []types.TagSpecification{
			{ResourceType: "volume", Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("b")}}},
		},
	}))(w).Instances
	w.ids["instance"], w.ids["stopped"] = aws.ToString(run[0].InstanceId), aws.ToString(run[1].InstanceId)
	for n, state := range []local.State{local.Running, local.Stopped} {
		if err := w.suite.EC2.SetState(aws.ToString(run[n].InstanceId), state); err != nil {
			w.t.Fatal(err)
		}
	}
	w.ids["data"] = aws.ToString(run[0].BlockDeviceMappings[1].Ebs.VolumeId)
	w.ids["root"] = aws.ToString(run[0].BlockDeviceMappings[0].Ebs.VolumeId)
	w.ids["volume"] = aws.ToString(must(w.ec2.CreateVolume(ctx, &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String("eu-central-1a"), Size: aws.Int32(8),
	}))(w).VolumeId)
	w.ids["snapshot"] = aws.ToString(must(w.ec2.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{
		VolumeId: aws.String(w.ids["volume"]),
	}))(w).SnapshotId)
	made := must(w.ec2.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("made"), LaunchTemplateData: &types.RequestLaunchTemplateData{
			ImageId: aws.String(local.ImageX86), InstanceType: "t3.micro",
		},
	}))(w)
	w.ids["template"] = aws.ToString(made.LaunchTemplate.LaunchTemplateId)
	must(w.ec2.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: made.LaunchTemplate.LaunchTemplateId, SourceVersion: aws.String("1"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{
			InstanceType: "t3.small",
		},
	}))(w)
	parts := map[string]func(){
		"ec2": w.more, "autoscaling": w.groups, "ssm": w.parameters, "secretsmanager": w.secret, "sfn": w.executions,
		"dynamodb": w.tables, "ebs": w.direct, "sqs": w.letters, "sns": w.topic, "lambda": w.deployments,
		"logs": w.logLines,
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if service == "" || service == name || service == "elasticloadbalancing" && name == "autoscaling" {
			parts[name]()
		}
	}
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
	must(w.ec2.LockSnapshot(ctx, &ec2.LockSnapshotInput{
		SnapshotId: locked, LockMode: "governance", LockDuration: aws.Int32(5),
	}))(w)
	must(w.ec2.ModifySnapshotTier(ctx, &ec2.ModifySnapshotTierInput{SnapshotId: archived, StorageTier: "archive"}))(w)
	w.share()
	w.used()
	time.Sleep(100 * time.Hour)
	w.reports()
	fleet := must(w.ec2.CreateFleet(ctx, bases["ec2.CreateFleet"](w).(*ec2.CreateFleetInput)))(w)
	spot := must(w.ec2.RequestSpotFleet(ctx, bases["ec2.RequestSpotFleet"](w).(*ec2.RequestSpotFleetInput)))(w)
	w.ids["fleet"], w.ids["spot fleet"] = aws.ToString(fleet.FleetId), aws.ToString(spot.SpotFleetRequestId)
}

// share makes an image and a snapshot that others may use.
func (w *world) share() {
	ctx := w.t.Context()
	w.ids["shared image"] = w.suite.EC2.SeedImage("shared", time.Now().Add(-time.Hour), nil)
	must(w.ec2.ModifyImageAttribute(ctx, &ec2.ModifyImageAttributeInput{
		ImageId: w.id("shared image"), LaunchPermission: &types.LaunchPermissionModifications{Add: []types.LaunchPermission{
			{UserId: aws.String("222222222222")}, {Group: "all"},
			{OrganizationArn: aws.String(hints["OrganizationArn"](w)[0].(string))},
			{OrganizationalUnitArn: aws.String(hints["OrganizationalUnitArn"](w)[0].(string))},
		}},
	}))(w)
	time.Sleep(time.Minute)
	shared := must(w.ec2.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: w.id("volume")}))(w).SnapshotId
	w.ids["shared snapshot"] = aws.ToString(shared)
	time.Sleep(time.Hour)
	must(w.ec2.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
		SnapshotId: shared, Attribute: "createVolumePermission",
		CreateVolumePermission: &types.CreateVolumePermissionModifications{
			Add: []types.CreateVolumePermission{{UserId: aws.String("222222222222")}, {Group: "all"}},
		},
	}))(w)
}

// used has two accounts use an image each.
func (w *world) used() {
	w.ids["other shared image"] = w.suite.EC2.SeedImage("shared too", time.Now().Add(-time.Hour), nil)
	must(w.ec2.ModifyImageAttribute(w.t.Context(), &ec2.ModifyImageAttributeInput{
		ImageId: w.id("other shared image"), LaunchPermission: &types.LaunchPermissionModifications{
			Add: []types.LaunchPermission{{Group: "all"}},
		},
	}))(w)
	for name, account := range map[string]string{"shared image": "222222222222", "other shared image": "333333333333"} {
		if err := w.suite.EC2.UseBy(local.Consumer{Account: account}, w.ids[name], true); err != nil {
			w.t.Fatal(err)
		}
	}
}

// reports are of the use of those images.
func (w *world) reports() {
	for _, name := range []string{"shared image", "other shared image"} {
		made := must(w.ec2.CreateImageUsageReport(w.t.Context(), &ec2.CreateImageUsageReportInput{
			ImageId:       w.id(name),
			ResourceTypes: []types.ImageUsageResourceTypeRequest{{ResourceType: aws.String("ec2:LaunchTemplate")}},
		}))(w)
		w.ids["report"] = aws.ToString(made.ReportId)
	}
}

func (w *world) parameters() {
	ctx := w.t.Context()
	must(w.ssm.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String("/made/sample"), Value: aws.String("1"), Type: ssmtypes.ParameterTypeString,
	}))(w)
	must(w.ssm.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String("/made/secure"), Value: aws.String("1"), Type: ssmtypes.ParameterTypeSecureString,
	}))(w)
	must(w.ssm.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String("/made/deep/one"), Value: aws.String("1"), Type: ssmtypes.ParameterTypeString,
	}))(w)
	must(w.ssm.LabelParameterVersion(ctx, &ssm.LabelParameterVersionInput{
		Name: aws.String("/made/sample"), Labels: []string{"old"},
	}))(w)
}

func (w *world) secret() {
	made := must(w.secrets.CreateSecret(w.t.Context(), &secretsmanager.CreateSecretInput{
		Name: aws.String("made"), SecretString: aws.String("1"),
	}))(w)
	must(w.secrets.CreateSecret(w.t.Context(), &secretsmanager.CreateSecretInput{
		Name: aws.String("other"), SecretString: aws.String("1"),
	}))(w)
	w.ids["secret version"] = aws.ToString(made.VersionId)
}

func (w *world) groups() {
	ctx := w.t.Context()
	must(w.scaling.CreateLaunchConfiguration(ctx, &autoscaling.CreateLaunchConfigurationInput{
		LaunchConfigurationName: aws.String("made"),
		ImageId:                 aws.String(local.ImageX86), InstanceType: aws.String("t3.micro"),
	}))(w)
	must(w.scaling.CreateAutoScalingGroup(ctx, &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("made"), MinSize: aws.Int32(0), MaxSize: aws.Int32(4), DesiredCapacity: aws.Int32(2),
		Tags: []scalingtypes.Tag{{Key: aws.String("team"), Value: aws.String("a")}},
		AvailabilityZones: []string{
			"eu-central-1a",
		}, LaunchTemplate: &scalingtypes.LaunchTemplateSpecification{
			LaunchTemplateId: aws.String(w.ids["template"]), Version: aws.String("1"),
		},
	}))(w)
	for n, name := range []string{"empty", "refreshing", "suspended"} {
		time.Sleep(7*time.Minute + 7*time.Second) // Groups that launch in one moment do so in any order.
		size := int32(n % 2)                      // The one that is refreshed has a member.
		must(w.scaling.CreateAutoScalingGroup(ctx, &autoscaling.CreateAutoScalingGroupInput{
			AutoScalingGroupName: aws.String(name),
			MinSize:              aws.Int32(0), MaxSize: aws.Int32(4), DesiredCapacity: aws.Int32(size),
			AvailabilityZones: []string{
				"eu-central-1a",
			}, LaunchTemplate: &scalingtypes.LaunchTemplateSpecification{
				LaunchTemplateId: w.id("template"), Version: aws.String("1"),
			},
		}))(w)
	}
	time.Sleep(5 * time.Minute)
	must(w.scaling.PutWarmPool(ctx, &autoscaling.PutWarmPoolInput{AutoScalingGroupName: aws.String("suspended")}))(w)
	time.Sleep(10 * time.Minute)
	must(w.scaling.SuspendProcesses(ctx, &autoscaling.SuspendProcessesInput{
		AutoScalingGroupName: aws.String("suspended"),
	}))(w)
	must(w.scaling.StartInstanceRefresh(ctx, &autoscaling.StartInstanceRefreshInput{
		AutoScalingGroupName: aws.String("refreshing"), Preferences: &scalingtypes.RefreshPreferences{
			BakeTime: aws.Int32(172_800),
		},
		DesiredConfiguration: &scalingtypes.DesiredConfiguration{
			LaunchTemplate: &scalingtypes.LaunchTemplateSpecification{
				LaunchTemplateId: w.id("template"), Version: aws.String("2"),
			},
		},
	}))(w)
	group := must(w.scaling.DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{
		AutoScalingGroupNames: []string{"made"},
	}))(w).AutoScalingGroups[0]
	w.ids["member"] = aws.ToString(group.Instances[0].InstanceId)
	must(w.scaling.EnterStandby(ctx, &autoscaling.EnterStandbyInput{
		AutoScalingGroupName: aws.String("made"), InstanceIds: []string{
			aws.ToString(group.Instances[1].InstanceId),
		}, ShouldDecrementDesiredCapacity: aws.Bool(true),
	}))(w)
	w.ids["standby"] = aws.ToString(group.Instances[1].InstanceId)
	time.Sleep(time.Minute)
	w.hooked()
}

// hooked is a group with a hook for which a member waits, and with target groups.
func (w *world) hooked() {
	ctx := w.t.Context()
	w.ids["target group"] = w.suite.Balancers.Add("made", time.Minute)
	w.ids["other target group"] = w.suite.Balancers.AddGroup(elb.Group{Name: "other", Delay: time.Hour, Unused: true})
	must(w.scaling.CreateAutoScalingGroup(ctx, &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("hooked"), MinSize: aws.Int32(0), MaxSize: aws.Int32(4),
		DesiredCapacity:   aws.Int32(1),
		AvailabilityZones: []string{"eu-central-1a"}, TargetGroupARNs: []string{w.ids["target group"]},
		LaunchTemplate: &scalingtypes.LaunchTemplateSpecification{LaunchTemplateId: w.id("template"),
			Version: aws.String("1")},
	}))(w)
	time.Sleep(5 * time.Minute)
	for name, result := range map[string]string{"wait": "CONTINUE", "wait too": "ABANDON"} {
		must(w.scaling.PutLifecycleHook(ctx, &autoscaling.PutLifecycleHookInput{
			AutoScalingGroupName: aws.String("hooked"), LifecycleHookName: aws.String(name),
			LifecycleTransition: aws.String("autoscaling:EC2_INSTANCE_LAUNCHING"), HeartbeatTimeout: aws.Int32(4200),
			DefaultResult: aws.String(result),
		}))(w)
	}
	must(w.scaling.UpdateAutoScalingGroup(ctx, &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("hooked"), DesiredCapacity: aws.Int32(2),
	}))(w)
	time.Sleep(2 * time.Minute)
	group := must(w.scaling.DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{
		AutoScalingGroupNames: []string{"hooked"},
	}))(w).AutoScalingGroups[0]
	w.ids["target"], w.ids["hooked"] = aws.ToString(group.Instances[0].InstanceId), aws.ToString(group.Instances[1].InstanceId)
	w.ids["also a target"] = w.ids["member"]
	w.suite.Balancers.Register(w.ids["target group"], w.ids["also a target"])
	w.suite.Balancers.Register(w.ids["other target group"], w.ids["target"])
	w.suite.Balancers.RegisterAt(w.ids["target group"], w.ids["target"], 8080)
}

// crowd makes more of what is listed in pages: the smallest page of most has five.
func (w *world) crowd() {
	ctx := w.t.Context()
	for n := range 6 {
		name := fmt.Sprintf("more-%d", n)
		w.suite.EC2.SeedImage(name, time.Now().Add(-time.Hour), nil)
		must(w.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: &name, Description: &name}))(w)
		must(w.ec2.RunInstances(ctx, bases["ec2.RunInstances"](w).(*ec2.RunInstancesInput)))(w)
		time.Sleep(time.Hour)
		snapshot := must(w.ec2.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: w.id("volume")}))(w).SnapshotId
		time.Sleep(time.Hour)
		must(w.ec2.LockSnapshot(ctx, &ec2.LockSnapshotInput{
			SnapshotId: snapshot, LockMode: "compliance", LockDuration: aws.Int32(5),
		}))(w)
		must(w.ec2.EnableFastSnapshotRestores(ctx, &ec2.EnableFastSnapshotRestoresInput{
			SourceSnapshotIds: []string{*snapshot}, AvailabilityZones: []string{"eu-central-1a"},
		}))(w)
		must(w.ec2.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{
			LaunchTemplateName: &name, LaunchTemplateData: &types.RequestLaunchTemplateData{InstanceType: "t3.micro"},
		}))(w)
	}
	w.varied()
}

// varied are things in the states that the reading actions tell apart.
func (w *world) varied() {
	ctx := w.t.Context()
	must(w.ec2.CreateFleet(ctx, &ec2.CreateFleetInput{
		Type: "request", TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{
			TotalTargetCapacity: one(),
		},
		LaunchTemplateConfigs: bases["ec2.CreateFleet"](w).(*ec2.CreateFleetInput).LaunchTemplateConfigs,
	}))(w)
	must(w.ec2.DisableImage(ctx, &ec2.DisableImageInput{
		ImageId: aws.String(w.suite.EC2.SeedImage("disabled", time.Now(), nil)),
	}))(w)
	must(w.ssm.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String("/made/image"), Value: aws.String(local.ImageX86),
		Type: ssmtypes.ParameterTypeString, DataType: aws.String("aws:ec2:image"),
	}))(w)
	must(w.ec2.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("alias"), LaunchTemplateData: &types.RequestLaunchTemplateData{
			ImageId: aws.String("resolve:ssm:/made/image"),
		},
	}))(w)
	for range 2 {
		must(w.ssm.SendCommand(ctx, bases["ssm.SendCommand"](w).(*ssm.SendCommandInput)))(w)
	}
	spot := bases["ec2.RunInstances"](w).(*ec2.RunInstancesInput)
	spot.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: "spot"}
	must(w.ec2.RunInstances(ctx, spot))(w)
	time.Sleep(time.Hour)
}
