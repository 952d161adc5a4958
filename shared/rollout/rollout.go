// Package rollout rolls images into launch templates and Parameter Store aliases: it finds those
// that want a source's image, says what becomes of each, writes it, and takes it back. A run, its
// rehearsal and a rollback ask the same functions; only a Writer changes anything.
//
// Why a template was not rolled: look for the sentence that was told; it stands once in this room. In what order
// the decisions are asked is judge in find.go.
package rollout

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/volume"
)

// Reader finds templates, what launches from them, and what their instance types can run.
type Reader interface {
	ec2.DescribeLaunchTemplatesAPIClient
	ec2.DescribeLaunchTemplateVersionsAPIClient
	ec2.DescribeInstanceTypesAPIClient
	ec2.GetInstanceTypesFromInstanceRequirementsAPIClient
	ec2.DescribeImagesAPIClient
	ec2.DescribeSnapshotsAPIClient
	ec2.DescribeFleetsAPIClient
	ec2.DescribeSpotFleetRequestsAPIClient
}

// Parameters reads aliases.
type Parameters interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
}

// Ledger remembers what targets pointed at, and whose names are.
type Ledger interface {
	Targets(ctx context.Context, source string) iter.Seq2[ledger.TargetRecord, error]
	Owner(ctx context.Context, name string) (o ledger.Owner, ok bool, err error)
	Registration(ctx context.Context, id string) (r ledger.Registration, ok bool, err error)
}

// Finder finds targets. The alias of a source lies in Parameter Store under Path, such as /goldsmith/images.
type Finder struct {
	EC2        Reader
	Groups     autoscaling.DescribeAutoScalingGroupsAPIClient
	Parameters Parameters
	Ledger     Ledger
	Lineages   Lineages
	Path       string
	Now        func() time.Time
	// Lately is what the process has read for other images; nil where each is to read all anew.
	Lately *Lately
	// Copied is the copy that is to be rolled in another Region, whose ledger is Abroad; nil at home.
	Copied *Copied
}

// Image is the image that is to be rolled, as far as a target asks for it.
type Image struct {
	ID string
	Machine
	// Source is the id of what it was made from, Lineage what that is over time, Name its name.
	Source, Lineage, Name string
	// Run is the run that made it.
	Run string
	// LeftOut are the devices of its source that it was told to leave out.
	LeftOut []string
	// Taken is when the snapshot was started that it was made of; only of a snapshot.
	Taken time.Time
}

// Machine is what an image asks of an instance type, and the volumes that it brings.
type Machine struct {
	// Architecture, BootMode, Virtualization and TPM are EC2's words. An image without a
	// boot mode boots as its instance type does by default.
	Architecture, BootMode, Virtualization, TPM string
	// ENA is whether the image supports the Elastic Network Adapter.
	ENA bool
	// Windows is whether it is an image of Windows; any other is of Linux or UNIX.
	Windows bool
	// Root is the root's device name, Disks are the EBS devices.
	Root  string
	Disks []disk
}

// disk is an EBS device of an image.
type disk struct {
	Device, Snapshot      string
	Type                  types.VolumeType
	GiB, IOPS, Throughput int32
	Encrypted             bool
}

// Add adds an EBS device.
func (m *Machine) Add(device string, ebs types.EbsBlockDevice) {
	m.Disks = append(m.Disks, diskOf(device, ebs))
}

// diskOf is a device as an image maps it. EC2 shows the IOPS of volumes also where none were provisioned.
func diskOf(device string, ebs types.EbsBlockDevice) disk {
	d := disk{
		Device: device, Snapshot: aws.ToString(ebs.SnapshotId), Type: ebs.VolumeType, GiB: aws.ToInt32(ebs.VolumeSize),
		Encrypted: aws.ToBool(ebs.Encrypted),
	}
	takes, _ := volume.Of(string(d.Type))
	if takes.MostIOPS > 0 {
		d.IOPS = aws.ToInt32(ebs.Iops)
	}
	if takes.MostThroughput > 0 {
		d.Throughput = aws.ToInt32(ebs.Throughput)
	}
	return d
}

// Under is the same once it is copied under a key, which encrypts every volume (API reference, CopyImage).
func (m Machine) Under() Machine {
	m.Disks = slices.Clone(m.Disks)
	for i := range m.Disks {
		m.Disks[i].Encrypted = true
	}
	return m
}

// MachineOf is what EC2 says of an image.
func MachineOf(i types.Image) Machine {
	m := Machine{
		Architecture: string(i.Architecture), BootMode: string(i.BootMode), Virtualization: string(i.VirtualizationType),
		TPM: string(i.TpmSupport), ENA: aws.ToBool(i.EnaSupport), Root: aws.ToString(i.RootDeviceName),
		Windows: Windows(i.Platform),
	}
	for _, d := range i.BlockDeviceMappings {
		if d.Ebs != nil {
			m.Add(aws.ToString(d.DeviceName), *d.Ebs)
		}
	}
	return m
}

// Windows reports whether a platform is Windows. EC2 answers "windows", and the SDK's constant says "Windows".
func Windows(p types.PlatformValues) bool {
	return strings.EqualFold(string(p), string(types.PlatformValuesWindows))
}

func (m Machine) disk(device string) *disk {
	for i := range m.Disks {
		if m.Disks[i].Device == device {
			return &m.Disks[i]
		}
	}
	return nil
}

// alias is the image's device that goes by another name than the one that is given, such as xvdf of /dev/xvdf; empty
// for none.
func (m Machine) alias(name string) string {
	for _, d := range m.Disks {
		if d.Device != name && strings.TrimPrefix(d.Device, devices) == strings.TrimPrefix(name, devices) {
			return d.Device
		}
	}
	return ""
}

// devices begins the names of devices; EC2 takes them without it as well.
const devices = "/dev/"

// owns reports whether a snapshot is one of the image's own.
func (m Machine) owns(snapshot string) bool {
	return slices.ContainsFunc(m.Disks, func(d disk) bool { return d.Snapshot == snapshot })
}

// Found is what may take an image.
type Found struct {
	// title is whether it is rolled under its source's name.
	title
	// Targets are templates in the order they are found, then aliases.
	Targets []*Target
}

// Target is one launch template or alias.
type Target struct {
	// Record is what the ledger has of it, At what it points at now, Decision what becomes of it.
	Record   ledger.TargetRecord
	At       state
	Decision Decision
	// Rolled is what a report says of it, before anything is changed.
	Rolled job.Rolled
	// key is what it is recorded by: the name, or the id, by which it wants the source's images.
	key string
	// template is what was read of a launch template; nil for an alias.
	template *template
	// through are the templates that take their image from the parameter, dataType is the parameter's.
	through  []*template
	dataType string
	// takes is whose the parameter is with this roll; nil when that is written down, or needs not be.
	takes *ledger.Owner
	// under is the version that was the template's latest before this call made another; 0 when it made none.
	under int64
	// made is the latest version that this call has made with the new image, versions are all that it has made.
	made     int64
	versions []int64
	// warning is what EC2 warned of when it made the last of them.
	warning string
	// failed is whether the last roll that was tried failed for its own sake.
	failed bool
	// changed is whether this call, or an earlier one of this run, has pointed it at the image.
	changed bool
}

// State is what a launch template or an alias points at now.
type state struct {
	// Alias is whether it is a parameter.
	Alias bool
	// Version and Image are what a roll replaces: the default version of a template whose default
	// moves with a roll, the latest of another, or a parameter's; Version is 0 for a parameter that does not exist yet.
	Version int64
	Image   string
	// Default and Latest are a template's version numbers, Top is what its latest version has.
	Default, Latest int64
	Top             string
	// Base is what the version has that the next is made from.
	Base string
	// Stays is whether a roll leaves a template's default where it is.
	Stays bool
	// Reverted is the version that a person has made of the one that was rolled last, with an earlier image; 0 for none.
	Reverted int64
	// Was is what launches from a template now; nil where that was not looked for.
	Was *ledger.Was
}

// Point is what the target points at now, as the ledger remembers it.
func (s state) Point() ledger.Point {
	return ledger.Point{Image: s.Image, Version: s.Version, Was: s.Was}
}
