package asl

import "time"

// maxEvents is the longest history of a Standard execution; one more event
// fails it.
const maxEvents = 25_000

// Event is one entry of an execution's history, with Step Functions' own type
// names. Which of the other fields are set depends on the type.
type Event struct {
	ID, Previous int
	At           time.Time
	Type         string
	// Name of the state, or of the Map of an iteration.
	Name string
	// Data is the input or output, when the runtime keeps data.
	Data any
	Err  *Error
	// State that the event is about; nil for those of the execution itself.
	State *State
	// Index of an iteration, or the length of a Map's items.
	Index int
	// MapRun ARN of MapRunStarted.
	MapRun string
	// Timeout and Heartbeat of a scheduled task in seconds, 0 for none.
	Timeout, Heartbeat int64
}

// eventNames are the types of a state's own events.
type eventNames struct{ entered, exited, started, succeeded, failed string }

func namesOfEvents(stateType string) eventNames {
	return eventNames{
		entered: stateType + "StateEntered", exited: stateType + "StateExited",
		started: stateType + "StateStarted", succeeded: stateType + "StateSucceeded", failed: stateType + "StateFailed",
	}
}

// History is a copy of the events recorded so far, oldest first.
func (e *Execution) History() []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Event(nil), e.events...)
}

// EventCount is the length of the history, recorded or not.
func (e *Execution) EventCount() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count
}

// record adds an event of one flow. The last place is kept for the end of the
// execution: when only that is left, the execution fails.
func (f *flow) record(event Event) {
	e := f.execution
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.outcome.Status != Running || e.count >= maxEvents-1 {
		return
	}
	e.append(f, event)
	if e.count == maxEvents-1 {
		// The exact wording of the cause is unverified.
		e.cancel(&stop{execution: e, status: Failed, err: runtimeError(
			"The execution reached the maximum number of history events (%d).", maxEvents)})
	}
}

// append is called with e.mu held.
func (e *Execution) append(f *flow, event Event) {
	e.count++
	if e.runtime.options.KeepEvents {
		event.ID, event.Previous = e.count, f.last
		if event.At.IsZero() {
			event.At = e.runtime.options.Clock.Now()
		}
		if !e.runtime.options.KeepData {
			event.Data = nil
		}
		e.events = append(e.events, event)
	}
	f.last = e.count
}
