package sfn

import (
	"slices"

	"goldsmith/local/asl"
)

type listInput struct {
	StateMachineArn, MapRunArn, NextToken string
	StatusFilter                          asl.Status
	RedriveFilter                         string
	MaxResults                            int
}

var statuses = []asl.Status{"", asl.Running, asl.Succeeded, asl.Failed, asl.TimedOut, asl.Aborted, "PENDING_REDRIVE"}

func (s *Service) listExecutions(in listInput) (any, error) {
	filter, err := s.filter(in)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(in.MaxResults)
	if err != nil {
		return nil, err
	}
	before, err := pageAfter(in.NextToken)
	if err != nil {
		return nil, err
	}
	list := []object{}
	out := object{}
	for _, r := range s.matching(filter, before) {
		if len(list) == size {
			out["nextToken"] = page(before)
			break
		}
		x := r.describe()
		listed := x.listed()
		if filter.MapRun != "" {
			listed["itemCount"] = 1
		}
		list, before = append(list, listed), r.number
	}
	out["executions"] = list
	return out, nil
}

func (s *Service) filter(in listInput) (Filter, error) {
	if (in.StateMachineArn == "") == (in.MapRunArn == "") {
		return Filter{}, failure("ValidationException", "Specify either stateMachineArn or mapRunArn")
	}
	if !slices.Contains(statuses, in.StatusFilter) {
		return Filter{}, failure("ValidationException",
			"1 validation error detected: Value '%s' at 'statusFilter' failed to satisfy constraint", in.StatusFilter)
	}
	redriven, err := redrivenBy(in.RedriveFilter)
	if err != nil {
		return Filter{}, err
	}
	if in.MapRunArn != "" {
		_, _, err := s.mapRun(in.MapRunArn)
		return Filter{MapRun: in.MapRunArn, Status: in.StatusFilter, Redriven: redriven}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.lookup(in.StateMachineArn)
	if err != nil {
		return Filter{}, err
	}
	filter := Filter{Machine: m.arn, Status: in.StatusFilter, Redriven: redriven}
	if in.StateMachineArn != m.arn {
		filter.Through = in.StateMachineArn
	}
	return filter, nil
}

// redrivenBy reads a filter by redrives; nil for all executions.
func redrivenBy(filter string) (*bool, error) {
	redriven := filter == "REDRIVEN"
	switch filter {
	case "":
		return nil, nil
	case "REDRIVEN", "NOT_REDRIVEN":
		return &redriven, nil
	}
	return nil, failure("ValidationException", "1 validation error detected: Value '%s' at 'redriveFilter' "+
		"failed to satisfy constraint", filter)
}

type machinesInput struct {
	MaxResults int
	NextToken  string
}

func (s *Service) listStateMachines(in machinesInput) (any, error) {
	size, err := pageSize(in.MaxResults)
	if err != nil {
		return nil, err
	}
	from, err := pageAfter(in.NextToken)
	if err != nil {
		return nil, err
	}
	all := s.sortedMachines()
	end := min(len(all), from+size)
	list := []object{}
	for _, m := range all[min(from, end):end] {
		list = append(list, object{
			"stateMachineArn": m.arn, "name": m.name, "type": "STANDARD", "creationDate": seconds(m.created),
		})
	}
	out := object{"stateMachines": list}
	if end < len(all) {
		out["nextToken"] = page(end)
	}
	return out, nil
}

func (s *Service) sortedMachines() []*machine {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*machine
	for _, m := range s.machines {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *machine) int {
		if d := a.created.Compare(b.created); d != 0 {
			return d
		}
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return all
}

type machineInput struct{ StateMachineArn string }

func (s *Service) describeStateMachine(in machineInput) (any, error) {
	if err := present("stateMachineArn", in.StateMachineArn); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.lookup(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	through := m.through(s.options.Seed, "")
	return object{
		"stateMachineArn": in.StateMachineArn, "name": m.name, "status": "ACTIVE", "type": "STANDARD",
		"definition": through.parsed.Definition, "roleArn": m.role, "creationDate": seconds(m.created),
		"loggingConfiguration": object{"level": "OFF", "includeExecutionData": false},
		"tracingConfiguration": object{"enabled": false},
	}.set("description", through.description), nil
}
