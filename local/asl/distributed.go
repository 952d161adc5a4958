package asl

import (
	"context"
	"strconv"
	"sync"
	"time"
)

// mapRun is one run of a distributed Map: a child execution for each item.
type mapRun struct {
	*visit
	arn    string
	total  int
	cancel context.CancelCauseFunc
	// told is what others see of it; guarded by the execution.
	told *MapRun

	mu       sync.Mutex
	failed   int
	exceeded bool
}

// distribute starts the children and gathers the outputs of those that
// succeeded, in the order of their items. Past the tolerated failures the
// others are aborted.
func (v *visit) distribute(ctx context.Context, inputs []any, limit int) (any, error) {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	arn := v.execution.mapRun(v.state.Label, v.execution.runtime.draw("map run", v.execution.ID, v.where()).UUID())
	run := &mapRun{visit: v, arn: arn, total: len(inputs), cancel: cancel}
	v.record(Event{Type: "MapRunStarted", MapRun: arn})
	v.execution.begins(run, limit)
	v.execution.mu.Lock()
	v.execution.items = map[int]*Execution{}
	v.execution.mu.Unlock()
	children := run.dispatch(inner, inputs, limit)
	if err := context.Cause(ctx); err != nil {
		v.execution.endsRun(run, Aborted)
		return nil, err
	}
	if run.exceeded {
		v.execution.endsRun(run, Failed)
		failure := &Error{
			Name:  ErrExceedToleratedFailureThreshold,
			Cause: "The specified tolerated failure threshold was exceeded",
		}
		v.record(Event{Type: "MapRunFailed", Err: failure})
		return nil, failure
	}
	v.execution.endsRun(run, Succeeded)
	v.record(Event{Type: "MapRunSucceeded"})
	results := []any{}
	for _, child := range children {
		if o := child.Outcome(); o.Status == Succeeded {
			results = append(results, o.Output)
		}
	}
	return results, nil
}

// childStarts is how many standard child executions a Map run starts in a second (Developer Guide, "Step Functions
// service quotas", "Quotas related to Map Runs").
const childStarts = 100

// dispatch returns when every child it started has ended; children that lag behind a stopped execution end later.
func (run *mapRun) dispatch(ctx context.Context, inputs []any, limit int) []*Execution {
	var wait sync.WaitGroup
	defer func() { run.wait(ctx, &wait) }()
	children := make([]*Execution, 0, len(inputs))
	places, starts := make(chan struct{}, limit), newPace(childStarts)
	for i, input := range inputs {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		prior := run.prior(i)
		if prior != nil && prior.Outcome().Status == Succeeded {
			children = append(children, prior)
			<-places
			continue
		}
		if starts.wait(ctx, run.clock()) != nil {
			break
		}
		child := run.child(ctx, i, input, prior)
		children = append(children, child)
		child.changed()
		wait.Go(func() {
			child.run()
			run.ended(child)
			<-places
		})
	}
	return children
}

// child is the execution of an item: a new one, or that of before the redrive.
func (run *mapRun) child(ctx context.Context, i int, input any, prior *Execution) *Execution {
	e := run.execution
	if prior != nil {
		child := prior.again(run.lagging(ctx))
		child.Parent = e
		run.adopt(i, child)
		return child
	}
	id := e.child(run.state.Label, e.runtime.draw("child", e.ID, run.where(), strconv.Itoa(i)).UUID())
	child := e.runtime.prepare(run.lagging(ctx), run.state.Processor, id, input)
	child.MapRun, child.Parent = run.arn, e
	run.adopt(i, child)
	return child
}

func (run *mapRun) adopt(i int, child *Execution) {
	e := run.execution
	e.mu.Lock()
	defer e.mu.Unlock()
	e.children = append(e.children, child)
	e.items[i], run.told.children[i] = child, child
}

// wait returns when all children have ended, or with ctx where they lag behind it.
func (run *mapRun) wait(ctx context.Context, children *sync.WaitGroup) {
	if run.lag() == 0 {
		children.Wait()
		return
	}
	over := make(chan struct{})
	go func() {
		children.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-ctx.Done():
	}
}

func (run *mapRun) lag() time.Duration { return run.execution.runtime.options.ChildLag }

// lagging is a context for a child that ends as late as the options say after ctx.
func (run *mapRun) lagging(ctx context.Context) context.Context {
	if run.lag() == 0 {
		return ctx
	}
	late, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		run.clock().AfterFunc(run.lag(), func() { cancel(context.Cause(ctx)) })
	})
	return late
}

// ended counts failed and timed-out children, as the failure threshold does (Developer Guide,
// "Setting failure thresholds for Distributed Map states"); one that was stopped counts as neither.
func (run *mapRun) ended(child *Execution) {
	if status := child.Outcome().Status; status != Failed && status != TimedOut {
		return
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	run.failed++
	if !run.exceeded && run.state.limit.exceeded(run.failed, run.total) {
		run.exceeded = true
		run.cancel(errSibling)
	}
}
