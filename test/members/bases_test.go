package members

import (
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

// clients are the services' clients.
var clients = map[string]func(*world) any{
	"ec2":            func(w *world) any { return w.ec2 },
	"autoscaling":    func(w *world) any { return w.scaling },
	"ssm":            func(w *world) any { return w.ssm },
	"secretsmanager": func(w *world) any { return w.secrets },
}

func one() *int32 { return aws.Int32(1) }

func (w *world) id(name string) *string { return aws.String(w.ids[name]) }

// bases are the requests to which members are added, where the empty one() does not succeed.
var bases = map[string]func(*world) any{
	"ec2.RunInstances": func(*world) any {
		return &ec2.RunInstancesInput{ImageId: aws.String(local.ImageX86), InstanceType: "t3.micro", MinCount: one(), MaxCount: aws.Int32(2)}
	},
	"ec2.CreateLaunchTemplate": func(*world) any {
		return &ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("new"), LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(local.ImageX86)}}
	},
	"ec2.CreateLaunchTemplateVersion": func(w *world) any {
		return &ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: w.id("template"), LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(local.ImageX86)}}
	},
	"ec2.ModifyLaunchTemplate": func(w *world) any {
		return &ec2.ModifyLaunchTemplateInput{LaunchTemplateId: w.id("template"), DefaultVersion: aws.String("2")}
	},
	"ec2.DeleteLaunchTemplate": func(w *world) any { return &ec2.DeleteLaunchTemplateInput{LaunchTemplateId: w.id("template")} },
	"ec2.DeleteLaunchTemplateVersions": func(w *world) any {
		return &ec2.DeleteLaunchTemplateVersionsInput{LaunchTemplateId: w.id("template"), Versions: []string{"2"}}
	},
	"ec2.DescribeLaunchTemplateVersions": func(w *world) any {
		return &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: w.id("template")}
	},
	"ec2.CreateImage": func(w *world) any {
		return &ec2.CreateImageInput{InstanceId: w.id("instance"), Name: aws.String("new")}
	},
	"ec2.RegisterImage": func(*world) any {
		return &ec2.RegisterImageInput{
			Name: aws.String("new"), RootDeviceName: aws.String("/dev/xvda"), VirtualizationType: aws.String("hvm"),
			BootMode:            types.BootModeValuesUefi,
			BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String("snap-00000000000000086")}}},
		}
	},
	"ec2.CopyImage": func(w *world) any {
		return &ec2.CopyImageInput{Name: aws.String("new"), SourceImageId: w.id("image"), SourceRegion: aws.String("eu-central-1")}
	},
	"ec2.DeregisterImage":                      func(w *world) any { return &ec2.DeregisterImageInput{ImageId: w.id("image")} },
	"ec2.DisableImage":                         func(w *world) any { return &ec2.DisableImageInput{ImageId: w.id("image")} },
	"ec2.EnableImage":                          func(w *world) any { return &ec2.EnableImageInput{ImageId: w.id("image")} },
	"ec2.EnableImageDeregistrationProtection":  func(w *world) any { return &ec2.EnableImageDeregistrationProtectionInput{ImageId: w.id("image")} },
	"ec2.DisableImageDeregistrationProtection": func(w *world) any { return &ec2.DisableImageDeregistrationProtectionInput{ImageId: w.id("image")} },
	"ec2.EnableImageDeprecation": func(w *world) any {
		return &ec2.EnableImageDeprecationInput{ImageId: w.id("image"), DeprecateAt: aws.Time(time.Now().Add(48 * time.Hour))}
	},
	"ec2.DisableImageDeprecation": func(w *world) any { return &ec2.DisableImageDeprecationInput{ImageId: w.id("image")} },
	"ec2.DescribeImageAttribute": func(w *world) any {
		return &ec2.DescribeImageAttributeInput{ImageId: w.id("image"), Attribute: "description"}
	},
	"ec2.DescribeImageReferences": func(w *world) any {
		return &ec2.DescribeImageReferencesInput{ImageIds: []string{local.ImageX86}, IncludeAllResourceTypes: aws.Bool(true)}
	},
	"ec2.ModifyImageAttribute": func(w *world) any {
		return &ec2.ModifyImageAttributeInput{ImageId: w.id("image"), Description: &types.AttributeValue{Value: aws.String("new")}}
	},
	"ec2.CreateVolume": func(*world) any {
		return &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-central-1a"), Size: aws.Int32(200)}
	},
	"ec2.DeleteVolume":   func(w *world) any { return &ec2.DeleteVolumeInput{VolumeId: w.id("volume")} },
	"ec2.CreateSnapshot": func(w *world) any { return &ec2.CreateSnapshotInput{VolumeId: w.id("volume")} },
	"ec2.CreateSnapshots": func(w *world) any {
		return &ec2.CreateSnapshotsInput{InstanceSpecification: &types.InstanceSpecification{InstanceId: w.id("instance")}}
	},
	"ec2.DeleteSnapshot": func(w *world) any { return &ec2.DeleteSnapshotInput{SnapshotId: w.id("snapshot")} },
	"ec2.ModifySnapshotAttribute": func(w *world) any {
		return &ec2.ModifySnapshotAttributeInput{
			SnapshotId: w.id("snapshot"), Attribute: "createVolumePermission",
			CreateVolumePermission: &types.CreateVolumePermissionModifications{Add: []types.CreateVolumePermission{{UserId: aws.String("111111111111")}}},
		}
	},
	"ec2.DescribeSnapshotAttribute": func(w *world) any {
		return &ec2.DescribeSnapshotAttributeInput{SnapshotId: w.id("snapshot"), Attribute: "createVolumePermission"}
	},
	"ec2.EnableFastSnapshotRestores": func(w *world) any {
		return &ec2.EnableFastSnapshotRestoresInput{SourceSnapshotIds: []string{w.ids["snapshot"]}, AvailabilityZones: []string{"eu-central-1a"}}
	},
	"ec2.DisableFastSnapshotRestores": func(w *world) any {
		return &ec2.DisableFastSnapshotRestoresInput{SourceSnapshotIds: []string{w.ids["snapshot"]}, AvailabilityZones: []string{"eu-central-1a"}}
	},
	"ec2.LockSnapshot": func(w *world) any {
		return &ec2.LockSnapshotInput{SnapshotId: w.id("snapshot"), LockMode: "governance", LockDuration: aws.Int32(5)}
	},
	"ec2.UnlockSnapshot": func(w *world) any { return &ec2.UnlockSnapshotInput{SnapshotId: w.id("locked")} },
	"ec2.ModifySnapshotTier": func(w *world) any {
		return &ec2.ModifySnapshotTierInput{SnapshotId: w.id("snapshot"), StorageTier: "archive"}
	},
	"ec2.RestoreSnapshotTier": func(w *world) any {
		return &ec2.RestoreSnapshotTierInput{SnapshotId: w.id("archived"), PermanentRestore: aws.Bool(true)}
	},
	"ec2.RestoreImageFromRecycleBin": func(w *world) any { return &ec2.RestoreImageFromRecycleBinInput{ImageId: w.id("binned image")} },
	"ec2.RestoreSnapshotFromRecycleBin": func(w *world) any {
		return &ec2.RestoreSnapshotFromRecycleBinInput{SnapshotId: w.id("binned snapshot")}
	},
	"ec2.CreateTags": func(w *world) any {
		return &ec2.CreateTagsInput{Resources: []string{w.ids["instance"]}, Tags: []types.Tag{{Key: aws.String("new"), Value: aws.String("1")}}}
	},
	"ec2.DeleteTags": func(w *world) any {
		return &ec2.DeleteTagsInput{Resources: []string{w.ids["image"]}, Tags: []types.Tag{{Key: aws.String("team")}}}
	},
	"ec2.StartInstances":     func(w *world) any { return &ec2.StartInstancesInput{InstanceIds: []string{w.ids["stopped"]}} },
	"ec2.StopInstances":      func(w *world) any { return &ec2.StopInstancesInput{InstanceIds: []string{w.ids["instance"]}} },
	"ec2.RebootInstances":    func(w *world) any { return &ec2.RebootInstancesInput{InstanceIds: []string{w.ids["instance"]}} },
	"ec2.TerminateInstances": func(w *world) any { return &ec2.TerminateInstancesInput{InstanceIds: []string{w.ids["instance"]}} },
	"ec2.DescribeInstanceAttribute": func(w *world) any {
		return &ec2.DescribeInstanceAttributeInput{InstanceId: w.id("instance"), Attribute: "disableApiStop"}
	},
	"ec2.ModifyInstanceAttribute": func(w *world) any {
		return &ec2.ModifyInstanceAttributeInput{InstanceId: w.id("stopped"), DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(true)}}
	},
	"ec2.GetInstanceTypesFromInstanceRequirements": func(*world) any {
		return &ec2.GetInstanceTypesFromInstanceRequirementsInput{
			ArchitectureTypes: []types.ArchitectureType{"x86_64"}, VirtualizationTypes: []types.VirtualizationType{"hvm"},
			InstanceRequirements: &types.InstanceRequirementsRequest{VCpuCount: &types.VCpuCountRangeRequest{Min: one()}, MemoryMiB: &types.MemoryMiBRequest{Min: one()}},
		}
	},
	"ec2.CreateSecurityGroup": func(*world) any {
		return &ec2.CreateSecurityGroupInput{GroupName: aws.String("new"), Description: aws.String("new")}
	},
	"ec2.DeleteSecurityGroup": func(w *world) any { return &ec2.DeleteSecurityGroupInput{GroupId: w.id("group")} },
	"ec2.CreateKeyPair":       func(*world) any { return &ec2.CreateKeyPairInput{KeyName: aws.String("new")} },
	"ec2.ImportKeyPair": func(*world) any {
		return &ec2.ImportKeyPairInput{KeyName: aws.String("new"), PublicKeyMaterial: []byte("ssh-rsa AAAA")}
	},
	"ec2.DeleteKeyPair": func(*world) any { return &ec2.DeleteKeyPairInput{KeyName: aws.String("sample")} },
	"ec2.CreateFleet": func(w *world) any {
		return &ec2.CreateFleetInput{
			TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{TotalTargetCapacity: one()},
			LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{{
				LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecificationRequest{LaunchTemplateId: w.id("template"), Version: aws.String("1")},
			}},
		}
	},
	"ec2.DeleteFleets": func(w *world) any {
		return &ec2.DeleteFleetsInput{FleetIds: []string{w.ids["fleet"]}, TerminateInstances: aws.Bool(true)}
	},
	"ec2.RequestSpotFleet": func(w *world) any {
		return &ec2.RequestSpotFleetInput{SpotFleetRequestConfig: &types.SpotFleetRequestConfigData{
			IamFleetRole: aws.String("arn:aws:iam::123456789012:role/fleet"), TargetCapacity: one(),
			LaunchSpecifications: []types.SpotFleetLaunchSpecification{{ImageId: aws.String(local.ImageX86), InstanceType: "t3.micro"}},
		}}
	},
	"ec2.CancelSpotFleetRequests": func(w *world) any {
		return &ec2.CancelSpotFleetRequestsInput{SpotFleetRequestIds: []string{w.ids["spot fleet"]}, TerminateInstances: aws.Bool(true)}
	},
	"autoscaling.CreateAutoScalingGroup": func(w *world) any {
		return &autoscaling.CreateAutoScalingGroupInput{
			AutoScalingGroupName: aws.String("new"), MinSize: aws.Int32(0), MaxSize: aws.Int32(9), AvailabilityZones: []string{"eu-central-1a"},
			LaunchTemplate: &scalingtypes.LaunchTemplateSpecification{LaunchTemplateId: w.id("template"), Version: aws.String("1")},
		}
	},
	"autoscaling.UpdateAutoScalingGroup": func(*world) any {
		return &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: aws.String("made")}
	},
	"autoscaling.DeleteAutoScalingGroup": func(*world) any {
		return &autoscaling.DeleteAutoScalingGroupInput{AutoScalingGroupName: aws.String("empty")}
	},
	"autoscaling.CreateLaunchConfiguration": func(*world) any {
		return &autoscaling.CreateLaunchConfigurationInput{LaunchConfigurationName: aws.String("new"), ImageId: aws.String(local.ImageX86), InstanceType: aws.String("t3.micro")}
	},
	"autoscaling.DeleteLaunchConfiguration": func(*world) any {
		return &autoscaling.DeleteLaunchConfigurationInput{LaunchConfigurationName: aws.String("made")}
	},
	"autoscaling.EnterStandby": func(w *world) any {
		return &autoscaling.EnterStandbyInput{AutoScalingGroupName: aws.String("made"), InstanceIds: []string{w.ids["member"]}, ShouldDecrementDesiredCapacity: aws.Bool(true)}
	},
	"autoscaling.ExitStandby": func(w *world) any {
		return &autoscaling.ExitStandbyInput{AutoScalingGroupName: aws.String("made"), InstanceIds: []string{w.ids["standby"]}}
	},
	"autoscaling.PutWarmPool": func(*world) any { return &autoscaling.PutWarmPoolInput{AutoScalingGroupName: aws.String("made")} },
	"autoscaling.DescribeWarmPool": func(*world) any {
		return &autoscaling.DescribeWarmPoolInput{AutoScalingGroupName: aws.String("suspended")}
	},
	"autoscaling.DeleteWarmPool": func(*world) any {
		return &autoscaling.DeleteWarmPoolInput{AutoScalingGroupName: aws.String("suspended")}
	},
	"autoscaling.SetInstanceProtection": func(w *world) any {
		return &autoscaling.SetInstanceProtectionInput{AutoScalingGroupName: aws.String("made"), InstanceIds: []string{w.ids["member"]}, ProtectedFromScaleIn: aws.Bool(true)}
	},
	"autoscaling.SuspendProcesses": func(*world) any { return &autoscaling.SuspendProcessesInput{AutoScalingGroupName: aws.String("made")} },
	"autoscaling.ResumeProcesses": func(*world) any {
		return &autoscaling.ResumeProcessesInput{AutoScalingGroupName: aws.String("suspended")}
	},
	"autoscaling.StartInstanceRefresh": func(*world) any {
		return &autoscaling.StartInstanceRefreshInput{AutoScalingGroupName: aws.String("made")}
	},
	"autoscaling.DescribeInstanceRefreshes": func(*world) any {
		return &autoscaling.DescribeInstanceRefreshesInput{AutoScalingGroupName: aws.String("refreshing")}
	},
	"autoscaling.CancelInstanceRefresh": func(*world) any {
		return &autoscaling.CancelInstanceRefreshInput{AutoScalingGroupName: aws.String("refreshing")}
	},
	"autoscaling.RollbackInstanceRefresh": func(*world) any {
		return &autoscaling.RollbackInstanceRefreshInput{AutoScalingGroupName: aws.String("refreshing")}
	},
	"ssm.GetParameter":        func(*world) any { return &ssm.GetParameterInput{Name: aws.String("/made/sample")} },
	"ssm.GetParameters":       func(*world) any { return &ssm.GetParametersInput{Names: []string{"/made/sample"}} },
	"ssm.GetParametersByPath": func(*world) any { return &ssm.GetParametersByPathInput{Path: aws.String("/made")} },
	"ssm.PutParameter": func(*world) any {
		return &ssm.PutParameterInput{Name: aws.String("/new"), Value: aws.String("1"), Type: ssmtypes.ParameterTypeString}
	},
	"ssm.DeleteParameter":     func(*world) any { return &ssm.DeleteParameterInput{Name: aws.String("/made/sample")} },
	"ssm.GetParameterHistory": func(*world) any { return &ssm.GetParameterHistoryInput{Name: aws.String("/made/sample")} },
	"ssm.LabelParameterVersion": func(*world) any {
		return &ssm.LabelParameterVersionInput{Name: aws.String("/made/sample"), Labels: []string{"new"}}
	},
	"ssm.UnlabelParameterVersion": func(*world) any {
		return &ssm.UnlabelParameterVersionInput{Name: aws.String("/made/sample"), ParameterVersion: aws.Int64(1), Labels: []string{"old"}}
	},
	"ssm.SendCommand": func(w *world) any {
		return &ssm.SendCommandInput{DocumentName: aws.String("AWS-RunShellScript"), InstanceIds: []string{w.ids["instance"]}, Parameters: map[string][]string{"commands": {"true"}}}
	},
	"secretsmanager.GetSecretValue": func(*world) any { return &secretsmanager.GetSecretValueInput{SecretId: aws.String("made")} },
	"secretsmanager.DescribeSecret": func(*world) any { return &secretsmanager.DescribeSecretInput{SecretId: aws.String("made")} },
	"secretsmanager.CreateSecret": func(*world) any {
		return &secretsmanager.CreateSecretInput{Name: aws.String("new"), SecretString: aws.String("1")}
	},
	"secretsmanager.UpdateSecretVersionStage": func(w *world) any {
		return &secretsmanager.UpdateSecretVersionStageInput{SecretId: aws.String("made"), VersionStage: aws.String("new"), MoveToVersionId: w.id("secret version")}
	},
	"secretsmanager.PutSecretValue": func(*world) any {
		return &secretsmanager.PutSecretValueInput{SecretId: aws.String("made"), SecretString: aws.String("2")}
	},
}
