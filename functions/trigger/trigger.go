// Package trigger starts runs: for a schedule that fired, a tag that was put on,
// or a person who asked. The execution's name is derived from what asked, so
// that an event delivered twice starts one run.
package trigger

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"goldsmith/shared/event"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/runs"
)

// Step starts runs.
type Step struct {
	Starter runs.Starter
	Ledger  requests
	SFN     executionsAPI
	Home    event.Home
	Now     func() time.Time
}

// Answer says what an event led to.
type Answer struct {
	// Run and Execution are the run's name and ARN; empty when nothing was started.
	Run       string `json:"run,omitempty"`
	Execution string `json:"execution,omitempty"`
	// Repeated is set when the run had been started before.
	Repeated bool `json:"repeated,omitempty"`
	// Ignored says why the event starts nothing.
	Ignored string `json:"ignored,omitempty"`
}

// Handle starts the run that the event asks for.
func (s Step) Handle(ctx context.Context, raw json.RawMessage) (Answer, error) {
	decoded, err := event.Decode(raw, s.Home)
	if err != nil {
		return Answer{}, &fault.Failed{Err: err, Do: "Nothing was started."}
	}
	var begun runs.Begun
	switch e := decoded.(type) {
	case event.Scheduled:
		begun, err = s.scheduled(ctx, e)
	case event.Requested:
		return s.requested(ctx, e)
	case event.RunNow:
		begun, err = s.asked(ctx, e)
	case event.Ignored:
		return Answer{Ignored: e.Why}, nil
	default:
		return Answer{Ignored: fmt.Sprintf("%T starts nothing", decoded)}, nil
	}
	return answerOf(begun), err
}

func answerOf(b runs.Begun) Answer {
	return Answer{Run: b.Run, Execution: b.Execution, Repeated: b.Repeated}
}

func (s Step) scheduled(ctx context.Context, e event.Scheduled) (runs.Begun, error) {
	p, ok := s.Starter.Plans.Plans[e.Plan]
	if !ok {
		return runs.Begun{}, fault.Failure("Deploy the suite again, so that schedules and plans agree.", "schedule %s: %s",
			e.Schedule, s.Starter.Unknown(e.Plan))
	}
	return s.Starter.Scheduled(ctx, p, e.Time)
}

func (s Step) asked(ctx context.Context, e event.RunNow) (runs.Begun, error) {
	p, problem := s.Starter.Wanted(e.Plan)
	if problem != "" {
		return runs.Begun{}, fault.Failure("Nothing was started.", "%s", problem)
	}
	at := e.At
	if at.IsZero() {
		at = s.Now().UTC()
	}
	id := e.ID
	if lc, ok := lambdacontext.FromContext(ctx); ok && id == "" {
		// Lambda repeats an asynchronous invocation under the same request id.
		id = lc.AwsRequestID
	}
	request := job.Request{Source: e.Source, By: e.By, Data: e.Data}
	if e.Source != "" {
		request.Kind = job.KindOf(e.Source)
	}
	return s.Starter.Asked(ctx, p, cmp.Or(id, at.UTC().Format(job.Basic)), at, request)
}
