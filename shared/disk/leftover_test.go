package disk_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/diskfs/go-diskfs/partition/gpt"

	"goldsmith/local/disks"
)

// leftovers are disks of which what starts them may be left over from a system that was there, and others that look so.
var leftovers = []layout{
	{
		name: "a root disk with no partition that is marked active", make: edited(mbrOf(disks.Part{Code: 0x83, MiB: 800,
			Fill: disks.Holding(disks.System...)}), grub(1), write(512, "core image")),
		says:  "MBR with 1 partition: 1 Linux (ext4); GRUB",
		boots: "x86_64 legacy-bios, i386 legacy-bios",
	},
	{
		name: "a former root disk whose exFAT holds data, beside swap", make: gptOf(esp(32, x64),
			disks.Part{Type: gpt.MicrosoftBasicData, MiB: 100, Fill: disks.Mark(0, "\xeb\x76\x90EXFAT   ")},
			disks.Part{Type: gpt.LinuxSwap, MiB: 100, Fill: disks.Mark(4086, "SWAPSPACE2")}),
		says: `GPT with 3 partitions: 1 EFI system (FAT), 2 Microsoft basic data (exFAT), 3 Linux swap (swap); ` +
			`\EFI\BOOT\BOOTX64.EFI; no system in partition 2 (exFAT), nor in partition 3 (swap)`,
		doubted: "x86_64 uefi",
	},
	{
		name: "a former root disk whose data are named like what starts a system", make: gptOf(esp(32, x64),
			root(disks.Holding("kernel-dumps", "initrd-builds", "live", "loader"))),
		says: `GPT with 2 partitions: 1 EFI system (FAT), 2 Linux (ext4); \EFI\BOOT\BOOTX64.EFI; ` +
			`no system in partition 2 (kernel-dumps, initrd-builds, live, loader)`,
		doubted: "x86_64 uefi",
	},
	{
		name: "a former root disk with more file systems than are looked into", make: gptOf(append([]disks.Part{
			esp(32, x64)}, slices.Repeat([]disks.Part{{MiB: 50, Fill: disks.Holding("data")}}, 9)...)...),
		says: `GPT with 10 partitions: 1 EFI system (FAT), 2 Linux (ext4), 3 Linux (ext4), 4 Linux (ext4), ` +
			`5 Linux (ext4), 6 Linux (ext4), 7 Linux (ext4), 8 Linux (ext4), 9 Linux (ext4), 10 Linux (ext4); ` +
			`\EFI\BOOT\BOOTX64.EFI; no system in partition 2 (data), nor in partition 3 (data), ` +
			`nor in partition 4 (data), nor in partition 5 (data), nor in partition 6 (data), nor in partition 7 (data), ` +
			`nor in partition 8 (data), nor in partition 9 (data); others were not looked into`,
		doubted: "x86_64 uefi",
	},
	{
		name: "a default loader behind many others", make: gptOf(esp(32, crowded(x64)), root(disks.Holding("EFI"))),
		says: `GPT with 2 partitions: 1 EFI system (FAT), 2 Linux (ext4); \EFI\BOOT\BOOTX64.EFI`, boots: "x86_64 uefi",
	},
}

// crowded puts directories and files before those of a loader.
func crowded(loader map[string][]byte) map[string][]byte {
	files := map[string][]byte{}
	for n := range 20 {
		files[fmt.Sprintf("/EFI/A%02d/notes.txt", n)] = []byte("notes")
		files[fmt.Sprintf("/EFI/BOOT/A%02d.EFI", n)] = []byte("no program")
	}
	maps.Copy(files, loader)
	return files
}
