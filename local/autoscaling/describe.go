package autoscaling

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"goldsmith/local/query"
)

func describeGroups(s *Service, call *query.Call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := call.Params.Texts("AutoScalingGroupNames")
	if most := cmp.Or(call.Params.Int("MaxRecords"), 50); len(names) > most {
		// "By default, you can only specify up to 50 names. You can optionally increase this limit using the MaxRecords
		// property" (API reference, DescribeAutoScalingGroups).
		return invalid("The number of Auto Scaling group names that may be passed in is limited to %d", most)
	}
	keep, err := groupFilter(call.Params)
	if err != nil {
		return err
	}
	var list []*group
	for _, name := range slices.Sorted(maps.Keys(s.groups)) {
		if g := s.groups[name]; (len(names) == 0 || has(names, name)) && keep(g) {
			list = append(list, g)
		}
	}
	shown, next, err := page(call, list, 50)
	if err != nil {
		return err
	}
	members := !call.Params.Has("IncludeInstances") || call.Params.Bool("IncludeInstances")
	query.Items(call.Out, "AutoScalingGroups", shown, func(g *group) { writeGroup(call.Out, g, members) })
	call.Out.Optional("NextToken", next)
	return nil
}

// groupFilter knows tag-key, tag-value and tag:<key> (API reference, Filter).
func groupFilter(p *query.Params) (func(*group) bool, error) {
	var tests []func(tag) bool
	for _, f := range p.List("Filters") {
		name, values := f.Text("Name"), f.Texts("Values")
		key, byKey := strings.CutPrefix(name, "tag:")
		switch {
		case byKey:
			tests = append(tests, func(t tag) bool { return t.key == key && has(values, t.value) })
		case name == "tag-key":
			tests = append(tests, func(t tag) bool { return has(values, t.key) })
		case name == "tag-value":
			tests = append(tests, func(t tag) bool { return has(values, t.value) })
		default:
			return nil, invalid("Filter type %s is not correct. Allowed Filter types are: tag-key tag-value tag:<key>", name)
		}
	}
	return func(g *group) bool {
		return !slices.ContainsFunc(tests, func(test func(tag) bool) bool { return !slices.ContainsFunc(g.tags, test) })
	}, nil
}

func writeGroup(out *query.Writer, g *group, members bool) {
	out.Text("AutoScalingGroupName", g.name)
	out.Text("AutoScalingGroupARN", g.arn)
	writeConfig(out, g.config)
	out.Int("MinSize", g.min)
	out.Int("MaxSize", g.max)
	out.Int("DesiredCapacity", g.desired)
	out.Int("DefaultCooldown", g.cooldown)
	out.Texts("AvailabilityZones", g.zones)
	out.Text("HealthCheckType", g.checks)
	out.Int("HealthCheckGracePeriod", g.grace)
	out.Time("CreatedTime", g.created)
	out.Text("VPCZoneIdentifier", strings.Join(g.subnets, ","))
	out.Text("ServiceLinkedRoleARN", g.role)
	out.Texts("TerminationPolicies", []string{"Default"})
	out.Bool("NewInstancesProtectedFromScaleIn", g.protect)
	if g.warmup >= 0 {
		out.Int("DefaultInstanceWarmup", g.warmup)
	}
	if g.deleting {
		out.Text("Status", "Delete in progress")
	}
	if len(g.targets) > 0 {
		out.Texts("TargetGroupARNs", g.targets)
	}
	if g.least >= 0 {
		out.Element("InstanceMaintenancePolicy", func() {
			out.Int("MinHealthyPercentage", g.least)
			out.Int("MaxHealthyPercentage", g.most)
		})
	}
	if g.pool != nil {
		out.Element("WarmPoolConfiguration", func() { g.pool.write(out) })
		out.Int("WarmPoolSize", len(g.warm()))
	}
	query.Items(out, "SuspendedProcesses", g.suspended, func(name string) {
		out.Text("ProcessName", name)
		out.Text("SuspensionReason", "User suspended")
	})
	query.Items(out, "Tags", g.tags, func(t tag) {
		out.Text("ResourceId", g.name)
		out.Text("ResourceType", "auto-scaling-group")
		out.Text("Key", t.key)
		out.Text("Value", t.value)
		out.Bool("PropagateAtLaunch", t.propagate)
	})
	if members {
		// What waits in the warm pool is shown by DescribeWarmPool alone.
		shown := slices.DeleteFunc(slices.Clone(g.members), (*member).isWarm)
		query.Items(out, "Instances", shown, func(m *member) { writeMember(out, m, m.health()) })
	}
}

func writeMember(out *query.Writer, m *member, health string) {
	out.Text("InstanceId", m.id)
	out.Text("InstanceType", m.typ)
	out.Text("AvailabilityZone", m.zone)
	out.Text("LifecycleState", m.shown())
	out.Text("HealthStatus", health)
	if m.own.configuration != "" {
		out.Text("LaunchConfigurationName", m.own.configuration)
	} else {
		writeSpec(out, "LaunchTemplate", m.template)
	}
	out.Text("ImageId", m.image)
	out.Bool("ProtectedFromScaleIn", m.protected)
	out.Optional("WeightedCapacity", m.own.weight)
}

// placed is a member with its group.
type placed struct {
	*member
	group string
}

// describeInstances writes the health in capitals, unlike describeGroups (user
// guide, as-enter-exit-standby, example responses).
func describeInstances(s *Service, call *query.Call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := call.Params.Texts("InstanceIds")
	if len(ids) > 50 {
		return invalid("The number of instance IDs may not exceed 50.")
	}
	var list []placed
	for _, g := range s.groups {
		for _, m := range g.members {
			if len(ids) == 0 || has(ids, m.id) {
				list = append(list, placed{m, g.name})
			}
		}
	}
	slices.SortFunc(list, func(a, b placed) int { return cmp.Compare(a.id, b.id) })
	shown, next, err := page(call, list, 50)
	if err != nil {
		return err
	}
	query.Items(call.Out, "AutoScalingInstances", shown, func(p placed) {
		call.Out.Text("AutoScalingGroupName", p.group)
		writeMember(call.Out, p.member, strings.ToUpper(p.health()))
	})
	call.Out.Optional("NextToken", next)
	return nil
}
