// Package fault knows what AWS's errors mean and which of them the state
// machine tells apart.
//
// Step Functions sees only the outermost Go type name of a Lambda's error, so
// errors are wrapped freely inside and turned once, at the edge, into one of
// the types below. A test holds them equal to the names in the definition.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Transient means AWS was busy or unreachable: the same call works in seconds or minutes.
type Transient struct {
	Err error
	do  string
}

// Error is the wrapped error's text, in brief, and what to do about it on a line of its own.
func (e *Transient) Error() string { return lines(e.Err, e.do) }

// Unwrap gives the wrapped error.
func (e *Transient) Unwrap() error { return e.Err }

// NotYet means that the source is not in the state the call needs, but on its way.
type NotYet struct {
	Err error
	do  string
}

// Error is the wrapped error's text, in brief, and what to do about it on a line of its own.
func (e *NotYet) Error() string { return lines(e.Err, e.do) }

// Unwrap gives the wrapped error.
func (e *NotYet) Unwrap() error { return e.Err }

// Reached means that what a step waits for is there. It is no failure: a look of a step that waits for a token can hand
// over nothing else but an error.
type Reached struct{ Err error }

// Error is the wrapped error's text.
func (e *Reached) Error() string { return e.Err.Error() }

// Unwrap gives the wrapped error.
func (e *Reached) Unwrap() error { return e.Err }

// NoCapacity means EC2 has no room to start the instance; patience of hours is needed.
type NoCapacity struct {
	Err error
	do  string
}

// Error is the wrapped error's text, in brief, and what to do about it on a line of its own.
func (e *NoCapacity) Error() string { return lines(e.Err, e.do) }

// Unwrap gives the wrapped error.
func (e *NoCapacity) Unwrap() error { return e.Err }

// Failed means that trying again will not help. It reads as what failed, and what to do now.
type Failed struct {
	Err error
	// Do is one sentence for the person who reads the message; may be empty.
	Do string
	// edge is set on what a Lambda hands over.
	edge bool
}

// Error says what failed and what to do. Where a Lambda hands it over what to do stands on a line of its own,
// so that who reads it can tell the two apart.
func (e *Failed) Error() string {
	switch {
	case e.edge:
		return e.lined()
	case e.Do == "":
		return Brief(e.Err)
	default:
		return fmt.Sprintf("%s. %s", strings.TrimSuffix(Brief(e.Err), "."), e.Do)
	}
}

// lines are an error in brief, and what to do about it, if anything, on a line of its own.
func lines(err error, do string) string {
	text := strings.ReplaceAll(Brief(err), "\n", " ")
	if do == "" {
		return Brief(err)
	}
	return strings.TrimSuffix(text, ".") + ".\n" + do
}

func (e *Failed) lined() string {
	if e.Do != "" {
		return lines(e.Err, e.Do)
	}
	text := strings.ReplaceAll(Brief(e.Err), "\n", " ")
	do := e.does()
	if what, ends := strings.CutSuffix(text, " "+do); ends && do != "" {
		return what + "\n" + do
	}
	return text
}

// does is what to do, as the decision said.
func (e *Failed) does() string {
	var decided *Failed
	if e.Do != "" || !errors.As(e.Err, &decided) {
		return e.Do
	}
	return decided.does()
}

// Unwrap gives the wrapped error.
func (e *Failed) Unwrap() error { return e.Err }

// Failure makes a Failed; do is the sentence saying what to do now.
func Failure(do, format string, args ...any) *Failed {
	return &Failed{Err: fmt.Errorf(format, args...), Do: do}
}

// Edge turns err into the type that the state machine knows it by. It is called
// once, where a Lambda hands its error over.
func Edge(err error) error {
	if err == nil {
		return nil
	}
	// The innermost decision was made closest to the fact, so a type that is
	// there already stands; its text keeps what was wrapped around it.
	var failed *Failed
	if errors.As(err, &failed) {
		return &Failed{Err: err, edge: true}
	}
	do := Remedy(Code(err))
	if do != "" && strings.HasSuffix(err.Error(), "\n"+do) {
		do = "" // It has been handed over before.
	}
	switch {
	case is[*Reached](err):
		return &Reached{err}
	case is[*NotYet](err):
		return &NotYet{err, do}
	case is[*NoCapacity](err), IsNoCapacity(err):
		return &NoCapacity{err, do}
	case IsNotYet(err):
		return &NotYet{err, do}
	case is[*Transient](err), IsTransient(err):
		return &Transient{err, do}
	default:
		return &Failed{Err: err, Do: do, edge: true}
	}
}

// Lasts reports whether the same call fails again until somebody does something about it.
func Lasts(err error) bool { return is[*Failed](Edge(err)) }

func is[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}
