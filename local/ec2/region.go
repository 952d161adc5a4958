package ec2

import (
	"maps"
	"slices"

	"goldsmith/local/query"
	"goldsmith/shared/plan"
)

// In is the account's EC2 in a Region; nil in one that the account has not enabled.
func (w *World) In(region string) *World { return w.regions[region] }

// Enable has the account show a Region among those that it has enabled, or not: it is one to opt in to.
func (w *World) Enable(region string, enabled bool) {
	w.lock()
	defer w.unlock()
	w.disabled[region], w.optIn[region] = !enabled, true
}

// Parameters says how the Region's Parameter Store answers: the image that a parameter holds, which is launched for
// resolve:ssm:, and the ARNs of the parameters that hold an image.
func (w *World) Parameters(value func(name string) (string, bool), holding func(image string) []string) {
	w.lock()
	defer w.unlock()
	w.valueOf, w.holding = value, holding
}

// beside is the Region that something is copied from, as it is by now.
func (w *World) beside(region string) (*World, error) {
	from := w.regions[region]
	if from == nil {
		return nil, query.Errorf("InvalidRequest", "The embedded EC2 has no Region %s to copy from.", region)
	}
	if from != w {
		from.advance(w.now)
	}
	return from, nil
}

// What a person or a tool looks up around instances: the account's Regions, the zones of this one and its default VPC.

// describeRegions lists those that the account has enabled; with AllRegions, the others of its partition as well.
func describeRegions(w *World, call *query.Call) error {
	all := slices.Collect(maps.Keys(w.regions))
	if call.Params.Bool("AllRegions") {
		all = append(all, w.others()...)
	} else {
		all = slices.DeleteFunc(all, func(r string) bool { return w.disabled[r] })
	}
	slices.Sort(all)
	status := func(region *string) string {
		switch {
		case w.disabled[*region], w.regions[*region] == nil:
			return "not-opted-in"
		case w.optIn[*region]:
			return "opted-in"
		}
		return "opt-in-not-required"
	}
	return answer(w, call, "regionInfo", "RegionName", all, filterable[string]{
		"region-name":   one(func(r *string) string { return *r }),
		"opt-in-status": one(status),
	}, "InvalidParameterValue", func(out *query.Writer, region *string) {
		out.Text("regionName", *region)
		out.Text("regionEndpoint", "ec2."+*region+".amazonaws.com")
		out.Text("optInStatus", status(region))
	}, func(r *string) string { return *r })
}

// others are the Regions of the partition that the account has not enabled.
func (w *World) others() []string {
	own := plan.PartitionOf(w.options.Region)
	return slices.DeleteFunc(plan.KnownRegions(), func(r string) bool {
		return w.regions[r] != nil || plan.PartitionOf(r) != own
	})
}

func describeAvailabilityZones(w *World, call *query.Call) error {
	return answer(w, call, "availabilityZoneInfo", "ZoneName", w.network.subnets, filterable[subnet]{
		"zone-name":   one(func(s *subnet) string { return s.zone }),
		"zone-id":     one(func(s *subnet) string { return s.zoneID }),
		"zone-type":   one(func(*subnet) string { return "availability-zone" }),
		"region-name": one(func(*subnet) string { return w.options.Region }),
		"state":       one(func(*subnet) string { return "available" }),
	}, "InvalidParameterValue", func(out *query.Writer, s *subnet) {
		out.Text("zoneName", s.zone)
		out.Text("zoneId", s.zoneID)
		out.Text("zoneState", "available")
		out.Text("zoneType", "availability-zone")
		out.Text("regionName", w.options.Region)
		out.Text("groupName", w.options.Region)
		out.Text("networkBorderGroup", w.options.Region)
		out.Text("optInStatus", "opt-in-not-required")
	}, func(s *subnet) string { return s.zone })
}

func describeVpcs(w *World, call *query.Call) error {
	return answer(w, call, "vpcSet", "VpcId", []network{w.network}, filterable[network]{
		"vpc-id":     one(func(n *network) string { return n.vpc }),
		"cidr":       one(func(n *network) string { return n.cidr }),
		"is-default": flag(func(*network) bool { return true }),
		"state":      one(func(*network) string { return "available" }),
		"owner-id":   one(func(*network) string { return w.options.Account }),
	}, "InvalidVpcID.NotFound", func(out *query.Writer, n *network) {
		out.Text("vpcId", n.vpc)
		out.Text("ownerId", w.options.Account)
		out.Text("state", "available")
		out.Text("cidrBlock", n.cidr)
		out.Text("dhcpOptionsId", "dopt"+n.vpc[len("vpc"):])
		out.Text("instanceTenancy", "default")
		out.Bool("isDefault", true)
	}, func(n *network) string { return n.vpc })
}

func describeSubnets(w *World, call *query.Call) error {
	return answer(w, call, "subnetSet", "SubnetId", w.network.subnets, filterable[subnet]{
		"subnet-id":            one(func(s *subnet) string { return s.id }),
		"vpc-id":               one(func(s *subnet) string { return s.vpc }),
		"availability-zone":    one(func(s *subnet) string { return s.zone }),
		"availability-zone-id": one(func(s *subnet) string { return s.zoneID }),
		"cidr-block":           one(func(s *subnet) string { return s.cidr }),
		"default-for-az":       flag(func(*subnet) bool { return true }),
		"state":                one(func(*subnet) string { return "available" }),
	}, "InvalidSubnetID.NotFound", func(out *query.Writer, s *subnet) {
		out.Text("subnetId", s.id)
		out.Text("subnetArn", w.arn("subnet", s.id))
		out.Text("ownerId", w.options.Account)
		out.Text("state", "available")
		out.Text("vpcId", s.vpc)
		out.Text("cidrBlock", s.cidr)
		out.Int("availableIpAddressCount", 4091)
		out.Text("availabilityZone", s.zone)
		out.Text("availabilityZoneId", s.zoneID)
		out.Bool("defaultForAz", true)
		out.Bool("mapPublicIpOnLaunch", true)
	}, func(s *subnet) string { return s.id })
}

func describeSecurityGroups(w *World, call *query.Call) error {
	return answer(w, call, "securityGroupInfo", "GroupId", w.network.groups, filterable[securityGroup]{
		"group-id":   one(func(g *securityGroup) string { return g.id }),
		"group-name": one(func(g *securityGroup) string { return g.name }),
		"vpc-id":     one(func(*securityGroup) string { return w.network.vpc }),
	}, "InvalidGroup.NotFound", func(out *query.Writer, g *securityGroup) {
		out.Text("groupId", g.id)
		out.Text("groupName", g.name)
		out.Text("groupDescription", g.description)
		out.Text("ownerId", w.options.Account)
		out.Text("vpcId", w.network.vpc)
		out.Element("ipPermissions", func() {})
		out.Element("ipPermissionsEgress", func() {})
	}, func(g *securityGroup) string { return g.id })
}

// answer lists a handful of fixed things like any other listing.
func answer[T any](w *World, call *query.Call, set, ids string, items []T, filters filterable[T], notFound string,
	write func(*query.Writer, *T), name func(*T) string) error {
	fixed := newStore[T](0)
	for n := range items {
		fixed.add(w.asOf, name(&items[n]), &items[n])
	}
	found, next, err := list(w, call, listing[T]{
		store: fixed, filters: filters, ids: ids, min: 5, max: 1000, tags: func(*T) []Tag { return nil }, scan: true,
		unknown: func(id string) error { return query.Errorf(notFound, "%s '%s' does not exist", ids, id) },
	})
	if err != nil {
		return err
	}
	query.Items(call.Out, set, found, func(item *T) { write(call.Out, item) })
	call.Out.Optional("nextToken", next)
	return nil
}
