package autoscaling

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"goldsmith/local/query"
)

// What a mixed instances policy may say (API reference, InstancesDistribution and LaunchTemplateOverrides).
var (
	onDemandStrategies = []string{lowestPrice, "prioritized"}
	spotStrategies     = []string{lowestPrice, "capacity-optimized", "capacity-optimized-prioritized",
		"price-capacity-optimized"}
)

const (
	lowestPrice   = "lowest-price"
	mostPools     = 20
	mostWeight    = 999
	mostOverrides = 40
)

// check refuses a policy that Auto Scaling refuses. Where no words are quoted, they are ours.
func (c *config) check() error {
	if !c.mixed {
		return nil
	}
	if len(c.overrides) > mostOverrides {
		return invalid("A mixed instances policy can't have more than %d overrides.", mostOverrides)
	}
	return cmp.Or(c.checkStrategies(), c.checkShares(), c.checkOverrides())
}

// checkStrategies holds the allocation strategies, that of On-Demand Instances first.
func (c *config) checkStrategies() error {
	return cmp.Or(c.checkOnDemandStrategy(), c.checkSpotStrategy())
}

// checkOnDemandStrategy holds that the strategy, if one is said, is known and goes with how the types are chosen.
func (c *config) checkOnDemandStrategy() error {
	onDemand := c.distribution["OnDemandAllocationStrategy"]
	switch {
	case onDemand != "" && !slices.Contains(onDemandStrategies, onDemand):
		return invalid("The specified OnDemandAllocationStrategy is not valid. Valid options are [%s].",
			strings.Join(onDemandStrategies, ", "))
	case onDemand == "prioritized" && c.attributeBased():
		// cattle-ops/terraform-aws-gitlab-runner#1381
		return invalid("The specified OnDemandAllocationStrategy is not valid. The prioritized allocation strategy is not " +
			"compatible with instance requirements. Valid options are [lowest-price].")
	}
	return nil
}

// checkSpotStrategy holds that the strategy, if one is said, is known, and that only lowest-price has pools.
func (c *config) checkSpotStrategy() error {
	spot, pools := c.distribution["SpotAllocationStrategy"], c.distribution["SpotInstancePools"]
	switch {
	case spot != "" && !slices.Contains(spotStrategies, spot):
		return invalid("The specified SpotAllocationStrategy is not valid. Valid options are [%s].",
			strings.Join(spotStrategies, ", "))
	case spot != "" && spot != lowestPrice && pools != "" && pools != "0":
		// app-sre/qontract-schemas#400; none may be said as 0 (hashicorp/terraform-provider-aws#21632).
		return invalid("SpotInstancePools option is only available with the lowest-price allocation strategy.")
	}
	return nil
}

// checkShares holds the numbers.
func (c *config) checkShares() error {
	for _, each := range []struct {
		field       string
		least, most int
	}{
		{"OnDemandPercentageAboveBaseCapacity", 0, 100}, {"SpotInstancePools", 0, mostPools},
		{"OnDemandBaseCapacity", 0, 1<<31 - 1},
	} {
		said := c.distribution[each.field]
		if said == "" {
			continue
		}
		if n, err := strconv.Atoi(said); err != nil || n < each.least || n > each.most {
			return invalid("%s must be between %d and %d.", each.field, each.least, each.most)
		}
	}
	return nil
}

// checkOverrides: "If you specify a value for WeightedCapacity for one instance type, you must specify a value for
// WeightedCapacity for all of them". Each override is held by itself before.
func (c *config) checkOverrides() error {
	weighted := 0
	for _, o := range c.overrides {
		if err := cmp.Or(o.checkWeight(), o.checkRequirements()); err != nil {
			return err
		}
		if o.weight != "" {
			weighted++
		}
	}
	if weighted > 0 && weighted < len(c.overrides) {
		return invalid("WeightedCapacity must be specified for all instance types of a mixed instances policy, or for none.")
	}
	return nil
}

// checkWeight holds that the weight, if one is said, is a number within bounds.
func (o override) checkWeight() error {
	if o.weight == "" {
		return nil
	}
	if n, err := strconv.Atoi(o.weight); err != nil || n < 1 || n > mostWeight {
		return invalid("WeightedCapacity must be between 1 and %d.", mostWeight)
	}
	return nil
}

// checkRequirements: requirements stand for a type, and need both of vCPUs and memory (API reference,
// InstanceRequirements).
func (o override) checkRequirements() error {
	switch {
	case o.requirements == nil:
	case o.typ != "":
		return invalid("An override can't specify both InstanceType and InstanceRequirements.")
	case !o.requirements.Has("VCpuCount.Min") || !o.requirements.Has("MemoryMiB.Min"):
		return invalid("InstanceRequirements must specify VCpuCount.Min and MemoryMiB.Min.")
	}
	return nil
}

// units are what an instance of the choice counts for in the group's capacity (API reference,
// LaunchTemplateOverrides, WeightedCapacity).
func (c choice) units() int {
	n, err := strconv.Atoi(c.weight)
	if err != nil {
		return 1
	}
	return n
}

func (m *member) units() int { return m.own.units() }

func unitsOf(members []*member) (units int) {
	for _, m := range members {
		units += m.units()
	}
	return units
}

// instancesFor is how many instances of the preferred choice make up so many units.
func (c *config) instancesFor(units int) int {
	each := c.choices()[0].units()
	return max(0, units+each-1) / each
}

// nameable: API reference, CreateAutoScalingGroup, AutoScalingGroupName; the words are those of a service model's
// check.
func nameable(name string) error {
	switch {
	case name == "":
		return invalid("1 validation error detected: Value null at 'autoScalingGroupName' failed to satisfy constraint: " +
			"Member must not be null")
	case len(name) > 255:
		return invalid("1 validation error detected: Value '%s' at 'autoScalingGroupName' failed to satisfy constraint: "+
			"Member must have length less than or equal to 255", name)
	case strings.Contains(name, ":"):
		return invalid("Group name can't contain a colon.")
	}
	return nil
}

// sized holds that both bounds are said (API reference, CreateAutoScalingGroup).
func sized(p *query.Params) error {
	for field, member := range map[string]string{"MinSize": "minSize", "MaxSize": "maxSize"} {
		if !p.Has(field) {
			return invalid("1 validation error detected: Value null at '%s' failed to satisfy constraint: "+
				"Member must not be null", member)
		}
	}
	return nil
}

// taggable: reserved keys are AWS's own, and a key is said once (User Guide, "Tag Auto Scaling groups"). The words are
// ours.
func taggable(tags []tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.key == "":
			return invalid("A tag needs a key.")
		case strings.HasPrefix(strings.ToLower(t.key), "aws:"):
			return invalid("Tag keys can't begin with aws:, as %s does.", t.key)
		case seen[t.key]:
			return invalid("The tag key %s is given twice.", t.key)
		}
		seen[t.key] = true
	}
	return nil
}
