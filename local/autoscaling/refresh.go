package autoscaling

import (
	"cmp"
	"slices"
	"time"

	"goldsmith/local/query"
)

// status is an instance refresh's.
type status string

const (
	waiting            status = "Pending"
	inProgress         status = "InProgress"
	baking             status = "Baking"
	cancelling         status = "Cancelling"
	rollbackInProgress status = "RollbackInProgress"
)

// refresh is one instance refresh, strategy Rolling.
type refresh struct {
	id             string
	status         status
	reason         string
	started, ended time.Time
	preferences    preferences
	// desired is nil when members are replaced by what the group launches anyway.
	desired *config
	// generation marks the members that it launched.
	generation int
	// total is how many members there were to replace, left how many still are.
	total, left int
	moved       time.Time // when it last got on
	passed      int       // checkpoints
	paused      time.Time // until
	bake        time.Time // until
	rollback    *rollback
	// numbers are the versions that what is launched stands for, when matching members are skipped.
	numbers map[spec]string
}

type rollback struct {
	reason  string
	started time.Time
	percent int
	left    int
}

// active is the refresh that is under way, of which there is at most one.
func (g *group) active() *refresh {
	if len(g.refreshes) == 0 || !g.refreshes[0].ended.IsZero() {
		return nil
	}
	return g.refreshes[0]
}

func startRefresh(s *Service, call *query.Call) error {
	p := call.Params
	if strategy := p.Text("Strategy"); strategy != "" && strategy != "Rolling" {
		return invalid("The embedded Auto Scaling has no strategy but Rolling.")
	}
	wanted, err := readPreferences(p.At("Preferences"))
	if err != nil {
		return err
	}
	r := &refresh{status: waiting, preferences: wanted}
	desired, given, err := readConfig(p.At("DesiredConfiguration"))
	if err != nil {
		return err
	}
	if given {
		r.desired = &desired
	}
	alias, err := s.aliased(call, r.desired)
	if err != nil {
		return err
	}
	r.numbers = s.numbersOf(call, r.desired)
	return s.changed(call, func(g *group) (func(), error) {
		if g.active() != nil {
			return nil, query.Errorf("InstanceRefreshInProgress",
				"An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.")
		}
		if err := cmp.Or(r.allowed(g, alias), r.preferences.quiet(s.alarms)); err != nil {
			return nil, err
		}
		return func() {
			r.preferences.maintained(g, p)
			r.begin(s, g)
			call.Out.Text("InstanceRefreshId", r.id)
		}, nil
	})
}

// aliased completes the desired config and tells whether it or the group's own
// takes its image from a parameter.
func (s *Service) aliased(call *query.Call, desired *config) (bool, error) {
	s.mu.Lock()
	g, err := s.group(call)
	var own config
	if err == nil {
		own = g.config.clone()
	}
	s.mu.Unlock()
	if err != nil {
		return false, err
	}
	alias, err := s.complete(call.Context, &own)
	if err != nil {
		return false, err
	}
	if desired == nil {
		return alias, s.launchable(call.Context, &own)
	}
	theirs, err := s.complete(call.Context, desired)
	if err != nil {
		return false, err
	}
	return alias || theirs, s.launchable(call.Context, desired)
}

// numbersOf are the versions of the desired config, or of the group's own.
func (s *Service) numbersOf(call *query.Call, desired *config) map[spec]string {
	s.mu.Lock()
	launched := config{}
	if g, err := s.group(call); err == nil {
		launched = g.config.clone()
	}
	s.mu.Unlock()
	if desired != nil {
		launched = desired.clone()
	}
	return s.numbers(call.Context, &launched)
}

// allowed holds the rules of the Auto Scaling User Guide's pages on instance refreshes, their rollback, and parameters
// in launch templates. The codes are the documented one for a bad request; the words are ours.
func (r *refresh) allowed(g *group, alias bool) error {
	switch {
	case g.deleting:
		return query.Errorf("ResourceContention",
			"You already have a pending update to an Auto Scaling resource (for example, a group, instance, or load balancer).")
	case r.desired != nil && g.config.mixed && !r.desired.mixed:
		return invalid("The desired configuration of a group with a mixed instances policy must contain the whole mixed " +
			"instances policy.")
	case r.preferences.autoRollback && !r.reversible(g):
		return invalid("Auto rollback needs a desired configuration, and a group whose launch template version is a number.")
	case r.preferences.skipMatching || r.desired != nil:
		return r.comparable(g, alias)
	}
	return nil
}

// comparable holds that instances can be told apart by what they were launched from.
func (r *refresh) comparable(g *group, alias bool) error {
	attributes := g.config.attributeBased() || r.desired != nil && r.desired.attributeBased()
	switch {
	case alias:
		return invalid("Skip matching and desired configuration are not supported for launch templates that use an AWS " +
			"Systems Manager parameter instead of an AMI ID.")
	case attributes:
		return invalid("Skip matching and desired configuration are not supported for groups with attribute-based " +
			"instance type selection.")
	}
	return nil
}

func (r *refresh) reversible(g *group) bool { return r.desired != nil && g.config.numbered() }

// begin is called with the lock held.
func (r *refresh) begin(s *Service, g *group) {
	g.generation++
	r.id, r.generation, r.started = s.newID(), g.generation, s.options.Clock.Now()
	r.moved = r.started
	g.refreshes = append([]*refresh{r}, g.refreshes...)
	r.total = len(r.stale(g))
	r.left = r.total
}

func cancelRefresh(s *Service, call *query.Call) error {
	return s.changed(call, func(g *group) (func(), error) {
		r := g.active()
		if r == nil || r.status == cancelling {
			return nil, query.Errorf("ActiveInstanceRefreshNotFound",
				"No in progress or pending Instance Refresh found for Auto Scaling group %s", g.name)
		}
		return func() {
			r.status = cancelling
			r.reason = "Cancelled due to user request"
			call.Out.Text("InstanceRefreshId", r.id)
		}, nil
	})
}

func rollbackRefresh(s *Service, call *query.Call) error {
	return s.changed(call, func(g *group) (func(), error) {
		r := g.active()
		switch {
		case r == nil || r.status == cancelling || r.status == rollbackInProgress:
			return nil, query.Errorf("ActiveInstanceRefreshNotFound",
				"No in progress or pending Instance Refresh found for Auto Scaling group %s", g.name)
		case !r.reversible(g):
			return nil, query.Errorf("IrreversibleInstanceRefresh",
				"The instance refresh of group %s can't be rolled back: it needs a desired configuration, and a group whose "+
					"launch template version is a number.", g.name)
		}
		return func() {
			r.rollBack(s, g, "Rollback initiated by user")
			call.Out.Text("InstanceRefreshId", r.id)
		}, nil
	})
}

func describeRefreshes(s *Service, call *query.Call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.group(call)
	if err != nil {
		return err
	}
	ids := call.Params.Texts("InstanceRefreshIds")
	list := slices.DeleteFunc(slices.Clone(g.refreshes), func(r *refresh) bool { return len(ids) > 0 && !has(ids, r.id) })
	shown, next, err := page(call, list, 50)
	if err != nil {
		return err
	}
	query.Items(call.Out, "InstanceRefreshes", shown, func(r *refresh) { writeRefresh(call.Out, g, r) })
	call.Out.Optional("NextToken", next)
	return nil
}

func writeRefresh(out *query.Writer, g *group, r *refresh) {
	out.Text("InstanceRefreshId", r.id)
	out.Text("AutoScalingGroupName", g.name)
	out.Text("Status", string(r.status))
	out.Optional("StatusReason", r.reason)
	out.Text("Strategy", "Rolling")
	out.Time("StartTime", r.started)
	out.Time("EndTime", r.ended)
	out.Int("PercentageComplete", r.percent())
	out.Int("InstancesToUpdate", r.left)
	r.preferences.write(out)
	if r.desired != nil {
		out.Element("DesiredConfiguration", func() { writeConfig(out, *r.desired) })
	}
	if r.rollback != nil {
		out.Element("RollbackDetails", func() {
			out.Text("RollbackReason", r.rollback.reason)
			out.Time("RollbackStartTime", r.rollback.started)
			out.Int("PercentageCompleteOnRollback", r.rollback.percent)
			out.Int("InstancesToUpdateOnRollback", r.rollback.left)
		})
	}
}

func (r *refresh) percent() int {
	if r.total == 0 {
		return 100
	}
	return 100 * (r.total - r.left) / r.total
}
