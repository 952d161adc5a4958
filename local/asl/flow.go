package asl

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"goldsmith/local/clock"
)

// flow is one thread of an execution: the execution itself, an iteration of an
// inline Map or a branch of a Parallel.
type flow struct {
	execution *Execution
	// place tells apart the iterations and branches of one execution.
	place string
	// steps counts the states entered by this flow.
	steps int
	// last is the id of the flow's last event; guarded by execution.mu.
	last int
}

func (f *flow) clock() clockOf { return f.execution.runtime.options.Clock }

// clockOf is the part of the clock that states need.
type clockOf interface {
	Now() time.Time
	Sleep(ctx context.Context, d time.Duration) error
	AfterFunc(d time.Duration, f func()) *clock.Timer
}

// run goes from StartAt to an end. The error is an *Error that no Catch took, or
// the cause of ctx's end.
func (f *flow) run(ctx context.Context, m *Machine, input any) (any, error) {
	return f.from(ctx, m, m.StartAt, input)
}

// from goes from a state to an end.
func (f *flow) from(ctx context.Context, m *Machine, name string, input any) (any, error) {
	for {
		v := &visit{flow: f, state: m.States[name], input: input}
		steps := f.steps
		output, next, err := v.pass(ctx)
		if err != nil {
			f.ends(name, input, steps)
		}
		if err != nil || next == "" {
			return output, err
		}
		name, input = next, output
	}
}

// visit is one stay in one state.
type visit struct {
	*flow
	state   *State
	input   any
	entered time.Time
	step    int
	// attempt counts the retries so far, over all retriers.
	attempt int
	token   string
	item    map[string]any
}

// pass enters the state, does its work and leaves it. next is empty at the end.
func (v *visit) pass(ctx context.Context) (output any, next string, err error) {
	if err := context.Cause(ctx); err != nil {
		return nil, "", err
	}
	if err := v.paced(ctx); err != nil {
		return nil, "", err
	}
	v.enter()
	if err := v.observe(ctx, Entered); err != nil {
		return nil, "", err
	}
	output, next, err = v.work(ctx)
	if err != nil {
		return nil, "", err
	}
	if err := checkSize(v.state.Name, output); err != nil {
		return nil, "", err
	}
	v.record(Event{Type: v.state.events.exited, Name: v.state.Name, Data: output})
	return output, next, v.observe(ctx, Exited)
}

func (v *visit) enter() {
	v.steps++
	v.step = v.steps
	v.entered = v.clock().Now()
	v.transition()
	v.record(Event{Type: v.state.events.entered, Name: v.state.Name, Data: v.input, At: v.entered})
}

func (f *flow) transition() {
	f.execution.mu.Lock()
	defer f.execution.mu.Unlock()
	f.execution.transitions++
}

// errFailTask is the observer's wish that the attempt fails.
var errFailTask = &Error{Name: ErrLambdaService, Cause: "Service exception injected by the observer"}

// observe tells the observer and does what it wants. The error is errFailTask,
// or the cause of ctx's end.
func (v *visit) observe(ctx context.Context, m Moment) error {
	o := v.execution.runtime.options.Observer
	if o == nil {
		return nil
	}
	root := v.execution.root()
	action := o.Observe(Transition{
		Execution: v.execution.ID, Root: root.ID, State: v.state.Name,
		Moment: m, Attempt: v.attempt, At: v.clock().Now(),
	})
	switch action {
	case Abort:
		v.execution.Abort(nil)
	case AbortRoot:
		root.Abort(nil)
	case FailTask:
		if m == Invoking || m == Invoked {
			return errFailTask
		}
	case Continue:
	}
	return context.Cause(ctx)
}

func (v *visit) work(ctx context.Context) (output any, next string, err error) {
	s := v.state
	switch s.Type {
	case "Task":
		return v.persist(ctx, v.task)
	case "Map":
		return v.persist(ctx, v.iterate)
	case "Parallel":
		return v.persist(ctx, v.branch)
	case "Choice":
		return v.choice()
	case "Wait":
		output, err = v.pause(ctx)
	case "Fail":
		err = v.fail()
	default:
		output, err = v.shape()
	}
	return output, s.Next, err
}

// persist makes attempts until one succeeds, no retrier wants another, or a
// catcher takes the error.
func (v *visit) persist(ctx context.Context, attempt func(context.Context) (any, error)) (any, string, error) {
	used := make([]int64, len(v.state.Retry))
	for {
		output, err := v.complete(ctx, attempt)
		if err == nil {
			return output, v.state.Next, nil
		}
		failure := asError(err)
		if failure == nil {
			return nil, "", err
		}
		delay, again := v.retry(failure, used)
		if !again {
			return v.catch(failure)
		}
		if err := v.clock().Sleep(ctx, delay); err != nil {
			return nil, "", err
		}
		v.attempt++
		if err := v.paced(ctx); err != nil {
			return nil, "", err
		}
		v.transition()
		if err := v.observe(ctx, Retrying); err != nil {
			return nil, "", err
		}
	}
}

func (v *visit) complete(ctx context.Context, attempt func(context.Context) (any, error)) (any, error) {
	result, err := attempt(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkSize(v.state.Name, result); err != nil {
		return nil, err
	}
	output, err := v.state.flow.output(v.env(), result)
	if err != nil {
		return nil, err
	}
	return output, checkSize(v.state.Name, output)
}

// retry asks the first retrier that names the error; its own counter decides.
func (v *visit) retry(failure *Error, used []int64) (time.Duration, bool) {
	for i, r := range v.state.Retry {
		if !matches(r.ErrorEquals, failure.Name) {
			continue
		}
		if used[i] >= r.MaxAttempts {
			return 0, false
		}
		used[i]++
		return r.delay(used[i], v.fraction("jitter")), true
	}
	return 0, false
}

// delay before the nth retry. Full jitter spreads it over [0, delay).
func (r Retrier) delay(n int64, fraction float64) time.Duration {
	seconds := float64(r.IntervalSeconds) * math.Pow(r.BackoffRate, float64(n-1))
	if r.MaxDelaySeconds > 0 {
		seconds = min(seconds, float64(r.MaxDelaySeconds))
	}
	seconds = min(seconds, maxSeconds)
	if r.JitterStrategy == "FULL" {
		seconds *= fraction
	}
	return time.Duration(seconds * float64(time.Second))
}

func (v *visit) fraction(what string) float64 {
	return v.execution.runtime.draw(what, v.execution.Name, v.where()).Fraction()
}

// where names this attempt of this visit within its execution.
func (v *visit) where() string {
	return v.place + v.state.Name + "#" + strconv.Itoa(v.step) + "#" + strconv.Itoa(v.attempt)
}

func (v *visit) catch(failure *Error) (any, string, error) {
	for _, c := range v.state.Catch {
		if !matches(c.ErrorEquals, failure.Name) {
			continue
		}
		output, err := c.resultPath.put(v.input, errorOutput(failure))
		return output, c.Next, err
	}
	return nil, "", failure
}

func (v *visit) env() *env { return &env{input: v.input, context: v.context} }

// context is the context object as it stands now.
func (v *visit) context() any {
	e := v.execution
	object := map[string]any{
		"Execution": map[string]any{
			"Id": e.ID, "Name": e.Name, "Input": e.Input, "RoleArn": e.RoleARN,
			"StartTime": stamp(e.Started), "RedriveCount": jsonNumber(e.redrives),
		},
		"State": map[string]any{
			"Name": v.state.Name, "EnteredTime": stamp(v.entered), "RetryCount": jsonNumber(v.attempt),
		},
		"StateMachine": map[string]any{"Id": e.MachineID, "Name": e.MachineName},
	}
	if v.token != "" {
		object["Task"] = map[string]any{"Token": v.token}
	}
	if v.item != nil {
		object["Map"] = map[string]any{"Item": v.item}
	}
	return object
}

// amount is a number of the definition, or the one at its path in the input.
func (v *visit) amount(a Amount, data *env) (int64, error) {
	if a.path == nil {
		return a.Fixed, nil
	}
	found, err := a.path.get(data)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(fmt.Sprint(found), 10, 64)
	if _, isNumber := number(found); !isNumber || err != nil || n < 0 || n > maxSeconds {
		return 0, runtimeError("The value at '%s' of state '%s' is not a whole number from 0 to %d: %s",
			a.Path, v.state.Name, maxSeconds, shorten(found))
	}
	return n, nil
}
