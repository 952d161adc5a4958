package autoscaling

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"goldsmith/local/clock"
	"goldsmith/local/query"
)

type group struct {
	name, arn         string
	role              string // the service-linked role that it launches with
	config            config
	min, max, desired int
	created           time.Time
	zones             []string
	subnets           []string
	checks            string
	grace, warmup     int
	cooldown          int
	protect           bool
	tags              []tag
	suspended         []string
	// targets are the ARNs of its target groups.
	targets []string
	// least and most are the healthy percentages of its instance maintenance policy; -1 without one.
	least, most int
	hooks       []hook
	members     []*member
	refreshes   []*refresh        // newest first
	activities  []scalingActivity // newest first
	pool        *warmPool         // nil for none
	generation  int
	deleting    bool

	timer       *clock.Timer
	busy, again bool
}

type tag struct {
	key, value string
	propagate  bool
}

func createGroup(s *Service, call *query.Call) error {
	p := call.Params
	g := &group{
		name: p.Text("AutoScalingGroupName"), min: p.Int("MinSize"), max: p.Int("MaxSize"), created: s.options.Clock.Now(),
		checks: cmp.Or(p.Text("HealthCheckType"), "EC2"), protect: p.Bool("NewInstancesProtectedFromScaleIn"),
		tags:     readTags(p),
		cooldown: 300, warmup: -1, targets: p.Texts("TargetGroupARNs"), least: -1, most: -1,
	}
	g.desired = g.min
	if p.Has("DesiredCapacity") {
		g.desired = p.Int("DesiredCapacity")
	}
	g.readTimes(p)
	c, given, err := readConfig(p)
	switch err := cmp.Or(err, nameable(g.name), sized(p), taggable(g.tags), checkable(g.checks), s.balanced(g.targets),
		g.maintain(p)); {
	case err != nil:
		return err
	case !given:
		return invalid("Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or " +
			"MixedInstancesPolicy parameter.")
	}
	if _, err := s.complete(call.Context, &c); err != nil {
		return err
	}
	if err := s.launchable(call.Context, &c); err != nil {
		return err
	}
	g.config = c
	if err := s.place(call.Context, g, p); err != nil {
		return err
	}
	if err := g.sizes(); err != nil {
		return err
	}
	return s.add(call, g)
}

func (s *Service) add(call *query.Call, g *group) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.groups[g.name]; taken {
		return query.Errorf("AlreadyExists",
			"AutoScalingGroup by this name already exists - A group with the name %s already exists", g.name)
	}
	if err := call.Commit(); err != nil {
		return err
	}
	g.arn = "arn:aws:autoscaling:" + s.options.Region + ":" + s.options.Account + ":autoScalingGroup:" + s.newID() +
		":autoScalingGroupName/" + g.name
	g.role = "arn:aws:iam::" + s.options.Account + ":role/aws-service-role/autoscaling.amazonaws.com/" +
		"AWSServiceRoleForAutoScaling"
	s.groups[g.name] = g
	s.wake(g, promptly)
	return nil
}

func (g *group) readTimes(p *query.Params) {
	for field, into := range map[string]*int{
		"HealthCheckGracePeriod": &g.grace, "DefaultInstanceWarmup": &g.warmup, "DefaultCooldown": &g.cooldown,
	} {
		if p.Has(field) {
			*into = p.Int(field)
		}
	}
}

// place reads the subnets or the zones.
func (s *Service) place(ctx context.Context, g *group, p *query.Params) (err error) {
	if subnets := p.Text("VPCZoneIdentifier"); subnets != "" {
		g.subnets = strings.Split(strings.ReplaceAll(subnets, " ", ""), ",")
		g.zones, err = s.zonesOf(ctx, g.subnets)
		return err
	}
	if zones := p.Texts("AvailabilityZones"); len(zones) > 0 {
		g.zones, g.subnets = zones, nil
		if err := s.zonesExist(ctx, zones); err != nil {
			return err
		}
	}
	if len(g.zones) == 0 {
		return invalid("At least one Availability Zone or VPC Subnet is required.")
	}
	return nil
}

// healthChecks are the types that a group's may be, one or more of them (API reference, CreateAutoScalingGroup); the
// words of the refusal are unverified.
var healthChecks = []string{"EC2", "EBS", "ELB", "VPC_LATTICE"}

func checkable(checks string) error {
	for one := range strings.SplitSeq(checks, ",") {
		if !slices.Contains(healthChecks, strings.TrimSpace(one)) {
			return invalid("Unsupported health check type: %s", checks)
		}
	}
	return nil
}

// balanced holds that target groups exist, in Auto Scaling's words (hashicorp/terraform-provider-aws#9998).
func (s *Service) balanced(targets []string) error {
	for _, arn := range targets {
		if !s.options.Targets.Has(arn) {
			return invalid("Provided Target Groups may not be valid. Please ensure they exist and try again.")
		}
	}
	return nil
}

// maintain reads the instance maintenance policy. Both percentages are said, or both are -1, which takes the policy off
// (API reference, InstanceMaintenancePolicy). The words are ours.
func (g *group) maintain(p *query.Params) error {
	if !p.Has("InstanceMaintenancePolicy") {
		return nil
	}
	policy := p.At("InstanceMaintenancePolicy")
	least, most := policy.Int("MinHealthyPercentage"), policy.Int("MaxHealthyPercentage")
	if !policy.Has("MinHealthyPercentage") || !policy.Has("MaxHealthyPercentage") {
		return invalid("Both MinHealthyPercentage and MaxHealthyPercentage of an instance maintenance policy must be " +
			"specified.")
	}
	g.least, g.most = least, most
	if least == -1 && most == -1 {
		return nil
	}
	return maintainable(least, most)
}

func maintainable(least, most int) error {
	switch {
	case least < 0 || least > 100:
		return invalid("MinHealthyPercentage must be between 0 and 100, not %d.", least)
	case most < 100 || most > 200:
		return invalid("MaxHealthyPercentage must be between 100 and 200, not %d.", most)
	case most-least > 100:
		return invalid("MaxHealthyPercentage %d can't be more than 100 above MinHealthyPercentage.", most)
	}
	return nil
}

func (g *group) sizes() error {
	switch {
	case g.min < 0 || g.max < 0:
		return invalid("Sizes of a group can't be negative.")
	case g.min > g.max:
		return invalid("Max bound, %d, must be greater than or equal to min bound, %d", g.max, g.min)
	case g.desired > g.max:
		return invalid("Desired capacity:%d must be between the specified min size:%d and max size:%d",
			g.desired, g.min, g.max)
	case g.desired < g.min:
		return invalid("Desired capacity:%d must be between the specified min size:%d and max size:%d",
			g.desired, g.min, g.max)
	}
	return nil
}

func readTags(p *query.Params) []tag {
	var tags []tag
	for _, each := range p.List("Tags") {
		tags = append(tags, tag{each.Text("Key"), each.Text("Value"), each.Bool("PropagateAtLaunch")})
	}
	return tags
}

// update is what an UpdateAutoScalingGroup changes besides sizes and times.
type update struct {
	config     config
	configured bool
	place      group // its zones and subnets
	moved      bool
}

func (s *Service) readUpdate(call *query.Call) (u update, err error) {
	p := call.Params
	if u.config, u.configured, err = readConfig(p); err != nil {
		return u, err
	}
	if u.configured {
		if _, err := s.complete(call.Context, &u.config); err != nil {
			return u, err
		}
		if err := s.launchable(call.Context, &u.config); err != nil {
			return u, err
		}
	}
	if u.moved = p.Has("VPCZoneIdentifier") || p.Has("AvailabilityZones"); u.moved {
		err = s.place(call.Context, &u.place, p)
	}
	if p.Has("HealthCheckType") {
		err = cmp.Or(err, checkable(p.Text("HealthCheckType")))
	}
	return u, err
}

// updateGroup changes what was sent. A new bound moves the desired capacity
// between the bounds (API reference, UpdateAutoScalingGroup).
func updateGroup(s *Service, call *query.Call) error {
	u, err := s.readUpdate(call)
	if err != nil {
		return err
	}
	return s.changed(call, func(g *group) (func(), error) {
		if r := g.active(); u.configured && r != nil && r.desired != nil {
			// The words are the user guide's (instance-refresh-overview, Update restriction).
			return nil, invalid("An active instance refresh with a desired configuration exists. All configuration options " +
				"derived from the desired configuration are not available for update while the instance refresh is active.")
		}
		after := *g
		if err := after.resize(call.Params); err != nil {
			return nil, err
		}
		if u.configured {
			after.config = u.config
		}
		if u.moved {
			after.zones, after.subnets = u.place.zones, u.place.subnets
		}
		if err := after.maintain(call.Params); err != nil {
			return nil, err
		}
		after.readTimes(call.Params)
		after.checks = cmp.Or(call.Params.Text("HealthCheckType"), g.checks)
		after.readProtection(call.Params)
		return func() { *g = after }, nil
	})
}

func (g *group) readProtection(p *query.Params) {
	if p.Has("NewInstancesProtectedFromScaleIn") {
		g.protect = p.Bool("NewInstancesProtectedFromScaleIn")
	}
}

func (g *group) resize(p *query.Params) error {
	after := *g
	if p.Has("MinSize") {
		after.min = p.Int("MinSize")
	}
	if p.Has("MaxSize") {
		after.max = p.Int("MaxSize")
	}
	if p.Has("DesiredCapacity") {
		after.desired = p.Int("DesiredCapacity")
	} else {
		after.desired = min(max(after.desired, after.min), after.max)
	}
	if err := after.sizes(); err != nil {
		return err
	}
	g.min, g.max, g.desired = after.min, after.max, after.desired
	return nil
}

func deleteGroup(s *Service, call *query.Call) error {
	return s.changed(call, func(g *group) (func(), error) {
		if force := call.Params.Bool("ForceDelete"); len(g.members) > 0 && !force {
			return nil, query.Errorf("ResourceInUse",
				"You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in "+
					"the group.")
		}
		return func() {
			g.deleting, g.min, g.desired = true, 0, 0
			if r := g.active(); r != nil {
				r.end(s, g, "Cancelled", "The group is being deleted")
			}
			if len(g.members) == 0 {
				delete(s.groups, g.name)
			}
		}, nil
	})
}
