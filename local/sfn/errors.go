package sfn

import "fmt"

// Error is an error of the Step Functions API. Code is the shape's name in the
// API model, such as ExecutionAlreadyExists.
type Error struct {
	Code, Message string
	// Reason is set for some of the ValidationExceptions.
	Reason string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func failure(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
