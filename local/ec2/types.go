package ec2

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// instanceType is what a launch and a describe must know of a type.
type instanceType struct {
	name           string
	architectures  []string
	maker          string // of the processor
	hypervisor     string // "nitro" or "xen"; empty for bare metal
	ena            string // "required", "supported" or "unsupported"
	bootModes      []string
	tpm            bool
	virtualization []string
	roots          []string

	cpus, cores, memory int // memory in MiB
	disks, disk         int // instance store: how many, GB each
	diskType            string
	nvme                bool // of the instance store
	ebsOptimized        string

	current, free, burstable, hibernates, spot bool
}

//go:embed types.txt
var typeTable string

// instanceTypes are EC2's types by name, read once.
var instanceTypes = sync.OnceValue(func() map[string]*instanceType {
	types := map[string]*instanceType{}
	for line := range strings.Lines(typeTable) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			t := readType(strings.Fields(line))
			types[t.name] = t
		}
	}
	return types
})

// typeNamed is the type, or nil.
func typeNamed(name string) *instanceType { return instanceTypes()[name] }

// readType reads a row of the table, whose head says what its columns are. The table is
// part of the program, so a row that is not whole is a mistake in it.
func readType(column []string) *instanceType {
	t := &instanceType{
		name: column[0], architectures: strings.Split(column[1], ","), maker: column[2], hypervisor: column[3],
		ena:       column[4],
		bootModes: words(column[5], map[string]string{"bios": "legacy-bios"}), tpm: column[6] == "tpm",
		virtualization: words(column[7], map[string]string{"pv": "paravirtual"}),
		roots:          words(column[8], map[string]string{"store": rootInstanceStore}),
		ebsOptimized:   map[string]string{"always": "default", "option": "supported", "never": "unsupported"}[column[11]],
	}
	if t.hypervisor == "metal" {
		t.hypervisor = ""
	}
	scan(column[9], "%d/%d/%d", &t.cpus, &t.cores, &t.memory)
	if column[10] != "-" {
		var disk string
		disk, t.nvme = strings.CutSuffix(column[10], "+nvme")
		scan(disk, "%dx%d%s", &t.disks, &t.disk, &t.diskType)
	}
	for mark, on := range map[string]*bool{
		"c": &t.current, "f": &t.free, "b": &t.burstable, "h": &t.hibernates, "s": &t.spot,
	} {
		*on = strings.Contains(column[12], mark)
	}
	return t
}

func scan(text, format string, into ...any) {
	if _, err := fmt.Sscanf(text, format, into...); err != nil {
		panic(fmt.Sprintf("types.txt: %q: %v", text, err))
	}
}

// words splits a column and writes out what it abbreviates.
func words(column string, long map[string]string) []string {
	list := strings.Split(column, ",")
	for n, word := range list {
		list[n] = orElse(long[word], word)
	}
	return list
}
