package autoscaling

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

// How long after a call a group is seen to, and how often without one. AWS
// gives no figures; replacing an instance takes it minutes.
const (
	promptly  = time.Second
	regularly = 15 * time.Second
)

// wake has the group seen to after d. It is called with the lock held.
func (s *Service) wake(g *group, d time.Duration) {
	if g.timer != nil {
		g.timer.Stop()
	}
	if s.ctx.Err() == nil {
		g.timer = s.options.Clock.AfterFunc(d, func() { s.seeTo(g) })
	}
}

// seeTo brings a group nearer to what it should be. EC2 is called without the
// lock, as its answers may take time; one goroutine at a time does so for a group.
func (s *Service) seeTo(g *group) {
	s.mu.Lock()
	if g.busy || s.groups[g.name] != g {
		g.again = g.busy
		s.mu.Unlock()
		return
	}
	g.busy = true
	if r := g.active(); r != nil && r.preferences.skipMatching {
		launched := g.launches().clone()
		s.mu.Unlock()
		numbers := s.numbers(s.ctx, &launched)
		s.mu.Lock()
		r.numbers = numbers
	}
	doomed, orders := s.decide(g)
	cooled := s.warmUp(g)
	s.mu.Unlock()
	s.send()
	for _, id := range cooled {
		_ = s.stop(s.ctx, id) // Refused: asked again next time.
	}
	for _, id := range doomed {
		// Refused, such as for termination protection: asked again next time.
		_ = s.terminate(s.ctx, id)
	}
	for _, o := range orders {
		s.fill(g, o)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest(g)
}

// rest ends a turn. It is called with the lock held.
func (s *Service) rest(g *group) {
	again := g.again
	g.busy, g.again = false, false
	switch {
	case g.deleting && len(g.members) == 0:
		delete(s.groups, g.name)
	case again:
		s.wake(g, promptly)
	case len(g.members) > 0 || g.desired > 0 || g.active() != nil:
		s.wake(g, regularly)
	}
}

func (s *Service) fill(g *group, o order) {
	started := s.options.Clock.Now()
	m, err := s.launch(s.ctx, o)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteLaunch(g, m, o, started, err)
	if err != nil && m == nil {
		if r := g.active(); r != nil {
			r.reason = "Could not launch a replacement: " + reasonOf(err)
		}
		return
	}
	m.protected = g.protect
	if o.warm {
		m.state = warming
	}
	if g.deleting {
		m.state = terminating
	}
	g.members = append(g.members, m)
}

// decide looks at every member and returns the instances to terminate and the
// ones to launch. It is called with the lock held.
func (s *Service) decide(g *group) (doomed []string, orders []order) {
	now := s.options.Clock.Now()
	for _, m := range g.members {
		was := m.state
		if m.observe(s.options.EC2.State(m.id), now, g); g.deleting {
			m.state = terminating
		}
		s.serves(g, m, was, now)
	}
	surge := 0
	if r := g.active(); r != nil && g.runs("InstanceRefresh") {
		surge = r.step(s, g, now)
	}
	if g.uneven() {
		surge++
	}
	for range s.missing(g, surge) {
		orders = append(orders, g.order(orders))
	}
	for range g.cold() {
		waits := g.order(orders)
		waits.warm = true
		orders = append(orders, waits)
	}
	return s.doomed(g), orders
}

// doomed drops the members that are gone, and are those to terminate.
func (s *Service) doomed(g *group) (ids []string) {
	g.members = slices.DeleteFunc(g.members, func(m *member) bool {
		return m.state == terminating && s.options.EC2.State(m.id) == ec2.Terminated
	})
	now := s.options.Clock.Now()
	for _, m := range g.members {
		if m.state == terminating {
			s.deregister(g, m)
		}
		if m.state == terminating && m.passed(g, now) && s.options.EC2.State(m.id) != ec2.ShuttingDown {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// serves registers a member that came into service with the group's target groups, and has one replaced that those say
// is unhealthy, where the group goes by that.
func (s *Service) serves(g *group, m *member, was lifecycle, now time.Time) {
	if m.state != inService {
		return
	}
	for _, arn := range g.targets {
		if was != inService && g.runs("AddToLoadBalancer") {
			s.options.Targets.Register(arn, m.id)
		}
		if g.checksTargets(m, now) && s.options.Targets.State(arn, m.id) == "unhealthy" {
			m.healthy = false
		}
	}
	if !m.healthy && g.replaces() {
		m.state = terminating
	}
}

// checksTargets reports whether the group goes by what load balancers say of a member.
func (g *group) checksTargets(m *member, now time.Time) bool {
	return strings.Contains(g.checks, "ELB") && g.runs("HealthCheck") &&
		now.Sub(m.since) >= time.Duration(g.grace)*time.Second
}

// replaces reports whether what is unhealthy is terminated.
func (g *group) replaces() bool { return g.runs("ReplaceUnhealthy") && g.runs("Terminate") }

// observe is the health check: an instance that is not running is unhealthy at
// once, stop protection or not, and is replaced; in standby no check looks
// (Auto Scaling User Guide, health checks and standby).
func (m *member) observe(state ec2.State, now time.Time, g *group) {
	if !m.counts() {
		return
	}
	switch {
	case state == ec2.Running && m.state == pending:
		m.launched(g, now)
	case state == ec2.Running, state == ec2.Pending && m.state == pending:
	case g.runs("HealthCheck"):
		m.healthy = false
	}
	if !m.healthy && g.replaces() {
		m.state = terminating
	}
}

// launched has a member in service that runs, unless it waits for a hook.
func (m *member) launched(g *group, now time.Time) {
	if m.passed(g, now) && m.state == pending {
		m.state, m.since = inService, now
	}
}

// runs reports whether a process is not suspended.
func (g *group) runs(process string) bool { return !has(g.suspended, process) }

// uneven reports whether AZRebalance levels out zones that are two members apart. It launches before it terminates, and
// knows nothing of members in Standby, whose return would level them out (plus3it/cfn#141).
func (g *group) uneven() bool {
	if len(g.zones) < 2 || g.deleting || g.active() != nil || !g.runs("AZRebalance") || !g.runs("Launch") {
		return false
	}
	serving := map[string]int{}
	for _, zone := range g.zones {
		serving[zone] = 0
	}
	for _, m := range g.members {
		if m.state == inService {
			serving[m.zone]++
		}
	}
	counts := slices.Collect(maps.Values(serving))
	return slices.Max(counts)-slices.Min(counts) > 1
}

// missing is how many to launch; what is too many starts to terminate, of the zone with the most members the oldest
// first (Auto Scaling User Guide, default termination policy).
func (s *Service) missing(g *group, surge int) int {
	var counted []*member
	for _, m := range g.members {
		if m.counts() {
			counted = append(counted, m)
		}
	}
	want, have := g.desired+surge, unitsOf(counted)
	if spare := have - want; spare > 0 && g.runs("Terminate") {
		slices.SortStableFunc(counted, func(a, b *member) int { return cmp.Compare(a.generation, b.generation) })
		for m := spared(counted, spare); m != nil; m = spared(counted, spare) {
			m.state = terminating
			spare -= m.units()
		}
	}
	if !g.runs("Launch") || g.deleting {
		return 0
	}
	return g.launches().instancesFor(want - have)
}

// spared is the member that a group which has so many units too many terminates first; nil for none.
func spared(members []*member, spare int) (first *member) {
	in := map[string]int{}
	for _, m := range members {
		if m.counts() {
			in[m.zone]++
		}
	}
	for _, m := range members {
		if m.counts() && spare >= m.units() && !m.protected && (first == nil || in[m.zone] > in[first.zone]) {
			first = m
		}
	}
	return first
}

// order is a member to launch besides those that are ordered, where the group has the fewest.
func (g *group) order(others []order) order {
	o := order{group: g.name, choices: g.launches().choices(), generation: g.generation}
	in := map[string]int{}
	for _, m := range g.members {
		if m.state != terminating && !m.away() {
			in[m.subnet]++
			in[m.zone]++
		}
	}
	for _, other := range others {
		in[cmp.Or(other.subnet, other.zone)]++
	}
	fewest := func(a, b string) int { return cmp.Compare(in[a], in[b]) }
	if len(g.subnets) > 0 {
		o.subnet = slices.MinFunc(g.subnets, fewest)
	} else {
		o.zone = slices.MinFunc(g.zones, fewest)
	}
	for _, t := range g.tags {
		if t.propagate {
			o.tags = append(o.tags, types.Tag{Key: aws.String(t.key), Value: aws.String(t.value)})
		}
	}
	return o
}

// launches is the config of new members: the desired one while a refresh deploys it.
func (g *group) launches() *config {
	if r := g.active(); r != nil && r.desired != nil && r.status != rollbackInProgress {
		return r.desired
	}
	return &g.config
}
