package sfn

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"goldsmith/local/asl"
	"goldsmith/local/draw"
)

// version is a definition that does not change any more (Developer Guide, "State machine versions").
type version struct {
	number      int
	arn         string
	description string
	created     time.Time
	parsed      *asl.Machine
}

// alias leads to one version, or to two by their weights (Developer Guide, "State machine aliases").
type alias struct {
	name, description string
	created, updated  time.Time
	routes            []route
}

type route struct {
	StateMachineVersionArn string `json:"stateMachineVersionArn"`
	Weight                 int    `json:"weight"`
}

func (m *machine) version(number string) *version {
	for _, v := range m.versions {
		if strconv.Itoa(v.number) == number {
			return v
		}
	}
	return nil
}

// through is what an execution of that id runs: the version named, one that the alias leads to, or the machine's
// own definition, which has no ARN of a version.
func (n named) through(seed uint64, id string) version {
	switch {
	case n.only != nil:
		return *n.only
	case n.alias == "":
		return version{parsed: n.parsed}
	}
	routes := n.aliases[strings.TrimPrefix(n.alias, n.arn+":")].routes
	place := int(draw.Of(seed, "route", id).Fraction() * 100)
	for _, r := range routes {
		if place -= r.Weight; place < 0 {
			return *n.version(strings.TrimPrefix(r.StateMachineVersionArn, n.arn+":"))
		}
	}
	return version{parsed: n.parsed}
}

// Publish makes a version of what the state machine is now, and returns its ARN. The same definition is
// published once.
func (s *Service) Publish(arn string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.lookup(arn)
	if err != nil {
		return "", err
	}
	return s.publish(m.machine, "").arn, nil
}

func (s *Service) publish(m *machine, description string) *version {
	if len(m.versions) > 0 && m.versions[0].parsed == m.parsed {
		return m.versions[0]
	}
	m.published++
	v := &version{
		number: m.published, arn: m.arn + ":" + strconv.Itoa(m.published), description: description,
		created: s.options.Clock.Now(), parsed: m.parsed,
	}
	m.versions = slices.Insert(m.versions, 0, v)
	return v
}

// Lead makes an alias lead to a version alone; one that is not there is made.
func (s *Service) Lead(machine, name, versionARN string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.lookup(machine)
	if err != nil {
		return err
	}
	return s.lead(m.machine, name, []route{{versionARN, 100}})
}

func (s *Service) lead(m *machine, name string, routes []route) error {
	if err := m.checkRoutes(routes); err != nil {
		return err
	}
	now := s.options.Clock.Now()
	if m.aliases[name] == nil {
		m.aliases[name] = &alias{name: name, created: now}
	}
	m.aliases[name].routes, m.aliases[name].updated = routes, now
	return nil
}

// checkRoutes: one or two versions of the machine, whose weights make 100
// (API reference, RoutingConfigurationListItem).
func (m *machine) checkRoutes(routes []route) error {
	if len(routes) < 1 || len(routes) > 2 {
		return failure("ValidationException", "routingConfiguration must have one or two versions, got %d", len(routes))
	}
	all := 0
	for _, r := range routes {
		if m.version(strings.TrimPrefix(r.StateMachineVersionArn, m.arn+":")) == nil {
			return failure("ResourceNotFound", "routingConfiguration: there is no version '%s'", r.StateMachineVersionArn)
		}
		if r.Weight < 0 || r.Weight > 100 {
			return failure("ValidationException", "routingConfiguration: a weight of %d is not from 0 to 100", r.Weight)
		}
		all += r.Weight
	}
	if all != 100 {
		return failure("ValidationException", "routingConfiguration: the sum of the weights is %d, and must be 100", all)
	}
	return nil
}
