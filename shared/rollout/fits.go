package rollout

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// typeOf is the instance type that has to be looked up before fits can judge;
// empty when none has: the template names none, and leaves it to the group, the
// fleet or its InstanceRequirements, which only meet the image at launch; or it
// names the type that the image was made on.
func typeOf(data *types.ResponseLaunchTemplateData, image Image) types.InstanceType {
	if data == nil || string(data.InstanceType) == image.InstanceType {
		return ""
	}
	return data.InstanceType
}

// fits says why instances of a type cannot run the image; empty when they can, or when EC2 does not say.
//
// An image of boot mode uefi-preferred, or of none, boots on every type: by the
// type's own default (docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-boot.html).
func fits(info types.InstanceTypeInfo, image Image) string {
	if p := info.ProcessorInfo; p == nil || !slices.Contains(p.SupportedArchitectures, types.ArchitectureType(image.Architecture)) {
		return fmt.Sprintf("its instance type %s does not run %s images", info.InstanceType, image.Architecture)
	}
	mode := types.BootModeType(image.BootMode)
	if slices.Contains(mode.Values(), mode) && len(info.SupportedBootModes) > 0 && !slices.Contains(info.SupportedBootModes, mode) {
		return fmt.Sprintf("its instance type %s does not boot %s images", info.InstanceType, mode)
	}
	virtualization := types.VirtualizationType(image.Virtualization)
	if image.Virtualization != "" && len(info.SupportedVirtualizationTypes) > 0 && !slices.Contains(info.SupportedVirtualizationTypes, virtualization) {
		return fmt.Sprintf("its instance type %s does not run images of virtualization type %s", info.InstanceType, virtualization)
	}
	return ""
}
