package night_test

import (
	"strings"

	"goldsmith/local/asl"
)

// transitions stand beside the state machine. An execution that leaves a state
// enters the next at the same moment, so that entering is enough.
type transitions struct{ *chaos }

// Observe is told of every transition.
func (o transitions) Observe(t asl.Transition) asl.Action {
	kinds := []kind{runAborted}
	if t.Execution != t.Root {
		kinds = append(kinds, aborted)
	}
	switch t.Moment {
	case asl.Invoking, asl.Invoked:
		kinds = append(kinds, serviceError)
	case asl.Entered:
	case asl.Retrying, asl.Exited:
		return asl.Continue
	}
	name := t.Execution[strings.LastIndex(t.Execution, ":")+1:] + " " + string(t.Moment) + " " + t.State
	switch o.reach(name, kinds...) {
	case runAborted:
		return asl.AbortRoot
	case aborted:
		return asl.Abort
	case serviceError:
		return asl.FailTask
	default:
		return asl.Continue
	}
}
