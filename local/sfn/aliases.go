package sfn

import (
	"regexp"
	"slices"
	"strings"
)

type listQualifiedInput struct {
	StateMachineArn, NextToken string
	MaxResults                 int
}

func (s *Service) listStateMachineVersions(in listQualifiedInput) (any, error) {
	m, err := s.unqualified(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	var list []object
	for _, v := range m.versions {
		list = append(list, object{"stateMachineVersionArn": v.arn, "creationDate": seconds(v.created)})
	}
	return paged(in, "stateMachineVersions", list)
}

func (s *Service) listStateMachineAliases(in listQualifiedInput) (any, error) {
	m, err := s.unqualified(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	var list []object
	for name, a := range m.aliases {
		list = append(list, object{"stateMachineAliasArn": m.arn + ":" + name, "creationDate": seconds(a.created)})
	}
	slices.SortFunc(list, func(a, b object) int {
		return strings.Compare(a["stateMachineAliasArn"].(string), b["stateMachineAliasArn"].(string))
	})
	return paged(in, "stateMachineAliases", list)
}

func paged(in listQualifiedInput, name string, list []object) (any, error) {
	size, err := pageSize(in.MaxResults)
	if err != nil {
		return nil, err
	}
	from, err := pageAfter(in.NextToken)
	if err != nil {
		return nil, err
	}
	end := min(len(list), from+size)
	out := object{name: append([]object{}, list[min(from, end):end]...)}
	if end < len(list) {
		out["nextToken"] = page(end)
	}
	return out, nil
}

// unqualified is a state machine by its own ARN.
func (s *Service) unqualified(arn string) (*machine, error) {
	if err := present("stateMachineArn", arn); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.lookup(arn)
	if err != nil {
		return nil, err
	}
	if m.only != nil || m.alias != "" {
		return nil, failure("InvalidArn", "Invalid Arn: '%s'", arn)
	}
	return m.machine, nil
}

type publishInput struct{ StateMachineArn, Description string }

func (s *Service) publishStateMachineVersion(in publishInput) (any, error) {
	m, err := s.unqualified(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.publish(m, in.Description)
	return object{"stateMachineVersionArn": v.arn, "creationDate": seconds(v.created)}, nil
}

type aliasInput struct{ StateMachineAliasArn string }

// alias finds an alias by its ARN; s.mu is held.
func (s *Service) alias(arn string) (*machine, *alias, error) {
	if err := present("stateMachineAliasArn", arn); err != nil {
		return nil, nil, err
	}
	m, err := s.lookup(arn)
	if err == nil && m.alias == "" || err != nil && strings.HasPrefix(err.Error(), "StateMachineDoesNotExist") {
		return nil, nil, failure("ResourceNotFound", "Resource Not Found: '%s'", arn)
	}
	if err != nil {
		return nil, nil, err
	}
	return m.machine, m.aliases[strings.TrimPrefix(arn, m.arn+":")], nil
}

func (s *Service) describeStateMachineAlias(in aliasInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, a, err := s.alias(in.StateMachineAliasArn)
	if err != nil {
		return nil, err
	}
	return object{
		"stateMachineAliasArn": in.StateMachineAliasArn, "name": a.name, "routingConfiguration": a.routes,
		"creationDate": seconds(a.created), "updateDate": seconds(a.updated),
	}.set("description", a.description), nil
}

type updateAliasInput struct {
	StateMachineAliasArn string
	Description          *string
	RoutingConfiguration []route
}

func (s *Service) updateStateMachineAlias(in updateAliasInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, a, err := s.alias(in.StateMachineAliasArn)
	if err != nil {
		return nil, err
	}
	if in.Description == nil && in.RoutingConfiguration == nil {
		return nil, failure("ValidationException", "Either the routing configuration or the description must be given")
	}
	if in.RoutingConfiguration != nil {
		if err := s.lead(m, a.name, in.RoutingConfiguration); err != nil {
			return nil, err
		}
	}
	if in.Description != nil {
		a.description = *in.Description
	}
	a.updated = s.options.Clock.Now()
	return object{"updateDate": seconds(a.updated)}, nil
}

type createAliasInput struct {
	Name, Description    string
	RoutingConfiguration []route
}

var aliasName = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,80}$`)

func (s *Service) createStateMachineAlias(in createAliasInput) (any, error) {
	if !aliasName.MatchString(in.Name) || strings.Trim(in.Name, "0123456789") == "" {
		return nil, failure("ValidationException", "1 validation error detected: Value '%s' at 'name' "+
			"failed to satisfy constraint", in.Name)
	}
	if len(in.RoutingConfiguration) == 0 {
		return nil, present("routingConfiguration", "")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.lookup(in.RoutingConfiguration[0].StateMachineVersionArn)
	if err != nil {
		return nil, failure("ResourceNotFound", "Resource Not Found: '%s'", in.RoutingConfiguration[0].StateMachineVersionArn)
	}
	if m.aliases[in.Name] != nil {
		return nil, failure("ConflictException", "Alias already exists: '%s'", in.Name)
	}
	if err := s.lead(m.machine, in.Name, in.RoutingConfiguration); err != nil {
		return nil, err
	}
	m.aliases[in.Name].description = in.Description
	return object{
		"stateMachineAliasArn": m.arn + ":" + in.Name, "creationDate": seconds(s.options.Clock.Now()),
	}, nil
}
