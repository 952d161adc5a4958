package attribute

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Input is what RegisterImage is sent. Encryption is never said: it follows the snapshot, and EC2 refuses both
// together.
func (d Decision) Input(name string) *ec2.RegisterImageInput {
	ebs := &types.EbsBlockDevice{
		SnapshotId: aws.String(d.Snapshot), VolumeSize: d.integer(VolumeSize),
		VolumeType: types.VolumeType(d.Value(VolumeType)),
		Iops:       d.integer(IOPS), Throughput: d.integer(Throughput),
		DeleteOnTermination: aws.Bool(d.Value(DeleteOnTermination) == "true"),
	}
	mappings := []types.BlockDeviceMapping{{DeviceName: aws.String(d.Value(RootDeviceName)), Ebs: ebs}}
	for _, v := range d.Data {
		mappings = append(mappings, mapping(v))
	}
	return &ec2.RegisterImageInput{
		Name: aws.String(name), Architecture: types.ArchitectureValues(d.Value(Architecture)),
		BootMode:           types.BootModeValues(d.sent(BootMode)),
		VirtualizationType: aws.String(d.Value(Virtualization)), RootDeviceName: aws.String(d.Value(RootDeviceName)),
		EnaSupport: aws.Bool(d.Value(ENA) == "true"), SriovNetSupport: optional(d.sent(SRIOV)),
		TpmSupport:  types.TpmSupportValues(d.sent(TPM)),
		ImdsSupport: types.ImdsSupportValues(d.sent(IMDS)), UefiData: optional(d.sent(UEFIData)),
		BlockDeviceMappings: mappings,
	}
}

// sent is an attribute's value as RegisterImage takes it: nothing for none.
func (d Decision) sent(k Key) string {
	if v := d.Value(k); v != none {
		return v
	}
	return ""
}

func (d Decision) integer(k Key) *int32 {
	if d.Value(k) == "" {
		return nil
	}
	return aws.Int32(int32(number(d.Value(k)))) //nolint:gosec // at most seven digits, as Parse and EC2 have it
}

func optional(value string) *string {
	if value == "" {
		return nil
	}
	return &value
}

// LostBilling is how a registered image is billed otherwise than the evidence says; "" when it is the
// same, or nothing is known. RegisterImage derives billing from the snapshot's metadata, which may be
// missing (API reference, RegisterImage): such an image is to be removed again, and made from an instance.
func (d Decision) LostBilling(made types.Image) string {
	got := map[Key]string{
		PlatformDetails: aws.ToString(made.PlatformDetails), UsageOperation: aws.ToString(made.UsageOperation),
		ProductCodes: orNone(codes(made.ProductCodes)),
	}
	var lost []string
	for _, k := range []Key{PlatformDetails, UsageOperation, ProductCodes} {
		if want := d.attribute(k); want.Value != "" && want.Value != got[k] {
			lost = append(lost, fmt.Sprintf("%s is %q and was %q (%s)", k, got[k], want.Value, want.Source))
		}
	}
	if len(lost) == 0 {
		return ""
	}
	return strings.Join(lost, "; ")
}
