// Package trigger starts runs: for a schedule that fired, a tag that was put on,
// or a person who asked. The execution's name is derived from what asked, so
// that an event delivered twice starts one run.
package trigger

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"goldsmith/shared/event"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/metric"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// Executions starts executions.
type Executions interface {
	StartExecution(context.Context, *sfn.StartExecutionInput, ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error)
}

// Step starts runs.
type Step struct {
	executions Executions
	plans      plan.Plans
	machine    string
	now        func() time.Time
}

// New makes the step; machine is the state machine's ARN, or that of its alias.
func New(executions Executions, plans plan.Plans, machine string, now func() time.Time) Step {
	return Step{executions, plans, machine, now}
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
	decoded, err := event.Decode(raw)
	if err != nil {
		return Answer{}, &fault.Failed{Err: err, Do: "Nothing was started."}
	}
	switch e := decoded.(type) {
	case event.Scheduled:
		return s.scheduled(ctx, e)
	case event.Requested:
		return s.requested(ctx, e)
	case event.RunNow:
		return s.asked(ctx, e)
	case event.Ignored:
		return Answer{Ignored: e.Why}, nil
	default:
		return Answer{Ignored: fmt.Sprintf("%T starts nothing", decoded)}, nil
	}
}

func (s Step) scheduled(ctx context.Context, e event.Scheduled) (Answer, error) {
	p, ok := s.plans.Plans[e.Plan]
	if !ok {
		return Answer{}, fault.Failure("Deploy the suite again, so that schedules and plans agree.", "schedule %s: %s", e.Schedule, s.unknown(e.Plan))
	}
	return s.start(ctx, page(p, job.RunName(e.Plan, e.Time), e.Time, nil))
}

// requested starts a run for one source. A value that names no plan starts one
// too: it touches nothing and tells, where people look, what is wrong with the tag.
func (s Step) requested(ctx context.Context, e event.Requested) (Answer, error) {
	request := &job.Request{Source: e.ID, Kind: e.Kind, Value: e.Value}
	name := fmt.Sprintf("request-%s-v%d", e.ID, e.Version)
	p, problem := s.wanted(e.Value)
	started := page(p, name, e.Time, request)
	if problem != "" {
		started.Problem = fmt.Sprintf("Tag %s=%s on %s: %s. Put the tag on again with one of them, or with %q", tag.Request, e.Value, e.ID, problem, tag.RequestDefault)
	}
	return s.start(ctx, started)
}

func (s Step) wanted(value string) (plan.Plan, string) {
	name := value
	if value == tag.RequestDefault || value == "" {
		name = s.plans.Default
	}
	if p, ok := s.plans.Plans[name]; ok {
		return p, ""
	}
	fallback := s.plans.Plans[s.plans.Default]
	return plan.Plan{Name: s.plans.Default, Notify: fallback.Notify, Concurrency: 1}, s.unknown(name)
}

// asked starts a run because a person asked. A person may run a plan whose
// window is over, so the window opens now.
func (s Step) asked(ctx context.Context, e event.RunNow) (Answer, error) {
	p, problem := s.wanted(e.Plan)
	if problem != "" {
		return Answer{}, fault.Failure("Nothing was started.", "%s", problem)
	}
	at := e.At
	if at.IsZero() {
		at = s.now().UTC()
	}
	id := e.ID
	if lc, ok := lambdacontext.FromContext(ctx); ok && id == "" {
		// Lambda repeats an asynchronous invocation under the same request id.
		id = lc.AwsRequestID
	}
	name := fit(p.Name + "-now-" + cmp.Or(id, at.UTC().Format(job.Basic)))
	request := &job.Request{Source: e.Source, By: e.By}
	if e.Source != "" {
		request.Kind = job.KindOf(e.Source)
	}
	return s.start(ctx, page(p, name, at, request))
}

func (s Step) unknown(name string) string {
	return fmt.Sprintf("there is no plan %q; there are: %s", name, strings.Join(s.plans.Names(), ", "))
}

// longest is how long an execution's name may be.
const longest = 80

// fit keeps a name within the limit, and different from any other.
func fit(name string) string {
	if len(name) <= longest {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:longest-17] + "-" + hex.EncodeToString(sum[:8])
}

// page is the run's input. It says nothing that differs between two deliveries
// of the same event, so that Step Functions knows the second for what it is.
func page(p plan.Plan, name string, at time.Time, request *job.Request) job.Page {
	at = at.UTC()
	return job.Page{
		Run: job.Run{
			Name: name, Plan: p.Name, Scheduled: at, Closes: at.Add(time.Duration(p.Window)), Request: request,
		},
		Plan:    p,
		Sources: []job.Source{},
	}
}

func (s Step) start(ctx context.Context, p job.Page) (Answer, error) {
	p.Execution = executionARN(s.machine, p.Run.Name)
	answer := Answer{Run: p.Run.Name, Execution: p.Execution}
	input, err := json.Marshal(p)
	if err != nil {
		return Answer{}, fmt.Errorf("writing the input of run %s: %w", p.Run.Name, err)
	}
	_, err = s.executions.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String(s.machine), Name: aws.String(p.Run.Name), Input: aws.String(string(input)),
	})
	var exists *sfntypes.ExecutionAlreadyExists
	switch {
	case errors.As(err, &exists):
		answer.Repeated = true
		return answer, nil
	case err != nil:
		return Answer{}, fmt.Errorf("starting run %s: %w", p.Run.Name, err)
	}
	log := handler.Log(ctx)
	log.InfoContext(ctx, "run started", "run", p.Run.Name, "plan", p.Run.Plan)
	metric.Put(ctx, log, metric.RunsStarted, p.Run.Plan, 1)
	return answer, nil
}

// executionARN is the ARN that an execution of the machine, or of its alias or
// version, gets under a name. All have six colons before the machine's name.
func executionARN(machine, name string) string {
	parts := strings.Split(machine, ":")
	if len(parts) < 7 {
		return ""
	}
	parts[5] = "execution"
	return strings.Join(append(parts[:7:7], name), ":")
}
