package asl

import (
	"context"
	"time"
)

// task is one attempt to run a Lambda function, and to get its token back.
func (v *visit) task(ctx context.Context) (any, error) {
	if v.state.WaitForToken {
		v.token = v.execution.runtime.newToken(v.execution.ID, v.where())
	}
	payload, err := v.taskInput()
	if err != nil {
		return nil, err
	}
	in, err := v.state.flow.in.apply(v.env())
	if err != nil {
		return nil, err
	}
	timeout, err := v.amount(v.state.Timeout, v.env().with(in))
	if err != nil {
		return nil, err
	}
	heartbeat, err := v.amount(v.state.Heartbeat, v.env().with(in))
	if err != nil {
		return nil, err
	}
	names := taskEvents(v.state.optimal)
	v.record(Event{Type: names.scheduled, Data: payload, State: v.state, Timeout: timeout, Heartbeat: heartbeat})
	result, err := v.attend(ctx, names, payload, timeout, heartbeat)
	v.conclude(names, result, err)
	return result, err
}

// taskInput is what the function gets.
func (v *visit) taskInput() (any, error) {
	payload, err := v.state.flow.effective(v.env())
	if err != nil {
		return nil, err
	}
	if v.state.payload != nil {
		if payload, err = v.state.payload.eval(v.env().with(payload)); err != nil {
			return nil, err
		}
	}
	return payload, checkSize(v.state.Name, payload)
}

// attend calls the function and waits for the first of answer, token, timeout,
// missed heartbeat and the end of the execution.
func (v *visit) attend(ctx context.Context, names taskNames, payload any, timeout, heartbeat int64) (any, error) {
	s := newSettlement()
	if v.token != "" {
		v.execution.runtime.register(v.token, s)
		defer v.execution.runtime.forget(v.token)
	}
	if timeout > 0 {
		timer := v.after(time.Duration(timeout)*time.Second, func() { s.settle(nil, &Error{Name: ErrTimeout}) })
		defer timer.Stop()
	}
	if heartbeat > 0 {
		defer v.expectBeats(s, time.Duration(heartbeat)*time.Second)()
	}
	v.record(Event{Type: names.started, State: v.state})
	if err := v.observe(ctx, Invoking); err != nil {
		return nil, err
	}
	at := *v
	go at.invoke(context.WithoutCancel(ctx), s, names, payload)
	return s.await(ctx)
}

// after calls f when the task's time is over. A function works in the machine's own time, however fast the night
// passes; what a token is waited for happens in the night.
func (v *visit) after(d time.Duration, f func()) interface{ Stop() bool } {
	if v.token == "" {
		return time.AfterFunc(d, f)
	}
	return v.clock().AfterFunc(d, f)
}

func (v *visit) expectBeats(s *settlement, every time.Duration) (end func()) {
	name := v.execution.runtime.options.HeartbeatError
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heartbeat = v.clock().AfterFunc(every, func() { s.settle(nil, &Error{Name: name}) })
	s.every = every
	return func() { s.heartbeat.Stop() }
}

// invoke runs beside the task: a function goes on when its task has timed out or
// its execution was stopped, but then its answer is dropped. v is the visit as
// it was when the function was called.
func (v *visit) invoke(ctx context.Context, s *settlement, names taskNames, payload any) {
	answer, failure := v.execution.runtime.options.Invoker.Invoke(ctx, v.state.Function, encode(payload))
	s.answer()
	select {
	case <-s.done:
		return
	default:
	}
	if err := v.observe(ctx, Invoked); err != nil && failure == nil {
		failure = asError(err)
	}
	if v.execution.ctx.Err() != nil {
		return
	}
	if failure != nil {
		s.settle(nil, failure)
		return
	}
	if v.state.WaitForToken {
		v.submitted(s, names)
		return
	}
	result, err := v.answer(answer)
	if err == nil {
		// An answer that is too large fails the task, and the history says so (Developer Guide,
		// "Handling errors": States.DataLimitExceeded).
		err = checkSize(v.state.Name, result)
	}
	if err != nil {
		s.settle(nil, asError(err))
		return
	}
	s.settle(result, nil)
}

// submitted records that the function has answered and the task now waits for
// its token.
func (v *visit) submitted(s *settlement, names taskNames) {
	select {
	case <-s.done:
	default:
		v.record(Event{Type: names.submitted, State: v.state})
	}
}

// answer is the function's answer as the state sees it: as it is, or wrapped by
// the lambda:invoke integration.
func (v *visit) answer(raw []byte) (any, error) {
	if len(raw) == 0 {
		raw = []byte("null")
	}
	result, err := decode(raw)
	if err != nil {
		return nil, runtimeError("The function of state '%s' did not answer with JSON: %v", v.state.Name, err)
	}
	if !v.state.optimal {
		return result, nil
	}
	return map[string]any{
		"ExecutedVersion": "$LATEST", "Payload": result, "StatusCode": jsonNumber(200),
		"SdkHttpMetadata": map[string]any{"HttpStatusCode": jsonNumber(200)},
		"SdkResponseMetadata": map[string]any{"RequestId": v.execution.runtime.draw("request", v.execution.ID,
			v.where()).UUID()},
	}, nil
}

// taskNames are the event types of a task.
type taskNames struct{ scheduled, started, submitted, succeeded, failed, timedOut string }

func taskEvents(integration bool) taskNames {
	prefix := "LambdaFunction"
	if integration {
		prefix = "Task"
	}
	return taskNames{
		scheduled: prefix + "Scheduled", started: prefix + "Started", submitted: prefix + "Submitted",
		succeeded: prefix + "Succeeded", failed: prefix + "Failed", timedOut: prefix + "TimedOut",
	}
}

func (v *visit) conclude(names taskNames, result any, err error) {
	failure := asError(err)
	switch {
	case err == nil:
		v.record(Event{Type: names.succeeded, Data: result, State: v.state})
	case failure == nil:
		return
	case failure.Name == ErrTimeout || failure.Name == ErrHeartbeatTimeout:
		v.record(Event{Type: names.timedOut, Err: failure, State: v.state})
	default:
		v.record(Event{Type: names.failed, Err: failure, State: v.state})
	}
}
