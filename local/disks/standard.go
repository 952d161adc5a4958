package disks

import "github.com/diskfs/go-diskfs/partition/gpt"

// The layouts of the embedded EC2's own images.

// Linux is what AWS lays out for x86_64: GPT with a BIOS boot partition and an EFI system partition,
// so that it starts in either mode.
func Linux(gib int64) (*Disk, error) {
	d, err := GPT(gib,
		Part{Type: gpt.BIOSBoot, MiB: 1, Fill: Mark(0, "core image")},
		Part{Type: gpt.EFISystemPartition, MiB: 10, Fill: ESP(12, map[string][]byte{"/EFI/BOOT/BOOTX64.EFI": Program(X64)})},
		Part{MiB: gib*1024 - 64, Fill: XFS(System...)},
	)
	if err != nil {
		return nil, err
	}
	return d, d.BootCode(2048)
}

// LinuxARM is the same for arm64, which has UEFI alone.
func LinuxARM(gib int64) (*Disk, error) {
	return GPT(gib,
		Part{Type: gpt.EFISystemPartition, MiB: 10, Fill: ESP(12, map[string][]byte{"/EFI/BOOT/BOOTAA64.EFI": Program(ARM)})},
		Part{MiB: gib*1024 - 64, Fill: XFS(System...)},
	)
}

// Windows is an MBR whose active partition is NTFS.
func Windows(gib int64) (*Disk, error) {
	d, err := MBR(gib, Part{Code: 0x07, MiB: gib*1024 - 64, Active: true, Fill: func(d *Disk, at, size int64) error {
		if err := Mark(0, "\xeb\x52\x90NTFS    ")(d, at, size); err != nil {
			return err
		}
		return Mark(510, "\x55\xaa")(d, at, size)
	}})
	if err != nil {
		return nil, err
	}
	return d, Mark(0, "\x33\xc0\x8e\xd0")(d, 0, d.size)
}
