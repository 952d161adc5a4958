package ec2

import (
	"cmp"
	"maps"
	"path"
	"slices"

	"goldsmith/local/query"
)

// typesFromRequirements is GetInstanceTypesFromInstanceRequirements: the types that have the
// attributes, the smallest first. What the table of types does not know is not asked of it.
func typesFromRequirements(w *World, call *query.Call) error {
	p := call.Params
	architectures, virtualizations := p.Texts("ArchitectureType"), p.Texts("VirtualizationType")
	r := p.At("InstanceRequirements")
	switch {
	case len(architectures) == 0:
		return missing("ArchitectureTypes")
	case len(virtualizations) == 0:
		return missing("VirtualizationTypes")
	case !r.Has("VCpuCount.Min") || !r.Has("MemoryMiB.Min"):
		return missing("InstanceRequirements.VCpuCount.Min and InstanceRequirements.MemoryMiB.Min")
	}
	wanted := append(readRequirements(r),
		func(t *instanceType) bool { return overlap(t.architectures, architectures) },
		func(t *instanceType) bool { return overlap(t.virtualization, virtualizations) })
	if err := p.Err(); err != nil {
		return err
	}
	return w.answerTypes(call, wanted)
}

func (w *World) answerTypes(call *query.Call, wanted requirements) error {
	rows := newStore[instanceType](0)
	for _, t := range slices.SortedFunc(maps.Values(instanceTypes()), smaller) {
		if wanted.met(t) {
			rows.add(w.asOf, t.name, t)
		}
	}
	found, next, err := list(w, call,
		listing[instanceType]{store: rows, filters: typeFilters, ids: "-", min: 1, max: 1000})
	if err != nil {
		return err
	}
	query.Items(call.Out, "instanceTypeSet", found, func(t *instanceType) { call.Out.Text("instanceType", t.name) })
	call.Out.Optional("nextToken", next)
	return nil
}

func smaller(a, b *instanceType) int {
	return cmp.Or(cmp.Compare(a.cpus, b.cpus), cmp.Compare(a.memory, b.memory), cmp.Compare(a.name, b.name))
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(each string) bool { return slices.Contains(b, each) })
}

// requirements are conditions on a type's attributes, with the defaults of the API reference.
type requirements []func(*instanceType) bool

func (r requirements) met(t *instanceType) bool {
	return !slices.ContainsFunc(r, func(met func(*instanceType) bool) bool { return !met(t) })
}

func readRequirements(p *query.Params) requirements {
	r := requirements{
		between(p.At("VCpuCount"), func(t *instanceType) int { return t.cpus }),
		between(p.At("MemoryMiB"), func(t *instanceType) int { return t.memory }),
		between(p.At("TotalLocalStorageGB"), func(t *instanceType) int { return t.disks * t.disk }),
		included(p.Text("BareMetal"), "excluded", (*instanceType).bareMetal),
		included(p.Text("BurstablePerformance"), "excluded", func(t *instanceType) bool { return t.burstable }),
		included(p.Text("LocalStorage"), "included", func(t *instanceType) bool { return t.disks > 0 }),
		among(p.Texts("CpuManufacturer"), (*instanceType).manufacturer),
		among(p.Texts("InstanceGeneration"), (*instanceType).generation),
	}
	if p.Bool("RequireHibernateSupport") {
		r = append(r, func(t *instanceType) bool { return t.hibernates })
	}
	allowed, excluded := p.Texts("AllowedInstanceType"), p.Texts("ExcludedInstanceType")
	return append(r, func(t *instanceType) bool {
		return (len(allowed) == 0 || t.named(allowed)) && !t.named(excluded)
	})
}

func (t *instanceType) manufacturer() string {
	if t.maker == "aws" {
		return "amazon-web-services"
	}
	return t.maker
}

func (t *instanceType) generation() string {
	if t.current {
		return "current"
	}
	return "previous"
}

// named tells whether one of the patterns, in which * is any text, is of the type.
func (t *instanceType) named(patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, t.name)
		return err == nil && ok
	})
}

func between(p *query.Params, of func(*instanceType) int) func(*instanceType) bool {
	least, most, bounded := p.Int("Min"), p.Int("Max"), p.Has("Max")
	return func(t *instanceType) bool { return of(t) >= least && (!bounded || of(t) <= most) }
}

func included(said, otherwise string, has func(*instanceType) bool) func(*instanceType) bool {
	said = orElse(said, otherwise)
	return func(t *instanceType) bool { return said == "included" || has(t) == (said == "required") }
}

func among(allowed []string, of func(*instanceType) string) func(*instanceType) bool {
	return func(t *instanceType) bool { return len(allowed) == 0 || slices.Contains(allowed, of(t)) }
}
