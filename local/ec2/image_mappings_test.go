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

// API reference, CreateImage, BlockDeviceMappings, and EbsBlockDevice; hashicorp/packer#6889, #6212 and #2285 and
// nortontruter/infracoders-workshop#3 quote the refusals.
func TestMappingsThatCreateImageRefuses(t *testing.T) {
	const root = "/dev/xvda"
	of := func(device string, e types.EbsBlockDevice) []types.BlockDeviceMapping {
		return []types.BlockDeviceMapping{{DeviceName: aws.String(device), Ebs: &e}}
	}
	dies := types.EbsBlockDevice{DeleteOnTermination: aws.Bool(true)}
	for name, c := range map[string]struct {
		code     string
		mappings []types.BlockDeviceMapping
	}{
		"bigger":    {"InvalidBlockDeviceMapping", of(root, types.EbsBlockDevice{VolumeSize: aws.Int32(20)})},
		"smaller":   {"InvalidBlockDeviceMapping", of(root, types.EbsBlockDevice{VolumeSize: aws.Int32(1)})},
		"as big":    {"", of(root, types.EbsBlockDevice{VolumeSize: aws.Int32(8)})},
		"encrypted": {"InvalidBlockDeviceMapping", of(root, types.EbsBlockDevice{Encrypted: aws.Bool(true)})},
		"open":      {"", of(root, types.EbsBlockDevice{Encrypted: aws.Bool(false)})},
		"another": {"InvalidBlockDeviceMapping",
			of(root, types.EbsBlockDevice{SnapshotId: aws.String("snap-00000000000000077")})},
		"type":    {"InvalidBlockDeviceMapping", of(root, types.EbsBlockDevice{VolumeType: "io1", Iops: aws.Int32(100)})},
		"iops":    {"InvalidBlockDeviceMapping", of(root, types.EbsBlockDevice{Iops: aws.Int32(4000)})},
		"key":     {"UnknownParameter", of(root, types.EbsBlockDevice{KmsKeyId: aws.String("alias/foo")})},
		"kept":    {"", of(root, types.EbsBlockDevice{DeleteOnTermination: aws.Bool(false)})},
		"neither": {"InvalidBlockDeviceMapping", of("/dev/sdf", dies)},
		"too small": {"InvalidParameterValue",
			of("/dev/sdf", types.EbsBlockDevice{VolumeSize: aws.Int32(1), VolumeType: "st1"})},
		"unknown": {"InvalidSnapshot.NotFound",
			of("/dev/sdf", types.EbsBlockDevice{SnapshotId: aws.String("snap-00000000000000077")})},
		"new": {"", of("/dev/sdf", types.EbsBlockDevice{VolumeSize: aws.Int32(5), Encrypted: aws.Bool(true)})},
		"new, keyed": {"UnknownParameter",
			of("/dev/sdf", types.EbsBlockDevice{VolumeSize: aws.Int32(5), KmsKeyId: aws.String("alias/foo")})},
		"twice": {"InvalidBlockDeviceMapping", append(of("/dev/sdf", types.EbsBlockDevice{VolumeSize: aws.Int32(5)}),
			of("/dev/sdf", types.EbsBlockDevice{VolumeSize: aws.Int32(6)})...)},
		"root, twice": {"InvalidBlockDeviceMapping", append(of(root, dies), of(root, dies)...)},
		"left out":    {"", []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"), NoDevice: aws.String("")}}},
		"nameless":    {"MissingParameter", []types.BlockDeviceMapping{{Ebs: &dies}}},
		"odd": {"InvalidParameterValue",
			[]types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"), VirtualName: aws.String("disk")}}},
		"ephemeral": {"InvalidBlockDeviceMapping",
			[]types.BlockDeviceMapping{{DeviceName: aws.String(root), VirtualName: aws.String("ephemeral0")}}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
				id := r.running()
				_, err := r.CreateImage(t.Context(), &sdk.CreateImageInput{InstanceId: &id, Name: aws.String("web"),
					NoReboot: aws.Bool(true), BlockDeviceMappings: c.mappings})
				r.wantCode(c.code, err)
			})
		})
	}
}

// A device that is left out is in no mapping, whatever NoDevice says (API reference, BlockDeviceMapping), and the other
// volumes are. Of its snapshot nothing is documented: there may be one, and the image may hold that.
func TestNoDevice(t *testing.T) {
	for name, c := range map[string]struct {
		comes     ec2.NoDevice
		value     string
		devices   string
		snapshots int
	}{
		"left out":                  {ec2.LeavesOut, "", "[/dev/xvda]", 1},
		"whatever it says":          {ec2.LeavesOut, "no", "[/dev/xvda]", 1},
		"with a snapshot":           {ec2.SnapshotsAllTheSame, "", "[/dev/xvda]", 2},
		"with a snapshot, and held": {ec2.HoldsAllTheSame, "", "[/dev/sdf /dev/xvda]", 2},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
				r.world.SetNoDevice(c.comes)
				id := r.running(withDataVolume("gp3"))
				out, err := r.CreateImage(t.Context(), &sdk.CreateImageInput{InstanceId: &id, Name: aws.String("web"),
					BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"), NoDevice: &c.value}}})
				r.wantCode("", err)
				r.settle()
				made := r.image(aws.ToString(out.ImageId))
				same(t, "state", string(made.State), "available")
				var devices []string
				for _, m := range made.BlockDeviceMappings {
					devices = append(devices, aws.ToString(m.DeviceName))
				}
				slices.Sort(devices)
				same(t, "devices", fmt.Sprint(devices), c.devices)
				same(t, "snapshots", len(r.snapshots(filterBy("description", "*for "+aws.ToString(out.ImageId)))), c.snapshots)
			})
		})
	}
}

// The encryption of a volume that is encrypted stays, whatever is sent (API reference, EbsBlockDevice, Encrypted).
func TestEncryptionStaysInImages(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running(encrypted("arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-4000-8000-00000000aaaa"))
		device := aws.ToString(r.instance(id).BlockDeviceMappings[0].DeviceName)
		out, err := r.CreateImage(t.Context(), &sdk.CreateImageInput{InstanceId: &id, Name: aws.String("web"),
			BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: &device,
				Ebs: &types.EbsBlockDevice{Encrypted: aws.Bool(false)}}}})
		r.wantCode("", err)
		time.Sleep(time.Hour)
		for _, m := range r.image(aws.ToString(out.ImageId)).BlockDeviceMappings {
			same(t, aws.ToString(m.DeviceName), aws.ToBool(m.Ebs.Encrypted), true)
		}
	})
}
