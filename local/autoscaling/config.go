package autoscaling

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"goldsmith/local/ec2"
	"goldsmith/local/query"
)

// spec is a LaunchTemplateSpecification. Auto Scaling fills in the name or the id that was not given.
type spec struct{ id, name, version string }

// config is what a group launches: a launch template, a mixed instances policy around one, or a launch configuration.
type config struct {
	template spec
	// configuration is a launch configuration's name; empty for a template. image and typ are what it launches.
	configuration, image, typ string
	mixed                     bool
	overrides                 []override
	// distribution is InstancesDistribution as it was sent.
	distribution map[string]string
}

type override struct {
	typ, weight, image string
	template           *spec
	// requirements are InstanceRequirements as they were sent; nil for none.
	requirements *query.Params
}

// readConfig reads LaunchTemplate, MixedInstancesPolicy or LaunchConfigurationName; given is false when none was sent.
func readConfig(p *query.Params) (c config, given bool, err error) {
	plain, policy, name := p.Has("LaunchTemplate"), p.At("MixedInstancesPolicy"), p.Text("LaunchConfigurationName")
	switch {
	case plain && policy != nil, name != "" && (plain || policy != nil):
		return c, false, invalid("Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId " +
			"or MixedInstancesPolicy parameter.")
	case plain:
		c = config{template: readSpec(p.At("LaunchTemplate"))}
		return c, true, c.unambiguous()
	case policy == nil:
		return config{configuration: name}, name != "", nil
	}
	c, err = readPolicy(policy)
	return c, true, err
}

// readPolicy reads a MixedInstancesPolicy.
func readPolicy(policy *query.Params) (config, error) {
	c := config{mixed: true, template: readSpec(policy.At("LaunchTemplate.LaunchTemplateSpecification")),
		distribution: map[string]string{}}
	for _, each := range policy.List("LaunchTemplate.Overrides") {
		o := override{
			typ: each.Text("InstanceType"), weight: each.Text("WeightedCapacity"), image: each.Text("ImageId"),
			requirements: each.At("InstanceRequirements"),
		}
		o.requirements.Keep() // Described as it is.
		if member, says := ec2.NotAWord(o.requirements); member != "" {
			return c, invalid("Invalid value '%s' for InstanceRequirements.%s.", says, member) // Its words are unverified.
		}
		if each.Has("LaunchTemplateSpecification") {
			own := readSpec(each.At("LaunchTemplateSpecification"))
			o.template = &own
		}
		c.overrides = append(c.overrides, o)
	}
	if err := policy.At("InstancesDistribution").Without("DistributionSegments"); err != nil {
		return c, err
	}
	for field, value := range policy.At("InstancesDistribution").Leaves() {
		c.distribution[field] = value
	}
	return c, cmp.Or(c.unambiguous(), c.check())
}

// unambiguous holds the API reference's condition on LaunchTemplateSpecification. The
// words are those of AWS's answer, as people quote it.
func (c *config) unambiguous() error {
	for _, each := range c.specs() {
		if (each.id == "") == (each.name == "") {
			return invalid("Valid requests must contain either launchTemplateId or LaunchTemplateName")
		}
	}
	return nil
}

func readSpec(p *query.Params) spec {
	return spec{id: p.Text("LaunchTemplateId"), name: p.Text("LaunchTemplateName"), version: p.Text("Version")}
}

// specs are the config's own template and those of its overrides.
func (c *config) specs() []*spec {
	if c.configuration != "" {
		return nil
	}
	list := []*spec{&c.template}
	for i := range c.overrides {
		if c.overrides[i].template != nil {
			list = append(list, c.overrides[i].template)
		}
	}
	return list
}

func (c *config) clone() config {
	copied := *c
	copied.overrides = slices.Clone(c.overrides)
	for i, o := range copied.overrides {
		if o.template != nil {
			own := *o.template
			copied.overrides[i].template = &own
		}
	}
	return copied
}

// attributeBased reports whether an override names requirements instead of a type.
func (c *config) attributeBased() bool {
	return slices.ContainsFunc(c.overrides, func(o override) bool { return o.requirements != nil })
}

// numbered reports whether every template version is a number, as a rollback needs (API reference,
// RollbackInstanceRefresh).
func (c *config) numbered() bool {
	for _, each := range c.specs() {
		if each.version == "" || strings.HasPrefix(each.version, "$") {
			return false
		}
	}
	return c.configuration == ""
}

// choice is what one instance is launched from.
type choice struct {
	// template is none of a launch configuration, which configuration names.
	template      spec
	configuration string
	typ, image    string
	// requirements stand for a type; nil for none.
	requirements *query.Params
	weight       string
}

// choices are what the config may launch, the preferred first.
func (c *config) choices() []choice {
	if len(c.overrides) == 0 {
		return []choice{{template: c.template, typ: c.typ, image: c.image, configuration: c.configuration}}
	}
	var list []choice
	for _, o := range c.overrides {
		one := choice{template: c.template, typ: o.typ, image: o.image, requirements: o.requirements,
			weight: o.weight}
		if o.template != nil {
			one.template = *o.template
		}
		list = append(list, one)
	}
	return list
}

func writeConfig(out *query.Writer, c config) {
	if c.configuration != "" {
		out.Text("LaunchConfigurationName", c.configuration)
		return
	}
	if !c.mixed {
		writeSpec(out, "LaunchTemplate", c.template)
		return
	}
	out.Element("MixedInstancesPolicy", func() {
		out.Element("LaunchTemplate", func() {
			writeSpec(out, "LaunchTemplateSpecification", c.template)
			query.Items(out, "Overrides", c.overrides, func(o override) { writeOverride(out, o) })
		})
		out.Element("InstancesDistribution", func() { writeDistribution(out, c.distribution, c.attributeBased()) })
	})
}

func writeOverride(out *query.Writer, o override) {
	out.Optional("InstanceType", o.typ)
	out.Optional("WeightedCapacity", o.weight)
	if o.template != nil {
		writeSpec(out, "LaunchTemplateSpecification", *o.template)
	}
	out.Optional("ImageId", o.image)
	if o.requirements != nil {
		writeSent(out, "InstanceRequirements", o.requirements)
	}
}

// writeSent answers with what was sent.
func writeSent(out *query.Writer, name string, p *query.Params) {
	if p.Leaf() {
		out.Text(name, p.Text(""))
		return
	}
	if list := p.List(""); p.Has("member") {
		query.Items(out, name, list, func(each *query.Params) {
			for _, field := range each.Fields() {
				writeSent(out, field, each.At(field))
			}
		})
		return
	}
	out.Element(name, func() {
		for _, field := range p.Fields() {
			writeSent(out, field, p.At(field))
		}
	})
}

// The defaults are those of the API reference, InstancesDistribution: the On-Demand strategy is
// another for attribute-based selection, and pools go with the lowest price.
func writeDistribution(out *query.Writer, given map[string]string, attributes bool) {
	all := map[string]string{
		"OnDemandAllocationStrategy": "prioritized", "OnDemandBaseCapacity": "0",
		"OnDemandPercentageAboveBaseCapacity": "100", "SpotAllocationStrategy": "lowest-price",
	}
	if attributes {
		all["OnDemandAllocationStrategy"] = "lowest-price"
	}
	maps.Copy(all, given)
	if _, said := given["SpotInstancePools"]; !said && all["SpotAllocationStrategy"] == "lowest-price" {
		all["SpotInstancePools"] = "2"
	}
	for _, field := range slices.Sorted(maps.Keys(all)) {
		out.Text(field, all[field])
	}
}

func writeSpec(out *query.Writer, name string, t spec) {
	out.Element(name, func() {
		out.Text("LaunchTemplateId", t.id)
		out.Text("LaunchTemplateName", t.name)
		out.Optional("Version", t.version) // A group made without one is described without one.
	})
}
