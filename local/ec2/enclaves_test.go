package ec2_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

// Nitro Enclaves User Guide, "Requirements".
func TestEnclavesNeedATypeThatHasThem(t *testing.T) {
	for kind, code := range map[types.InstanceType]string{
		"t3.micro": "UnsupportedOperation", "t3.xlarge": "UnsupportedOperation", "m4.xlarge": "UnsupportedOperation",
		"m5.large": "UnsupportedOperation", "m5.xlarge": "", "c6g.large": "",
	} {
		inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
			image := ec2.ImageX86
			if kind == "c6g.large" {
				image = ec2.ImageARM
			}
			_, err := r.RunInstances(t.Context(), &sdk.RunInstancesInput{ImageId: aws.String(image), InstanceType: kind,
				MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
				EnclaveOptions: &types.EnclaveOptionsRequest{Enabled: aws.Bool(true)}})
			r.wantCode(code, err)
		})
	}
}

// API reference, ModifyInstanceAttribute and ModifyImageAttribute: one attribute at a time.
func TestOneAttributeAtATime(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running()
		yes := &types.AttributeBooleanValue{Value: aws.Bool(true)}
		_, err := r.ModifyInstanceAttribute(t.Context(), &sdk.ModifyInstanceAttributeInput{InstanceId: &id,
			DisableApiStop: yes, DisableApiTermination: yes})
		r.wantCode("InvalidParameterCombination", err)
		img := r.made("web")
		_, err = r.ModifyImageAttribute(t.Context(), &sdk.ModifyImageAttributeInput{ImageId: img.ImageId,
			Description: &types.AttributeValue{Value: aws.String("new")}, OperationType: types.OperationTypeAdd,
			UserIds: []string{"210987654321"}})
		r.wantCode("InvalidParameterCombination", err)
	})
}

// API reference, CopyImage, Description.
func TestCopiesHaveTheirDescription(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		img := r.made("web")
		out, err := r.CopyImage(t.Context(), &sdk.CopyImageInput{SourceImageId: img.ImageId, Name: aws.String("copy"),
			SourceRegion: aws.String("eu-west-1"), Description: aws.String("mine")})
		r.wantCode("", err)
		same(t, "description", aws.ToString(r.image(aws.ToString(out.ImageId)).Description), "mine")
	})
}

// API reference, CreateLaunchTemplateVersion, Warning: the version is made all the same.
func TestTemplatesWarn(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.webTemplate()
		needs := &types.InstanceRequirementsRequest{VCpuCount: &types.VCpuCountRangeRequest{Min: aws.Int32(1)},
			MemoryMiB: &types.MemoryMiBRequest{Min: aws.Int32(1)}}
		for _, c := range []struct {
			data     types.RequestLaunchTemplateData
			warnings int
		}{
			{types.RequestLaunchTemplateData{InstanceType: "t3.micro"}, 0},
			{types.RequestLaunchTemplateData{InstanceRequirements: needs}, 0},
			{types.RequestLaunchTemplateData{InstanceType: "t3.micro",
				InstanceRequirements: needs}, 1},
		} {
			out, err := r.CreateLaunchTemplateVersion(t.Context(), &sdk.CreateLaunchTemplateVersionInput{LaunchTemplateId: &id,
				LaunchTemplateData: &c.data})
			r.wantCode("", err)
			got := 0
			if out.Warning != nil {
				got = len(out.Warning.Errors)
			}
			if same(t, "warnings", got, c.warnings); got > 0 {
				same(t, "code", aws.ToString(out.Warning.Errors[0].Code), "ValidationError")
			}
		}
	})
}
