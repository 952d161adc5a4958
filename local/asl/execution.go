package asl

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Identity is what an execution and its context object call themselves.
type Identity struct {
	// ID is the execution's ARN, Name its last part.
	ID, Name string
	// MachineID is the state machine's ARN, MachineName its last part.
	MachineID, MachineName string
	RoleARN                string
}

// Status of an execution, in Step Functions' words.
type Status string

// The statuses an execution can have.
const (
	Running   Status = "RUNNING"
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	TimedOut  Status = "TIMED_OUT"
	Aborted   Status = "ABORTED"
)

// Execution is one run of a machine, or of one item of a distributed Map.
type Execution struct {
	Identity
	// Input as given; not to be changed.
	Input   any
	Started time.Time
	// MapRun is the ARN of the Map run that started this child, else empty.
	MapRun string
	// Parent is the execution with that Map, else nil.
	Parent *Execution

	machine *Machine
	runtime *Runtime
	ctx     context.Context
	cancel  context.CancelCauseFunc
	done    chan struct{}

	mu          sync.Mutex
	outcome     Outcome
	count       int
	events      []Event
	transitions int
	children    []*Execution
	mapRuns     []*MapRun
	// items are the children of the Map run that goes on, by item.
	items map[int]*Execution
	// resume is where a redriven execution goes on, ended where this one came to.
	resume, ended *place
	redrives      int
	redriven      time.Time
}

// Outcome is how far an execution has come. Output is set when it SUCCEEDED,
// Err when it ended otherwise and gave a reason.
type Outcome struct {
	Status  Status
	Stopped time.Time
	Output  any
	Err     *Error
}

// stop is the cause of an execution's end from outside its states.
type stop struct {
	execution *Execution
	status    Status
	err       *Error
}

func (s *stop) Error() string { return fmt.Sprintf("execution %s: %v", s.status, s.err) }

// New prepares an execution; Start makes it run.
func (r *Runtime) New(m *Machine, id Identity, input []byte) (*Execution, error) {
	v, err := decode(input)
	if err != nil {
		return nil, fmt.Errorf("input of execution %s: %w", id.Name, err)
	}
	return r.prepare(context.Background(), m, id, v), nil
}

func (r *Runtime) prepare(ctx context.Context, m *Machine, id Identity, input any) *Execution {
	ctx, cancel := context.WithCancelCause(ctx)
	return &Execution{
		Identity: id, Input: input, Started: r.options.Clock.Now(),
		machine: m, runtime: r, ctx: ctx, cancel: cancel, done: make(chan struct{}),
		outcome: Outcome{Status: Running},
	}
}

// Start runs the execution in its own goroutine.
func (e *Execution) Start() {
	e.changed()
	go e.run()
}

// Abort stops the execution and the children it has, as StopExecution does. An
// execution that has ended stays as it is.
func (e *Execution) Abort(err *Error) { e.cancel(&stop{execution: e, status: Aborted, err: err}) }

// Done is closed when the execution has ended.
func (e *Execution) Done() <-chan struct{} { return e.done }

// Outcome is how far the execution has come.
func (e *Execution) Outcome() Outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.outcome
}

// Transitions counts states entered and retries, here and in the children.
func (e *Execution) Transitions() int {
	e.mu.Lock()
	n, children := e.transitions, e.children
	e.mu.Unlock()
	for _, child := range children {
		n += child.Transitions()
	}
	return n
}

// Children are the executions that distributed Maps have started so far.
func (e *Execution) Children() []*Execution {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.children[:len(e.children):len(e.children)]
}

func (e *Execution) run() {
	defer e.cancel(nil)
	if e.machine.Timeout.Set() {
		limit := time.Duration(e.machine.Timeout.Fixed) * time.Second
		timer := e.runtime.options.Clock.AfterFunc(limit, func() {
			e.cancel(&stop{execution: e, status: TimedOut, err: &Error{Name: ErrTimeout}})
		})
		defer timer.Stop()
	}
	f := &flow{execution: e}
	state, input := e.begin(f)
	kind := "ExecutionStarted"
	if e.redrives > 0 {
		kind = "ExecutionRedriven"
	}
	f.record(Event{Type: kind, Data: e.Input})
	output, err := f.from(e.ctx, e.machine, state, input)
	e.finish(f, e.conclude(output, err))
}

// conclude turns the end of the states into the end of the execution. A child
// whose parent was stopped is ABORTED.
func (e *Execution) conclude(output any, err error) Outcome {
	now := e.runtime.options.Clock.Now()
	if err == nil {
		return Outcome{Status: Succeeded, Stopped: now, Output: output}
	}
	if failure := asError(err); failure != nil {
		return Outcome{Status: Failed, Stopped: now, Err: failure}
	}
	if s, ok := errors.AsType[*stop](err); ok && s.execution == e {
		return Outcome{Status: s.status, Stopped: now, Err: s.err}
	}
	return Outcome{Status: Aborted, Stopped: now}
}

var lastEvents = map[Status]string{
	Succeeded: "ExecutionSucceeded", Failed: "ExecutionFailed", TimedOut: "ExecutionTimedOut", Aborted: "ExecutionAborted",
}

func (e *Execution) finish(f *flow, o Outcome) {
	e.mu.Lock()
	e.append(f, Event{Type: lastEvents[o.Status], Data: o.Output, Err: o.Err, At: o.Stopped})
	e.outcome = o
	e.mu.Unlock()
	e.changed()
	close(e.done)
}

func (e *Execution) changed() {
	if e.runtime.options.Changed != nil {
		e.runtime.options.Changed(e)
	}
}

// root is the execution that a person started.
func (e *Execution) root() *Execution {
	if e.Parent == nil {
		return e
	}
	return e.Parent.root()
}

// child is the identity of one execution of a Map run:
// execution:MACHINE:NAME becomes execution:MACHINE/LABEL:UUID.
func (i Identity) child(label, uuid string) Identity {
	prefix := strings.TrimSuffix(i.ID, ":"+i.Name)
	return Identity{
		ID: prefix + "/" + label + ":" + uuid, Name: uuid,
		MachineID: i.MachineID + "/" + label, MachineName: i.MachineName + "/" + label, RoleARN: i.RoleARN,
	}
}

// mapRun is the ARN of one run of a distributed Map.
func (i Identity) mapRun(label, uuid string) string {
	return strings.Replace(i.child(label, uuid).ID, ":execution:", ":mapRun:", 1)
}
