package members

import (
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	local "goldsmith/local/ec2"
)

// clients are the services' clients.
var clients = map[string]func(*world) any{
	"ec2":                  func(w *world) any { return w.ec2 },
	"autoscaling":          func(w *world) any { return w.scaling },
	"elasticloadbalancing": func(w *world) any { return w.balancing },
	"ssm":                  func(w *world) any { return w.ssm },
	"secretsmanager":       func(w *world) any { return w.secrets },
	"sfn":                  func(w *world) any { return w.states },
	"lambda":               func(w *world) any { return w.lambda },
	"dynamodb":             func(w *world) any { return w.dynamodb },
	"ebs":                  func(w *world) any { return w.ebs },
	"scheduler":            func(w *world) any { return w.scheduler },
	"sqs":                  func(w *world) any { return w.sqs },
	"sts":                  func(w *world) any { return w.sts },
	"kms":                  func(w *world) any { return w.kms },
	"servicequotas":        func(w *world) any { return w.quotas },
	"organizations":        func(w *world) any { return w.orgs },
	"eventbridge":          func(w *world) any { return w.events },
	"sns":                  func(w *world) any { return w.sns },
	"logs":                 func(w *world) any { return w.logs },
}

func one() *int32 { return aws.Int32(1) }

func (w *world) id(name string) *string { return aws.String(w.ids[name]) }

var rootMapping = types.BlockDeviceMapping{
	DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String("snap-00000000000000086")},
}

func registering(mappings ...types.BlockDeviceMapping) *ec2.RegisterImageInput {
	return &ec2.RegisterImageInput{
		Name: aws.String("new"), RootDeviceName: aws.String("/dev/xvda"), VirtualizationType: aws.String("hvm"),
		BootMode: types.BootModeValuesUefi, BlockDeviceMappings: mappings,
	}
}

// bases are the requests to which members are added, by action or by action and part of a member's path, where the
// empty one does not succeed.
var bases = map[string]func(*world) any{}

func init() {
	for _, service := range []map[string]func(*world) any{
		ec2Bases, scalingBases, storeBases, workflowBases, tableBases, blockBases, queueBases,
	} {
		maps.Copy(bases, service)
	}
}

var ec2Bases = map[string]func(*world) any{
	"ec2.RunInstances": func(*world) any {
		return &ec2.RunInstancesInput{
			ImageId: aws.String(local.ImageX86), InstanceType: "t3.micro", MinCount: one(), MaxCount: aws.Int32(2),
		}
	},
	"ec2.CreateImageUsageReport": func(w *world) any {
		return &ec2.CreateImageUsageReportInput{
			ImageId:       w.id("image"),
			ResourceTypes: []types.ImageUsageResourceTypeRequest{{ResourceType: aws.String("ec2:LaunchTemplate")}},
		}
	},
	"ec2.CreateLaunchTemplate": func(*world) any {
		return &ec2.CreateLaunchTemplateInput{
			LaunchTemplateName: aws.String("new"), LaunchTemplateData: &types.RequestLaunchTemplateData{
				ImageId: aws.String(local.ImageX86),
			},
		}
	},
	"ec2.CreateLaunchTemplateVersion": func(w *world) any {
		return &ec2.CreateLaunchTemplateVersionInput{
			LaunchTemplateId: w.id("template"), LaunchTemplateData: &types.RequestLaunchTemplateData{
				ImageId: aws.String(local.ImageX86),
			},
		}
	},
	"ec2.ModifyLaunchTemplate": func(w *world) any {
		return &ec2.ModifyLaunchTemplateInput{LaunchTemplateId: w.id("template"), DefaultVersion: aws.String("2")}
	},
	"ec2.DeleteLaunchTemplate": func(w *world) any {
		return &ec2.DeleteLaunchTemplateInput{LaunchTemplateId: w.id("template")}
	},
	"ec2.DeleteLaunchTemplateVersions": func(w *world) any {
		return &ec2.DeleteLaunchTemplateVersionsInput{LaunchTemplateId: w.id("template"), Versions: []string{"2"}}
	},
	"ec2.DescribeLaunchTemplateVersions.ResolveAlias": func(*world) any {
		return &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: aws.String("alias")}
	},
	"ec2.DescribeLaunchTemplateVersions": func(w *world) any {
		return &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: w.id("template")}
	},
	"ec2.CreateImage": func(w *world) any {
		return &ec2.CreateImageInput{InstanceId: w.id("instance"), Name: aws.String("new")}
	},
	"ec2.RegisterImage": func(*world) any { return registering(rootMapping) },
	"ec2.RegisterImage.BlockDeviceMappings": func(*world) any {
		return registering(types.BlockDeviceMapping{}, rootMapping)
	},
	"ec2.CopyImage": func(w *world) any {
		return &ec2.CopyImageInput{
			Name: aws.String("new"), SourceImageId: w.id("image"), SourceRegion: aws.String("eu-central-1"),
		}
	},
	"ec2.CopySnapshot": func(w *world) any {
		return &ec2.CopySnapshotInput{SourceSnapshotId: w.id("snapshot"), SourceRegion: aws.String("eu-central-1")}
	},
	"ec2.DeregisterImage": func(w *world) any {
		return &ec2.DeregisterImageInput{ImageId: w.id("image")}
	},
	"ec2.DisableImage": func(w *world) any {
		return &ec2.DisableImageInput{ImageId: w.id("image")}
	},
	"ec2.EnableImage": func(w *world) any {
		return &ec2.EnableImageInput{ImageId: w.id("image")}
	},
	"ec2.EnableImageDeregistrationProtection": func(w *world) any {
		return &ec2.EnableImageDeregistrationProtectionInput{ImageId: w.id("image")}
	},
	"ec2.DisableImageDeregistrationProtection": func(w *world) any {
		return &ec2.DisableImageDeregistrationProtectionInput{ImageId: w.id("image")}
	},
	"ec2.EnableImageDeprecation": func(w *world) any {
		return &ec2.EnableImageDeprecationInput{
			ImageId: w.id("image"), DeprecateAt: aws.Time(time.Now().Add(48 * time.Hour)),
		}
	},
	"ec2.DisableImageDeprecation": func(w *world) any {
		return &ec2.DisableImageDeprecationInput{ImageId: w.id("image")}
	},
	"ec2.DescribeImageAttribute": func(w *world) any {
		return &ec2.DescribeImageAttributeInput{ImageId: w.id("image"), Attribute: "description"}
	},
	"ec2.DescribeImageReferences": func(w *world) any {
		return &ec2.DescribeImageReferencesInput{
			ImageIds: []string{local.ImageX86}, IncludeAllResourceTypes: aws.Bool(true),
		}
	},
	"ec2.DescribeImageReferences.ResourceTypes": func(*world) any {
		return &ec2.DescribeImageReferencesInput{ImageIds: []string{local.ImageX86}}
	},
	"ec2.DescribeImageReferences.ResourceTypes[].ResourceTypeOptions[].OptionName": func(*world) any {
		return &ec2.DescribeImageReferencesInput{ImageIds: []string{
			local.ImageX86,
		}, ResourceTypes: []types.ResourceTypeRequest{{
			ResourceType: "ec2:Instance", ResourceTypeOptions: []types.ResourceTypeOption{
				{OptionValues: []string{"2"}},
			},
		}}}
	},
	"ec2.DescribeImageReferences.ResourceTypes[].ResourceTypeOptions": func(*world) any {
		return &ec2.DescribeImageReferencesInput{ImageIds: []string{
			local.ImageX86,
		}, ResourceTypes: []types.ResourceTypeRequest{{
			ResourceType: "ec2:Instance", ResourceTypeOptions: []types.ResourceTypeOption{
				{OptionName: "state-name", OptionValues: []string{"running"}},
			},
		}}}
	},
	"ec2.ModifyImageAttribute": func(w *world) any {
		return &ec2.ModifyImageAttributeInput{
			ImageId: w.id("image"), Description: &types.AttributeValue{Value: aws.String("new")},
		}
	},
	"ec2.ModifyImageAttribute.LaunchPermission": func(w *world) any {
		return &ec2.ModifyImageAttributeInput{ImageId: w.id("image")}
	},
	"ec2.ModifyImageAttribute.LaunchPermission.Remove": func(w *world) any {
		return &ec2.ModifyImageAttributeInput{ImageId: w.id("shared image")}
	},
	"ec2.ModifyImageAttribute.Attribute": func(w *world) any {
		return &ec2.ModifyImageAttributeInput{ImageId: w.id("image"), OperationType: "add", UserIds: []string{"111111111111"}}
	},
	"ec2.ModifyImageAttribute.OperationType": func(w *world) any {
		return &ec2.ModifyImageAttributeInput{ImageId: w.id("image"), UserIds: []string{"111111111111"}}
	},
	"ec2.ModifyImageAttribute.UserIds": func(w *world) any {
		return &ec2.ModifyImageAttributeInput{ImageId: w.id("image"), OperationType: "add"}
	},
	"ec2.ModifyImageAttribute.UserGroups": func(w *world) any {
		return &ec2.ModifyImageAttributeInput{ImageId: w.id("image"), OperationType: "add"}
	},
	"ec2.ModifyImageAttribute.OrganizationArns": func(w *world) any {
		return &ec2.ModifyImageAttributeInput{ImageId: w.id("image"), OperationType: "add"}
	},
	"ec2.ModifyImageAttribute.OrganizationalUnitArns": func(w *world) any {
		return &ec2.ModifyImageAttributeInput{ImageId: w.id("image"), OperationType: "add"}
	},
	"ec2.ModifyImageAttribute.ImdsSupport": func(w *world) any {
		return &ec2.ModifyImageAttributeInput{ImageId: w.id("image")}
	},
	"ec2.CreateVolume": func(*world) any {
		return &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-central-1a"), Size: aws.Int32(200)}
	},
	"ec2.DeleteVolume":   func(w *world) any { return &ec2.DeleteVolumeInput{VolumeId: w.id("volume")} },
	"ec2.CreateSnapshot": func(w *world) any { return &ec2.CreateSnapshotInput{VolumeId: w.id("volume")} },
	"ec2.CreateSnapshots": func(w *world) any {
		return &ec2.CreateSnapshotsInput{
			InstanceSpecification: &types.InstanceSpecification{InstanceId: w.id("instance")},
		}
	},
	"ec2.DeleteSnapshot": func(w *world) any { return &ec2.DeleteSnapshotInput{SnapshotId: w.id("snapshot")} },
	"ec2.ModifySnapshotAttribute": func(w *world) any {
		return &ec2.ModifySnapshotAttributeInput{
			SnapshotId: w.id("snapshot"), Attribute: "createVolumePermission",
			CreateVolumePermission: &types.CreateVolumePermissionModifications{
				Add: []types.CreateVolumePermission{{UserId: aws.String("111111111111")}},
			},
		}
	},
	"ec2.ModifySnapshotAttribute.CreateVolumePermission.Remove": func(w *world) any {
		return &ec2.ModifySnapshotAttributeInput{
			SnapshotId: w.id("shared snapshot"), Attribute: "createVolumePermission",
		}
	},
	"ec2.ModifySnapshotAttribute.CreateVolumePermission": func(w *world) any {
		return &ec2.ModifySnapshotAttributeInput{SnapshotId: w.id("snapshot"), Attribute: "createVolumePermission"}
	},
	"ec2.ModifySnapshotAttribute.OperationType": func(w *world) any {
		return &ec2.ModifySnapshotAttributeInput{SnapshotId: w.id("snapshot"), UserIds: []string{"111111111111"}}
	},
	"ec2.ModifySnapshotAttribute.GroupNames": func(w *world) any {
		return &ec2.ModifySnapshotAttributeInput{SnapshotId: w.id("snapshot"), OperationType: "add"}
	},
	"ec2.ModifySnapshotAttribute.UserIds": func(w *world) any {
		return &ec2.ModifySnapshotAttributeInput{SnapshotId: w.id("snapshot"), OperationType: "add"}
	},
	"ec2.ModifySnapshotTier.StorageTier": func(w *world) any {
		return &ec2.ModifySnapshotTierInput{SnapshotId: w.id("snapshot")}
	},
	"ec2.DescribeSnapshotAttribute": func(w *world) any {
		return &ec2.DescribeSnapshotAttributeInput{SnapshotId: w.id("snapshot"), Attribute: "createVolumePermission"}
	},
	"ec2.EnableFastSnapshotRestores": func(w *world) any {
		return &ec2.EnableFastSnapshotRestoresInput{
			SourceSnapshotIds: []string{w.ids["snapshot"]}, AvailabilityZones: []string{"eu-central-1a"},
		}
	},
	"ec2.DisableFastSnapshotRestores": func(w *world) any {
		return &ec2.DisableFastSnapshotRestoresInput{
			SourceSnapshotIds: []string{w.ids["snapshot"]}, AvailabilityZones: []string{"eu-central-1a"},
		}
	},
	"ec2.LockSnapshot": func(w *world) any {
		return &ec2.LockSnapshotInput{
			SnapshotId: w.id("snapshot"), LockMode: "governance", LockDuration: aws.Int32(5),
		}
	},
	"ec2.UnlockSnapshot": func(w *world) any { return &ec2.UnlockSnapshotInput{SnapshotId: w.id("locked")} },
	"ec2.ModifySnapshotTier": func(w *world) any {
		return &ec2.ModifySnapshotTierInput{SnapshotId: w.id("snapshot"), StorageTier: "archive"}
	},
	"ec2.RestoreSnapshotTier": func(w *world) any {
		return &ec2.RestoreSnapshotTierInput{SnapshotId: w.id("archived"), PermanentRestore: aws.Bool(true)}
	},
	"ec2.RestoreImageFromRecycleBin": func(w *world) any {
		return &ec2.RestoreImageFromRecycleBinInput{ImageId: w.id("binned image")}
	},
	"ec2.RestoreSnapshotFromRecycleBin": func(w *world) any {
		return &ec2.RestoreSnapshotFromRecycleBinInput{SnapshotId: w.id("binned snapshot")}
	},
	"ec2.CreateTags": func(w *world) any {
		return &ec2.CreateTagsInput{
			Resources: []string{
				w.ids["instance"],
			}, Tags: []types.Tag{{Key: aws.String("new"), Value: aws.String("1")}},
		}
	},
	"ec2.DeleteTags": func(w *world) any {
		return &ec2.DeleteTagsInput{Resources: []string{w.ids["image"]}, Tags: []types.Tag{{Key: aws.String("team")}}}
	},
	"ec2.StartInstances": func(w *world) any {
		return &ec2.StartInstancesInput{InstanceIds: []string{w.ids["stopped"]}}
	},
	"ec2.StopInstances": func(w *world) any {
		return &ec2.StopInstancesInput{InstanceIds: []string{w.ids["instance"]}}
	},
	"ec2.RebootInstances": func(w *world) any {
		return &ec2.RebootInstancesInput{InstanceIds: []string{w.ids["instance"]}}
	},
	"ec2.TerminateInstances": func(w *world) any {
		return &ec2.TerminateInstancesInput{InstanceIds: []string{w.ids["instance"]}}
	},
	"ec2.DescribeInstanceAttribute": func(w *world) any {
		return &ec2.DescribeInstanceAttributeInput{InstanceId: w.id("instance"), Attribute: "disableApiStop"}
	},
	"ec2.ModifyInstanceAttribute": func(w *world) any {
		return &ec2.ModifyInstanceAttributeInput{
			InstanceId: w.id("stopped"), DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(true)},
		}
	},
	"ec2.ModifyInstanceAttribute.DisableApiTermination": func(w *world) any {
		return &ec2.ModifyInstanceAttributeInput{InstanceId: w.id("stopped")}
	},
	"ec2.ModifyInstanceAttribute.InstanceInitiatedShutdownBehavior": func(w *world) any {
		return &ec2.ModifyInstanceAttributeInput{InstanceId: w.id("stopped")}
	},
	"ec2.ModifyInstanceAttribute.InstanceType": func(w *world) any {
		return &ec2.ModifyInstanceAttributeInput{InstanceId: w.id("stopped")}
	},
	"ec2.ModifyInstanceAttribute.Attribute": func(w *world) any {
		return &ec2.ModifyInstanceAttributeInput{InstanceId: w.id("stopped"), Value: aws.String("true")}
	},
	"ec2.ModifyInstanceAttribute.Value": func(w *world) any {
		return &ec2.ModifyInstanceAttributeInput{InstanceId: w.id("stopped"), Attribute: "disableApiTermination"}
	},
	"ec2.GetInstanceTypesFromInstanceRequirements": func(*world) any {
		return &ec2.GetInstanceTypesFromInstanceRequirementsInput{
			ArchitectureTypes: []types.ArchitectureType{
				"x86_64",
			}, VirtualizationTypes: []types.VirtualizationType{"hvm"},
			InstanceRequirements: &types.InstanceRequirementsRequest{
				VCpuCount: &types.VCpuCountRangeRequest{Min: one()}, MemoryMiB: &types.MemoryMiBRequest{Min: one()},
			},
		}
	},
	"ec2.CreateSecurityGroup": func(*world) any {
		return &ec2.CreateSecurityGroupInput{GroupName: aws.String("new"), Description: aws.String("new")}
	},
	"ec2.DeleteSecurityGroup": func(w *world) any {
		return &ec2.DeleteSecurityGroupInput{GroupId: w.id("group")}
	},
	"ec2.DeleteSecurityGroup.GroupName": func(*world) any { return &ec2.DeleteSecurityGroupInput{} },
	"ec2.CreateKeyPair": func(*world) any {
		return &ec2.CreateKeyPairInput{KeyName: aws.String("new")}
	},
	"ec2.ImportKeyPair": func(*world) any {
		return &ec2.ImportKeyPairInput{KeyName: aws.String("new"), PublicKeyMaterial: []byte("ssh-rsa AAAA")}
	},
	"ec2.DeleteKeyPair": func(*world) any { return &ec2.DeleteKeyPairInput{KeyName: aws.String("sample")} },
	"ec2.CreateFleet": func(w *world) any {
		return &ec2.CreateFleetInput{
			TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{TotalTargetCapacity: one()},
			LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{{
				LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecificationRequest{
					LaunchTemplateId: w.id("template"), Version: aws.String("1"),
				},
			}},
		}
	},
	"ec2.DeleteFleets": func(w *world) any {
		return &ec2.DeleteFleetsInput{FleetIds: []string{w.ids["fleet"]}, TerminateInstances: aws.Bool(true)}
	},
	"ec2.RequestSpotFleet": func(w *world) any {
		return &ec2.RequestSpotFleetInput{SpotFleetRequestConfig: &types.SpotFleetRequestConfigData{
			IamFleetRole: aws.String("arn:aws:iam::123456789012:role/fleet"), TargetCapacity: one(),
			LaunchSpecifications: []types.SpotFleetLaunchSpecification{
				{ImageId: aws.String(local.ImageX86), InstanceType: "t3.micro"},
			},
		}}
	},
	"ec2.RequestSpotFleet.SpotFleetRequestConfig.LaunchTemplateConfigs": func(w *world) any {
		return &ec2.RequestSpotFleetInput{SpotFleetRequestConfig: &types.SpotFleetRequestConfigData{
			IamFleetRole: aws.String("arn:aws:iam::123456789012:role/fleet"), TargetCapacity: one(),
			LaunchTemplateConfigs: []types.LaunchTemplateConfig{{
				LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecification{
					LaunchTemplateId: w.id("template"), Version: aws.String("1"),
				},
			}},
		}}
	},
	"ec2.CancelSpotFleetRequests": func(w *world) any {
		return &ec2.CancelSpotFleetRequestsInput{
			SpotFleetRequestIds: []string{w.ids["spot fleet"]}, TerminateInstances: aws.Bool(true),
		}
	},
}
