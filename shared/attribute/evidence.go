// Package attribute knows the image attributes that RegisterImage takes for a snapshot, and decides
// them from evidence: each value has a source, and what none says is not guessed. RegisterImage's own
// defaults are i386 and paravirtual (API reference, RegisterImage).
package attribute

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/disk"
)

// Evidence is what is known of a snapshot.
type Evidence struct {
	Snapshot types.Snapshot
	// Images are those that tell of it, the most telling first.
	Images []Image
	// Volume is the one that it is of, while that is there.
	Volume *types.Volume
	// Instance is the one that its volume is or was attached to.
	Instance *Instance
	// Disk is what it holds; nil when it was not read, and Unread is why.
	Disk   *disk.Disk
	Unread string
	// Data are the snapshots of data volumes, Offered those that were not asked for.
	Data, Offered []Data
	// Settings are what people say, the strongest first.
	Settings []Settings
}

// Image is an AMI that tells of the snapshot.
type Image struct {
	types.Image
	// Relation is how, such as "which names this snapshot".
	Relation string
	// UEFIData is its attribute uefiData.
	UEFIData string
	// Made is whether it is registered as one that Goldsmith made of the same source.
	Made bool
}

// Instance is an instance that tells of the snapshot.
type Instance struct {
	types.Instance
	Relation string
	// Root is whether the snapshot's volume is its root volume, or was when an image of it was made; Has is whether it is.
	Root, Has bool
	// UEFIData is its store of UEFI variables; Unread is why that was not read.
	UEFIData, Unread string
}

// Settings are what a plan, a tag or a command line says, as it says it: "bootMode=uefi enaSupport=true".
type Settings struct {
	Source string
	Text   string
	// Common is whether they are said of other snapshots, too, as a plan's are.
	Common bool
}

// statement is one source's word on one attribute.
type statement struct {
	key    Key
	value  string
	source string
}

// statements are those of AWS, in the order in which they count.
func (e Evidence) statements() (all []statement) {
	if v := e.Volume; v != nil { // An image says what a volume of it was made as, and it may have been changed since.
		all = said(map[Key]string{
			VolumeType: string(v.VolumeType), IOPS: positive(v.Iops), Throughput: positive(v.Throughput),
		}, aws.ToString(v.VolumeId)+", which it is of")
	}
	if i := e.Instance; i != nil && i.Root { // What its own volume has counts more than what an image gave it.
		own := map[Key]string{UEFIData: fitting(i.UEFIData), DeleteOnTermination: i.deletes(i.RootDeviceName)}
		all = append(all, said(own, i.source())...)
	}
	for _, image := range e.Images {
		all = append(all, image.statements(e.Snapshot)...)
	}
	if i := e.Instance; i != nil && i.Root {
		all = append(all, i.statements()...)
	}
	return all
}

// root is the image's mapping of its root device.
func (i Image) root() *types.EbsBlockDevice {
	for _, m := range i.BlockDeviceMappings {
		if aws.ToString(m.DeviceName) == aws.ToString(i.RootDeviceName) {
			return m.Ebs
		}
	}
	return nil
}

// foreign is the device that the image has the snapshot at when that is not its root device.
func (i Image) foreign(snapshot types.Snapshot) string {
	for _, m := range i.BlockDeviceMappings {
		device := aws.ToString(m.DeviceName)
		if m.Ebs != nil && aws.ToString(m.Ebs.SnapshotId) == aws.ToString(snapshot.SnapshotId) &&
			device != aws.ToString(i.RootDeviceName) {
			return device
		}
	}
	return ""
}

func (i Image) statements(snapshot types.Snapshot) []statement {
	if i.foreign(snapshot) != "" {
		return nil
	}
	values := map[Key]string{
		Architecture: string(i.Architecture), Virtualization: string(i.VirtualizationType),
		RootDeviceName: aws.ToString(i.RootDeviceName),
		BootMode:       orNone(string(i.BootMode)), ENA: strconv.FormatBool(aws.ToBool(i.EnaSupport)),
		SRIOV: orNone(aws.ToString(i.SriovNetSupport)),
		TPM:   orNone(string(i.TpmSupport)), IMDS: orNone(string(i.ImdsSupport)), UEFIData: fitting(i.UEFIData),
		PlatformDetails: aws.ToString(i.PlatformDetails), UsageOperation: aws.ToString(i.UsageOperation),
		ProductCodes: orNone(codes(i.ProductCodes)),
	}
	if ebs := i.root(); ebs != nil {
		values[VolumeType] = string(ebs.VolumeType)
		values[IOPS] = positive(ebs.Iops)
		values[Throughput] = positive(ebs.Throughput)
		values[DeleteOnTermination] = onOrOff(ebs.DeleteOnTermination)
	}
	return said(values, aws.ToString(i.ImageId)+", "+i.Relation)
}

func (i Instance) statements() []statement {
	return said(map[Key]string{
		Architecture: string(i.Architecture), Virtualization: string(i.VirtualizationType),
		RootDeviceName: aws.ToString(i.RootDeviceName),
		BootMode:       orNone(string(i.BootMode)), ENA: strconv.FormatBool(aws.ToBool(i.EnaSupport)),
		SRIOV:           orNone(aws.ToString(i.SriovNetSupport)),
		TPM:             orNone(aws.ToString(i.TpmSupport)),
		IMDS:            i.imds(),
		PlatformDetails: aws.ToString(i.PlatformDetails), UsageOperation: aws.ToString(i.UsageOperation),
		ProductCodes: orNone(codes(i.ProductCodes)),
	}, i.source())
}

// imds is what the instance's metadata options come to; "" where they say nothing of it: an image has IMDSv2 alone, or
// leaves it to who launches it.
func (i Instance) imds() string {
	if o := i.MetadataOptions; o != nil && o.HttpTokens == types.HttpTokensStateRequired {
		return string(types.ImdsSupportValuesV20)
	}
	return ""
}

func (i Instance) source() string { return aws.ToString(i.InstanceId) + ", " + i.Relation }

// said makes statements of the values that are there, in the order of the keys.
func said(values map[Key]string, source string) (all []statement) {
	for _, k := range keys {
		if value := values[k.key]; value != "" {
			all = append(all, statement{k.key, value, source})
		}
	}
	return all
}

// none is the value of an attribute that is known not to be set.
const none = "none"

func orNone(value string) string {
	if value == "" {
		return none
	}
	return value
}

func positive(n *int32) string {
	if aws.ToInt32(n) <= 0 {
		return ""
	}
	return strconv.Itoa(int(*n))
}

func codes(list []types.ProductCode) string {
	var all []string
	for _, c := range list {
		all = append(all, aws.ToString(c.ProductCodeId))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
