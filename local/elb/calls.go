package elb

import (
	"maps"
	"slices"
	"strconv"

	"goldsmith/local/ec2"
	"goldsmith/local/query"
)

// target reads a TargetDescription. For instances a zone is not supported (API reference, TargetDescription).
func (g *group) target(p *query.Params) (place, error) {
	id, port := p.Text("Id"), p.Int("Port")
	switch {
	case id == "":
		return place{}, query.Errorf("ValidationError", "1 validation error detected: Value null at 'targets.1.member.id' "+
			"failed to satisfy constraint: Member must not be null")
	case p.Has("AvailabilityZone") && (g.Type == "instance" || g.Type == "alb"):
		return place{}, query.Errorf("ValidationError", "Availability zone '%s' cannot be specified for targets of type '%s'",
			p.Text("AvailabilityZone"), g.Type)
	}
	return g.place(id, port), nil
}

// asked are the target group of a call and the targets that it names. It is called with the lock held.
func (s *Service) asked(call *query.Call) (*group, []place, error) {
	g, err := s.group(call.Params.Text("TargetGroupArn"))
	if err != nil {
		return nil, nil, err
	}
	var named []place
	for _, p := range call.Params.List("Targets") {
		at, err := g.target(p)
		if err != nil {
			return nil, nil, err
		}
		call.Touch(at.id)
		named = append(named, at)
	}
	return g, named, call.Commit()
}

// toChange is what a call that changes targets is about, which has to name some.
func (s *Service) toChange(call *query.Call) (*group, []place, error) {
	g, named, err := s.asked(call)
	if err == nil && len(named) == 0 {
		err = query.Errorf("ValidationError", "1 validation error detected: Value null at 'targets' failed to satisfy "+
			"constraint: Member must not be null")
	}
	return g, named, err
}

// registerTargets makes targets. "If the target is an EC2 instance, it must be in the running state when you register
// it" (API reference, RegisterTargets); the words are those in kubernetes-sigs/cluster-api-provider-aws#5037.
func registerTargets(s *Service, call *query.Call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, named, err := s.toChange(call)
	if err != nil {
		return err
	}
	for _, at := range named {
		switch {
		case g.Type != "instance":
		case s.options.EC2.VPC(at.id) != g.VPC:
			return query.Errorf("InvalidTarget", "The specified target does not exist, is not in the same VPC as the target "+
				"group, or has an unsupported instance type: '%s'", at.id)
		case s.options.EC2.State(at.id) != ec2.Running:
			return query.Errorf("InvalidTarget",
				"The following targets are not in a running state and cannot be registered: '%s'", at.id)
		}
	}
	for _, at := range named {
		g.register(at, s.options.Clock.Now())
	}
	return nil
}

// deregisterTargets has targets drain. "If the specified target does not exist, the action returns successfully"; one
// with a port of its own is meant only with that (API reference, DeregisterTargets).
func deregisterTargets(s *Service, call *query.Call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, named, err := s.toChange(call)
	if err != nil {
		return err
	}
	for _, at := range named {
		g.deregister(at, s.options.Clock.Now())
	}
	return nil
}

// describeTargetHealth answers for the targets that it names, or for all.
func describeTargetHealth(s *Service, call *query.Call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, named, err := s.asked(call)
	if err != nil {
		return err
	}
	if len(named) == 0 {
		named = g.registered(s.options.Clock.Now())
	}
	query.Items(call.Out, "TargetHealthDescriptions", named, func(at place) {
		is := s.health(g, at)
		call.Out.Element("Target", func() {
			call.Out.Text("Id", at.id)
			call.Out.Int("Port", at.port)
		})
		call.Out.Element("TargetHealth", func() {
			call.Out.Text("State", is.state)
			call.Out.Optional("Reason", is.reason)
			call.Out.Optional("Description", is.description)
		})
	})
	return nil
}

// most is how many target groups a page holds (API reference, DescribeTargetGroups).
const most = 400

// describeGroups lists target groups, page by page.
func describeGroups(s *Service, call *query.Call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	size, marker := most, call.Params.Text("Marker")
	if call.Params.Has("PageSize") {
		size = call.Params.Int("PageSize")
	}
	if err := call.Commit(); err != nil {
		return err
	}
	if size < 1 || size > most {
		return query.Errorf("ValidationError", "1 validation error detected: Value '%d' at 'pageSize' failed to satisfy "+
			"constraint: Member must have value between 1 and %d", size, most)
	}
	all := slices.Sorted(maps.Keys(s.groups))
	from, known := slices.BinarySearch(all, marker)
	if marker != "" && !known {
		return query.Errorf("ValidationError", "Invalid marker '%s'", marker)
	}
	page, next := all[from:], ""
	if len(page) > size {
		page, next = page[:size], page[size]
	}
	query.Items(call.Out, "TargetGroups", page, func(arn string) { s.groups[arn].write(call.Out, arn, s.options) })
	call.Out.Optional("NextMarker", next)
	return nil
}

func (g *group) write(out *query.Writer, arn string, o Options) {
	out.Text("TargetGroupArn", arn)
	out.Text("TargetGroupName", g.Name)
	out.Text("TargetType", g.Type)
	if g.Type != "lambda" { // It has neither.
		out.Int("Port", g.Port)
		out.Text("VpcId", g.VPC)
	}
	balancers := []string{}
	if !g.Unused {
		balancers = append(balancers, "arn:aws:elasticloadbalancing:"+o.Region+":"+o.Account+":loadbalancer/app/"+g.Name+
			"/50dc6c495c0c9188")
	}
	out.Texts("LoadBalancerArns", balancers)
}

// describeAttributes tells how long a target group lets connections drain.
func describeAttributes(s *Service, call *query.Call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.group(call.Params.Text("TargetGroupArn"))
	if err != nil {
		return err
	}
	if err := call.Commit(); err != nil {
		return err
	}
	attributes := [][2]string{{"stickiness.enabled", "false"}}
	if g.Type != "lambda" {
		attributes = append(attributes,
			[2]string{"deregistration_delay.timeout_seconds", strconv.Itoa(int(g.Delay.Seconds()))})
	}
	query.Items(call.Out, "Attributes", attributes, func(a [2]string) {
		call.Out.Text("Key", a[0])
		call.Out.Text("Value", a[1])
	})
	return nil
}
