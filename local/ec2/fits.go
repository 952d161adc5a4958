package ec2

import (
	"slices"
	"strings"

	"goldsmith/local/query"
)

// machine is what an image, or an instance made from it, asks of an instance type.
type machine struct {
	name                         string // of the image
	architecture, virtualization string
	bootMode, tpm, rootType      string
	ena                          bool
}

func (img *image) machine() machine {
	return machine{img.id, img.architecture, img.virtualization, img.bootMode, img.tpm, img.rootType, img.ena}
}

func (i *instance) machine() machine {
	return machine{i.imageID, i.architecture, i.virtualization, i.bootMode, i.tpm, i.rootType, i.ena}
}

// fits holds an image against an instance type as RunInstances does. enabled ends the
// sentence about ENA, which is another one when an instance of another type is started.
func fits(m machine, t *instanceType, enabled string) error {
	switch {
	case !slices.Contains(t.architectures, m.architecture):
		// skypilot-org/skypilot#6315.
		theirs := t.architectures[len(t.architectures)-1]
		return query.Errorf("InvalidParameterValue",
			"The architecture '%s' of the specified instance type does not match the architecture '%s' of the specified AMI. "+
				"Specify an instance type and an AMI that have matching architectures, and try again. You can use "+
				"'describe-instance-types' or 'describe-images' to discover the architecture of the instance type or AMI.", theirs,
			m.architecture)
	case !slices.Contains(t.virtualization, m.virtualization):
		// BD2KGenomics/cgcloud#10.
		return query.Errorf("InvalidParameterCombination",
			"Virtualization type '%s' is required for instances of type '%s'.", t.virtualization[0], t.name)
	case !slices.Contains(t.roots, m.rootType):
		// thelastpickle/tlp-cluster#150.
		return query.Errorf("UnsupportedOperation",
			"AMI '%s' with an instance-store root device is not supported for the instance type '%s'.", m.name, t.name)
	case t.ena == "required" && !m.ena:
		// rancher/os#2160.
		return query.Errorf("InvalidParameterCombination",
			"Enhanced networking with the Elastic Network Adapter (ENA) is required for the '%s' instance type. %s", t.name,
			enabled)
	}
	return fitsFirmware(m, t)
}

// fitsFirmware: an image that only prefers UEFI boots on every type, and one without a boot
// mode boots in the type's own (User Guide, "Instance launch behavior with EC2 boot modes").
func fitsFirmware(m machine, t *instanceType) error {
	switch {
	case m.bootMode == "uefi" && !slices.Contains(t.bootModes, "uefi"):
		// RhinoSecurityLabs/cloudgoat#247.
		return query.Errorf("InvalidParameterValue",
			"The %s instance type does not support an AMI with a boot mode of UEFI. Only instance types built on the Nitro "+
				"System support UEFI. Specify an instance type that supports UEFI, and try again.", t.name)
	case m.bootMode == "legacy-bios" && !slices.Contains(t.bootModes, "legacy-bios"):
		return query.Errorf("InvalidParameterValue",
			"The %s instance type does not support an AMI with a boot mode of Legacy BIOS. Specify an instance type that "+
				"supports Legacy BIOS, and try again.", t.name)
	case m.tpm != "" && !t.tpm:
		// The prerequisites of NitroTPM name the types; the words are unverified.
		return query.Errorf("InvalidParameterValue",
			"The %s instance type does not support an AMI with NitroTPM enabled. Specify an instance type that supports "+
				"NitroTPM, and try again.", t.name)
	}
	return nil
}

func (w *World) launchType(name string) (*instanceType, error) {
	if t := typeNamed(orElse(name, "m1.small")); t != nil { // The default is the API reference's, RunInstances.
		return t, nil
	}
	return nil, query.Errorf("InvalidParameterValue", "Invalid value '%s' for InstanceType.", name)
}

// currentBootMode is the mode an instance boots in: the image's where it names one that the
// type has, else the type's first; UEFI when the image prefers it and the type has it.
func currentBootMode(i *instance) string {
	t := typeNamed(i.typ)
	switch {
	case t == nil || slices.Contains(t.bootModes, i.bootMode):
		return i.bootMode
	case strings.HasPrefix(i.bootMode, "uefi") && slices.Contains(t.bootModes, "uefi"):
		return "uefi"
	}
	return t.bootModes[0]
}
