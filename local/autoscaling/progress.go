package autoscaling

import (
	"cmp"
	"strconv"
	"time"
)

// Auto Scaling's patience (Auto Scaling User Guide, instance refresh).
const (
	longestWithoutProgress = time.Hour
	longestRefresh         = 14 * 24 * time.Hour
)

// step gets a refresh on as far as it may go now, and returns how many members
// to have beyond the desired capacity. It is called with the lock held.
func (r *refresh) step(s *Service, g *group, now time.Time) (surge int) {
	if name, off := r.preferences.gone(s.alarms); off && (r.status == inProgress || r.status == baking) {
		r.reason = "The alarm " + name + " went off"
		r.fail(s, g, now)
		return 0
	}
	switch r.status {
	case waiting:
		r.status = inProgress
		r.tell(s, g, "Started", nil)
	case cancelling:
		r.end(s, g, "Cancelled", r.reason)
		return 0
	case baking:
		if !now.Before(r.bake) {
			r.succeed(s, g)
		}
		return 0
	case inProgress, rollbackInProgress:
	}
	return r.roll(s, g, now)
}

// roll replaces members, for the refresh or back again.
func (r *refresh) roll(s *Service, g *group, now time.Time) (surge int) {
	r.count(g, now)
	if r.checkpoint(s, g, now) || now.Before(r.paused) {
		r.moved = now
		return 0
	}
	if r.left == 0 {
		r.complete(s, g, now)
		return 0
	}
	if now.Sub(r.moved) > longestWithoutProgress || now.Sub(r.started) > longestRefresh {
		r.fail(s, g, now)
		return 0
	}
	return r.replace(g, now)
}

// stale are the members yet to be replaced.
func (r *refresh) stale(g *group) []*member {
	var list []*member
	for _, m := range g.members {
		if r.isStale(g, m) {
			list = append(list, m)
		}
	}
	return list
}

func (r *refresh) isStale(g *group, m *member) bool {
	if m.state == terminating || r.ignored(m) {
		return false
	}
	if r.status == rollbackInProgress {
		return m.generation == r.generation
	}
	skipped := r.preferences.skipMatching && r.matches(g, m)
	return m.generation < r.generation && !skipped
}

// away reports whether a member is in standby, or on the way there.
func (m *member) away() bool { return m.state == standby || m.state == entering }

func (r *refresh) ignored(m *member) bool {
	return m.away() && r.preferences.standby == "Ignore" || m.protected && r.preferences.protected == "Ignore"
}

// matches reports whether a member was launched from what would be launched now: from the version
// that $Latest, $Default or no version stands for (Auto Scaling User Guide, "Use an instance refresh
// with skip matching").
func (r *refresh) matches(g *group, m *member) bool {
	for _, c := range g.launches().choices() {
		version := cmp.Or(r.numbers[c.template], c.template.version)
		same := c.template.id == m.template.id && version == m.template.version
		if same && (c.typ == "" || c.typ == m.typ) && (c.image == "" || c.image == m.image) {
			return true
		}
	}
	return false
}

// blocked reports whether the refresh waits for somebody to let go of a member.
func (r *refresh) blocked(m *member) bool {
	return m.away() && r.preferences.standby == "Wait" || m.protected && r.preferences.protected == "Wait"
}

// count finds out what is left: members to replace, and new ones that are not warm yet.
func (r *refresh) count(g *group, now time.Time) {
	left := len(r.stale(g)) + g.launches().instancesFor(g.desired-r.ready(g, now))
	if left < r.left {
		r.moved = now
	}
	r.total = max(r.total, left)
	r.left = left
}

// ready are the units of the members that serve: those from before, and new ones that are warm.
func (r *refresh) ready(g *group, now time.Time) int {
	n := 0
	for _, m := range g.members {
		fresh := m.generation >= r.generation
		if m.state == inService && m.healthy && (!fresh || now.Sub(m.since) >= r.preferences.warm(g)) {
			n += m.units()
		}
	}
	return n
}

// replace terminates as many stale members as the least healthy percentage
// allows. When the most is above 100, or both are 100, new ones come first.
func (r *refresh) replace(g *group, now time.Time) (surge int) {
	ready, least := r.ready(g, now), (g.desired*r.preferences.least+99)/100
	ahead := g.desired * (r.preferences.most - 100) / 100
	if r.preferences.least == 100 || r.preferences.most > 100 {
		ahead = max(1, ahead)
	}
	may := ready - least
	if ahead == 0 && ready >= g.desired {
		may = max(1, may) // A small group: one at a time.
	}
	for _, m := range r.stale(g) {
		serves := m.state == inService && m.healthy
		switch {
		case r.blocked(m):
			r.reason = "Waiting for instance " + m.id + ", which is in standby or protected from scale in"
		case !serves:
			m.state = terminating
		case may > 0:
			m.state = terminating
			may -= m.units()
		}
	}
	return min(ahead, unitsOf(r.stale(g)))
}

// checkpoint pauses once when the next percentage is reached.
func (r *refresh) checkpoint(s *Service, g *group, now time.Time) bool {
	if r.status != inProgress || r.passed >= len(r.preferences.checkpoints) {
		return false
	}
	next := r.preferences.checkpoints[r.passed]
	if next >= 100 || r.percent() < next {
		return false
	}
	r.passed++
	r.paused = now.Add(time.Duration(r.preferences.checkpointDelay) * time.Second)
	r.tell(s, g, "Checkpoint Reached", map[string]string{
		"CheckpointPercentage": strconv.Itoa(next), "CheckpointDelay": strconv.Itoa(r.preferences.checkpointDelay),
	})
	if last := r.passed == len(r.preferences.checkpoints); last {
		// Percentages that do not end with 100 leave the rest as it is (Auto Scaling API reference, RefreshPreferences).
		r.left = 0
		r.complete(s, g, now)
	}
	return true
}

func (r *refresh) complete(s *Service, g *group, now time.Time) {
	switch {
	case r.status == rollbackInProgress:
		r.end(s, g, "RollbackSuccessful", r.reason)
	case r.preferences.bakeTime > 0:
		r.status, r.bake = baking, now.Add(time.Duration(r.preferences.bakeTime)*time.Second)
		r.tell(s, g, "Started Baking", nil)
	default:
		r.succeed(s, g)
	}
}

// succeed makes the desired configuration the group's.
func (r *refresh) succeed(s *Service, g *group) {
	if r.desired != nil {
		g.config = r.desired.clone()
	}
	r.end(s, g, "Successful", "")
}

func (r *refresh) fail(s *Service, g *group, now time.Time) {
	why := r.reason
	if why == "" {
		why = "No instance could be replaced for an hour"
	}
	switch {
	case r.status == rollbackInProgress:
		r.end(s, g, "RollbackFailed", why)
	case r.preferences.autoRollback:
		r.rollBack(s, g, why)
		r.moved = now
	default:
		r.end(s, g, "Failed", why)
	}
}

// rollBack replaces what was deployed so far by the group's own configuration.
func (r *refresh) rollBack(s *Service, g *group, why string) {
	now := s.options.Clock.Now()
	r.rollback = &rollback{reason: why, started: now, percent: r.percent(), left: r.left}
	r.status, r.reason, r.moved, r.paused = rollbackInProgress, why, now, time.Time{}
	g.generation++ // What is launched from now on is not what is rolled back.
	r.total = len(r.stale(g))
	r.left = r.total
	r.tell(s, g, "Rollback Started", nil)
}

// endings are the events for a final status.
var endings = map[status]string{
	"Successful": "Succeeded", "Failed": "Failed", "Cancelled": "Cancelled",
	"RollbackSuccessful": "Rollback Succeeded", "RollbackFailed": "Rollback Failed",
}

func (r *refresh) end(s *Service, g *group, final status, why string) {
	r.status, r.reason, r.ended = final, why, s.options.Clock.Now()
	if final == "Successful" || final == "RollbackSuccessful" {
		r.left = 0
	}
	r.tell(s, g, endings[final], nil)
}

func (r *refresh) tell(s *Service, g *group, what string, more map[string]string) {
	detail := map[string]string{"InstanceRefreshId": r.id, "AutoScalingGroupName": g.name}
	for key, value := range more {
		detail[key] = value
	}
	s.emit(g, "EC2 Auto Scaling Instance Refresh "+what, detail)
}
