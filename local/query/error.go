package query

import (
	"errors"
	"fmt"
	"net/http"
)

// Error is an error in the service's own words, as its clients receive it.
type Error struct {
	Code    string
	Message string
	Status  int // HTTP status; 0 means 400
}

// Errorf is an Error with status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error is the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// ErrDropped makes the service hang up instead of answering: the caller cannot
// know whether the call had its effect.
var ErrDropped = errors.New("connection dropped before the answer")

// ErrUnknownAction is returned by a Service's Serve for an action it does not
// have; the caller receives the service's InvalidAction.
var ErrUnknownAction = errors.New("unknown action")

func asError(err error, call *Call) *Error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if errors.Is(err, ErrUnknownAction) {
		return Errorf("InvalidAction", "The action %s is not valid for this web service.", call.Action)
	}
	return &Error{Code: "InternalError", Message: "An internal error has occurred: " + err.Error(),
		Status: http.StatusInternalServerError}
}

func (e *Error) status() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}
