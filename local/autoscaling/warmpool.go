package autoscaling

import (
	"goldsmith/local/ec2"
	"goldsmith/local/query"
)

// The lifecycle states of what waits in a warm pool (Auto Scaling User Guide, "Warm pools").
const (
	warming    lifecycle = "Warmed:Pending"
	warmedDown lifecycle = "Warmed:Stopped"
	warmedUp   lifecycle = "Warmed:Running"
)

// warmPool are instances that are ready to join the group. A group that grows here launches new
// members all the same; the pool stays as it is.
type warmPool struct {
	state    string // Stopped or Running
	least    int
	prepared int // -1: as many as the group's maximum
	reuse    bool
	deleting bool
}

func putWarmPool(s *Service, call *query.Call) error {
	p := call.Params
	w := &warmPool{state: p.Text("PoolState"), least: p.Int("MinSize"), prepared: -1,
		reuse: p.Bool("InstanceReusePolicy.ReuseOnScaleIn")}
	if w.state == "" {
		w.state = "Stopped"
	}
	if p.Has("MaxGroupPreparedCapacity") {
		w.prepared = p.Int("MaxGroupPreparedCapacity")
	}
	switch {
	case w.state == "Hibernated":
		return invalid("The embedded Auto Scaling has no warm pools of hibernated instances.")
	case w.state != "Stopped" && w.state != "Running":
		return invalid("%s is not one of Stopped, Running and Hibernated.", w.state)
	case w.least < 0 || w.prepared < -1:
		return invalid("Sizes of a warm pool can't be negative.")
	}
	return s.changed(call, func(g *group) (func(), error) {
		return func() { g.pool = w }, nil
	})
}

func deleteWarmPool(s *Service, call *query.Call) error {
	force := call.Params.Bool("ForceDelete")
	return s.changed(call, func(g *group) (func(), error) {
		switch {
		case g.pool == nil:
			return nil, invalid("No warm pool found for Auto Scaling group %s.", g.name)
		case !force && len(g.warm()) > 0:
			return nil, query.Errorf("ResourceInUse", "You cannot delete a warm pool while there are instances in it.")
		}
		return func() {
			g.pool.deleting = true
			if len(g.warm()) == 0 {
				g.pool = nil
			}
		}, nil
	})
}

func describeWarmPool(s *Service, call *query.Call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.group(call)
	if err != nil {
		return err
	}
	shown, next, err := page(call, g.warm(), 50)
	if err != nil {
		return err
	}
	if g.pool != nil {
		call.Out.Element("WarmPoolConfiguration", func() { g.pool.write(call.Out) })
	}
	query.Items(call.Out, "Instances", shown, func(m *member) { writeMember(call.Out, m, m.health()) })
	call.Out.Optional("NextToken", next)
	return nil
}

func (w *warmPool) write(out *query.Writer) {
	if w.prepared >= 0 {
		out.Int("MaxGroupPreparedCapacity", w.prepared)
	}
	out.Int("MinSize", w.least)
	out.Text("PoolState", w.state)
	if w.deleting {
		out.Text("Status", "PendingDelete")
	}
	out.Element("InstanceReusePolicy", func() { out.Bool("ReuseOnScaleIn", w.reuse) })
}

// isWarm tells whether a member waits in the warm pool.
func (m *member) isWarm() bool {
	return m.state == warming || m.state == warmedDown || m.state == warmedUp
}

func (g *group) warm() []*member {
	var waiting []*member
	for _, m := range g.members {
		if m.isWarm() {
			waiting = append(waiting, m)
		}
	}
	return waiting
}

// cold is how many instances the warm pool lacks: it holds what is prepared beyond the desired
// capacity, and its minimum at least.
func (g *group) cold() int {
	if g.pool == nil || g.pool.deleting || g.deleting || !g.runs("Launch") {
		return 0
	}
	prepared := g.pool.prepared
	if prepared < 0 {
		prepared = g.max
	}
	return max(0, max(g.pool.least, prepared-g.desired)-len(g.warm()))
}

// warmed follows an instance on its way into the pool, and tells whether it is to be stopped now.
func (m *member) warmed(state ec2.State, down bool) (stop bool) {
	switch {
	case m.state != warming:
	case state == ec2.Running && !down:
		m.state = warmedUp
	case state == ec2.Running:
		return true
	case state == ec2.Stopped:
		m.state = warmedDown
	}
	return false
}

// warmUp looks at what waits in the pool and returns what is to be stopped. It is called with the lock held.
func (s *Service) warmUp(g *group) (stop []string) {
	drained := g.pool == nil || g.pool.deleting
	for _, m := range g.warm() {
		state := s.options.EC2.State(m.id)
		if drained || state == ec2.Terminated || state == ec2.ShuttingDown {
			m.state = terminating
			continue
		}
		if m.warmed(state, g.pool.state == "Stopped") {
			stop = append(stop, m.id)
		}
	}
	if g.pool != nil && g.pool.deleting && len(g.warm()) == 0 {
		g.pool = nil
	}
	return stop
}
