package autoscaling

import (
	"fmt"
	"slices"
	"time"

	"goldsmith/local/query"
)

// lifecycle is a member's LifecycleState.
type lifecycle string

const (
	pending     lifecycle = "Pending"
	inService   lifecycle = "InService"
	entering    lifecycle = "EnteringStandby"
	standby     lifecycle = "Standby"
	terminating lifecycle = "Terminating"
)

type member struct {
	id, typ, image, zone, subnet string
	// template is what it was launched from, with the version's number; own is the choice that led to it.
	template  spec
	own       choice
	state     lifecycle
	healthy   bool
	protected bool
	// replaced is whether it was put into Standby with as many wanted as before.
	replaced bool
	since    time.Time // of being in service
	// open are the lifecycle hooks that it waits for, and until when; hooked is what they were opened for.
	open       map[string]time.Time
	hooked     lifecycle
	generation int // the group's when it was launched
}

func (m *member) health() string {
	if m.healthy {
		return "Healthy"
	}
	return "Unhealthy"
}

// counts tells whether the member is part of the group's capacity.
func (m *member) counts() bool { return m.state == pending || m.state == inService }

// draining is how long a member takes into standby without a load balancer;
// AWS gives no figure.
const draining = 3 * time.Second

// enterStandby works from InService only; to shrink the group the new desired
// capacity must not be below its minimum (Auto Scaling User Guide, standby).
func enterStandby(s *Service, call *query.Call) error {
	shrink := call.Params.Bool("ShouldDecrementDesiredCapacity")
	return s.changed(call, func(g *group) (func(), error) {
		chosen, err := g.chosen(call, inService)
		if err != nil {
			return nil, err
		}
		before, n := g.desired, unitsOf(chosen)
		if !call.Params.Has("ShouldDecrementDesiredCapacity") {
			return nil, invalid("1 validation error detected: Value null at 'shouldDecrementDesiredCapacity' failed to " +
				"satisfy constraint: Member must not be null")
		}
		if shrink && g.desired-n < g.min {
			return nil, g.sizesForbid("To place into standby", n)
		}
		return func() {
			cause := "."
			if shrink {
				g.desired -= n
				cause = fmt.Sprintf(", shrinking the capacity from %d to %d.", before, g.desired)
			}
			now := s.options.Clock.Now()
			for _, m := range chosen {
				m.state, m.replaced = entering, !shrink
				s.deregister(g, m)
				s.options.Clock.AfterFunc(draining, func() { s.entered(g, m) })
			}
			s.writeActivities(call, g, chosen, activity{
				description: "Moving EC2 instance to Standby: ", status: "InProgress", progress: 50,
				cause: "At " + iso(now) + " instance %s was moved to standby in response to a user request" + cause,
			})
		}, nil
	})
}

// entered has a member in Standby once its load balancers have drained.
func (s *Service) entered(g *group, m *member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case m.state != entering:
	case slices.ContainsFunc(g.targets, func(arn string) bool { return s.options.Targets.State(arn, m.id) == "draining" }):
		s.options.Clock.AfterFunc(draining, func() { s.entered(g, m) })
	default:
		m.state = standby
	}
}

func (s *Service) deregister(g *group, m *member) {
	for _, arn := range g.targets {
		s.options.Targets.Deregister(arn, m.id)
	}
}

// Return is what ExitStandby does to what a group wants for a member that was put into Standby with as many wanted as
// before, of which AWS's pages do not agree.
type Return string

const (
	// Raises has the group want one more, as for any other (API reference, ExitStandby).
	Raises Return = "raises"
	// Keeps leaves what it wants, so that it has more than that: "It applies the termination policy in effect to reduce
	// the size of the group" (Auto Scaling User Guide, as-enter-exit-standby).
	Keeps Return = "keeps"
)

// SetReturn says which.
func (s *Service) SetReturn(r Return) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.returns = r
}

// returning are the units by which what a group wants grows for members that leave Standby.
func (s *Service) returning(members []*member) (n int) {
	for _, m := range members {
		if !m.replaced || s.returns != Keeps {
			n += m.units()
		}
	}
	return n
}

// exitStandby increments the desired capacity, which must not pass the maximum.
func exitStandby(s *Service, call *query.Call) error {
	return s.changed(call, func(g *group) (func(), error) {
		chosen, err := g.chosen(call, standby)
		if err != nil {
			return nil, err
		}
		before, n := g.desired, s.returning(chosen)
		if !g.runs("Launch") {
			// "While Launch is suspended, you cannot return an instance in the Standby state to service" (User Guide,
			// as-suspend-resume-processes). The words are ours.
			return nil, invalid("The Launch process of AutoScalingGroup %s is suspended: instances can't exit Standby.", g.name)
		}
		if g.desired+n > g.max {
			return nil, g.sizesForbid("To take out of standby", n)
		}
		return func() {
			g.desired += n
			for _, m := range chosen {
				m.state = pending // As healthy as before it was put into Standby.
			}
			s.writeActivities(call, g, chosen, activity{
				description: "Moving EC2 instance out of Standby: ", status: "PreInService", progress: 30,
				cause: "At " + iso(s.options.Clock.Now()) +
					fmt.Sprintf(" instance %%s was moved out of standby in response to a user request, increasing the capacity "+
						"from %d to %d.", before, g.desired),
			})
		}, nil
	})
}

// sizesForbid is in Auto Scaling's words for entering; for leaving the words are unverified.
func (g *group) sizesForbid(what string, n int) error {
	noun := "instance"
	if n > 1 {
		noun = "instances"
	}
	return invalid("AutoScalingGroup %s has min-size=%d, max-size=%d, and desired-size=%d. %s %d %s, please update the "+
		"AutoScalingGroup sizes appropriately.",
		g.name, g.min, g.max, g.desired, what, n, noun)
}

// chosen are the members a call names; each must be in the state wanted.
func (g *group) chosen(call *query.Call, want lifecycle) ([]*member, error) {
	ids := call.Params.Texts("InstanceIds")
	if len(ids) == 0 {
		return nil, invalid("1 validation error detected: Value '[]' at 'instanceIds' failed to satisfy constraint: " +
			"Member must have length greater than or equal to 1")
	}
	call.Touch(ids...)
	var found []*member
	for _, id := range ids {
		m := g.member(id)
		if m == nil {
			return nil, invalid("The instance %s is not part of Auto Scaling group %s.", id, g.name)
		}
		if m.state != want {
			return nil, invalid("The instance %s is not in %s.", id, want)
		}
		found = append(found, m)
	}
	return found, nil
}

func (g *group) member(id string) *member {
	for _, m := range g.members {
		if m.id == id {
			return m
		}
	}
	return nil
}

// activity is what a call started, for each of its instances.
type activity struct {
	description, cause, status string
	progress                   int
}

func (s *Service) writeActivities(call *query.Call, g *group, members []*member, a activity) {
	out := call.Out
	query.Items(out, "Activities", members, func(m *member) {
		s.note(g, scalingActivity{
			description: a.description + m.id, cause: fmt.Sprintf(a.cause, m.id), started: s.options.Clock.Now(),
			status: a.status, progress: a.progress, details: placeOf(m.subnet, m.zone),
		}).write(out)
	})
}
