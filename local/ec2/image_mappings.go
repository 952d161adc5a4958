package ec2

import (
	"slices"
	"strings"

	"goldsmith/local/query"
)

// imageMappings are the devices of an image of the instance: its own, of which a request may change
// DeleteOnTermination and nothing else, or leave one out, and new ones (API reference, CreateImage,
// BlockDeviceMappings).
func (w *World) imageMappings(i *instance, params []*query.Params) ([]mapping, error) {
	own := w.mappingsOf(i)
	for _, p := range params {
		if err := imageMappable(own, p); err != nil {
			return nil, err
		}
	}
	if w.noDevice == HoldsAllTheSame {
		params = slices.DeleteFunc(slices.Clone(params), func(p *query.Params) bool { return p.Has("NoDevice") })
	}
	merged := overlay(own, params)
	if err := eachOnce(params, merged); err != nil {
		return nil, err
	}
	for n := range merged {
		if err := w.fill(i, own, &merged[n]); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// imageMappable refuses a mapping that an image of an instance with these devices cannot have. One that leaves a device
// out is not looked into.
func imageMappable(own []mapping, p *query.Params) error {
	at := indexOfDevice(own, p.Text("DeviceName"))
	switch {
	case p.Text("DeviceName") == "":
		return missing("deviceName")
	case p.Has("NoDevice"):
		return nil
	case at >= 0:
		return ownMappable(own[at], p)
	}
	return newMappable(p)
}

// fill completes a mapping of an image: a device of the instance is as it is there, but for its DeleteOnTermination,
// and a new volume gets what the request leaves open.
func (w *World) fill(i *instance, own []mapping, m *mapping) error {
	if at := indexOfDevice(own, m.device); at >= 0 {
		deletes := m.deleteOnTermination
		*m = own[at]
		m.deleteOnTermination = deletes
		return nil
	}
	if m.isEBS() {
		return w.finish(&image{rootName: i.rootName}, m)
	}
	return nil
}

// indexOfDevice is where the device is, or -1.
func indexOfDevice(mappings []mapping, device string) int {
	return slices.IndexFunc(mappings, func(m mapping) bool { return m.device == device })
}

// ownMappable: what is sent of a device that the instance has is what it has, but for DeleteOnTermination, and for the
// encryption of one that is encrypted, which EC2 ignores (API reference, EbsBlockDevice, Encrypted). The words about
// encryption are those of hashicorp/packer#6889, the others and their code are unverified.
func ownMappable(own mapping, p *query.Params) error {
	ebs, given := p.At("Ebs"), readMapping(p, own)
	switch {
	case given.virtual != own.virtual, !own.isEBS() && p.Has("Ebs"):
		return unchangeable(own.device, "VirtualName")
	case ebs.Has("KmsKeyId"):
		return keyOfMapping("CreateImage")
	case ebs.Bool("Encrypted") && !own.encrypted:
		return query.Errorf("InvalidBlockDeviceMapping", "the encrypted flag cannot be specified since device %s has a "+
			"conflicting encryption setting", strings.TrimPrefix(own.device, "/dev/"))
	case ebs.Has("SnapshotId"):
		return unchangeable(own.device, "SnapshotId")
	}
	return sameVolume(own, given)
}

// sameVolume refuses a volume that is given otherwise than the instance's own.
func sameVolume(own, given mapping) error {
	switch {
	case given.size != own.size:
		return unchangeable(own.device, "VolumeSize")
	case given.typ != own.typ:
		return unchangeable(own.device, "VolumeType")
	case given.iops != own.iops:
		return unchangeable(own.device, "Iops")
	case given.throughput != own.throughput:
		return unchangeable(own.device, "Throughput")
	}
	return nil
}

func unchangeable(device, member string) error {
	return query.Errorf("InvalidBlockDeviceMapping",
		"%s of device %s cannot be changed: the only option that can be changed is DeleteOnTermination", member, device)
}

// newMappable is of a device that the instance does not have: a new volume, or one of a snapshot, whose encryption is
// the snapshot's. The words are those that people quote (hashicorp/packer#2285, nortontruter/infracoders-workshop#3).
func newMappable(p *query.Params) error {
	virtual, device, ebs := p.Text("VirtualName"), p.Text("DeviceName"), p.At("Ebs")
	switch {
	case virtual != "" && !isEphemeral(virtual):
		return query.Errorf("InvalidParameterValue",
			"Value (%s) for parameter virtualName is invalid. Expected format: 'ephemeral<NUMBER>'.", virtual)
	case virtual != "":
		return nil
	case ebs.Has("KmsKeyId"):
		return keyOfMapping("CreateImage")
	case !ebs.Has("SnapshotId") && !ebs.Has("VolumeSize"):
		return neitherOf(device)
	case ebs.Has("SnapshotId") && ebs.Has("Encrypted"):
		return encryptedBySnapshot(device)
	}
	return nil
}

// keyOfMapping: only RunInstances and the Spot requests take a key in a mapping (API reference, EbsBlockDevice,
// KmsKeyId); the others do not know the parameter (hashicorp/packer#6212).
func keyOfMapping(action string) error {
	return query.Errorf("UnknownParameter", "The parameter KmsKeyId is not recognized in a mapping of %s", action)
}

func neitherOf(device string) error {
	return query.Errorf("InvalidBlockDeviceMapping", "Either snapshot ID or volume size must be provided for: %s", device)
}

func encryptedBySnapshot(device string) error {
	return query.Errorf("InvalidBlockDeviceMapping",
		"the encrypted flag cannot be specified since device %s has a snapshot specified.", device)
}
