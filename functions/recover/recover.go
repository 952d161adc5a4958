// Package recovery brings back what ended runs left stopped, and tells of runs
// that could not tell of themselves. It works from claims and from what EC2
// says, never from memory, so it may run at any time and twice at once.
package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"goldsmith/shared/event"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// Runs is the ledger's runs as far as recovering needs them.
type Runs interface {
	GetRun(ctx context.Context, name string) (r ledger.Run, ok bool, err error)
}

// Teller tells people how a run ended.
type Teller interface {
	Tell(ctx context.Context, run ledger.Run, p plan.Plan) (plan.Outcome, error)
}

// Step recovers.
type Step struct {
	rescue Rescue
	runs   Runs
	teller Teller
	plans  plan.Plans
	// machine is the state machine's ARN: executions of others are nobody's business here.
	machine string
}

// New makes the step.
func New(rescue Rescue, runs Runs, teller Teller, plans plan.Plans, machine string) Step {
	return Step{rescue, runs, teller, plans, machine}
}

// Answer says what was found, for the log and for a person who called it by hand.
type Answer struct {
	// Claims is how many there are; Down how many of them keep an instance from running.
	Claims int `json:"claims"`
	Down   int `json:"down"`
	// Ignored says why the event is nothing to recover from.
	Ignored string `json:"ignored,omitempty"`
}

// Handle sweeps the claims of ended runs: on the event of an execution that did
// not end well, and on a schedule in case that event was lost.
func (s Step) Handle(ctx context.Context, raw json.RawMessage) (Answer, error) {
	decoded, err := event.Decode(raw)
	if err != nil {
		return Answer{}, &fault.Failed{Err: err}
	}
	switch e := decoded.(type) {
	case event.Sweep:
		return s.sweep(ctx)
	case event.ExecutionEnded:
		if !s.ours(e) || e.Status == "SUCCEEDED" {
			return Answer{Ignored: "execution " + e.ARN + " leaves nothing behind"}, nil
		}
		answer, err := s.sweep(ctx)
		return answer, errors.Join(err, s.tell(ctx, e))
	default:
		return Answer{Ignored: fmt.Sprintf("%T is nothing to recover from", decoded)}, nil
	}
}

// sweep looks at every claim. One that cannot be settled does not keep the others from it.
func (s Step) sweep(ctx context.Context) (Answer, error) {
	var answer Answer
	var problems []error
	var oldest time.Duration
	for claim, err := range s.rescue.Claims.Claims(ctx) {
		if err != nil {
			return answer, fmt.Errorf("reading the claims: %w", err)
		}
		answer.Claims++
		oldest = max(oldest, s.rescue.Now().Sub(claim.Since))
		down, err := s.rescue.Settle(ctx, claim)
		if down {
			answer.Down++
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("recovering %s: %w", claim.Source, err))
		}
	}
	report(ctx, answer, oldest)
	handler.Log(ctx).InfoContext(ctx, "swept", "claims", answer.Claims, "down", answer.Down)
	return answer, errors.Join(problems...)
}

// ours reports whether the execution is one of the suite's; a child of its Map
// has the machine's name with a label after a slash.
func (s Step) ours(e event.ExecutionEnded) bool {
	machine, _, _ := strings.Cut(e.Machine, "/")
	return machine == s.machine
}

// tell speaks for a run that ended without doing so. A child's end is told by its run.
func (s Step) tell(ctx context.Context, e event.ExecutionEnded) error {
	if strings.Contains(e.Machine, "/") {
		return nil
	}
	run, ok, err := s.runs.GetRun(ctx, e.Name)
	if err != nil {
		return fmt.Errorf("reading run %s: %w", e.Name, err)
	}
	if !ok {
		run = ledger.Run{Name: e.Name, Plan: "unknown", Execution: e.ARN}
	}
	// A run that has ended by its own doing only failed to be told; what it found stands.
	if run.Problem == "" && run.Ended.IsZero() {
		run.Problem = fmt.Sprintf("The execution ended as %s before the run was done", e.Status)
	}
	p, known := s.plans.Plans[run.Plan]
	if !known {
		p = plan.Plan{Name: run.Plan, Notify: s.plans.Plans[s.plans.Default].Notify}
	}
	_, err = s.teller.Tell(ctx, run, p)
	return err
}
