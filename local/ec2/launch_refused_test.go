package ec2_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/fault"
)

// images are what the rows launch from besides the public ones.
type images struct{ noENA, uefi, tpm, paravirtual, withDisk, otherSnapshot string }

func (r *rig) registered(name string, change func(*sdk.RegisterImageInput)) string {
	r.t.Helper()
	in := &sdk.RegisterImageInput{
		Name: aws.String(name), Architecture: "x86_64", VirtualizationType: aws.String("hvm"),
		RootDeviceName: aws.String("/dev/xvda"),
		EnaSupport:     aws.Bool(true), BlockDeviceMappings: disk("snap-00000000000000086"),
	}
	change(in)
	out, err := r.RegisterImage(r.t.Context(), in)
	if err != nil {
		r.t.Fatal(err)
	}
	return aws.ToString(out.ImageId)
}

func disk(snapshot string) []types.BlockDeviceMapping {
	return []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"),
		Ebs: &types.EbsBlockDevice{SnapshotId: aws.String(snapshot)}}}
}

func (r *rig) images() images {
	made := images{
		noENA: r.registered("no ena", func(in *sdk.RegisterImageInput) { in.EnaSupport = nil }),
		uefi:  r.registered("uefi", func(in *sdk.RegisterImageInput) { in.BootMode = types.BootModeValuesUefi }),
		tpm: r.registered("tpm", func(in *sdk.RegisterImageInput) {
			in.BootMode, in.TpmSupport = types.BootModeValuesUefi, types.TpmSupportValuesV20
		}),
		paravirtual: r.registered("paravirtual",
			func(in *sdk.RegisterImageInput) { in.VirtualizationType = aws.String("paravirtual") }),
		withDisk: r.registered("disk", func(in *sdk.RegisterImageInput) {
			in.BlockDeviceMappings = append(in.BlockDeviceMappings,
				types.BlockDeviceMapping{DeviceName: aws.String("/dev/sdb"), VirtualName: aws.String("ephemeral0")})
		}),
	}
	other := r.world.SeedImage("other", time.Now(), nil)
	out, err := r.DescribeImages(r.t.Context(), &sdk.DescribeImagesInput{ImageIds: []string{other}})
	if err != nil {
		r.t.Fatal(err)
	}
	made.otherSnapshot = aws.ToString(out.Images[0].BlockDeviceMappings[0].Ebs.SnapshotId)
	time.Sleep(time.Hour) // They become available.
	return made
}

// device maps one device.
func device(name string, ebs *types.EbsBlockDevice) func(*sdk.RunInstancesInput, images) {
	return func(in *sdk.RunInstancesInput, _ images) {
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String(name), Ebs: ebs}}
	}
}

func volume(kind types.VolumeType, size, iops, throughput int32) func(*sdk.RunInstancesInput, images) {
	ebs := &types.EbsBlockDevice{VolumeType: kind, VolumeSize: aws.Int32(size)}
	if iops > 0 {
		ebs.Iops = aws.Int32(iops)
	}
	if throughput > 0 {
		ebs.Throughput = aws.Int32(throughput)
	}
	return device("/dev/sdf", ebs)
}

// refusals are launches that EC2 refuses. source is where its answer is quoted or tried, the
// API reference where it is the rule, or "words unverified".
var refusals = map[string]struct {
	change             func(*sdk.RunInstancesInput, images)
	code, says, source string
}{
	"root smaller than its snapshot": {
		device("/dev/xvda", &types.EbsBlockDevice{VolumeSize: aws.Int32(4)}),
		"InvalidBlockDeviceMapping",
		"Volume of size 4GB is smaller than snapshot 'snap-00000000000000086', expect size >= 8GB",
		"karpenter-provider-aws#3302",
	},
	"data volume smaller than its snapshot": {
		func(in *sdk.RunInstancesInput, made images) {
			device("/dev/sdf",
				&types.EbsBlockDevice{VolumeSize: aws.Int32(4), SnapshotId: aws.String(made.otherSnapshot)})(in, made)
		}, "InvalidBlockDeviceMapping", "expect size >= 8GB", "karpenter-provider-aws#3302",
	},
	"neither size nor snapshot": {
		device("/dev/sdf", &types.EbsBlockDevice{VolumeType: types.VolumeTypeGp3}),
		"MissingParameter", "The request must contain the parameter size or snapshotId", "getmoto/moto#2949",
	},
	"no Ebs": {device("/dev/sdf", nil), "MissingParameter", "The request must contain the parameter ebs",
		"getmoto/moto#2949"},
	"another snapshot at the root": {
		func(in *sdk.RunInstancesInput, made images) {
			device("/dev/xvda", &types.EbsBlockDevice{SnapshotId: aws.String(made.otherSnapshot)})(in, made)
		}, "InvalidBlockDeviceMapping", "snapshotId cannot be modified on root device",
		"ec2-api (OpenStack), compat with EC2's words",
	},
	"a snapshot at an instance store device": {
		func(in *sdk.RunInstancesInput, made images) {
			in.ImageId = aws.String(made.withDisk)
			device("/dev/sdb", &types.EbsBlockDevice{SnapshotId: aws.String(made.otherSnapshot)})(in, made)
		}, "InvalidBlockDeviceMapping", "snapshotId can only be modified on EBS devices", "hashicorp/packer#2765",
	},
	"a snapshot that is not there": {
		device("/dev/sdf", &types.EbsBlockDevice{SnapshotId: aws.String("snap-0123456789abcdef0")}),
		"InvalidSnapshot.NotFound", "The snapshot 'snap-0123456789abcdef0' does not exist.", "jtriley/StarCluster#330",
	},
	"a snapshot of another account's": {
		device("/dev/sdf", &types.EbsBlockDevice{SnapshotId: aws.String("snap-00000000000000077")}),
		"InvalidSnapshot.NotFound", "snap-00000000000000077", "jtriley/StarCluster#330",
	},
	"a virtual name that is none": {
		func(in *sdk.RunInstancesInput, _ images) {
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"),
				VirtualName: aws.String("wrongval")}}
		}, "InvalidParameterValue",
		"Value (wrongval) for parameter virtualName is invalid. Expected format: 'ephemeral<NUMBER>'.",
		"hashicorp/terraform#14480",
	},
	"a mapping on an instance-store image": {
		func(in *sdk.RunInstancesInput, made images) {
			in.ImageId, in.InstanceType = aws.String(ec2.ImageInstanceStore), types.InstanceTypeM3Medium
			device("/dev/sdf", &types.EbsBlockDevice{VolumeSize: aws.Int32(8)})(in, made)
		}, "InvalidBlockDeviceMapping", "EBS block device mappings not supported for instance-store AMIs.",
		"docker/machine#1284",
	},
	"hibernation without an encrypted root": {
		func(in *sdk.RunInstancesInput, _ images) {
			in.InstanceType, in.HibernationOptions = "m5.large", &types.HibernationOptionsRequest{Configured: aws.Bool(true)}
		}, "UnsupportedHibernationConfiguration", "encrypted root", "error code reference; words unverified",
	},
	"hibernation of a type without": {
		func(in *sdk.RunInstancesInput, _ images) {
			in.InstanceType, in.HibernationOptions = "c5.metal", &types.HibernationOptionsRequest{Configured: aws.Bool(true)}
		}, "UnsupportedHibernationConfiguration", "instance type c5.metal", "error code reference; words unverified",
	},
	"stop protection of a Spot Instance": {
		func(in *sdk.RunInstancesInput, _ images) {
			in.DisableApiStop = aws.Bool(true)
			in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
		}, "UnsupportedOperation", "Spot Instances", "User Guide; words unverified",
	},
	"stop protection on instance store": {
		func(in *sdk.RunInstancesInput, _ images) {
			in.ImageId, in.InstanceType = aws.String(ec2.ImageInstanceStore), types.InstanceTypeM3Medium
			in.DisableApiStop = aws.Bool(true)
		}, "UnsupportedOperation", "instance store-backed", "User Guide; words unverified",
	},
	"HDD as the root": {
		device("/dev/xvda", &types.EbsBlockDevice{VolumeType: types.VolumeTypeSt1, VolumeSize: aws.Int32(500)}),
		"InvalidParameterCombination", "The parameter iops is not supported for st1 volumes.", "aws/aws-sdk#542",
	},
	"a type that is none": {volume("gp9", 8, 0, 0), "InvalidParameterValue", "gp9", "words unverified"},
	"IOPS of gp2": {volume("gp2", 100, 300, 0), "InvalidParameterCombination",
		"The parameter iops is not supported for gp2 volumes.", "libopenstorage/openstorage#121"},
	"no IOPS of io2": {volume("io2", 100, 0, 0), "InvalidParameterCombination",
		"The parameter iops must be specified for io2 volumes.", "velero-plugin-for-aws#119"},
	"throughput of io1": {volume("io1", 100, 300, 300), "InvalidBlockDeviceMapping",
		"throughput cannot be specified with the volumeType of device '/dev/sdf'",
		"machine-controller-manager-provider-aws#95"},
	"gp3: too few IOPS": {volume("gp3", 100, 100, 0), "InvalidParameterValue",
		"Volume iops of 100 is too low; minimum is 3000.", "API reference, EbsBlockDevice"},
	"gp3: too many IOPS": {volume("gp3", 16384, 90000, 0), "InvalidParameterValue",
		"Volume iops of 90000 is too high; maximum is 80000.", "API reference, EbsBlockDevice"},
	"gp3: IOPS to size": {volume("gp3", 20, 15000, 0), "InvalidParameterValue",
		"Iops to volume size ratio of 750.000000 is too high; maximum is 500", "rocicorp/mono#4410"},
	"gp3: throughput to IOPS": {volume("gp3", 100, 3000, 1000), "InvalidParameterValue",
		"Throughput (MiBps) to iops ratio of 0.333333 is too high; maximum is 0.250000 MiBps per iops",
		"runs-on/runs-on#260"},
	"gp3: too much throughput": {volume("gp3", 1000, 20000, 3000), "InvalidParameterValue", "3000",
		"API reference, EbsBlockDevice"},
	"gp3: too little": {volume("gp3", 1000, 0, 100), "InvalidParameterValue", "100",
		"API reference, EbsBlockDevice"},
	"io1: IOPS to size": {volume("io1", 10, 600, 0), "InvalidParameterValue", "maximum is 50",
		"rocicorp/mono#4410"},
	"st1: too small": {volume("st1", 100, 0, 0), "InvalidParameterValue", "minimum is 125GiB",
		"API reference, EbsBlockDevice"},
	"io1: too small": {volume("io1", 3, 100, 0), "InvalidParameterValue", "minimum is 4GiB",
		"API reference, EbsBlockDevice"},
	"standard: too large": {volume("standard", 1025, 0, 0), "InvalidParameterValue", "maximum is 1024GiB",
		"API reference, EbsBlockDevice"},
	"gp2: too large": {volume("gp2", 16385, 0, 0), "InvalidParameterValue", "maximum is 16384GiB",
		"API reference, EbsBlockDevice"},

	"a device twice": {
		func(in *sdk.RunInstancesInput, _ images) {
			for range 2 {
				in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{
					DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(8)},
				})
			}
		}, "InvalidBlockDeviceMapping", "The device '/dev/sdf' is used in more than one block-device mapping",
		"hashicorp/terraform#7233",
	},
	"the root under another name": {
		device("xvda", &types.EbsBlockDevice{VolumeSize: aws.Int32(8)}),
		"InvalidBlockDeviceMapping", "is used in more than one block-device mapping", "hashicorp/terraform#7233",
	},
	"a word that is none": {
		func(in *sdk.RunInstancesInput, _ images) {
			in.MetadataOptions = &types.InstanceMetadataOptionsRequest{HttpTokens: "maybe"}
		}, "InvalidParameterValue", "maybe", "API reference, InstanceMetadataOptionsRequest; words unverified",
	},
	"too many hops": {
		func(in *sdk.RunInstancesInput, _ images) {
			in.MetadataOptions = &types.InstanceMetadataOptionsRequest{HttpPutResponseHopLimit: aws.Int32(65)}
		}, "InvalidParameterValue", "65", "API reference, InstanceMetadataOptionsRequest; words unverified",
	},
	"a subnet of another zone": {
		func(in *sdk.RunInstancesInput, _ images) {
			in.SubnetId = aws.String(ec2.DefaultSubnet("eu-west-1", "123456789012"))
			in.Placement = &types.Placement{AvailabilityZone: aws.String("eu-west-1b")}
		}, "InvalidParameterValue", "is in the availability zone eu-west-1a", "InQuicker/kaws#11",
	},
	"an address outside": {
		func(in *sdk.RunInstancesInput, _ images) { in.PrivateIpAddress = aws.String("10.9.9.9") },
		"InvalidParameterValue", "Address 10.9.9.9 does not fall within the subnet's address range",
		"JamesWoolfenden/terraform-aws-cassandra#18",
	},

	"no ENA": {
		func(in *sdk.RunInstancesInput, made images) {
			in.ImageId, in.InstanceType = &made.noENA, types.InstanceTypeM5Large
		},
		"InvalidParameterCombination",
		"Enhanced networking with the Elastic Network Adapter (ENA) is required for the 'm5.large' instance type. Ensure " +
			"that you are using an AMI that is enabled for ENA.", "rancher/os#2160",
	},
	"architecture": {
		func(in *sdk.RunInstancesInput, _ images) { in.InstanceType = types.InstanceTypeM6gLarge },
		"InvalidParameterValue",
		"The architecture 'arm64' of the specified instance type does not match the architecture 'x86_64' of the " +
			"specified AMI.", "skypilot-org/skypilot#6315",
	},
	"boot mode": {
		func(in *sdk.RunInstancesInput, made images) {
			in.ImageId, in.InstanceType = &made.uefi, types.InstanceTypeT2Micro
		},
		"InvalidParameterValue",
		"The t2.micro instance type does not support an AMI with a boot mode of UEFI. Only instance types built on the " +
			"Nitro System support UEFI.", "RhinoSecurityLabs/cloudgoat#247",
	},
	"TPM": {
		func(in *sdk.RunInstancesInput, made images) { in.ImageId, in.InstanceType = &made.tpm, "c5n.metal" },
		"InvalidParameterValue", "c5n.metal", "words unverified",
	},
	"virtualization": {
		func(in *sdk.RunInstancesInput, made images) {
			in.ImageId, in.InstanceType = &made.paravirtual, types.InstanceTypeT2Micro
		},
		"InvalidParameterCombination", "Virtualization type 'hvm' is required for instances of type 't2.micro'.",
		"BD2KGenomics/cgcloud#10",
	},
	"instance-store image": {
		func(in *sdk.RunInstancesInput, _ images) {
			in.ImageId, in.InstanceType = aws.String(ec2.ImageInstanceStore), types.InstanceTypeM5dLarge
		},
		"UnsupportedOperation",
		"AMI '" + ec2.ImageInstanceStore + "' with an instance-store root device is not supported for the instance type " +
			"'m5d.large'.", "thelastpickle/tlp-cluster#150",
	},
	"no such type": {func(in *sdk.RunInstancesInput, _ images) { in.InstanceType = "z99.large" }, "InvalidParameterValue",
		"z99.large", "words unverified"},

	"no such group": {
		func(in *sdk.RunInstancesInput, _ images) { in.SecurityGroupIds = []string{"sg-0123456789abcdef0"} },
		"InvalidGroup.NotFound", "The security group 'sg-0123456789abcdef0' does not exist", "API errors-overview",
	},
	"no such group by name": {func(in *sdk.RunInstancesInput, _ images) { in.SecurityGroups = []string{"web"} },
		"InvalidGroup.NotFound", "The security group 'web' does not exist", "API errors-overview"},
	"a group id that is none": {func(in *sdk.RunInstancesInput, _ images) { in.SecurityGroupIds = []string{"web"} },
		"InvalidGroupId.Malformed", "web", "API errors-overview"},
	"no such subnet": {func(in *sdk.RunInstancesInput, _ images) {
		in.SubnetId = aws.String("subnet-0123456789abcdef0")
	}, "InvalidSubnetID.NotFound", "The subnet ID 'subnet-0123456789abcdef0' does not exist", "API errors-overview"},
	"no such key pair": {func(in *sdk.RunInstancesInput, _ images) { in.KeyName = aws.String("ops") },
		"InvalidKeyPair.NotFound", "The key pair 'ops' does not exist", "Guimove/terraform-aws-bastion#173"},
	"no such profile": {
		func(in *sdk.RunInstancesInput, _ images) {
			in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("web")}
		},
		"InvalidParameterValue",
		"Value (web) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
		"CiscoDevNet/cloud-cml#4",
	},
	"no such profile by ARN": {
		func(in *sdk.RunInstancesInput, _ images) {
			in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Arn: aws.String("arn:aws:iam::123456789012:instance-profile/web")}
		}, "InvalidParameterValue", "Invalid IAM Instance Profile ARN", "nextflow-io/nextflow#617",
	},
	"a subnet beside interfaces": {
		func(in *sdk.RunInstancesInput, _ images) {
			in.SubnetId = aws.String(ec2.DefaultSubnet("eu-west-1", "123456789012"))
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0)}}
		}, "InvalidParameterCombination",
		"Network interfaces and an instance-level subnet ID may not be specified on the same request", "aws/aws-cli#809",
	},
	"groups beside interfaces": {
		func(in *sdk.RunInstancesInput, _ images) {
			in.SecurityGroups = []string{"default"}
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0)}}
		}, "InvalidParameterCombination",
		"Network interfaces and an instance-level security groups may not be specified on the same request",
		"aws/aws-cli#518",
	},
	"too much user data": {
		func(in *sdk.RunInstancesInput, _ images) {
			in.UserData = aws.String(base64.StdEncoding.EncodeToString(make([]byte, 16<<10+1)))
		}, "InvalidParameterValue", "User data is limited to 16384 bytes", "supergiant/capacity#148",
	},
	"user data that is not encoded": {
		func(in *sdk.RunInstancesInput, _ images) { in.UserData = aws.String("#!/bin/sh") },
		"InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.", "API errors-overview",
	},
	"a long token": {
		func(in *sdk.RunInstancesInput, _ images) { in.ClientToken = aws.String(strings.Repeat("x", 65)) },
		"InvalidParameterValue", "clientToken", "API reference, RunInstances; words unverified",
	},
}

// TestLaunchesThatEC2Refuses holds each row against a launch, against a dry run of it, and
// against a launch through a template that says the same.
func TestLaunchesThatEC2Refuses(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		made := r.images()
		for name, row := range refusals {
			if row.source == "" {
				t.Errorf("%s: no source", name)
			}
			for _, dry := range []bool{false, true} {
				in := &sdk.RunInstancesInput{
					ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
					DryRun: aws.Bool(dry),
				}
				row.change(in, made)
				_, err := r.RunInstances(t.Context(), in)
				if r.wantCode(row.code, err); err == nil || !strings.Contains(err.Error(), row.says) {
					t.Errorf("%s (dry run %t): %v\nwant %q", name, dry, err, row.says)
				}
			}
		}
		out, err := r.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{})
		if err != nil || len(out.Reservations) > 0 {
			t.Errorf("%d launches were not refused: %v", len(out.Reservations), err)
		}
	})
}

// TestHibernationWithAnEncryptedRoot is the launch that the rows about hibernation come short of.
func TestHibernationWithAnEncryptedRoot(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		in := &sdk.RunInstancesInput{
			ImageId: aws.String(ec2.ImageX86), InstanceType: "m5.large", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			HibernationOptions: &types.HibernationOptionsRequest{Configured: aws.Bool(true)},
		}
		device("/dev/xvda", &types.EbsBlockDevice{Encrypted: aws.Bool(true)})(in, images{})
		out, err := r.RunInstances(t.Context(), in)
		if r.wantCode("", err); err == nil {
			same(t, "hibernation", aws.ToBool(out.Instances[0].HibernationOptions.Configured), true)
		}
	})
}

// ofTheRequest are the rows that no launch template can say.
var ofTheRequest = map[string]bool{"a long token": true, "a subnet beside interfaces": true, "no such subnet": true,
	"a subnet of another zone": true, "an address outside": true}

// TestLaunchesThroughATemplateAreRefused holds each row against a launch through a template that says the same: EC2
// refuses it when it launches, or the template when it is made, with the same code.
func TestLaunchesThroughATemplateAreRefused(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		made := r.images()
		for name, row := range refusals {
			if ofTheRequest[name] {
				continue
			}
			in := &sdk.RunInstancesInput{ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro"}
			row.change(in, made)
			template := aws.String(fmt.Sprintf("refused-%x", name))
			_, err := r.CreateLaunchTemplate(t.Context(), &sdk.CreateLaunchTemplateInput{
				LaunchTemplateName: template, LaunchTemplateData: asTemplate(t, in),
			})
			if err == nil {
				_, err = r.RunInstances(t.Context(), &sdk.RunInstancesInput{
					MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
					LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateName: template},
				})
			}
			// A template has a code of its own for user data.
			got := fault.Code(err)
			if got != row.code && (name != "too much user data" || got != "InvalidUserData.Malformed") {
				t.Errorf("%s: got %q (%v), want %q", name, got, err, row.code)
			}
		}
	})
}
