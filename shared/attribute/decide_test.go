package attribute_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/diskfs/go-diskfs/partition/gpt"
	"github.com/google/go-cmp/cmp"

	"goldsmith/local/disks"
	"goldsmith/shared/attribute"
	"goldsmith/shared/disk"
)

func read(t *testing.T, d *disks.Disk, err error) *disk.Disk {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	found, err := disk.Read(d, d.Size())
	if err != nil {
		t.Fatal(err)
	}
	return &found
}

// world are the disks of the cases.
type world struct {
	both, arm, uefi, bios, windows, data, vendor, rhel, sles, twoArchitectures, former, leftLoader, alone *disk.Disk
}

func newWorld(t *testing.T) world {
	t.Helper()
	of := func(d *disks.Disk, err error) *disk.Disk { return read(t, d, err) }
	x64 := map[string][]byte{"/EFI/BOOT/BOOTX64.EFI": disks.Program(disks.X64)}
	esp := func(files map[string][]byte) disks.Part {
		return disks.Part{Type: gpt.EFISystemPartition, MiB: 100, Fill: disks.ESP(32, files)}
	}
	root := disks.Part{MiB: 500, Fill: disks.XFS(disks.System...)}
	bios, err := disks.MBR(1, disks.Part{Code: 0x83, MiB: 900, Active: true, Fill: disks.EXT4})
	if err != nil {
		t.Fatal(err)
	}
	if err := bios.BootCode(1); err != nil {
		t.Fatal(err)
	}
	if err := disks.Mark(512, "core image")(bios, 0, 0); err != nil {
		t.Fatal(err)
	}
	former, err := disks.MBR(1, disks.Part{Code: 0x83, MiB: 900, Fill: disks.EXT4})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(former.BootCode(1), disks.Mark(512, "core image")(former, 0, 0)); err != nil {
		t.Fatal(err)
	}
	data := disks.Blank(1)
	if err := disks.EXT4(data, 0, 0); err != nil {
		t.Fatal(err)
	}
	return world{
		both: of(disks.Linux(1)), arm: of(disks.LinuxARM(1)), uefi: of(disks.GPT(1, esp(x64), root)), bios: of(bios, nil),
		windows: of(disks.Windows(1)),
		data:    of(data, nil), former: of(former, nil),
		vendor: of(disks.GPT(1, esp(map[string][]byte{"/EFI/fedora/shimx64.efi": disks.Program(disks.X64)}), root)),
		rhel: of(disks.GPT(1, esp(map[string][]byte{
			"/EFI/BOOT/BOOTX64.EFI": disks.Program(disks.X64), "/EFI/redhat/shimx64.efi": disks.Program(disks.X64),
		}), root)),
		sles: of(disks.GPT(1, esp(map[string][]byte{"/EFI/sles/grubaa64.efi": disks.Program(disks.ARM)}), root)),
		twoArchitectures: of(disks.GPT(1, esp(map[string][]byte{
			"/EFI/BOOT/BOOTX64.EFI": disks.Program(disks.X64), "/EFI/BOOT/BOOTAA64.EFI": disks.Program(disks.ARM),
		}), root)),
		leftLoader: of(disks.GPT(1, esp(x64), disks.Part{MiB: 100, Fill: disks.Holding("mysql")})),
		alone:      of(disks.GPT(1, esp(x64))),
	}
}

func snapshot() types.Snapshot {
	return types.Snapshot{SnapshotId: aws.String("snap-1"), State: types.SnapshotStateCompleted, VolumeSize: aws.Int32(8)}
}

// ami is what DescribeImages says of an image of the snapshot.
func ami(edits ...func(*attribute.Image)) attribute.Image {
	i := attribute.Image{Relation: "which names this snapshot", Image: types.Image{
		ImageId: aws.String("ami-1"), Architecture: types.ArchitectureValuesX8664,
		VirtualizationType: types.VirtualizationTypeHvm,
		RootDeviceName:     aws.String("/dev/xvda"), EnaSupport: aws.Bool(true), SriovNetSupport: aws.String("simple"),
		ImdsSupport: types.ImdsSupportValuesV20,
		BootMode:    types.BootModeValuesUefiPreferred, PlatformDetails: aws.String("Linux/UNIX"),
		UsageOperation: aws.String("RunInstances"),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{
			SnapshotId: aws.String("snap-1"), VolumeType: types.VolumeTypeGp3, Iops: aws.Int32(3000),
			Throughput: aws.Int32(125), VolumeSize: aws.Int32(8),
		}}},
	}}
	for _, edit := range edits {
		edit(&i)
	}
	return i
}

func instance(root bool, edits ...func(*attribute.Instance)) *attribute.Instance {
	i := &attribute.Instance{Relation: "which its volume is attached to", Root: root, Has: root, Instance: types.Instance{
		InstanceId: aws.String("i-1"), Architecture: types.ArchitectureValuesX8664,
		VirtualizationType: types.VirtualizationTypeHvm,
		RootDeviceName:     aws.String("/dev/sda1"), EnaSupport: aws.Bool(true), BootMode: types.BootModeValuesLegacyBios,
		PlatformDetails: aws.String("Red Hat Enterprise Linux"), UsageOperation: aws.String("RunInstances:0010"),
		ProductCodes: []types.ProductCode{{ProductCodeId: aws.String("abc")}},
	}}
	for _, edit := range edits {
		edit(i)
	}
	return i
}

func settings(text string) []attribute.Settings {
	return []attribute.Settings{{Source: attribute.SettingsTag, Text: text}}
}

const known = "rootDeviceName=/dev/xvda enaSupport=true"

type evidenceCase struct {
	name string
	attribute.Evidence
}

func cases(t *testing.T) []evidenceCase {
	w := newWorld(t)
	e := func(d *disk.Disk, images ...attribute.Image) attribute.Evidence {
		return attribute.Evidence{Snapshot: snapshot(), Disk: d, Images: images}
	}
	with := func(e attribute.Evidence, edit func(*attribute.Evidence)) attribute.Evidence {
		edit(&e)
		return e
	}
	says := func(d *disk.Disk, text string, images ...attribute.Image) attribute.Evidence {
		return with(e(d, images...), func(e *attribute.Evidence) { e.Settings = settings(text) })
	}
	unread := func(e attribute.Evidence) attribute.Evidence {
		return with(e, func(e *attribute.Evidence) { e.Disk, e.Unread = nil, "AccessDeniedException: no" })
	}
	arm := func(i *attribute.Image) {
		i.Architecture, i.BootMode = types.ArchitectureValuesArm64, types.BootModeValuesUefi
	}
	rhel := func(i *attribute.Image) {
		i.PlatformDetails, i.UsageOperation = aws.String("Red Hat Enterprise Linux"), aws.String("RunInstances:0010")
		i.BootMode = types.BootModeValuesUefi
	}
	small := func(e *attribute.Evidence) { e.Snapshot.VolumeSize = aws.Int32(2) }
	unset := func(i *attribute.Image) { i.BootMode = "" }
	return []evidenceCase{
		{"an AMI names it", e(w.both, ami())},
		{"an instance has its volume", with(e(w.both), func(e *attribute.Evidence) { e.Instance = instance(true) })},
		{"an instance that takes IMDSv2 alone", with(e(w.both), func(e *attribute.Evidence) {
			e.Instance = instance(true, func(i *attribute.Instance) {
				i.MetadataOptions = &types.InstanceMetadataOptionsResponse{HttpTokens: types.HttpTokensStateRequired}
			})
		})},
		{"nothing but the disk", e(w.both)},
		{"the disk and what nobody else says", says(w.both, known)},
		{"arm64, and what nobody else says", says(w.arm, known)},
		{"BIOS alone does not say 32 or 64 bits", says(w.bios, known)},
		{"BIOS alone, all said", says(w.bios, known+" architecture=x86_64")},
		{"loaders for two architectures", says(w.twoArchitectures, known)},
		{"loaders for two architectures, one chosen", says(w.twoArchitectures, known+" architecture=arm64")},
		{"a data volume, whatever is said", says(w.data, known+" architecture=x86_64 bootMode=uefi", ami())},
		{"boot code that may be left over, and a plan says a boot mode", with(e(w.former), func(e *attribute.Evidence) {
			common := attribute.Settings{Source: "plan nightly", Text: "bootMode=legacy-bios", Common: true}
			e.Settings = append(settings(known), common)
		})},
		{"boot code that may be left over, and it is said to start",
			says(w.former, known+" architecture=x86_64 bootMode=legacy-bios")},
		{"boot code that may be left over, and an AMI names it",
			e(w.former, ami(func(i *attribute.Image) { i.BootMode = types.BootModeValuesLegacyBios }))},
		{"boot code that may be left over, and an AMI names another snapshot of its volume",
			e(w.former, ami(func(i *attribute.Image) { i.BlockDeviceMappings[0].Ebs.SnapshotId = aws.String("snap-9") }))},
		{"boot code that may be left over, of a data volume",
			with(says(w.former, known), func(e *attribute.Evidence) { e.Instance = instance(false) })},
		{"a loader that may be left over", says(w.leftLoader, known)},
		{"a loader that may be left over, and it is said to start", says(w.leftLoader, known+" bootMode=uefi")},
		{"a loader that may be left over, and it is said to start in a mode that it does not",
			says(w.leftLoader, known+" bootMode=legacy-bios")},
		{"a loader that may be left over, and the instance has it as its root volume",
			with(e(w.leftLoader), func(e *attribute.Evidence) {
				e.Instance = instance(true, func(i *attribute.Instance) { i.BootMode = types.BootModeValuesUefi })
			})},
		{"a loader that may be left over, and the instance had it as its root volume once",
			with(e(w.leftLoader), func(e *attribute.Evidence) {
				e.Instance = instance(true, func(i *attribute.Instance) { i.BootMode, i.Has = types.BootModeValuesUefi, false })
			})},
		{"a loader that may be left over, attached as a data volume",
			with(says(w.leftLoader, known), func(e *attribute.Evidence) { e.Instance = instance(false) })},
		{"a loader, and nothing beside it", says(w.alone, known)},
		{"a pending snapshot", with(e(w.both, ami()),
			func(e *attribute.Evidence) { e.Snapshot.State = types.SnapshotStatePending })},
		{"unread, and an AMI names it", unread(e(nil, ami()))},
		{"unread, and the tag contradicts the AMI on the architecture",
			unread(says(nil, "architecture=arm64 bootMode=uefi", ami()))},
		{"unread, and the tag says which of two AMIs is right", unread(says(nil, "architecture=x86_64",
			ami(), ami(arm, func(i *attribute.Image) { i.ImageId = aws.String("ami-2") })))},
		{"unread, and the tag contradicts the AMI on how it starts",
			unread(says(nil, "bootMode=uefi enaSupport=false sriovNetSupport=none", ami()))},
		{"unread, and nothing else", unread(says(nil, known+" architecture=x86_64 bootMode=uefi"))},
		{"unread, and an AMI has it as a data volume",
			unread(e(nil, ami(func(i *attribute.Image) { i.RootDeviceName = aws.String("/dev/sda1") })))},
		{"the tag contradicts the disk on the architecture", says(w.both, "architecture=arm64", ami())},
		{"the tag contradicts the disk on the boot mode", says(w.bios, "bootMode=uefi", ami())},
		{"the AMI contradicts the disk", e(w.both, ami(arm))},
		{"two AMIs contradict each other",
			unread(e(nil, ami(), ami(arm, func(i *attribute.Image) { i.ImageId = aws.String("ami-2") })))},
		{"no boot mode, and the disk starts in both", e(w.both, ami(unset))},
		{"no boot mode, and the disk starts with UEFI alone", e(w.uefi, ami(unset))},
		{"settings changed", says(w.both,
			"bootMode=uefi tpmSupport=v2.0 imdsSupport=none volumeType=io2 iops=500 volumeSize=20 deleteOnTermination=false",
			ami())},
		{"another volume type leaves the old one's throughput", says(w.both, "volumeType=gp2", ami())},
		{"provisioned without IOPS", says(w.both, "volumeType=io2", ami())},
		{"smaller than the snapshot", says(w.both, "volumeSize=4", ami())},
		{"a type for data volumes alone", says(w.both, "volumeType=st1 volumeSize=200", ami())},
		{"smaller than its type takes", with(says(w.both, "volumeType=io1 iops=100", ami()), small)},
		{"larger than its type takes", says(w.both, "volumeType=gp2 volumeSize=16385", ami())},
		{"more IOPS than its size takes", says(w.both, "iops=16000", ami())},
		{"more IOPS than its size takes, of io1", says(w.both, "volumeType=io1 iops=401", ami())},
		{"as many IOPS as its size takes", says(w.both, "volumeType=io1 iops=400", ami())},
		{"more throughput than its IOPS take", says(w.both, "throughput=751", ami())},
		{"a volume that is larger than it was", with(says(w.both, "", ami()), func(e *attribute.Evidence) {
			e.Volume = &types.Volume{VolumeId: aws.String("vol-1"), Size: aws.Int32(100), VolumeType: types.VolumeTypeGp3,
				Iops: aws.Int32(16000), Throughput: aws.Int32(1000)}
		})},
		{"TPM without UEFI", says(w.both, "tpmSupport=v2.0 bootMode=uefi-preferred", ami())},
		{"arm64 with legacy-bios, unread", unread(says(nil, "bootMode=legacy-bios", ami(arm)))},
		{"what is never changed, and what there is not",
			says(w.both, "kernelId=aki-1 productCodes=x colour=red enaSupport=yes iops=1 iops=2", ami())},
		{"Windows, billed as such", e(w.windows, ami(func(i *attribute.Image) {
			i.PlatformDetails, i.UsageOperation, i.BootMode = aws.String("Windows"), aws.String("RunInstances:0002"), types.BootModeValuesLegacyBios
		}))},
		{"Windows, and nothing says how it is billed", says(w.windows, known+" architecture=x86_64")},
		{"RHEL, and nothing says how it is billed", says(w.rhel, known)},
		{"RHEL, and a person says that no license is billed", says(w.rhel, known+" billing=linux")},
		{"RHEL, and an AMI says how it is billed", e(w.rhel, ami(rhel))},
		{"RHEL, and a person contradicts the AMI", says(w.rhel, "billing=linux", ami(rhel))},
		{"SLES, and nothing says how it is billed", says(w.sles, known)},
		{"Windows, and a person says that no license is billed", says(w.windows, known+" architecture=x86_64 billing=linux")},
		{"Windows, billed as Linux", e(w.windows,
			ami(func(i *attribute.Image) { i.BootMode = types.BootModeValuesLegacyBios }))},
		{"paravirtual",
			unread(e(nil, ami(func(i *attribute.Image) { i.VirtualizationType = types.VirtualizationTypeParavirtual })))},
		{"a vendor's loader alone", says(w.vendor, known)},
		{"a vendor's loader and UEFI data",
			e(w.vendor, ami(func(i *attribute.Image) { i.BootMode, i.UEFIData = types.BootModeValuesUefi, "QU1aTlVFRkk=" }))},
		{"attached as a data volume of another instance",
			with(says(w.both, known), func(e *attribute.Evidence) { e.Instance = instance(false) })},
	}
}

// What an operator reads, for each disk and evidence: testdata/decisions.txt.
func TestDecide(t *testing.T) {
	var page strings.Builder
	for _, c := range cases(t) {
		d := attribute.Decide(c.Evidence)
		fmt.Fprintf(&page, "== %s\n", c.name)
		if d.Refused != nil {
			fmt.Fprintf(&page, "refused (%s): %s\n  %s\n", d.Refused.Code, d.Refused.Text, d.Refused.Do)
		} else {
			for _, a := range d.Attributes {
				fmt.Fprintf(&page, "%s=%s: %s\n", a.Key, a.Value, a.Source)
			}
		}
		for _, n := range d.Notes {
			fmt.Fprintf(&page, "note: %s\n", n)
		}
		fmt.Fprintln(&page)
	}
	golden.Assert(t, page.String(), "decisions.txt")
}

func TestLostBilling(t *testing.T) {
	d := attribute.Decide(attribute.Evidence{Snapshot: snapshot(), Disk: newWorld(t).both, Instance: instance(true)})
	made := types.Image{
		PlatformDetails: aws.String("Red Hat Enterprise Linux"), UsageOperation: aws.String("RunInstances:0010"),
		ProductCodes: []types.ProductCode{{ProductCodeId: aws.String("abc")}},
	}
	if lost := d.LostBilling(made); lost != "" {
		t.Error(lost)
	}
	made.PlatformDetails, made.UsageOperation, made.ProductCodes = aws.String("Linux/UNIX"), aws.String("RunInstances"), nil
	want := `platformDetails is "Linux/UNIX" and was "Red Hat Enterprise Linux" (i-1, which its volume is attached to); ` +
		`usageOperation is "RunInstances" and was "RunInstances:0010" (i-1, which its volume is attached to); ` +
		`productCodes is "none" and was "abc" (i-1, which its volume is attached to)`
	if diff := cmp.Diff(want, d.LostBilling(made)); diff != "" {
		t.Error(diff)
	}
	nothing := attribute.Decide(attribute.Evidence{Snapshot: snapshot(), Disk: newWorld(t).both,
		Settings: settings(known)})
	if lost := nothing.LostBilling(made); lost != "" {
		t.Errorf("nothing is known, and yet: %s", lost)
	}
}
