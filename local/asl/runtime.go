package asl

import (
	"context"
	"sync"
	"time"

	"goldsmith/local/clock"
	"goldsmith/local/draw"
)

// Invoker calls a Lambda function by ARN (or by the FunctionName a definition
// gives) with one JSON value and returns another. A nil answer is JSON null. It
// may be called again for the same state, and is not told when the execution
// that called it was stopped: Lambda functions run on in AWS, too.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) ([]byte, *Error)
}

// Options of a Runtime. Clock and Invoker are required.
type Options struct {
	Clock   *clock.Clock
	Invoker Invoker
	// Seed decides every random number (jitter, tokens, ids of child
	// executions), together with execution, state and attempt.
	Seed uint64
	// HeartbeatError is what an expired heartbeat raises: ErrTimeout (the default), as histories recorded on AWS
	// have it, or ErrHeartbeatTimeout, which AWS's pages name too.
	HeartbeatError string
	// ChildLag is how much later than a stopped execution the children of its Map run end. StopExecution answers
	// before they have.
	ChildLag time.Duration
	// EarlyTokensLost is whether a token that is spent before its function has answered ends nothing, though
	// the call succeeds. No AWS page says.
	EarlyTokensLost bool
	// TransitionsPerSecond is the account's quota of state transitions, in bursts of a second's; 0 for none.
	TransitionsPerSecond float64
	// Observer sees every transition; nil for none.
	Observer Observer
	// Changed is told when an execution, or a child of a distributed Map,
	// starts and when it has ended. It is called outside of locks.
	Changed func(*Execution)
	// KeepEvents records the history of executions; they are counted anyway.
	KeepEvents bool
	// KeepData also records inputs and outputs in it.
	KeepData bool
}

// Runtime runs executions and holds the task tokens they wait for. It is safe
// for concurrent use.
type Runtime struct {
	options Options
	pace    *pace

	mu     sync.Mutex
	tokens map[string]*settlement
}

// NewRuntime is a runtime without executions.
func NewRuntime(o Options) *Runtime {
	if o.HeartbeatError == "" {
		o.HeartbeatError = ErrTimeout
	}
	return &Runtime{options: o, pace: newPace(o.TransitionsPerSecond), tokens: map[string]*settlement{}}
}

// Moment says where in a state an execution is.
type Moment string

// The moments an Observer sees. Each attempt of a Task has an Invoking and, when
// its function has answered, an Invoked.
const (
	Entered  Moment = "entered"
	Invoking Moment = "invoking"
	Invoked  Moment = "invoked"
	Retrying Moment = "retrying"
	Exited   Moment = "exited"
)

// Transition is what an Observer sees. Root is the execution that the Map run of
// a child belongs to, or the execution itself.
type Transition struct {
	Execution string
	Root      string
	State     string
	Moment    Moment
	Attempt   int
	At        time.Time
}

// Action is what an Observer wants to happen next.
type Action int

// Continue lets the execution go on. FailTask ends the attempt with
// Lambda.ServiceException: at Invoking before the function is called, at Invoked
// after it has done its work. Abort stops the execution as StopExecution does,
// AbortRoot the one that its Map run belongs to, with all children.
const (
	Continue Action = iota
	FailTask
	Abort
	AbortRoot
)

// Observer may slow down, fail or abort what it sees. It is called from many
// goroutines and must not block for long.
type Observer interface {
	Observe(Transition) Action
}

// draw is what chance has for the parts.
func (r *Runtime) draw(parts ...string) draw.Draw { return draw.Of(r.options.Seed, parts...) }

// stamp writes a time as the context object has it: milliseconds, no trailing zeros.
func stamp(t time.Time) string {
	return t.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano)
}
