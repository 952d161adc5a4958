package plan

import "cmp"

// Groups says what is done with a running member of an Auto Scaling group that would have to be stopped: its group
// would replace it.
type Groups struct {
	// Standby is whether it is put into Standby first, and brought back into service once it runs again: never; shrink,
	// which takes one off the group's desired capacity meanwhile; or replace, which has the group launch another member,
	// and terminate one by its termination policy afterwards. One member of a group is out at a time. Default never:
	// members are left alone.
	Standby GroupStandby `json:"standby,omitempty"`
	// Drain is how long a member may take into Standby, since load balancers let connections drain first, 1m to
	// 15m. Default 15m.
	Drain Duration `json:"drain,omitempty"`
	// Pick is which of the plan's sources that are members of one group stands for it in a run: oldest, newest, or any,
	// the same one every time. The others are left alone. A request for one source is of that source. Default: each is a
	// source of its own.
	Pick GroupPick `json:"pick,omitempty"`
}

// Stands reports whether members are put into Standby.
func (g Groups) Stands() bool { return g.Standby == StandbyShrink || g.Replaces() }

// Replaces reports whether their groups launch other members meanwhile.
func (g Groups) Replaces() bool { return g.Standby == StandbyReplace }

// Drains is how long a member may take into Standby.
func (g Groups) Drains() Duration { return cmp.Or(g.Drain, MaxDrain) }

// GroupStandby is whether members of Auto Scaling groups are put into Standby.
type GroupStandby string

const (
	// StandbyNever leaves members alone.
	StandbyNever GroupStandby = "never"
	// StandbyShrink puts a member into Standby, and has its group do with one less meanwhile.
	StandbyShrink GroupStandby = "shrink"
	// StandbyReplace puts a member into Standby, and has its group launch another one meanwhile.
	StandbyReplace GroupStandby = "replace"
)

// GroupPick is which member stands for its group.
type GroupPick string

const (
	// PickOldest is the member that was launched first.
	PickOldest GroupPick = "oldest"
	// PickNewest is the member that was launched last.
	PickNewest GroupPick = "newest"
	// PickAny is the member with the lowest id.
	PickAny GroupPick = "any"
)

// groups is about members that are stopped.
func (c *checker) groups(p Plan) {
	g := p.Groups
	if g.Standby != "" {
		choice(c, "groups.standby", g.Standby, GroupStandbys)
	}
	c.pick(p)
	switch {
	case g.Stands() && p.Runs():
		c.add("groups.standby", "means nothing with consistency %s, which stops no instance", p.Consistency)
	case g.Drain != 0 && !g.Stands():
		c.add("groups.drain", "means nothing while no member is put into Standby: set standby to shrink or replace, or "+
			"leave it out")
	case g.Drain != 0 && (g.Drain < MinDrain || g.Drain > MaxDrain):
		c.add("groups.drain", "%s is outside 1m to 15m", g.Drain)
	}
}

// drain is about target groups of instances that are stopped.
func (c *checker) drain(p Plan) {
	if p.Drain && p.Runs() {
		c.add("drain", "means nothing with consistency %s, which stops no instance", p.Consistency)
	}
}

// pick is about which member stands for its group.
func (c *checker) pick(p Plan) {
	if p.Groups.Pick == "" {
		return
	}
	choice(c, "groups.pick", p.Groups.Pick, GroupPicks)
	if p.Sources.OfSnapshots() {
		c.add("groups.pick", "means nothing with sources.snapshots, which selects no instance")
	}
}
