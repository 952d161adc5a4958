package ec2

import (
	"encoding/base64"
	"slices"

	"goldsmith/local/query"
)

// registerValues are what RegisterImage's parameters may be (service model; API reference, RegisterImage).
var registerValues = []struct {
	name   string
	values []string
}{
	{"Architecture", []string{"i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac"}},
	{"VirtualizationType", []string{"hvm", "paravirtual"}},
	{"BootMode", []string{"legacy-bios", "uefi", "uefi-preferred"}},
	{"TpmSupport", []string{"v2.0"}},
	{"ImdsSupport", []string{"v2.0"}},
	{"SriovNetSupport", []string{"simple"}},
}

// maxUEFIData is in characters (service model, StringType of UefiData).
const maxUEFIData = 64000

// registrable refuses what EC2 would not register. Where AWS documents that something is refused but
// not how, the code is InvalidParameterCombination (docs/unverified.md).
func (w *World) registrable(p *query.Params) error {
	for _, v := range registerValues {
		if p.Has(v.name) && !slices.Contains(v.values, p.Text(v.name)) {
			return query.Errorf("InvalidParameterValue", "Value (%s) for parameter %s is invalid.", p.Text(v.name), v.name)
		}
	}
	if err := bootRegistrable(p); err != nil {
		return err
	}
	if len(p.Texts("BillingProduct")) > 0 {
		return query.Errorf("AuthFailure", "Account not authorized to specify billing product codes.")
	}
	if data := p.Text("UefiData"); len(data) > maxUEFIData || !isBase64(data) {
		return query.Errorf("InvalidParameterValue", "UefiData must be base64 of at most %d characters.", maxUEFIData)
	}
	for _, m := range p.List("BlockDeviceMapping") {
		if err := w.mappingRegistrable(m.Text("DeviceName"), m.At("Ebs")); err != nil {
			return err
		}
	}
	return nil
}

func isBase64(text string) bool {
	_, err := base64.StdEncoding.DecodeString(text)
	return err == nil
}

func bootRegistrable(p *query.Params) error {
	mode, arm := p.Text("BootMode"), p.Text("Architecture") == "arm64"
	switch {
	case arm && p.Text("VirtualizationType") != "hvm":
		return query.Errorf("InvalidParameterCombination", "Images of architecture arm64 must have virtualization type hvm.")
	case arm && mode != "" && mode != "uefi": // arm64 instance types have UEFI alone (EC2 User Guide, boot modes).
		return query.Errorf("InvalidParameterCombination", "Images of architecture arm64 cannot have boot mode %s.", mode)
	case p.Has("TpmSupport") && mode != "uefi": // Not with uefi-preferred either (flatcar/mantle#582).
		return query.Errorf("InvalidParameterCombination", "TpmSupport requires the boot mode uefi.")
	}
	return nil
}

// mappingRegistrable: the codes and words are those that people quote (hashicorp/packer#2285,
// nortontruter/infracoders-workshop#3, spawn#25).
func (w *World) mappingRegistrable(device string, ebs *query.Params) error {
	id, sized := ebs.Text("SnapshotId"), ebs.Has("VolumeSize")
	if ebs.Has("KmsKeyId") {
		return keyOfMapping("RegisterImage")
	}
	if id == "" {
		if !sized && (ebs.Has("VolumeType") || ebs.Has("DeleteOnTermination")) {
			return neitherOf(device)
		}
		return nil
	}
	if ebs.Has("Encrypted") {
		return encryptedBySnapshot(device)
	}
	if s := w.snapshots.get(id); s != nil && sized && ebs.Int("VolumeSize") < s.size {
		return query.Errorf("InvalidBlockDeviceMapping",
			"Volume of size %dGB is smaller than snapshot '%s', expect size >= %dGB", ebs.Int("VolumeSize"), id, s.size)
	}
	return nil
}
