package disk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/diskfs/go-diskfs/partition/gpt"
	"github.com/google/go-cmp/cmp"

	"goldsmith/local/disks"
	"goldsmith/shared/disk"
)

var (
	x64    = map[string][]byte{"/EFI/BOOT/BOOTX64.EFI": disks.Program(disks.X64)}
	ubuntu = map[string][]byte{
		"/EFI/BOOT/BOOTX64.EFI": disks.Program(disks.X64), "/EFI/ubuntu/shimx64.efi": disks.Program(disks.X64),
		"/EFI/ubuntu/grub.cfg": []byte("search"),
	}
	vendorOnly = map[string][]byte{"/EFI/systemd/systemd-bootaa64.efi": disks.Program(disks.ARM)}
)

// layout is a disk and what is to be said of it.
type layout struct {
	name string
	make func() (*disks.Disk, error)
	// says is the disk in words, boots what it may be registered as; refused is what is said of no root volume, and
	// doubted what one may be registered as that may be left over.
	says, boots, refused, doubted string
}

func gptOf(parts ...disks.Part) func() (*disks.Disk, error) {
	return func() (*disks.Disk, error) { return disks.GPT(1, parts...) }
}

func esp(bits int, files map[string][]byte) disks.Part {
	return disks.Part{Type: gpt.EFISystemPartition, MiB: 100, Fill: disks.ESP(bits, files)}
}

func root(fill func(*disks.Disk, int64, int64) error) disks.Part {
	return disks.Part{MiB: 800, Fill: fill}
}

// edited changes a disk after it was laid out.
func edited(from func() (*disks.Disk, error), edits ...func(*disks.Disk) error) func() (*disks.Disk, error) {
	return func() (*disks.Disk, error) {
		d, err := from()
		for _, edit := range edits {
			if err == nil {
				err = edit(d)
			}
		}
		return d, err
	}
}

func write(at int64, text string) func(*disks.Disk) error {
	return func(d *disks.Disk) error { return disks.Mark(at, text)(d, 0, d.Size()) }
}

func grub(core uint64) func(*disks.Disk) error {
	return func(d *disks.Disk) error { return d.BootCode(core) }
}

func blank() (*disks.Disk, error) { return disks.Blank(1), nil }

func mbrOf(parts ...disks.Part) func() (*disks.Disk, error) {
	return func() (*disks.Disk, error) { return disks.MBR(1, parts...) }
}

var biosRoot = disks.Part{Code: 0x83, MiB: 900, Active: true, Fill: disks.EXT4}

// record is a partition's boot record.
func record(d *disks.Disk, at, size int64) error {
	if err := disks.Mark(0, "\xeb\x3c boot record")(d, at, size); err != nil {
		return err
	}
	return disks.Mark(510, "\x55\xaa")(d, at, size)
}

var layouts = slices.Concat(plain, leftovers)

var plain = []layout{
	{
		name: "both ways, as AWS lays Linux out", make: func() (*disks.Disk, error) { return disks.Linux(1) },
		says:  `GPT with 3 partitions: 1 BIOS boot, 2 EFI system (FAT), 3 Linux (XFS); GRUB; \EFI\BOOT\BOOTX64.EFI`,
		boots: "x86_64 legacy-bios uefi uefi-preferred",
	},
	{
		name: "arm64", make: func() (*disks.Disk, error) { return disks.LinuxARM(1) },
		says: `GPT with 2 partitions: 1 EFI system (FAT), 2 Linux (XFS); \EFI\BOOT\BOOTAA64.EFI`, boots: "arm64 uefi",
	},
	{
		name: "UEFI alone, FAT32, with a vendor's loader", make: gptOf(esp(32, ubuntu), root(disks.EXT4)),
		says:  `GPT with 2 partitions: 1 EFI system (FAT), 2 Linux (ext4); \EFI\BOOT\BOOTX64.EFI; \EFI\UBUNTU\SHIMX64.EFI`,
		boots: "x86_64 uefi",
	},
	{
		name: "a vendor's loader alone, FAT16", make: gptOf(esp(16, vendorOnly), root(disks.EXT4)),
		says:  `GPT with 2 partitions: 1 EFI system (FAT), 2 Linux (ext4); \EFI\SYSTEMD\SYSTEMD-BOOTAA64.EFI`,
		boots: "arm64 uefi, by UEFI data alone",
	},
	{
		name: "loaders for both architectures", make: gptOf(esp(32, map[string][]byte{
			"/EFI/BOOT/BOOTX64.EFI": disks.Program(disks.X64), "/EFI/BOOT/BOOTAA64.EFI": disks.Program(disks.ARM),
		})),
		says:  `GPT with 1 partition: 1 EFI system (FAT); \EFI\BOOT\BOOTAA64.EFI; \EFI\BOOT\BOOTX64.EFI`,
		boots: "arm64 uefi, x86_64 uefi",
	},
	{
		name: "MBR with GRUB", make: edited(mbrOf(biosRoot), grub(1), write(512, "core image")),
		says: "MBR with 1 partition: 1 Linux (ext4); GRUB", boots: "x86_64 legacy-bios, i386 legacy-bios",
	},
	{
		name:  "MBR with an active partition",
		make:  edited(mbrOf(disks.Part{Code: 0x83, MiB: 900, Active: true, Fill: record}), write(0, "boot code")),
		says:  "MBR with 1 partition: 1 Linux; boot code and active partition 1",
		boots: "x86_64 legacy-bios, i386 legacy-bios",
	},
	{
		name: "Windows", make: func() (*disks.Disk, error) { return disks.Windows(1) },
		says:  "MBR with 1 partition: 1 NTFS or exFAT (NTFS); boot code and active partition 1",
		boots: "x86_64 legacy-bios, i386 legacy-bios, Windows",
	},
	{
		name: "Windows on UEFI", make: gptOf(esp(32, map[string][]byte{
			"/EFI/BOOT/BOOTX64.EFI": disks.Program(disks.X64), "/EFI/Microsoft/Boot/bootmgfw.efi": disks.Program(disks.X64),
		}), disks.Part{Type: gpt.MicrosoftBasicData, MiB: 500, Fill: disks.Mark(0, "\xeb\x52\x90NTFS    ")}),
		says: `GPT with 2 partitions: 1 EFI system (FAT), 2 Microsoft basic data (NTFS); \EFI\BOOT\BOOTX64.EFI; ` +
			`\EFI\MICROSOFT\BOOT\BOOTMGFW.EFI`,
		boots: "x86_64 uefi, Windows",
	},
	{
		name: "LVM and LUKS behind a boot partition",
		make: gptOf(esp(32, x64), disks.Part{MiB: 200, Fill: disks.EXT4},
			disks.Part{MiB: 200, Fill: disks.Mark(512, "LABELONE")},
			disks.Part{MiB: 200, Fill: disks.Mark(0, "LUKS\xba\xbe")}),
		says:  `GPT with 4 partitions: 1 EFI system (FAT), 2 Linux (ext4), 3 Linux (LVM), 4 Linux (LUKS); \EFI\BOOT\BOOTX64.EFI`,
		boots: "x86_64 uefi",
	},
	{
		name: "a file system without a table",
		make: edited(blank, func(d *disks.Disk) error { return disks.EXT4(d, 0, d.Size()) }),
		says: "one ext4 file system, no partition table", refused: "a data volume",
	},
	{
		name: "Btrfs without a table", make: edited(blank, write(64<<10+64, "_BHRfS_M")),
		says: "one Btrfs file system, no partition table", refused: "a data volume",
	},
	{
		name: "FAT without a table", make: edited(blank,
			func(d *disks.Disk) error { return disks.ESP(32, nil)(d, 0, d.Size()) }),
		says: "one FAT file system, no partition table", refused: "a data volume",
	},
	{
		name: "FAT without a table, with a loader",
		make: edited(blank, func(d *disks.Disk) error { return disks.ESP(32, x64)(d, 0, d.Size()) }),
		says: `one FAT file system, no partition table; \EFI\BOOT\BOOTX64.EFI`, boots: "x86_64 uefi",
	},
	{name: "encrypted without a table", make: edited(blank, write(0, "LUKS\xba\xbe")),
		says: "one LUKS file system, no partition table", refused: "a data volume"},
	{
		name: "boot code in front of a file system without a table",
		make: edited(blank, grub(1), write(512, "core image"),
			func(d *disks.Disk) error { return disks.EXT4(d, 0, d.Size()) }),
		says: "one ext4 file system, no partition table; GRUB", boots: "x86_64 legacy-bios, i386 legacy-bios",
	},
	{name: "nothing", make: blank, says: "no partition table, and it begins with nothing but zeros",
		refused: "no boot code and no loader"},
	{name: "noise", make: edited(blank, write(0, strings.Repeat("noise", 200))),
		says: "no partition table and no known file system", refused: "no boot code and no loader"},
	{
		name: "a data disk with a table", make: gptOf(root(disks.EXT4)),
		says: "GPT with 1 partition: 1 Linux (ext4)", refused: "a data volume",
	},
	{
		name: "a data disk with the boot code that partitioning leaves",
		make: edited(mbrOf(disks.Part{Code: 0x83, MiB: 900, Fill: disks.EXT4}), write(0, "\xfa\xb8\x00\x10")),
		says: "MBR with 1 partition: 1 Linux (ext4)", refused: "a data volume",
	},
	{
		name: "a former root disk with a new MBR",
		make: edited(mbrOf(disks.Part{Code: 0x83, MiB: 800, Fill: disks.Mark(0, "XFSB")}), grub(1),
			write(512, "core image")),
		says:    "MBR with 1 partition: 1 Linux (XFS); boot code of GRUB, and no active partition with a system",
		refused: "a data volume",
	},
	{
		name: "a former root disk whose partition is swap", make: edited(mbrOf(disks.Part{Code: 0x82, MiB: 800, Active: true,
			Fill: disks.Mark(4086, "SWAPSPACE2")}), grub(1), write(512, "core image")),
		says:    "MBR with 1 partition: 1 Linux swap (swap); boot code of GRUB, and no active partition with a system",
		refused: "a data volume",
	},
	{
		name:    "a former root disk whose partition is empty",
		make:    edited(mbrOf(disks.Part{Code: 0x83, MiB: 800, Active: true}), grub(1), write(512, "core image")),
		says:    "MBR with 1 partition: 1 Linux (nothing); boot code of GRUB, and no active partition with a system",
		refused: "a data volume",
	},
	{
		name: "a former root disk with a new GPT, whose header is where the core image was",
		make: edited(gptOf(root(disks.EXT4)), grub(1)),
		says: "GPT with 1 partition: 1 Linux (ext4)", refused: "a data volume",
	},
	{
		name: "a former root disk with a new GPT, and a BIOS boot partition that nothing is in",
		make: edited(gptOf(disks.Part{Type: gpt.BIOSBoot, MiB: 1}, root(disks.EXT4)), grub(34), write(34*512, "core image")),
		says: "GPT with 2 partitions: 1 BIOS boot, 2 Linux (ext4)", refused: "nothing on it starts a machine",
	},
	{
		name: "a former root disk with a new MBR, and an EFI system partition with a loader", make: edited(mbrOf(
			disks.Part{Code: 0xef, MiB: 100, Fill: disks.ESP(32, x64)}), grub(1), write(512, "core image")),
		says: `MBR with 1 partition: 1 EFI system (FAT); boot code of GRUB, and no active partition with a system; ` +
			`\EFI\BOOT\BOOTX64.EFI`, boots: "x86_64 uefi",
	},
	{
		name: "GRUB whose core image is gone", make: edited(mbrOf(biosRoot), grub(1)),
		says: "MBR with 1 partition: 1 Linux (ext4)", refused: "a data volume",
	},
	{
		name: "an EFI system partition without a loader",
		make: gptOf(esp(32, map[string][]byte{"/EFI/debian/grub.cfg": []byte("search")})),
		says: "GPT with 1 partition: 1 EFI system (FAT)", refused: "nothing on it starts a machine",
	},
	{
		name:    "an EFI system partition that was never formatted",
		make:    gptOf(disks.Part{Type: gpt.EFISystemPartition, MiB: 100}),
		says:    "GPT with 1 partition: 1 EFI system (nothing); EFI system partition 1: damaged: no FAT boot sector",
		refused: "nothing on it starts a machine",
	},
	{
		name:    "a loader that is no program",
		make:    gptOf(esp(32, map[string][]byte{"/EFI/BOOT/BOOTX64.EFI": []byte("hello")})),
		says:    `GPT with 1 partition: 1 EFI system (FAT); \EFI\BOOT\BOOTX64.EFI is no UEFI program`,
		refused: "nothing on it starts a machine",
	},
	{
		name:    "a loader for another machine than its name",
		make:    gptOf(esp(32, map[string][]byte{"/EFI/BOOT/BOOTX64.EFI": disks.Program(disks.ARM)})),
		says:    `GPT with 1 partition: 1 EFI system (FAT); \EFI\BOOT\BOOTX64.EFI is a program for arm64`,
		refused: "nothing on it starts a machine",
	},
	{
		name: "32-bit UEFI", make: gptOf(esp(32, map[string][]byte{"/EFI/BOOT/BOOTIA32.EFI": disks.Program(disks.IA32)})),
		says: `GPT with 1 partition: 1 EFI system (FAT); \EFI\BOOT\BOOTIA32.EFI`, refused: "nothing on it starts a machine",
	},
	{
		name: "the first GPT damaged", make: edited(func() (*disks.Disk, error) { return disks.LinuxARM(1) },
			write(1024, "damage")),
		says: `GPT with 2 partitions: 1 EFI system (FAT), 2 Linux (XFS); its first GPT is damaged, its backup is whole; ` +
			`\EFI\BOOT\BOOTAA64.EFI; first GPT: damaged: the checksum of the entries is wrong`,
		boots: "arm64 uefi",
	},
	{
		name: "both GPTs damaged", make: edited(func() (*disks.Disk, error) { return disks.LinuxARM(1) },
			write(1024, "damage"), write(1<<30-500, "damage")),
		says: "GPT without partitions; both copies of its GPT are damaged; first GPT: damaged: the checksum of the " +
			"entries is wrong; backup GPT: damaged: the checksum of the header is wrong",
		refused: "nothing on it starts a machine",
	},
	{
		name:    "a GPT whose protective MBR is gone",
		make:    edited(func() (*disks.Disk, error) { return disks.LinuxARM(1) }, write(510, "\x00\x00")),
		says:    "no partition table and no known file system; a GPT without its protective MBR",
		refused: "nothing on it starts a machine",
	},
	{
		name: "a loader, and an ext4 file system with a system",
		make: gptOf(esp(32, x64), root(disks.Holding(disks.System...))),
		says: `GPT with 2 partitions: 1 EFI system (FAT), 2 Linux (ext4); \EFI\BOOT\BOOTX64.EFI`, boots: "x86_64 uefi",
	},
	{
		name: "a loader, and an ext4 file system with a kernel beside LVM", make: gptOf(esp(32, x64),
			disks.Part{MiB: 100, Fill: disks.Holding("lost", "grub2")}),
		says: `GPT with 2 partitions: 1 EFI system (FAT), 2 Linux (ext4); \EFI\BOOT\BOOTX64.EFI`, boots: "x86_64 uefi",
	},
	{
		name: "a former root disk whose ext4 holds data", make: gptOf(esp(32, x64), root(disks.Holding("mysql", "backups"))),
		says: `GPT with 2 partitions: 1 EFI system (FAT), 2 Linux (ext4); \EFI\BOOT\BOOTX64.EFI; ` +
			`no system in partition 2 (mysql, backups)`,
		doubted: "x86_64 uefi",
	},
	{
		name: "a former root disk whose XFS holds data, and whose second one is empty", make: edited(gptOf(
			disks.Part{Type: gpt.BIOSBoot, MiB: 1, Fill: disks.Mark(0, "core image")}, esp(32, x64),
			disks.Part{MiB: 300, Fill: disks.XFS("a", "b", "c", "d", "etc")}, disks.Part{MiB: 300, Fill: disks.XFS()}),
			grub(2048)),
		says: `GPT with 4 partitions: 1 BIOS boot, 2 EFI system (FAT), 3 Linux (XFS), 4 Linux (XFS); GRUB; ` +
			`\EFI\BOOT\BOOTX64.EFI; no system in partition 3 (a, b, c, d, 1 more), nor in partition 4 (which is empty)`,
		doubted: "x86_64 legacy-bios uefi uefi-preferred",
	},
	{
		name: "a former root disk whose FAT and NTFS hold data", make: gptOf(esp(32, x64),
			disks.Part{Type: gpt.MicrosoftBasicData, MiB: 100, Fill: disks.ESP(32, nil)},
			disks.Part{Type: gpt.MicrosoftBasicData, MiB: 100, Fill: disks.Mark(0, "\xeb\x52\x90NTFS    ")}),
		says: `GPT with 3 partitions: 1 EFI system (FAT), 2 Microsoft basic data (FAT), 3 Microsoft basic data (NTFS); ` +
			`\EFI\BOOT\BOOTX64.EFI; no system in partition 2 (FAT), nor in partition 3 (NTFS, and no loader of Windows)`,
		doubted: "x86_64 uefi",
	},
	{
		name: "a former root disk with BIOS whose ext4 holds data", make: edited(mbrOf(disks.Part{Code: 0x83, MiB: 900,
			Active: true, Fill: disks.Holding()}), grub(1), write(512, "core image")),
		says:    `MBR with 1 partition: 1 Linux (ext4); GRUB; no system in partition 1 (which is empty)`,
		doubted: "x86_64 legacy-bios, i386 legacy-bios",
	},
	{
		name: "data in one partition, and LVM in the next", make: gptOf(esp(32, x64),
			disks.Part{MiB: 100, Fill: disks.Holding("data")}, disks.Part{MiB: 100, Fill: disks.Mark(512, "LABELONE")}),
		says:  `GPT with 3 partitions: 1 EFI system (FAT), 2 Linux (ext4), 3 Linux (LVM); \EFI\BOOT\BOOTX64.EFI`,
		boots: "x86_64 uefi",
	},
	{
		name: "GRUB without its core image, and a BIOS boot partition made where something was",
		make: edited(gptOf(disks.Part{Type: gpt.BIOSBoot, MiB: 1, Fill: disks.Mark(0, "something")}, root(disks.EXT4)),
			grub(1<<15)),
		says: "GPT with 2 partitions: 1 BIOS boot, 2 Linux (ext4)", refused: "nothing on it starts a machine",
	},
}

func TestRead(t *testing.T) {
	for _, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			d, err := l.make()
			if err != nil {
				t.Fatal(err)
			}
			found, err := disk.Read(d, d.Size())
			if err != nil {
				t.Fatal(err)
			}
			l.hold(t, found)
		})
	}
}

func (l layout) hold(t *testing.T, found disk.Disk) {
	t.Helper()
	if diff := cmp.Diff(l.says, found.String()); diff != "" {
		t.Errorf("in words (-want +got):\n%s", diff)
	}
	boots, refused := said(found.Boots()), ""
	if l.doubted != "" {
		boots += said(found.Believed().Boots())
		l.boots = l.doubted
		if !found.Doubtful() {
			t.Error("it is not doubted")
		}
	}
	if boots == "" {
		refused = l.says + ": " + l.refused
		if diff := cmp.Diff(refused, found.Refusal()); diff != "" {
			t.Errorf("refusal (-want +got):\n%s", diff)
		}
	}
	if diff := cmp.Diff(l.boots, boots); diff != "" {
		t.Errorf("boots (-want +got):\n%s", diff)
	}
}

func said(b *disk.Boot) string {
	if b == nil {
		return ""
	}
	var all []string
	for _, a := range b.Architectures {
		all = append(all, fmt.Sprintf("%s %s", a, strings.Trim(fmt.Sprint(b.Modes[a]), "[]")))
	}
	if b.Windows {
		all = append(all, "Windows")
	}
	if b.Untold {
		all = append(all, "by UEFI data alone")
	}
	return strings.Join(all, ", ")
}
