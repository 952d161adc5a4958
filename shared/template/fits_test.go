package template_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/template"
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
		image template.Image
		want  string
	}{
		"all alike":                   {nitro, template.Image{Architecture: "x86_64", BootMode: "uefi", Virtualization: "hvm"}, ""},
		"another architecture":        {nitro, template.Image{Architecture: "arm64"}, "its instance type m6i.large does not run arm64 images"},
		"no word of architectures":    {types.InstanceTypeInfo{InstanceType: "x9.new"}, template.Image{Architecture: "arm64"}, "its instance type x9.new does not run arm64 images"},
		"another boot mode":           {old, template.Image{Architecture: "x86_64", BootMode: "uefi"}, "its instance type m4.large does not boot uefi images"},
		"uefi where it can":           {old, template.Image{Architecture: "x86_64", BootMode: "uefi-preferred"}, ""},
		"no boot mode":                {old, template.Image{Architecture: "x86_64"}, ""},
		"another virtualization":      {nitro, template.Image{Architecture: "x86_64", Virtualization: "paravirtual"}, "its instance type m6i.large does not run images of virtualization type paravirtual"},
		"no virtualization":           {nitro, template.Image{Architecture: "x86_64"}, ""},
		"EC2 says little of the type": {silent, template.Image{Architecture: "x86_64", BootMode: "uefi", Virtualization: "paravirtual"}, ""},
	} {
		if got := template.Fits(c.info, c.image); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestType(t *testing.T) {
	image := template.Image{InstanceType: "t3.micro"}
	for name, c := range map[string]struct {
		data *types.ResponseLaunchTemplateData
		want types.InstanceType
	}{
		"nothing is known of the template": {nil, ""},
		"it names none":                    {&types.ResponseLaunchTemplateData{}, ""},
		"the type that made the image":     {&types.ResponseLaunchTemplateData{InstanceType: "t3.micro"}, ""},
		"another":                          {&types.ResponseLaunchTemplateData{InstanceType: "m6g.large"}, "m6g.large"},
	} {
		if got := template.Type(c.data, image); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
