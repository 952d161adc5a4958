// Package sfn is the Step Functions service of the embedded AWS: the real
// wire protocol (awsJson1_0 with X-Amz-Target, as service/sfn sends it) in front
// of the interpreter of local/asl. It knows the service's names, ARNs, rules of
// idempotency, errors and events; facts are from the service's API model and
// developer guide unless a comment says otherwise.
package sfn

import (
	"context"
	"fmt"
	"sync"
	"time"

	"goldsmith/local/asl"
	"goldsmith/local/bucket"
	"goldsmith/local/clock"
)

// Options of a Service. Clock, Region, Account and Invoker are required.
type Options struct {
	Clock   *clock.Clock
	Region  string
	Account string
	Invoker asl.Invoker
	// These are handed to the interpreter.
	Seed            uint64
	Observer        asl.Observer
	HeartbeatError  string
	ChildLag        time.Duration
	EarlyTokensLost bool
	// TransitionsPerSecond is the account's quota of state transitions; 0 for none.
	TransitionsPerSecond float64
	// Emit takes Step Functions Execution Status Change events, in the order in
	// which they happen to one execution; nil for none.
	Emit func(source, detailType string, resources []string, detail any)
	// ChildEvents also emits events for the children of distributed Maps. That
	// AWS does so is unverified.
	ChildEvents bool
	// History keeps the events that GetExecutionHistory shows, with their data.
	// Without it a night of 10,000 sources takes a fraction of the memory.
	History bool
}

// TransitionsPerSecond is the quota of state transitions of an account that is not new
// (Developer Guide, "Quotas related to state throttling").
func TransitionsPerSecond(region string) float64 {
	if large(region) {
		return 5000
	}
	return 800
}

// Service holds state machines and their executions. It is an http.Handler and
// safe for concurrent use.
type Service struct {
	options Options
	runtime *asl.Runtime

	mu         sync.Mutex
	machines   map[string]*machine
	executions map[string]*record
	// order is every execution from the oldest to the newest.
	order []*record
	// redrives are when the executions were redriven, by what was asked.
	redrives map[redriveInput]time.Time
	named    int
	buckets  bucket.Set
}

type machine struct {
	arn, name, role string
	created         time.Time
	parsed          *asl.Machine
	versions        []*version // the newest first
	published       int
	aliases         map[string]*alias
}

// record is an execution as the service knows it.
type record struct {
	*asl.Execution
	number  int
	input   string
	machine string
	// version and alias are what it was started through; empty for the machine itself.
	version, alias string
}

// New is a service without state machines.
func New(o Options) *Service {
	s := &Service{options: o, machines: map[string]*machine{}, executions: map[string]*record{},
		redrives: map[redriveInput]time.Time{}, buckets: bucket.Set{}}
	s.runtime = asl.NewRuntime(asl.Options{
		Clock: o.Clock, Invoker: o.Invoker, Seed: o.Seed, Observer: o.Observer,
		HeartbeatError: o.HeartbeatError, ChildLag: o.ChildLag, EarlyTokensLost: o.EarlyTokensLost, Changed: s.changed,
		TransitionsPerSecond: o.TransitionsPerSecond,
		KeepEvents:           o.History, KeepData: o.History,
	})
	return s
}

// Create adds a Standard state machine and returns its ARN. The definition is
// refused, with all reasons, when the interpreter does not implement it.
func (s *Service) Create(name string, definition []byte, substitutions map[string]string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	parsed, err := parse(definition, substitutions)
	if err != nil {
		return "", fmt.Errorf("state machine %s: %w", name, err)
	}
	m := &machine{
		arn: s.arn("stateMachine", name), name: name, parsed: parsed, created: s.options.Clock.Now(),
		role: fmt.Sprintf("arn:aws:iam::%s:role/%s", s.options.Account, name), aliases: map[string]*alias{},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.machines[m.arn] != nil {
		return "", failure("StateMachineAlreadyExists", "State Machine Already Exists: '%s'", m.arn)
	}
	s.machines[m.arn] = m
	return m.arn, nil
}

// Update gives a state machine another definition, as UpdateStateMachine does: executions that have started keep
// the one that they began with, those of their distributed Maps included.
func (s *Service) Update(arn string, definition []byte, substitutions map[string]string) error {
	parsed, err := parse(definition, substitutions)
	if err != nil {
		return fmt.Errorf("state machine %s: %w", arn, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.lookup(arn)
	if err != nil {
		return err
	}
	m.parsed = parsed
	return nil
}

// parsed are the machines by what they were parsed from. Executions only read a machine,
// so that a thousand services may share the one of the deployed definition.
var parsed sync.Map

func parse(definition []byte, substitutions map[string]string) (*asl.Machine, error) {
	key := fmt.Sprintf("%q %s", substitutions, definition) // maps are printed in the order of their keys
	if known, ok := parsed.Load(key); ok {
		return known.(*asl.Machine), nil
	}
	m, err := asl.Parse(definition, substitutions)
	if err == nil {
		parsed.Store(key, m)
	}
	return m, err
}

// Close aborts every execution and returns when all have ended.
func (s *Service) Close() {
	s.mu.Lock()
	all := append([]*record(nil), s.order...)
	s.mu.Unlock()
	for _, r := range all {
		r.Abort(nil)
	}
	for _, r := range all {
		<-r.Done()
	}
}

// Transitions counts the state transitions of an execution and its children as
// they are billed: states entered, and retries (Developer Guide, workflow types).
func (s *Service) Transitions(arn string) (int, error) {
	r, err := s.find(arn)
	if err != nil {
		return 0, err
	}
	return r.Transitions(), nil
}

// Wait returns when the execution has ended, or with ctx's error.
func (s *Service) Wait(ctx context.Context, arn string) (Execution, error) {
	r, err := s.find(arn)
	if err != nil {
		return Execution{}, err
	}
	select {
	case <-r.Done():
		return r.describe(), nil
	case <-ctx.Done():
		return Execution{}, context.Cause(ctx)
	}
}

// Stop aborts an execution, with the children it has. One that has ended stays
// as it is. error and cause may be empty.
func (s *Service) Stop(arn, name, cause string) error {
	r, err := s.find(arn)
	if err != nil {
		return err
	}
	var reason *asl.Error
	if name != "" || cause != "" {
		reason = &asl.Error{Name: name, Cause: cause}
	}
	r.Abort(reason)
	return nil
}

func (s *Service) find(arn string) (*record, error) {
	if !executionARN.MatchString(arn) {
		return nil, failure("InvalidArn", "Invalid Arn: '%s'", arn)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.executions[arn]; r != nil {
		return r, nil
	}
	return nil, failure("ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn)
}

func (s *Service) arn(kind, rest string) string {
	return fmt.Sprintf("arn:aws:states:%s:%s:%s:%s", s.options.Region, s.options.Account, kind, rest)
}

// add is called with s.mu held.
func (s *Service) add(r *record) {
	r.number = len(s.order) + 1
	s.executions[r.ID] = r
	s.order = append(s.order, r)
}

// changed hears from the interpreter; children of Maps are first seen here.
func (s *Service) changed(e *asl.Execution) {
	s.mu.Lock()
	r := s.executions[e.ID]
	switch {
	case r == nil || r.Execution != e && e.Redrives() == 0:
		r = &record{Execution: e, machine: e.MachineID}
		s.add(r)
	case r.Execution != e && e.Redrives() > r.Redrives():
		s.replace(r, e)
		r = s.executions[e.ID]
	}
	s.mu.Unlock()
	if s.options.Emit != nil && (e.Parent == nil || s.options.ChildEvents) {
		s.emit(r.describe())
	}
}
