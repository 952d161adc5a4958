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
	silent := types.InstanceTypeInfo{InstanceType: "x9.new", ProcessorInfo: nitro.ProcessorInfo}
	for name, c := range map[string]struct {
		info  types.InstanceTypeInfo
		image Image
		want  string
	}{
		"all alike":                   {nitro, Image{Architecture: "x86_64", BootMode: "uefi", Virtualization: "hvm"}, ""},
		"another architecture":        {nitro, Image{Architecture: "arm64"}, "its instance type m6i.large does not run arm64 images"},
		"no word of architectures":    {types.InstanceTypeInfo{InstanceType: "x9.new"}, Image{Architecture: "arm64"}, "its instance type x9.new does not run arm64 images"},
		"another boot mode":           {old, Image{Architecture: "x86_64", BootMode: "uefi"}, "its instance type m4.large does not boot uefi images"},
		"uefi where it can":           {old, Image{Architecture: "x86_64", BootMode: "uefi-preferred"}, ""},
		"no boot mode":                {old, Image{Architecture: "x86_64"}, ""},
		"another virtualization":      {nitro, Image{Architecture: "x86_64", Virtualization: "paravirtual"}, "its instance type m6i.large does not run images of virtualization type paravirtual"},
		"no virtualization":           {nitro, Image{Architecture: "x86_64"}, ""},
		"EC2 says little of the type": {silent, Image{Architecture: "x86_64", BootMode: "uefi", Virtualization: "paravirtual"}, ""},
	} {
		if got := fits(c.info, c.image); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestType(t *testing.T) {
	image := Image{InstanceType: "t3.micro"}
	for name, c := range map[string]struct {
		data *types.ResponseLaunchTemplateData
		want types.InstanceType
	}{
		"nothing is known of the template": {nil, ""},
		"it names none":                    {&types.ResponseLaunchTemplateData{}, ""},
		"the type that made the image":     {&types.ResponseLaunchTemplateData{InstanceType: "t3.micro"}, ""},
		"another":                          {&types.ResponseLaunchTemplateData{InstanceType: "m6g.large"}, "m6g.large"},
	} {
		if got := typeOf(c.data, image); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
