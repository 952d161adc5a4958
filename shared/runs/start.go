// Package runs knows how a run begins: what it is called, what its execution is
// given, and how Step Functions is asked for it, so that asking twice
// starts one run.
package runs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/metric"
	"goldsmith/shared/plan"
	"goldsmith/shared/schedule"
	"goldsmith/shared/tag"
)

// Executions starts executions.
type Executions interface {
	StartExecution(context.Context, *sfn.StartExecutionInput, ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error)
}

// Starter starts runs.
type Starter struct {
	Executions Executions
	Plans      plan.Plans
	// Machine is the state machine's ARN, or that of its alias.
	Machine string
}

// Begun is a run that was asked for.
type Begun struct {
	// Run and Execution are the run's name and ARN.
	Run, Execution string
	// Repeated is set when the run had been started before.
	Repeated bool
}

// Scheduled starts the run that the plan's schedule wants at a time.
func (s Starter) Scheduled(ctx context.Context, p plan.Plan, due time.Time) (Begun, error) {
	return s.start(ctx, page(p, job.RunName(p.Name, due), due, nil))
}

// Requested starts a run for the one source that carries the request tag. A value
// that names no plan starts one too: it touches nothing and tells, where people
// look, what is wrong with the tag.
func (s Starter) Requested(ctx context.Context, name string, at time.Time, r job.Request) (Begun, error) {
	p, problem := s.Wanted(r.Value)
	asked := page(p, name, at, &r)
	if problem != "" {
		asked.Problem = fmt.Sprintf("Tag %s=%s on %s: %s. Put the tag on again with one of them, or with %q", tag.Request,
			r.Value, r.Source, problem, tag.RequestDefault)
	}
	return s.start(ctx, asked)
}

// Asked starts a run because a person asked. A person may run a plan whose
// window is over, so the window opens now.
func (s Starter) Asked(ctx context.Context, p plan.Plan, id string, at time.Time, r job.Request) (Begun, error) {
	return s.start(ctx, page(p, fit(p.Name+"-now-"+id), at, &r))
}

// Wanted is the plan that a request means, with the reason when there is none such.
func (s Starter) Wanted(value string) (p plan.Plan, problem string) {
	name := value
	if value == tag.RequestDefault || value == "" {
		name = s.Plans.Default
	}
	if p, ok := s.Plans.Plans[name]; ok {
		return p, ""
	}
	fallback := s.Plans.Plans[s.Plans.Default]
	return plan.Plan{Name: s.Plans.Default, Notify: fallback.Notify, Concurrency: 1}, s.Unknown(name)
}

// Unknown says that there is no such plan, and which there are.
func (s Starter) Unknown(name string) string {
	return fmt.Sprintf("there is no plan %q; there are: %s", name, strings.Join(s.Plans.Names(), ", "))
}

// RequestPrefix begins the names of all runs that a source's request tag starts.
func RequestPrefix(source string) string { return "request-" + source + "-" }

// RequestName is the name of the run that answers a change of a source's request tag.
func RequestName(source string, version int64) string {
	return fmt.Sprintf("%sv%d", RequestPrefix(source), version)
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
func page(p plan.Plan, name string, at time.Time, request *job.Request) job.Batch {
	at = at.UTC()
	return job.Batch{
		Run: job.Run{
			Name: name, Plan: p.Name, Scheduled: at, Closes: at.Add(time.Duration(p.Window)), Since: since(p, at, request),
			Request: request,
		},
		Plan:    p.AsInput(),
		Sources: []job.Source{},
	}
}

// since is the plan's last scheduled start, which a scheduled run is itself. It is zero when the
// schedule does not tell: there is none, or it is a rate, which counts from its creation.
func since(p plan.Plan, at time.Time, request *job.Request) time.Time {
	if request == nil {
		return at
	}
	zone, err := schedule.Zone(p.Timezone)
	if err != nil || p.Schedule == "" {
		return time.Time{}
	}
	times, err := schedule.Parse(p.Schedule, zone)
	if err != nil {
		return time.Time{}
	}
	last, _ := times.Last(at.Add(time.Second))
	return last.UTC()
}

func (s Starter) start(ctx context.Context, p job.Batch) (Begun, error) {
	p.Execution = s.Execution(p.Run.Name)
	begun := Begun{Run: p.Run.Name, Execution: p.Execution}
	input, err := json.Marshal(p)
	if err != nil {
		return Begun{}, fmt.Errorf("writing the input of run %s: %w", p.Run.Name, err)
	}
	_, err = s.Executions.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String(s.Machine), Name: aws.String(p.Run.Name), Input: aws.String(string(input)),
	})
	var exists *sfntypes.ExecutionAlreadyExists
	switch {
	case errors.As(err, &exists):
		begun.Repeated = true
		return begun, nil
	case err != nil:
		return Begun{}, fmt.Errorf("starting run %s: %w", p.Run.Name, err)
	}
	log := handler.Log(ctx)
	log.InfoContext(ctx, "run started", "run", p.Run.Name, "plan", p.Run.Plan)
	metric.Put(ctx, log, metric.RunsStarted, p.Run.Plan, 1)
	return begun, nil
}

// Execution is the ARN that an execution of the machine, or of its alias or
// version, gets under a name. All have six colons before the machine's name.
func (s Starter) Execution(name string) string {
	parts := strings.Split(s.Machine, ":")
	if len(parts) < 7 {
		return ""
	}
	parts[5] = "execution"
	return strings.Join(append(parts[:7:7], name), ":")
}

// Base is the machine's own ARN, when Machine is that of its alias or version.
func (s Starter) Base() string {
	parts := strings.Split(s.Machine, ":")
	return strings.Join(parts[:min(7, len(parts))], ":")
}
