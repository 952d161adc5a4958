package ec2_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

// registerInput is one that EC2 takes.
func registerInput(snapshot string, edit func(*sdk.RegisterImageInput)) *sdk.RegisterImageInput {
	in := &sdk.RegisterImageInput{
		Name: aws.String("registered"), Architecture: "x86_64", VirtualizationType: aws.String("hvm"),
		RootDeviceName: aws.String("/dev/xvda"),
		BootMode:       "uefi", TpmSupport: "v2.0", ImdsSupport: "v2.0", EnaSupport: aws.Bool(true),
		SriovNetSupport: aws.String("simple"),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"),
			Ebs: &types.EbsBlockDevice{SnapshotId: &snapshot}}},
	}
	edit(in)
	return in
}

func TestRegisterImageRefuses(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running()
		ami := r.createImage(id, "one")
		r.settle()
		snap := aws.ToString(r.image(ami).BlockDeviceMappings[0].Ebs.SnapshotId)
		root := func(edit func(*types.EbsBlockDevice)) func(*sdk.RegisterImageInput) {
			return func(in *sdk.RegisterImageInput) { edit(in.BlockDeviceMappings[0].Ebs) }
		}
		for _, c := range []struct {
			name, code string
			edit       func(*sdk.RegisterImageInput)
		}{
			{"an unknown architecture", "InvalidParameterValue", func(in *sdk.RegisterImageInput) { in.Architecture = "sparc" }},
			{"an unknown boot mode", "InvalidParameterValue", func(in *sdk.RegisterImageInput) { in.BootMode = "bios" }},
			{"an unknown TPM", "InvalidParameterValue", func(in *sdk.RegisterImageInput) { in.TpmSupport = "v1.2" }},
			{"arm64 with its defaults", "InvalidParameterCombination", func(in *sdk.RegisterImageInput) {
				in.Architecture, in.VirtualizationType = "arm64", nil
			}},
			{"arm64 that prefers UEFI", "InvalidParameterCombination", func(in *sdk.RegisterImageInput) {
				in.Architecture, in.BootMode, in.TpmSupport = "arm64", "uefi-preferred", ""
			}},
			{"TPM without UEFI", "InvalidParameterCombination",
				func(in *sdk.RegisterImageInput) { in.BootMode = "uefi-preferred" }},
			{"UEFI data that is none", "InvalidParameterValue",
				func(in *sdk.RegisterImageInput) { in.UefiData = aws.String("#") }},
			{"much UEFI data", "InvalidParameterValue",
				func(in *sdk.RegisterImageInput) { in.UefiData = aws.String(strings.Repeat("QUFB", 16001)) }},
			{"billing products", "AuthFailure",
				func(in *sdk.RegisterImageInput) { in.BillingProducts = []string{"bp-6ba54002"} }},
			{"encryption beside a snapshot", "InvalidBlockDeviceMapping",
				root(func(e *types.EbsBlockDevice) { e.Encrypted = aws.Bool(false) })},
			{"a key", "UnknownParameter", root(func(e *types.EbsBlockDevice) { e.KmsKeyId = aws.String("alias/x") })},
			{"a smaller volume", "InvalidBlockDeviceMapping",
				root(func(e *types.EbsBlockDevice) { e.VolumeSize = aws.Int32(1) })},
			{"more IOPS than the size takes", "InvalidParameterValue",
				root(func(e *types.EbsBlockDevice) { e.VolumeType, e.Iops = "gp3", aws.Int32(16000) })},
			{"a root volume that is for data alone", "InvalidParameterCombination",
				root(func(e *types.EbsBlockDevice) { e.VolumeType, e.VolumeSize = "st1", aws.Int32(200) })},
			{"a volume larger than its type takes", "InvalidParameterValue",
				root(func(e *types.EbsBlockDevice) { e.VolumeType, e.VolumeSize = "standard", aws.Int32(2000) })},
			{"a root without a snapshot", "InvalidBlockDeviceMapping", root(func(e *types.EbsBlockDevice) {
				e.SnapshotId, e.VolumeSize = nil, aws.Int32(8)
			})},
			{"neither snapshot nor size", "InvalidBlockDeviceMapping", root(func(e *types.EbsBlockDevice) {
				e.SnapshotId, e.VolumeType = nil, "gp3"
			})},
			{"another root device", "InvalidBlockDeviceMapping",
				func(in *sdk.RegisterImageInput) { in.RootDeviceName = aws.String("/dev/sda1") }},
			{"a snapshot that is not there", "InvalidSnapshot.NotFound",
				root(func(e *types.EbsBlockDevice) { e.SnapshotId = aws.String("snap-0123456789abcdef0") })},
			{"tags for a snapshot", "InvalidParameterValue", func(in *sdk.RegisterImageInput) {
				in.TagSpecifications = []types.TagSpecification{{ResourceType: "snapshot",
					Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}}
			}},
		} {
			_, err := r.RegisterImage(t.Context(), registerInput(snap, c.edit))
			t.Log(c.name)
			r.wantCode(c.code, err)
		}
		out, err := r.RegisterImage(t.Context(), registerInput(snap, func(*sdk.RegisterImageInput) {}))
		if err != nil {
			t.Fatal(err)
		}
		r.settle()
		if got := r.image(aws.ToString(out.ImageId)); got.BootMode != "uefi" || got.TpmSupport != "v2.0" ||
			got.State != "available" {
			t.Errorf("registered as %+v", got)
		}
		pending, err := r.CreateSnapshot(t.Context(),
			&sdk.CreateSnapshotInput{VolumeId: r.instance(id).BlockDeviceMappings[0].Ebs.VolumeId})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.RegisterImage(t.Context(),
			registerInput(*pending.SnapshotId, func(in *sdk.RegisterImageInput) { in.Name = aws.String("early") }))
		r.wantCode("InvalidSnapshot.NotReady", err)
	})
}
