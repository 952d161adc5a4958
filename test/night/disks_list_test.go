package night_test

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/diskfs/go-diskfs/partition/gpt"

	"goldsmith/local/disks"
	"goldsmith/local/ec2"
	"goldsmith/shared/tag"
)

type diskChapter struct {
	title string
	cases []*diskCase
}

// Disks and what is known of them.
func diskChapters() []diskChapter {
	return []diskChapter{
		{"Nothing but a disk", bareDisks()},
		{"What starts nothing", dataDisks()},
		{"AMIs and instances", relatedDisks()},
		{"What people say", saidDisks()},
		{"Disks that cannot be read", unreadDisks()},
		{"Billing", billedDisks()},
	}
}

// says are the tags that say what nothing else does, and more.
func says(more string) map[string]string {
	text := "rootDeviceName=/dev/xvda enaSupport=true"
	if more != "" {
		text += " " + more
	}
	return map[string]string{tag.ImageSettings: text, "Name": "mail"}
}

// of is a case of an uploaded disk with settings.
func of(what, settings string, lay func() (*disks.Disk, error)) *diskCase {
	return &diskCase{what: what, story: func(n *night) string { return n.uploaded(says(settings), lay) }}
}

func linux() (*disks.Disk, error) { return disks.Linux(1) }
func arm() (*disks.Disk, error)   { return disks.LinuxARM(1) }

// system is a partition with a system.
func system() disks.Part { return disks.Part{MiB: 500, Fill: disks.XFS(disks.System...)} }

// esp is an EFI system partition with a program of a machine for each path.
func esp(programs map[string]uint16) disks.Part {
	files := map[string][]byte{}
	for path, machine := range programs {
		files[path] = disks.Program(machine)
	}
	return disks.Part{Type: gpt.EFISystemPartition, MiB: 100, Fill: disks.ESP(32, files)}
}

func x64() disks.Part { return esp(map[string]uint16{"/EFI/BOOT/BOOTX64.EFI": disks.X64}) }

// behind is a disk that starts with UEFI, and whose second partition begins with a mark.
func behind(offset int64, mark string) func() (*disks.Disk, error) {
	return func() (*disks.Disk, error) {
		return disks.GPT(1, x64(), disks.Part{MiB: 800, Fill: disks.Mark(offset, mark)})
	}
}

// bios is an MBR with GRUB in front of one active ext4 partition.
func bios() (*disks.Disk, error) { return grub(true) }

// former is the same with a new table, in which nothing is marked active.
func former() (*disks.Disk, error) { return grub(false) }

// leftLoader is a disk whose EFI system partition was kept when the rest was made anew for data.
func leftLoader() (*disks.Disk, error) {
	return disks.GPT(1, x64(), disks.Part{MiB: 100, Fill: disks.Holding("mysql", "backups")})
}

func grub(active bool) (*disks.Disk, error) {
	d, err := disks.MBR(1, disks.Part{Code: 0x83, MiB: 900, Active: active, Fill: disks.EXT4})
	if err != nil {
		return nil, err
	}
	if err := d.BootCode(1); err != nil {
		return nil, err
	}
	return d, disks.Mark(512, "core image")(d, 0, 0)
}

// damaged is a Linux disk on which blocks of zeros are written.
func damaged(offsets ...int64) func() (*disks.Disk, error) {
	return func() (*disks.Disk, error) {
		d, err := disks.Linux(1)
		for _, at := range offsets {
			if at < 0 {
				at += d.Size()
			}
			if _, err := d.WriteAt(make([]byte, 512), at); err != nil {
				return nil, err
			}
		}
		return d, err
	}
}

func bareDisks() []*diskCase {
	both := map[string]uint16{"/EFI/BOOT/BOOTX64.EFI": disks.X64, "/EFI/BOOT/BOOTAA64.EFI": disks.ARM}
	rhel := map[string]uint16{"/EFI/BOOT/BOOTX64.EFI": disks.X64, "/EFI/redhat/shimx64.efi": disks.X64}
	vendor := map[string]uint16{"/EFI/fedora/shimx64.efi": disks.X64}
	wrong := map[string]uint16{"/EFI/BOOT/BOOTX64.EFI": disks.ARM}
	return []*diskCase{
		{what: "GPT that starts with BIOS and UEFI, nothing said", story: func(n *night) string {
			return n.uploaded(nil, linux)
		}},
		of("the same, and what nothing else says is said", "", linux),
		of("GPT for arm64", "", arm),
		of("GPT for x86_64 with UEFI alone", "", func() (*disks.Disk, error) { return disks.GPT(1, x64(), system()) }),
		of("MBR with GRUB: 32 or 64 bits is not known", "", bios),
		of("the same, and it is said", "architecture=x86_64", bios),
		of("a former root disk, partitioned anew for data", "architecture=x86_64", former),
		of("the same, and it is said to start so", "architecture=x86_64 bootMode=legacy-bios", former),
		of("a loader beside an ext4 file system with data alone", "", leftLoader),
		of("the same, and it is said to start so", "bootMode=uefi", leftLoader),
		of("the same, with many partitions", "", func() (*disks.Disk, error) {
			fat := disks.Part{Type: gpt.MicrosoftBasicData, MiB: 4, Fill: disks.ESP(12, nil)}
			return disks.GPT(1, append([]disks.Part{x64()}, slices.Repeat([]disks.Part{fat}, 14)...)...)
		}),
		of("a loader, and nothing beside it", "", func() (*disks.Disk, error) { return disks.GPT(1, x64()) }),
		of("loaders for two architectures", "", func() (*disks.Disk, error) { return disks.GPT(1, esp(both), system()) }),
		of("the same, and one is chosen", "architecture=arm64", func() (*disks.Disk, error) {
			return disks.GPT(1, esp(both), system())
		}),
		of("RHEL, and nothing says how it is billed", "",
			func() (*disks.Disk, error) { return disks.GPT(1, esp(rhel), system()) }),
		of("the same, and a person says that no license is billed", "billing=linux",
			func() (*disks.Disk, error) { return disks.GPT(1, esp(rhel), system()) }),
		of("a vendor's loader alone", "", func() (*disks.Disk, error) { return disks.GPT(1, esp(vendor), system()) }),
		of("LVM behind an EFI system partition", "", behind(512, "LABELONE")),
		of("LUKS behind an EFI system partition", "", behind(0, "LUKS\xba\xbe")),
		of("the first GPT is damaged, its backup is whole", "", damaged(512)),
		of("a loader that is no program", "", func() (*disks.Disk, error) {
			files := map[string][]byte{"/EFI/BOOT/BOOTX64.EFI": []byte("not a program")}
			return disks.GPT(1, disks.Part{Type: gpt.EFISystemPartition, MiB: 100, Fill: disks.ESP(32, files)})
		}),
		of("a loader named for x86_64 that is one for arm64", "", func() (*disks.Disk, error) {
			return disks.GPT(1, esp(wrong))
		}),
	}
}

func dataDisks() []*diskCase {
	return []*diskCase{
		of("one ext4 file system, no table", "architecture=x86_64 bootMode=uefi", func() (*disks.Disk, error) {
			d := disks.Blank(1)
			return d, disks.EXT4(d, 0, 0)
		}),
		of("GPT with an ext4 partition", "", func() (*disks.Disk, error) {
			return disks.GPT(1, disks.Part{MiB: 900, Fill: disks.EXT4})
		}),
		of("an empty EFI system partition", "", func() (*disks.Disk, error) { return disks.GPT(1, esp(nil)) }),
		of("nothing but zeros", "", func() (*disks.Disk, error) { return disks.Blank(1), nil }),
		of("both copies of the GPT are damaged", "", damaged(512, -512)),
		of("MBR with boot code, and nothing that it starts", "", func() (*disks.Disk, error) {
			d, err := disks.MBR(1, disks.Part{Code: 0x83, MiB: 900, Fill: disks.EXT4})
			if err != nil {
				return nil, err
			}
			return d, d.BootCode(1)
		}),
	}
}

func relatedDisks() []*diskCase {
	return []*diskCase{
		{what: "of an instance that runs", story: func(n *night) string {
			return n.snapshotOf(n.launch("web", ""), "", nil)
		}},
		{what: "of an instance for arm64 that is stopped", story: func(n *night) string {
			return n.snapshotOf(n.launch("web", "stopped arm64"), "", nil)
		}},
		{what: "of an instance that is gone", story: func(n *night) string { return n.lost("web", nil) }},
		{what: "a person's AMI names it", story: func(n *night) string {
			id := n.uploaded(map[string]string{"Name": "mail"}, linux)
			n.registeredByHand(id, types.ArchitectureValuesX8664)
			return id
		}},
		{what: "a person's AMI names it, and contradicts the disk", story: func(n *night) string {
			id := n.uploaded(map[string]string{"Name": "mail"}, linux)
			n.registeredByHand(id, types.ArchitectureValuesArm64)
			return id
		}},
		{what: "with a data volume that says its device", story: func(n *night) string {
			web := n.launch("web", "gp3")
			root := n.snapshotOf(web, "", nil)
			n.snapshotOf(web, "/dev/sdf", map[string]string{tag.Device: "/dev/sdf"})
			return root
		}},
		{what: "with a data volume that says none", story: func(n *night) string {
			web := n.launch("web", "gp3")
			root := n.snapshotOf(web, "", nil)
			n.snapshotOf(web, "/dev/sdf", nil)
			return root
		}},
		{what: "with a data volume of another instance that says its device", story: func(n *night) string {
			root := n.snapshotOf(n.launch("web", ""), "", nil)
			n.snapshotOf(n.launch("other", "gp3"), "/dev/sdf", map[string]string{tag.Device: "/dev/sdf"})
			return root
		}},
		{what: "of an instance's data volume", story: func(n *night) string {
			return n.snapshotOf(n.launch("web", "gp3"), "/dev/sdf", nil)
		}},
	}
}

// registeredByHand is an AMI that a person registers of a snapshot.
func (n *night) registeredByHand(snapshot string, architecture types.ArchitectureValues) {
	n.t.Helper()
	in := &sdk.RegisterImageInput{
		Name: aws.String("by hand"), Architecture: architecture, RootDeviceName: aws.String("/dev/sda1"),
		VirtualizationType: aws.String("hvm"), EnaSupport: aws.Bool(true), BootMode: types.BootModeValuesUefi,
		BlockDeviceMappings: []types.BlockDeviceMapping{{
			DeviceName: aws.String("/dev/sda1"), Ebs: &types.EbsBlockDevice{SnapshotId: &snapshot},
		}},
	}
	n.second = aws.ToString(must(n.cloud.RegisterImage(n.ctx, in))(n.t).ImageId)
	time.Sleep(time.Hour)
}

func saidDisks() []*diskCase {
	running := func(settings string) func(n *night) string {
		return func(n *night) string {
			return n.snapshotOf(n.launch("web", ""), "", map[string]string{tag.ImageSettings: settings})
		}
	}
	return []*diskCase{
		{what: "settings that change the image", story: running(
			"bootMode=uefi tpmSupport=v2.0 imdsSupport=none volumeType=io2 iops=500 volumeSize=20")},
		{what: "an architecture that the disk does not start on", story: running("architecture=arm64")},
		of("a boot mode that the disk does not start in", "architecture=x86_64 bootMode=uefi", bios),
		{what: "a volume smaller than the snapshot", story: running("volumeSize=4")},
		{what: "what is never changed, and what there is not", story: running("kernelId=aki-1 colour=red enaSupport=yes")},
		{what: "more IOPS than its size takes", story: running("iops=5000")},
		{what: "io2 without IOPS", story: running("volumeType=io2")},
	}
}

// aKey is a key of the account's own.
const aKey = "arn:aws:kms:eu-central-1:123456789012:key/0000"

func unreadDisks() []*diskCase {
	denied := func(of func(n *night) string) func(n *night) string {
		return func(n *night) string {
			id := of(n)
			n.EBS.DenyKey(aKey)
			n.EBS.DenyKey("") // that of snapshots that are not encrypted
			return id
		}
	}
	return []*diskCase{
		{what: "of an instance that runs", story: denied(func(n *night) string {
			return n.snapshotOf(n.launch("web", ""), "", nil)
		})},
		{what: "of an instance that runs, and an architecture that it is not of", story: denied(func(n *night) string {
			arm := map[string]string{tag.ImageSettings: "architecture=arm64 bootMode=uefi"}
			return n.snapshotOf(n.launch("web", ""), "", arm)
		})},
		{what: "of an instance that is gone", story: denied(func(n *night) string { return n.lost("web", nil) })},
		{what: "archived", story: func(n *night) string {
			id := n.lost("web", nil)
			must(n.cloud.ModifySnapshotTier(n.ctx, &sdk.ModifySnapshotTierInput{
				SnapshotId: &id, StorageTier: types.TargetStorageTierArchive,
			}))(n.t)
			time.Sleep(80 * time.Hour)
			return id
		}},
		{what: "encrypted, and its key is disabled once it is read", story: func(n *night) string {
			id := n.uploadedUnder(aKey, says(""), linux)
			n.EC2.SetKey(aKey, ec2.KeyDisabled)
			return id
		}},
		{what: "encrypted under a key that may not be used", story: denied(func(n *night) string {
			return n.uploadedUnder(aKey, says(""), linux)
		})},
	}
}

func billedDisks() []*diskCase {
	windows := map[string]string{tag.ImageSettings: "bootMode=legacy-bios"}
	return []*diskCase{
		{what: "Windows, and its instance runs", story: func(n *night) string {
			return n.snapshotOf(n.launch("web", "image="+ec2.ImageWindows), "", windows)
		}},
		{what: "Windows, and EC2 has lost how it is billed", story: func(n *night) string {
			id := n.snapshotOf(n.launch("web", "image="+ec2.ImageWindows), "", windows)
			n.EC2.LoseBilling(id)
			return id
		}},
		of("Windows, and nothing says how it is billed", "architecture=x86_64", func() (*disks.Disk, error) {
			return disks.Windows(1)
		}),
	}
}
