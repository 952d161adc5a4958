package attribute

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
)

// instanceUEFI asks an instance with UEFI for its variables: where its loader is, and the keys of Secure Boot.
// RegisterImage makes an exact copy of them (API reference, GetInstanceUefiData). What is refused is told, and an AMI's
// are taken.
func (l Looker) instanceUEFI(ctx context.Context, i *Instance) error {
	if i == nil || !i.Root || i.CurrentInstanceBootMode != types.InstanceBootModeValuesUefi {
		return nil
	}
	out, err := l.EC2.GetInstanceUefiData(ctx, &ec2.GetInstanceUefiDataInput{InstanceId: i.InstanceId})
	switch {
	case err == nil:
		i.UEFIData = aws.ToString(out.UefiData)
	case fault.Code(err) == "" || fault.IsTransient(err):
		return fmt.Errorf("asking for the UEFI data of %s: %w", aws.ToString(i.InstanceId), err)
	default:
		i.Unread = fault.Brief(err)
	}
	return nil
}

// uefiData: with boot mode legacy-bios there is no use for it. What people say of the mode leaves it out.
func (d *decider) uefiData() (text, word string) {
	u, mode := d.attribute(UEFIData), d.attribute(BootMode)
	if u.Value == "" || mode.Value != string(types.BootModeValuesLegacyBios) {
		return "", ""
	}
	for _, s := range d.set {
		if s.key == BootMode {
			d.without(UEFIData)
			return "", ""
		}
	}
	return "uefiData is there, says " + u.Source + "; " + mode.described(), ""
}

// maxUEFI is how much UEFI data RegisterImage takes, in characters (API reference, RegisterImage).
const maxUEFI = 64000

// fitting is UEFI data that RegisterImage takes; "" for what is more.
func fitting(data string) string {
	if len(data) > maxUEFI {
		return ""
	}
	return data
}

// noteUEFI tells which variables are not in the image.
func (d *decider) noteUEFI() {
	sources := map[string]string{}
	for _, i := range d.Images {
		sources[aws.ToString(i.ImageId)] = i.UEFIData
	}
	if d.Instance != nil {
		sources[aws.ToString(d.Instance.InstanceId)] = d.Instance.UEFIData
	}
	for _, id := range slices.Sorted(maps.Keys(sources)) {
		if n := len(sources[id]); n > maxUEFI {
			d.Notes = append(d.Notes, fmt.Sprintf("the UEFI data of %s are left out: they take %d characters, and "+
				"RegisterImage takes %d", id, n, maxUEFI))
		}
	}
	if i := d.Instance; i != nil && i.Unread != "" && d.Value(BootMode) != string(types.BootModeValuesLegacyBios) {
		d.Notes = append(d.Notes, "the UEFI data of "+aws.ToString(i.InstanceId)+" were not read: "+i.Unread)
	}
}
