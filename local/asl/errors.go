package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Error is a States Language error: what Retry and Catch match by Name.
type Error struct {
	Name  string
	Cause string
}

func (e *Error) Error() string {
	if e.Cause == "" {
		return e.Name
	}
	return e.Name + ": " + e.Cause
}

// The reserved error names that this interpreter raises or matches.
const (
	ErrAll                             = "States.ALL"
	ErrTaskFailed                      = "States.TaskFailed"
	ErrTimeout                         = "States.Timeout"
	ErrHeartbeatTimeout                = "States.HeartbeatTimeout"
	ErrRuntime                         = "States.Runtime"
	ErrDataLimitExceeded               = "States.DataLimitExceeded"
	ErrNoChoiceMatched                 = "States.NoChoiceMatched"
	ErrResultPathMatchFailure          = "States.ResultPathMatchFailure"
	ErrExceedToleratedFailureThreshold = "States.ExceedToleratedFailureThreshold"
	// ErrLambdaService is what the Lambda service itself raises now and then;
	// AWS asks for a Retry that names it.
	ErrLambdaService = "Lambda.ServiceException"
)

// FunctionError is how Step Functions reports a Lambda function that returned
// an error: its type as the error's name, and the whole answer as the cause.
func FunctionError(errorType, errorMessage string) *Error {
	cause := encode(map[string]any{"errorMessage": errorMessage, "errorType": errorType})
	return &Error{Name: errorType, Cause: string(cause)}
}

func runtimeError(format string, args ...any) *Error {
	return &Error{Name: ErrRuntime, Cause: fmt.Sprintf(format, args...)}
}

// matches tells whether ErrorEquals covers an error. States.Runtime always fails
// the execution; States.DataLimitExceeded must be named; States.TaskFailed
// covers every other name but States.Timeout.
func matches(errorEquals []string, name string) bool {
	switch {
	case name == ErrRuntime:
		return false
	case slices.Contains(errorEquals, name):
		return true
	case name == ErrDataLimitExceeded:
		return false
	case slices.Contains(errorEquals, ErrAll):
		return true
	}
	return name != ErrTimeout && slices.Contains(errorEquals, ErrTaskFailed)
}

// errorOutput is what a Catch sees.
func errorOutput(e *Error) any { return map[string]any{"Error": e.Name, "Cause": e.Cause} }

// asError finds the States Language error in err; nil means that the execution
// itself was stopped.
func asError(err error) *Error {
	e, _ := errors.AsType[*Error](err)
	return e
}

// maxPayload is the largest input or output of a state, task or execution in
// bytes of UTF-8 JSON.
const maxPayload = 256 * 1024

func checkSize(state string, v any) error {
	if jsonSize(v) <= maxPayload {
		return nil
	}
	return &Error{Name: ErrDataLimitExceeded, Cause: fmt.Sprintf(
		"The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", state)}
}

// jsonSize is the length of v as encode would write it, without writing it.
func jsonSize(v any) int {
	switch v := v.(type) {
	case string:
		return stringSize(v)
	case json.Number:
		return len(v)
	case bool:
		if v {
			return 4
		}
		return 5
	case []any:
		n := 2 + max(0, len(v)-1)
		for _, x := range v {
			n += jsonSize(x)
		}
		return n
	case map[string]any:
		n := 2 + max(0, len(v)-1)
		for k, x := range v {
			n += stringSize(k) + 1 + jsonSize(x)
		}
		return n
	case nil:
		return 4
	}
	return len(encode(v))
}

func stringSize(s string) int {
	n := len(s) + 2
	for _, c := range s {
		switch {
		case c == '"', c == '\\', c == '\n', c == '\r', c == '\t', c == '\b', c == '\f':
			n++
		case c < 0x20:
			n += 5
		case c == '\u2028', c == '\u2029':
			n += 3
		}
	}
	return n
}
