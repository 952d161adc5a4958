package disk

import (
	"encoding/binary"
	"fmt"
)

// kind is what a partition is for, as far as booting goes.
type kind int

const (
	other kind = iota
	efiSystem
	biosBoot
	extended
	reserved // for a system's own use: it holds none
)

// mbrType is the type of a partition of an MBR by its code.
func mbrType(code byte) (string, kind) {
	switch code {
	case 0xef:
		return "EFI system", efiSystem
	case 0x05, 0x0f, 0x85:
		return "extended", extended
	case 0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e:
		return "FAT", other
	case 0x07:
		return "NTFS or exFAT", other
	case 0x82:
		return "Linux swap", other
	case 0x83:
		return "Linux", other
	case 0x8e:
		return "Linux LVM", other
	case 0xa5, 0xa6, 0xa9:
		return "BSD", other
	}
	return fmt.Sprintf("type 0x%02x", code), other
}

// gptTypes are from the Discoverable Partitions Specification and the types that util-linux and GRUB name.
var gptTypes = map[string]struct {
	name string
	kind kind
}{
	"c12a7328-f81f-11d2-ba4b-00a0c93ec93b": {"EFI system", efiSystem},
	"21686148-6449-6e6f-744e-656564454649": {"BIOS boot", biosBoot},
	"83bd6b9d-7f41-11dc-be0b-001560b84f0f": {"FreeBSD boot", biosBoot},
	"0fc63daf-8483-4772-8e79-3d69d8477de4": {"Linux", other},
	"4f68bce3-e8cd-4db1-96e7-fbcaf984b709": {"Linux root (x86_64)", other},
	"b921b045-1df0-41c3-af44-4c6f280d3fae": {"Linux root (arm64)", other},
	"bc13c2ff-59e6-4262-a352-b275fd6f7172": {"Linux boot", other},
	"0657fd6d-a4ab-43c4-84e5-0933c84b4f4f": {"Linux swap", other},
	"e6d6d379-f507-44c2-a23c-238f2a3df928": {"Linux LVM", other},
	"ca7d7ccb-63ed-4c53-861c-1742536059cc": {"LUKS", other},
	"ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": {"Microsoft basic data", other},
	"e3c9e316-0b5c-4db8-817d-f92df00215ae": {"Microsoft reserved", reserved},
	"de94bba4-06d1-4d40-a16a-bfd50179d6ac": {"Windows recovery", reserved},
}

func gptType(raw [16]byte) (string, kind) {
	id := guid(raw)
	if t, ok := gptTypes[id]; ok {
		return t.name, t.kind
	}
	return "type " + id, other
}

// guid writes a GUID as tools do: the first three parts are little-endian on the disk.
func guid(b [16]byte) string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x",
		binary.LittleEndian.Uint32(b[:]), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]), b[8:10],
		b[10:])
}
