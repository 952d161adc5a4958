package autoscaling

import "goldsmith/local/query"

// setDesiredCapacity says how many a group wants. The words are unverified.
func setDesiredCapacity(s *Service, call *query.Call) error {
	p := call.Params
	if !p.Has("DesiredCapacity") {
		return invalid("1 validation error detected: Value null at 'desiredCapacity' failed to satisfy constraint: Member " +
			"must not be null")
	}
	n := p.Int("DesiredCapacity")
	return s.changed(call, func(g *group) (func(), error) {
		switch {
		case n > g.max:
			return nil, invalid("New SetDesiredCapacity value %d is above max value %d for the AutoScalingGroup.", n, g.max)
		case n < g.min:
			return nil, invalid("New SetDesiredCapacity value %d is below min value %d for the AutoScalingGroup.", n, g.min)
		}
		return func() { g.desired = n }, nil
	})
}

// setInstanceProtection protects members from scale in, or no longer.
func setInstanceProtection(s *Service, call *query.Call) error {
	p := call.Params
	ids, on := p.Texts("InstanceIds"), p.Bool("ProtectedFromScaleIn")
	switch {
	case len(ids) == 0:
		return invalid("1 validation error detected: Value '[]' at 'instanceIds' failed to satisfy constraint: Member " +
			"must have length greater than or equal to 1")
	case len(ids) > 50:
		return invalid("The number of instance IDs may not exceed 50.")
	case !p.Has("ProtectedFromScaleIn"):
		return invalid("1 validation error detected: Value null at 'protectedFromScaleIn' failed to satisfy constraint: " +
			"Member must not be null")
	}
	call.Touch(ids...)
	return s.changed(call, func(g *group) (func(), error) {
		var members []*member
		for _, id := range ids {
			m := g.member(id)
			switch {
			case m == nil:
				return nil, invalid("The instance %s is not part of Auto Scaling group %s.", id, g.name)
			case !m.counts() && !m.away():
				return nil, invalid("The instance %s is not in InService or EnteringStandby or Standby.", id)
			}
			members = append(members, m)
		}
		return func() {
			for _, m := range members {
				m.protected = on
			}
		}, nil
	})
}
