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

	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"golang.org/x/sync/errgroup"

	"goldsmith/shared/event"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// Runs is the ledger's runs as far as recovering needs them.
type Runs interface {
	GetRun(ctx context.Context, name string) (r ledger.Run, ok bool, err error)
	PutRun(ctx context.Context, r ledger.Run) error
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
		answer, claims, err := s.sweep(ctx)
		return answer, errors.Join(err, s.rescue.endProofs(ctx, claims), s.tellUntold(ctx, claims), s.tellOverdue(ctx))
	case event.ExecutionEnded:
		if !s.ours(e) || e.Status == "SUCCEEDED" {
			return Answer{Ignored: "execution " + e.ARN + " leaves nothing behind"}, nil
		}
		answer, _, err := s.sweep(ctx)
		return answer, errors.Join(err, s.tell(ctx, e))
	default:
		return Answer{Ignored: fmt.Sprintf("%T is nothing to recover from", decoded)}, nil
	}
}

// atOnce is how many claims are looked at together: a thousand of them fit one
// invocation then, and EC2's StartInstances takes two a second in any case.
const atOnce = 16

// sweep looks at every claim. One that cannot be settled does not keep the others from it.
func (s Step) sweep(ctx context.Context) (answer Answer, claims []ledger.Claim, err error) {
	for claim, err := range s.rescue.Claims.Claims(ctx) {
		if err != nil {
			return answer, nil, fmt.Errorf("reading the claims: %w", err)
		}
		claims = append(claims, claim)
	}
	down, problems := make([]bool, len(claims)), make([]error, len(claims))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, claim := range claims {
		group.Go(func() error {
			var err error
			if down[i], err = s.rescue.Settle(ctx, claim); err != nil {
				problems[i] = fmt.Errorf("recovering %s: %w", claim.Source, err)
			}
			return nil
		})
	}
	_ = group.Wait() // problems holds them all
	answer.Claims = len(claims)
	for _, isDown := range down {
		if isDown {
			answer.Down++
		}
	}
	report(ctx, answer, oldest(claims, s.rescue.Now()))
	handler.Log(ctx).InfoContext(ctx, "swept", "claims", answer.Claims, "down", answer.Down)
	return answer, claims, errors.Join(problems...)
}

func oldest(claims []ledger.Claim, now time.Time) time.Duration {
	var age time.Duration
	for _, claim := range claims {
		age = max(age, now.Sub(claim.Since))
	}
	return age
}

// ours reports whether the execution is one of the suite's; a child of its Map
// has the machine's name with a label after a slash.
func (s Step) ours(e event.ExecutionEnded) bool {
	machine, _, _ := strings.Cut(e.Machine, "/")
	return machine == s.machine
}

// hearing is how long a run's own status event has the word: it comes within
// seconds or not at all, and two who tell at once would send two messages.
const hearing = 6 * time.Minute

// tellUntold speaks for runs whose claims show that they were cut off, and
// whose status event was lost.
func (s Step) tellUntold(ctx context.Context, claims []ledger.Claim) error {
	var problems []error
	looked := map[string]bool{}
	for _, c := range claims {
		if looked[c.Run] {
			continue
		}
		looked[c.Run] = true
		run, ok, err := s.runs.GetRun(ctx, c.Run)
		if err != nil || !ok || !run.Told.IsZero() {
			problems = append(problems, err)
			continue
		}
		status, ended, err := s.rescue.statusOf(ctx, run.Execution)
		if err == nil && cutOff[status] && s.rescue.Now().Sub(ended) > hearing {
			err = s.speak(ctx, run, string(status))
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// cutOff are the ways to end that leave no time to tell.
var cutOff = map[sfntypes.ExecutionStatus]bool{
	sfntypes.ExecutionStatusFailed: true, sfntypes.ExecutionStatusTimedOut: true, sfntypes.ExecutionStatusAborted: true,
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
	return s.speak(ctx, run, e.Status)
}

// speak tells of a run that ended with that status.
func (s Step) speak(ctx context.Context, run ledger.Run, status string) error {
	// A run that has ended by its own doing only failed to be told; what it found stands.
	if run.Problem == "" && run.Ended.IsZero() {
		run.Problem = fmt.Sprintf("The execution ended as %s before the run was done", status)
	}
	p, known := s.plans.Plans[run.Plan]
	if !known {
		p = plan.Plan{Name: run.Plan, Notify: s.plans.Plans[s.plans.Default].Notify}
	}
	_, err := s.teller.Tell(ctx, run, p)
	return err
}
