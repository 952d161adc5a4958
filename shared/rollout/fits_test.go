package rollout

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func TestFits(t *testing.T) {
	nitro := types.InstanceTypeInfo{
		InstanceType:                 "m6i.large",
		ProcessorInfo:                &types.ProcessorInfo{SupportedArchitectures: []types.ArchitectureType{"x86_64"}},
		SupportedBootModes:           []types.BootModeType{"legacy-bios", "uefi"},
		SupportedVirtualizationTypes: []types.VirtualizationType{"hvm"},
	}
	old := nitro
	old.InstanceType, old.SupportedBootModes = "m4.large", []types.BootModeType{"legacy-bios"}
	needy := nitro
	needy.NetworkInfo, needy.NitroTpmSupport = &types.NetworkInfo{EnaSupport: types.EnaSupportRequired}, types.NitroTpmSupportUnsupported
	silent := types.InstanceTypeInfo{InstanceType: "x9.new", ProcessorInfo: nitro.ProcessorInfo}
	for name, c := range map[string]struct {
		info  types.InstanceTypeInfo
		image Machine
		want  string
	}{
		"all alike":            {nitro, Machine{Architecture: "x86_64", BootMode: "uefi", Virtualization: "hvm"}, ""},
		"another architecture": {nitro, Machine{Architecture: "arm64"}, "does not run arm64 images"},
		"no word of architectures": {types.InstanceTypeInfo{InstanceType: "x9.new"}, Machine{Architecture: "arm64"},
			"does not run arm64 images"},
		"another boot mode": {old, Machine{Architecture: "x86_64", BootMode: "uefi"}, "does not boot uefi images"},
		"uefi where it can": {old, Machine{Architecture: "x86_64", BootMode: "uefi-preferred"}, ""},
		"no boot mode":      {old, Machine{Architecture: "x86_64"}, ""},
		"another virtualization": {nitro, Machine{Architecture: "x86_64", Virtualization: "paravirtual"},
			"does not run images of virtualization type paravirtual"},
		"no virtualization":         {nitro, Machine{Architecture: "x86_64"}, ""},
		"no ENA where it is needed": {needy, Machine{Architecture: "x86_64"}, "needs images with ENA"},
		"ENA where it is needed":    {needy, Machine{Architecture: "x86_64", ENA: true}, ""},
		"TPM where there is none": {needy, Machine{Architecture: "x86_64", ENA: true, TPM: "v2.0"},
			"has no NitroTPM, and the image asks for TPM v2.0"},
		"EC2 says little of the type": {silent,
			Machine{Architecture: "x86_64", BootMode: "uefi", Virtualization: "paravirtual"}, ""},
	} {
		if got := fits(c.info, c.image); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
