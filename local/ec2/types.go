package ec2

import (
	"maps"
	"slices"
	"strings"

	"goldsmith/local/query"
)

// instanceType is what a launch must know of a type.
type instanceType struct {
	architecture string
	cpus, memory int // vCPUs, MiB
	disks, disk  int // instance store: how many, GB each
	burstable    bool
	efi          bool // uefi as well as legacy-bios; arm64 types have uefi alone
}

// instanceTypes are from the EC2 instance types guide.
var instanceTypes = map[string]instanceType{
	"m1.small":    {architecture: "x86_64", cpus: 1, memory: 1740},
	"t2.micro":    {architecture: "x86_64", cpus: 1, memory: 1024, burstable: true},
	"t3.nano":     {architecture: "x86_64", cpus: 2, memory: 512, burstable: true, efi: true},
	"t3.micro":    {architecture: "x86_64", cpus: 2, memory: 1024, burstable: true, efi: true},
	"t3.small":    {architecture: "x86_64", cpus: 2, memory: 2048, burstable: true, efi: true},
	"t3.medium":   {architecture: "x86_64", cpus: 2, memory: 4096, burstable: true, efi: true},
	"t3.large":    {architecture: "x86_64", cpus: 2, memory: 8192, burstable: true, efi: true},
	"t4g.micro":   {architecture: "arm64", cpus: 2, memory: 1024, burstable: true},
	"t4g.small":   {architecture: "arm64", cpus: 2, memory: 2048, burstable: true},
	"t4g.medium":  {architecture: "arm64", cpus: 2, memory: 4096, burstable: true},
	"m5.large":    {architecture: "x86_64", cpus: 2, memory: 8192, efi: true},
	"m5.xlarge":   {architecture: "x86_64", cpus: 4, memory: 16384, efi: true},
	"m6i.large":   {architecture: "x86_64", cpus: 2, memory: 8192, efi: true},
	"m6g.medium":  {architecture: "arm64", cpus: 1, memory: 4096},
	"m6g.large":   {architecture: "arm64", cpus: 2, memory: 8192},
	"c5.large":    {architecture: "x86_64", cpus: 2, memory: 4096, efi: true},
	"c6g.large":   {architecture: "arm64", cpus: 2, memory: 4096},
	"r5.large":    {architecture: "x86_64", cpus: 2, memory: 16384, efi: true},
	"m3.medium":   {architecture: "x86_64", cpus: 1, memory: 3840, disks: 1, disk: 4},
	"m5d.large":   {architecture: "x86_64", cpus: 2, memory: 8192, disks: 1, disk: 75, efi: true},
	"i3.large":    {architecture: "x86_64", cpus: 2, memory: 15616, disks: 1, disk: 475},
	"c6gd.medium": {architecture: "arm64", cpus: 1, memory: 2048, disks: 1, disk: 59},
	"c6gd.large":  {architecture: "arm64", cpus: 2, memory: 4096, disks: 1, disk: 118},
}

// namedType is one row of DescribeInstanceTypes.
type namedType struct {
	name string
	instanceType
}

func describeInstanceTypes(w *World, call *query.Call) error {
	rows := newStore[namedType](0)
	for _, name := range slices.Sorted(maps.Keys(instanceTypes)) {
		rows.add(w.asOf, name, &namedType{name, instanceTypes[name]})
	}
	found, next, err := list(w, call, listing[namedType]{
		store: rows, filters: typeFilters, ids: "InstanceType", min: 5, max: 100, page: 100,
		unknown: func(name string) error {
			return query.Errorf("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", name)
		},
	})
	if err != nil {
		return err
	}
	query.Items(call.Out, "instanceTypeSet", found, func(t *namedType) { writeType(call.Out, t) })
	call.Out.Optional("nextToken", next)
	return nil
}

var typeFilters = filterable[namedType]{
	"instance-type":                         one(func(t *namedType) string { return t.name }),
	"processor-info.supported-architecture": one(func(t *namedType) string { return t.architecture }),
	"instance-storage-supported":            flag(func(t *namedType) bool { return t.disks > 0 }),
	"burstable-performance-supported":       flag(func(t *namedType) bool { return t.burstable }),
	"current-generation":                    flag((*namedType).current),
	"hypervisor":                            one((*namedType).hypervisor),
	"vcpu-info.default-vcpus":               number(func(t *namedType) int { return t.cpus }),
	"memory-info.size-in-mib":               number(func(t *namedType) int { return t.memory }),
	"supported-root-device-type":            (*namedType).roots,
	"supported-boot-mode":                   (*namedType).bootModes,
}

func (t *namedType) current() bool {
	return !strings.HasPrefix(t.name, "m1") && !strings.HasPrefix(t.name, "m3")
}

func (t *namedType) hypervisor() string {
	if strings.HasPrefix(t.name, "t2") || strings.HasPrefix(t.name, "i3") || !t.current() {
		return "xen"
	}
	return "nitro"
}

// roots: only the oldest generations boot from instance store (User Guide, "Root volumes").
func (t *namedType) roots() []string {
	if strings.HasPrefix(t.name, "m3") {
		return []string{rootEBS, rootInstanceStore}
	}
	return []string{rootEBS}
}

func (t *namedType) bootModes() []string {
	switch {
	case t.architecture == "arm64":
		return []string{"uefi"}
	case t.efi:
		return []string{"legacy-bios", "uefi"}
	}
	return []string{"legacy-bios"}
}

func writeType(out *query.Writer, t *namedType) {
	out.Text("instanceType", t.name)
	out.Bool("currentGeneration", t.current())
	out.Bool("freeTierEligible", strings.HasSuffix(t.name, ".micro"))
	out.Texts("supportedUsageClasses", []string{"on-demand", "spot"})
	out.Texts("supportedRootDeviceTypes", t.roots())
	out.Texts("supportedVirtualizationTypes", []string{"hvm"})
	out.Bool("bareMetal", false)
	out.Text("hypervisor", t.hypervisor())
	out.Element("processorInfo", func() { out.Texts("supportedArchitectures", []string{t.architecture}) })
	out.Element("vCpuInfo", func() {
		out.Int("defaultVCpus", t.cpus)
		out.Int("defaultCores", max(1, t.cpus/2))
	})
	out.Element("memoryInfo", func() { out.Int("sizeInMiB", t.memory) })
	out.Bool("instanceStorageSupported", t.disks > 0)
	if t.disks > 0 {
		out.Element("instanceStorageInfo", func() {
			out.Int("totalSizeInGB", t.disks*t.disk)
			query.Items(out, "disks", []int{t.disks}, func(n int) {
				out.Int("sizeInGB", t.disk)
				out.Int("count", n)
				out.Text("type", "ssd")
			})
		})
	}
	out.Element("ebsInfo", func() { out.Text("ebsOptimizedSupport", "default") })
	out.Bool("burstablePerformanceSupported", t.burstable)
	out.Bool("hibernationSupported", t.current() && t.architecture == "x86_64")
	out.Texts("supportedBootModes", t.bootModes())
}
