package ec2_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

func TestADeviceThatIsNotTheRootAddsAVolume(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		i := r.instance(r.running(func(in *sdk.RunInstancesInput) {
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sda1"),
				Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(50)}}}
		}))
		out, err := r.DescribeVolumes(t.Context(), &sdk.DescribeVolumesInput{Filters: []types.Filter{
			{Name: aws.String("attachment.instance-id"), Values: []string{aws.ToString(i.InstanceId)}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		sizes := map[string]int32{}
		for _, v := range out.Volumes {
			sizes[aws.ToString(v.Attachments[0].Device)] = aws.ToInt32(v.Size)
		}
		if len(sizes) != 2 || sizes["/dev/xvda"] != 8 || sizes["/dev/sda1"] != 50 {
			t.Errorf("volumes %v", sizes)
		}
	})
}

func TestRootVolumesThatEC2Makes(t *testing.T) {
	for name, c := range map[string]struct {
		ebs  types.EbsBlockDevice
		want types.Volume
	}{
		"the image's snapshot said again": {
			types.EbsBlockDevice{SnapshotId: aws.String("snap-00000000000000086")},
			types.Volume{Size: aws.Int32(8), VolumeType: "gp3", Iops: aws.Int32(3000), Throughput: aws.Int32(125)},
		},
		"grown": {
			types.EbsBlockDevice{VolumeSize: aws.Int32(50)},
			types.Volume{Size: aws.Int32(50), VolumeType: "gp3", Iops: aws.Int32(3000), Throughput: aws.Int32(125)},
		},
		"of another type": {types.EbsBlockDevice{VolumeType: "gp2"}, types.Volume{Size: aws.Int32(8), VolumeType: "gp2"}},
		"provisioned": {
			types.EbsBlockDevice{VolumeSize: aws.Int32(100), VolumeType: "io2", Iops: aws.Int32(5000)},
			types.Volume{Size: aws.Int32(100), VolumeType: "io2", Iops: aws.Int32(5000)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
				i := r.run(func(in *sdk.RunInstancesInput) {
					in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &c.ebs}}
				})
				out, err := r.DescribeVolumes(t.Context(),
					&sdk.DescribeVolumesInput{VolumeIds: []string{aws.ToString(i.BlockDeviceMappings[0].Ebs.VolumeId)}})
				if err != nil {
					t.Fatal(err)
				}
				v := out.Volumes[0]
				if len(i.BlockDeviceMappings) != 1 || aws.ToInt32(v.Size) != aws.ToInt32(c.want.Size) ||
					v.VolumeType != c.want.VolumeType ||
					aws.ToInt32(v.Iops) != aws.ToInt32(c.want.Iops) || aws.ToInt32(v.Throughput) != aws.ToInt32(c.want.Throughput) {
					t.Errorf("%+v, want %+v", v, c.want)
				}
			})
		})
	}
}

// TestImagesKeepWhatTheyWereRegisteredWith follows the facts from a registered image over an
// instance to the image made of it.
func TestImagesKeepWhatTheyWereRegisteredWith(t *testing.T) {
	for name, change := range map[string]func(*sdk.RegisterImageInput){
		"nothing said": func(in *sdk.RegisterImageInput) { in.EnaSupport = nil },
		"everything": func(in *sdk.RegisterImageInput) {
			in.BootMode, in.TpmSupport, in.ImdsSupport = types.BootModeValuesUefi, types.TpmSupportValuesV20, types.ImdsSupportValuesV20
			in.SriovNetSupport = aws.String("simple")
		},
		"legacy": func(in *sdk.RegisterImageInput) { in.BootMode = types.BootModeValuesLegacyBios },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
				first := r.registered("the first", change)
				time.Sleep(time.Hour)
				kind := types.InstanceTypeT3Micro
				if name == "nothing said" {
					kind = types.InstanceTypeT2Micro
				}
				id := r.running(func(in *sdk.RunInstancesInput) { in.ImageId, in.InstanceType = &first, kind })
				made, err := r.CreateImage(t.Context(), &sdk.CreateImageInput{InstanceId: &id, Name: aws.String("the second")})
				if err != nil {
					t.Fatal(err)
				}
				out, err := r.DescribeImages(t.Context(),
					&sdk.DescribeImagesInput{ImageIds: []string{first, aws.ToString(made.ImageId)}})
				if err != nil {
					t.Fatal(err)
				}
				i := r.instance(id)
				facts := func(img types.Image) []string {
					return []string{
						string(img.Architecture), string(img.VirtualizationType), string(img.BootMode), string(img.TpmSupport),
						string(img.ImdsSupport), aws.ToString(img.SriovNetSupport),
						map[bool]string{true: "ENA"}[aws.ToBool(img.EnaSupport)],
					}
				}
				one, two := facts(out.Images[0]), facts(out.Images[1])
				if !slices.Equal(one, two) {
					t.Errorf("registered %v, made %v", one, two)
				}
				if got := []string{string(i.BootMode), aws.ToString(i.TpmSupport),
					aws.ToString(i.SriovNetSupport)}; !slices.Equal(got, []string{one[2], one[3], one[5]}) {
					t.Errorf("the instance has %v, the image %v", got, one)
				}
				if want := map[string]types.HttpTokensState{"v2.0": "required"}[one[4]]; want != "" &&
					i.MetadataOptions.HttpTokens != want {
					t.Errorf("tokens are %s", i.MetadataOptions.HttpTokens)
				}
			})
		})
	}
}

// TestAStoppedInstanceOfAnotherTypeMayNotStart: the type is checked when it is set for the
// architecture alone, and the rest when it starts (User Guide, "Compatibility for changing the instance type").
func TestAStoppedInstanceOfAnotherTypeMayNotStart(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		bare := r.registered("no ena", func(in *sdk.RegisterImageInput) { in.EnaSupport = nil })
		time.Sleep(time.Hour)
		id := r.running(func(in *sdk.RunInstancesInput) { in.ImageId, in.InstanceType = &bare, types.InstanceTypeT2Micro })
		if err := r.world.SetState(id, ec2.Stopped); err != nil {
			t.Fatal(err)
		}
		_, err := r.ModifyInstanceAttribute(t.Context(),
			&sdk.ModifyInstanceAttributeInput{InstanceId: &id,
				InstanceType: &types.AttributeValue{Value: aws.String("m5.large")}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.StartInstances(t.Context(), &sdk.StartInstancesInput{InstanceIds: []string{id}})
		r.wantCode("InvalidParameterCombination", err)
	})
}

func TestKeyPairsGroupsAndProfilesThatExistAreTaken(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		r.world.AddInstanceProfile("web")
		if _, err := r.CreateKeyPair(t.Context(), &sdk.CreateKeyPairInput{KeyName: aws.String("ops")}); err != nil {
			t.Fatal(err)
		}
		group, err := r.CreateSecurityGroup(t.Context(),
			&sdk.CreateSecurityGroupInput{GroupName: aws.String("web"), Description: aws.String("the web servers")})
		if err != nil {
			t.Fatal(err)
		}
		i := r.run(func(in *sdk.RunInstancesInput) {
			in.KeyName, in.SecurityGroupIds = aws.String("ops"), []string{aws.ToString(group.GroupId)}
			in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("web")}
		})
		if aws.ToString(i.SecurityGroups[0].GroupName) != "web" || aws.ToString(i.KeyName) != "ops" ||
			i.IamInstanceProfile == nil {
			t.Errorf("%+v", i)
		}
		_, err = r.DeleteSecurityGroup(t.Context(), &sdk.DeleteSecurityGroupInput{GroupId: group.GroupId})
		r.wantCode("DependencyViolation", err)
		_, err = r.CreateKeyPair(t.Context(), &sdk.CreateKeyPairInput{KeyName: aws.String("ops")})
		r.wantCode("InvalidKeyPair.Duplicate", err)
		if _, err = r.DeleteKeyPair(t.Context(), &sdk.DeleteKeyPairInput{KeyName: aws.String("ops")}); err != nil {
			t.Fatal(err)
		}
		_, err = r.RunInstances(t.Context(), &sdk.RunInstancesInput{
			ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			KeyName: aws.String("ops"),
		})
		r.wantCode("InvalidKeyPair.NotFound", err)
	})
}

func TestAPrivateAddressIsOneInstances(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		launch := func(address string, count int32) (string, error) {
			out, err := r.RunInstances(t.Context(), &sdk.RunInstancesInput{
				ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro", MinCount: &count, MaxCount: &count,
				PrivateIpAddress: &address,
			})
			if err != nil {
				return "", err
			}
			return aws.ToString(out.Instances[0].InstanceId), nil
		}
		_, err := launch("172.31.0.77", 2)
		r.wantCode("InvalidParameterCombination", err)
		_, err = launch("web", 1)
		r.wantCode("InvalidParameterValue", err)
		id, err := launch("172.31.0.77", 1)
		r.wantCode("", err)
		_, err = launch("172.31.0.77", 1)
		r.wantCode("InvalidIPAddress.InUse", err)
		r.wantCode("", r.terminate(id))
		r.settle()
		_, err = launch("172.31.0.77", 1)
		r.wantCode("", err)
	})
}

// TestTheTableOfTypes holds a few rows against what the instance types guide says, and that
// every row is one.
func TestTheTableOfTypes(t *testing.T) {
	r := newRig(t, ec2.Options{})
	var all []types.InstanceTypeInfo
	pages := sdk.NewDescribeInstanceTypesPaginator(r, &sdk.DescribeInstanceTypesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.InstanceTypes...)
	}
	if len(all) < 1200 {
		t.Errorf("only %d types", len(all))
	}
	for _, i := range all {
		if min(len(i.ProcessorInfo.SupportedArchitectures), len(i.SupportedBootModes), len(i.SupportedVirtualizationTypes),
			int(aws.ToInt32(i.VCpuInfo.DefaultVCpus)), int(aws.ToInt64(i.MemoryInfo.SizeInMiB)), len(i.NetworkInfo.EnaSupport)) == 0 {
			t.Errorf("%+v", i)
		}
	}
	out, err := r.DescribeInstanceTypes(t.Context(),
		&sdk.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"i3.large", "m3.medium", "m5.metal", "t2.micro"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range out.InstanceTypes {
		facts := fmt.Sprintln(i.Hypervisor, i.NetworkInfo.EnaSupport, i.SupportedRootDeviceTypes,
			i.SupportedVirtualizationTypes, i.NitroTpmSupport, aws.ToBool(i.BareMetal),
			aws.ToBool(i.BurstablePerformanceSupported))
		if want := typeFacts[i.InstanceType] + "\n"; facts != want {
			t.Errorf("%s: %swant %s", i.InstanceType, facts, want)
		}
	}
}

// typeFacts are of the instance types guide: hypervisor, ENA, roots, virtualization, NitroTPM, bare metal, burstable.
var typeFacts = map[types.InstanceType]string{
	"i3.large":  "xen supported [ebs] [hvm] unsupported false false",
	"m3.medium": "xen unsupported [ebs instance-store] [hvm paravirtual] unsupported false false",
	"m5.metal":  " required [ebs] [hvm] unsupported true false",
	"t2.micro":  "xen unsupported [ebs] [hvm] unsupported false true",
}
