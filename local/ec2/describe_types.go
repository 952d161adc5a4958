package ec2

import (
	"maps"
	"slices"
	"sync"
	"time"

	"goldsmith/local/query"
)

// typeRows holds every type in the order of names, as it was at any time.
var typeRows = sync.OnceValue(func() *store[instanceType] {
	rows := newStore[instanceType](0)
	for _, name := range slices.Sorted(maps.Keys(instanceTypes())) {
		rows.add(time.Time{}, name, typeNamed(name))
	}
	return rows
})

func describeInstanceTypes(w *World, call *query.Call) error {
	found, next, err := list(w, call, listing[instanceType]{
		store: typeRows(), filters: typeFilters, ids: "InstanceType", min: 5, max: 100, page: 100,
		unknown: func(name string) error {
			return query.Errorf("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", name)
		},
	})
	if err != nil {
		return err
	}
	query.Items(call.Out, "instanceTypeSet", found, func(t *instanceType) { writeType(call.Out, t) })
	call.Out.Optional("nextToken", next)
	return nil
}

var typeFilters = filterable[instanceType]{
	"instance-type":                         one(func(t *instanceType) string { return t.name }),
	"processor-info.supported-architecture": func(t *instanceType) []string { return t.architectures },
	"instance-storage-supported":            flag(func(t *instanceType) bool { return t.disks > 0 }),
	"instance-storage-info.disk.count":      number(func(t *instanceType) int { return t.disks }),
	"instance-storage-info.disk.size-in-gb": number(func(t *instanceType) int { return t.disk }),
	"burstable-performance-supported":       flag(func(t *instanceType) bool { return t.burstable }),
	"bare-metal":                            flag((*instanceType).bareMetal),
	"current-generation":                    flag(func(t *instanceType) bool { return t.current }),
	"free-tier-eligible":                    flag(func(t *instanceType) bool { return t.free }),
	"hibernation-supported":                 flag(func(t *instanceType) bool { return t.hibernates }),
	"hypervisor":                            one(func(t *instanceType) string { return t.hypervisor }),
	"network-info.ena-support":              one(func(t *instanceType) string { return t.ena }),
	"nitro-tpm-support":                     one((*instanceType).tpmSupport),
	"ebs-info.ebs-optimized-support":        one(func(t *instanceType) string { return t.ebsOptimized }),
	"vcpu-info.default-vcpus":               number(func(t *instanceType) int { return t.cpus }),
	"vcpu-info.default-cores":               number(func(t *instanceType) int { return t.cores }),
	"memory-info.size-in-mib":               number(func(t *instanceType) int { return t.memory }),
	"supported-root-device-type":            func(t *instanceType) []string { return t.roots },
	"supported-boot-mode":                   func(t *instanceType) []string { return t.bootModes },
	"supported-virtualization-type":         func(t *instanceType) []string { return t.virtualization },
	"supported-usage-class":                 (*instanceType).usageClasses,
}

func (t *instanceType) bareMetal() bool { return t.hypervisor == "" }

func (t *instanceType) tpmSupport() string {
	if t.tpm {
		return "supported"
	}
	return "unsupported"
}

func (t *instanceType) usageClasses() []string {
	if t.spot {
		return []string{"on-demand", "spot"}
	}
	return []string{"on-demand"}
}

func writeType(out *query.Writer, t *instanceType) {
	out.Text("instanceType", t.name)
	out.Bool("currentGeneration", t.current)
	out.Bool("freeTierEligible", t.free)
	out.Texts("supportedUsageClasses", t.usageClasses())
	out.Texts("supportedRootDeviceTypes", t.roots)
	out.Texts("supportedVirtualizationTypes", t.virtualization)
	out.Bool("bareMetal", t.bareMetal())
	out.Optional("hypervisor", t.hypervisor)
	out.Element("processorInfo", func() { out.Texts("supportedArchitectures", t.architectures) })
	out.Element("vCpuInfo", func() {
		out.Int("defaultVCpus", t.cpus)
		out.Int("defaultCores", t.cores)
		out.Int("defaultThreadsPerCore", t.cpus/t.cores)
	})
	out.Element("memoryInfo", func() { out.Int("sizeInMiB", t.memory) })
	writeTypeStorage(out, t)
	out.Element("networkInfo", func() { out.Text("enaSupport", t.ena) })
	out.Bool("burstablePerformanceSupported", t.burstable)
	out.Bool("hibernationSupported", t.hibernates)
	out.Texts("supportedBootModes", t.bootModes)
	out.Text("nitroTpmSupport", t.tpmSupport())
	if t.tpm {
		out.Element("nitroTpmInfo", func() { out.Texts("supportedVersions", []string{"2.0"}) })
	}
}

func writeTypeStorage(out *query.Writer, t *instanceType) {
	out.Bool("instanceStorageSupported", t.disks > 0)
	if t.disks > 0 {
		out.Element("instanceStorageInfo", func() {
			out.Int("totalSizeInGB", t.disks*t.disk)
			query.Items(out, "disks", []int{t.disks}, func(n int) {
				out.Int("sizeInGB", t.disk)
				out.Int("count", n)
				out.Text("type", t.diskType)
			})
			out.Text("nvmeSupport", map[bool]string{true: "required", false: "unsupported"}[t.nvme])
		})
	}
	out.Element("ebsInfo", func() {
		out.Text("ebsOptimizedSupport", t.ebsOptimized)
		out.Text("encryptionSupport", "supported")
	})
}
