package autoscaling

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"goldsmith/local/query"
)

// hook is a lifecycle hook. It is for what a group launches or terminates, and not for members that leave Standby
// (aws-samples/aws-codedeploy-samples#30).
type hook struct {
	name, transition, result string
	timeout                  time.Duration
}

// The transitions that a hook may be of, and its results (API reference, PutLifecycleHook).
const (
	launching   = "autoscaling:EC2_INSTANCE_LAUNCHING"
	terminates  = "autoscaling:EC2_INSTANCE_TERMINATING"
	goOn        = "CONTINUE"
	abandon     = "ABANDON"
	leastBeat   = 30
	mostBeat    = 7200
	defaultBeat = 3600
)

func putLifecycleHook(s *Service, call *query.Call) error {
	p := call.Params
	h := hook{name: p.Text("LifecycleHookName"), transition: p.Text("LifecycleTransition"),
		result: cmp.Or(p.Text("DefaultResult"), abandon)}
	beat := defaultBeat
	if p.Has("HeartbeatTimeout") {
		beat = p.Int("HeartbeatTimeout")
	}
	h.timeout = time.Duration(beat) * time.Second
	switch {
	case h.name == "":
		return invalid("1 validation error detected: Value null at 'lifecycleHookName' failed to satisfy constraint: " +
			"Member must not be null")
	case h.transition != launching && h.transition != terminates:
		return invalid("LifecycleTransition must be %s or %s, not %s.", launching, terminates, h.transition)
	case h.result != goOn && h.result != abandon:
		return invalid("DefaultResult must be %s or %s, not %s.", goOn, abandon, h.result)
	case beat < leastBeat || beat > mostBeat:
		return invalid("HeartbeatTimeout must be between %d and %d seconds, not %d.", leastBeat, mostBeat, beat)
	}
	return s.changed(call, func(g *group) (func(), error) {
		return func() {
			g.hooks = slices.DeleteFunc(g.hooks, func(other hook) bool { return other.name == h.name })
			g.hooks = append(g.hooks, h)
			slices.SortFunc(g.hooks, func(a, b hook) int { return cmp.Compare(a.name, b.name) })
		}, nil
	})
}

func describeLifecycleHooks(s *Service, call *query.Call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.group(call)
	if err != nil {
		return err
	}
	names := call.Params.Texts("LifecycleHookNames")
	shown := slices.DeleteFunc(slices.Clone(g.hooks), func(h hook) bool { return len(names) > 0 && !has(names, h.name) })
	query.Items(call.Out, "LifecycleHooks", shown, func(h hook) {
		call.Out.Text("LifecycleHookName", h.name)
		call.Out.Text("AutoScalingGroupName", g.name)
		call.Out.Text("LifecycleTransition", h.transition)
		call.Out.Int("HeartbeatTimeout", int(h.timeout.Seconds()))
		call.Out.Text("DefaultResult", h.result)
	})
	return nil
}

// completeLifecycleAction knows an action by its instance; by its token it is refused.
func completeLifecycleAction(s *Service, call *query.Call) error {
	id, name, result := call.Params.Text("InstanceId"), call.Params.Text("LifecycleHookName"),
		call.Params.Text("LifecycleActionResult")
	call.Touch(id)
	return s.changed(call, func(g *group) (func(), error) {
		m := g.member(id)
		switch {
		case result != goOn && result != abandon:
			return nil, invalid("LifecycleActionResult must be %s or %s, not %s.", goOn, abandon, result)
		case m == nil:
			return nil, invalid("No active Lifecycle Action found with instance ID %s", id)
		}
		if _, open := m.open[name]; !open {
			return nil, invalid("No active Lifecycle Action found with instance ID %s", id)
		}
		return func() { m.complete(name, result) }, nil
	})
}

// complete ends a member's wait for a hook. One that is abandoned is terminated.
func (m *member) complete(name, result string) {
	delete(m.open, name)
	if result == abandon {
		clear(m.open)
		m.state = terminating
	}
}

// passed reports whether a member that runs, or is to be terminated, waits for no lifecycle hook.
func (m *member) passed(g *group, now time.Time) bool {
	if m.hooked != m.state && (m.state == terminating || m.hooked == "") {
		m.hooked, m.open = m.state, map[string]time.Time{}
		transition := launching
		if m.state == terminating {
			transition = terminates
		}
		for _, h := range g.hooks {
			if h.transition == transition {
				m.open[h.name] = now.Add(h.timeout)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.open)) {
		if until, open := m.open[name]; open && !now.Before(until) {
			m.complete(name, g.resultOf(name))
		}
	}
	return len(m.open) == 0
}

func (g *group) resultOf(name string) string {
	for _, h := range g.hooks {
		if h.name == name {
			return h.result
		}
	}
	return goOn
}

// shown is the member's LifecycleState.
func (m *member) shown() string {
	if len(m.open) > 0 && (m.state == pending || m.state == terminating) {
		return string(m.state) + ":Wait"
	}
	return string(m.state)
}
