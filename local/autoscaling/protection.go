package autoscaling

import "goldsmith/local/query"

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
