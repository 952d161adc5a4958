package sfn

import (
	"time"

	"goldsmith/local/asl"
)

// redrivable is how long after its end an execution may be redriven.
const redrivable = 14 * 24 * time.Hour

// Redrive has an execution that did not succeed go on where it ended.
func (s *Service) Redrive(arn string) (time.Time, error) {
	old, err := s.find(arn)
	if err != nil {
		return time.Time{}, err
	}
	status, reason := redriveOf(old.describe())
	now := s.options.Clock.Now()
	if status != "REDRIVABLE" || now.Sub(old.Outcome().Stopped) > redrivable {
		return time.Time{}, failure("ExecutionNotRedrivable", "%s", reason)
	}
	again := old.Redrive()
	s.mu.Lock()
	if s.executions[arn] != old || again == nil {
		s.mu.Unlock()
		return time.Time{}, failure("ExecutionNotRedrivable", "Execution is %s and cannot be redriven", asl.Running)
	}
	s.replace(old, again)
	s.mu.Unlock()
	again.Start()
	return now, nil
}

// replace puts a redriven execution in the place of what it was; s.mu is held.
func (s *Service) replace(old *record, again *asl.Execution) {
	r := &record{Execution: again, number: old.number, input: old.input, machine: old.machine,
		version: old.version, alias: old.alias}
	s.executions[r.ID], s.order[r.number-1] = r, r
}

// redriveKnown is how long a redrive of the same client token is the same (API reference, RedriveExecution).
const redriveKnown = 15 * time.Minute

type redriveInput struct{ ExecutionArn, ClientToken string }

func (s *Service) redriveExecution(in redriveInput) (any, error) {
	if err := present("executionArn", in.ExecutionArn); err != nil {
		return nil, err
	}
	s.mu.Lock()
	known := s.redrives[in]
	s.mu.Unlock()
	if now := s.options.Clock.Now(); in.ClientToken != "" && now.Sub(known) < redriveKnown {
		return object{"redriveDate": seconds(known)}, nil
	}
	at, err := s.Redrive(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.redrives[in] = at
	return object{"redriveDate": seconds(at)}, nil
}
