package asl

import (
	"context"
	"errors"
	"strconv"
	"sync"
)

// errSibling ends the iterations or branches beside one that failed.
var errSibling = errors.New("a sibling failed")

// branch is the work of a Parallel: all branches at once on the same input; the
// first that fails stops the others and fails the state with its error.
func (v *visit) branch(ctx context.Context) (any, error) {
	input, err := v.state.flow.effective(v.env())
	if err != nil {
		return nil, err
	}
	v.record(Event{Type: v.state.events.started})
	results, err := v.together(ctx, len(v.state.Branches), len(v.state.Branches),
		func(ctx context.Context, f *flow, i int) (any, error) {
			return f.run(ctx, v.state.Branches[i], input)
		})
	return v.gathered(results, err)
}

func (v *visit) gathered(results any, err error) (any, error) {
	switch {
	case err == nil:
		v.record(Event{Type: v.state.events.succeeded})
	case asError(err) != nil:
		v.record(Event{Type: v.state.events.failed})
	}
	return results, err
}

// together runs n flows, at most limit at once, and gathers what they return.
func (v *visit) together(ctx context.Context, n, limit int, work func(context.Context, *flow, int) (any, error)) (any,
	error) {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results := make([]any, n)
	var failure error
	var once sync.Once
	var wait sync.WaitGroup
	places := make(chan struct{}, max(limit, 1))
	for i := range n {
		select {
		case places <- struct{}{}:
		case <-inner.Done():
		}
		if inner.Err() != nil {
			break
		}
		f := v.fork(i)
		wait.Go(func() {
			defer func() { <-places }()
			result, err := work(inner, f, i)
			v.join(f)
			if err != nil {
				once.Do(func() { failure = err })
				cancel(errSibling)
				return
			}
			results[i] = result
		})
	}
	wait.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return results, failure
}

func (v *visit) fork(i int) *flow {
	v.execution.mu.Lock()
	defer v.execution.mu.Unlock()
	return &flow{execution: v.execution, place: v.where() + "[" + strconv.Itoa(i) + "]/", last: v.last}
}

// join makes the events after a Map or Parallel follow the last one inside it.
func (v *visit) join(f *flow) {
	v.execution.mu.Lock()
	defer v.execution.mu.Unlock()
	v.last = max(v.last, f.last)
}

// iterate is the work of a Map.
func (v *visit) iterate(ctx context.Context) (any, error) {
	inputs, limit, err := v.itemInputs()
	if err != nil {
		return nil, err
	}
	v.record(Event{Type: v.state.events.started, Index: len(inputs)})
	if v.state.Distributed {
		return v.gathered(v.distribute(ctx, inputs, limit))
	}
	return v.gathered(v.together(ctx, len(inputs), limit, func(ctx context.Context, f *flow, i int) (any, error) {
		f.record(Event{Type: "MapIterationStarted", Name: v.state.Name, Index: i})
		result, err := f.run(ctx, v.state.Processor, inputs[i])
		f.record(Event{Type: iterationEnd(err), Name: v.state.Name, Index: i})
		return result, err
	}))
}

func iterationEnd(err error) string {
	switch {
	case err == nil:
		return "MapIterationSucceeded"
	case asError(err) != nil:
		return "MapIterationFailed"
	}
	return "MapIterationAborted"
}

// itemInputs are the inputs of the iterations, and how many may run at once.
func (v *visit) itemInputs() ([]any, int, error) {
	in, err := v.state.flow.in.apply(v.env())
	if err != nil {
		return nil, 0, err
	}
	data := v.env().with(in)
	items := in
	if p := v.state.items.path; p != nil {
		if items, err = p.get(data); err != nil {
			return nil, 0, err
		}
	}
	list, ok := items.([]any)
	if !ok {
		return nil, 0, runtimeError("The items of state '%s' are not a list: %s", v.state.Name, shorten(items))
	}
	limit, err := v.amount(v.state.items.concurrency, data)
	if err != nil {
		return nil, 0, err
	}
	inputs, err := v.selected(list, data)
	return inputs, v.state.mostAtOnce(limit), err
}

// mostAtOnce: 0 asks for as many as Step Functions allows.
func (s *State) mostAtOnce(wanted int64) int {
	most := int64(maxInline)
	if s.Distributed {
		most = maxDistributed
	}
	if wanted == 0 {
		return int(most)
	}
	return int(min(wanted, most))
}

func (v *visit) selected(list []any, data *env) ([]any, error) {
	selector := v.state.items.selector
	if selector == nil {
		return list, nil
	}
	defer func() { v.item = nil }()
	inputs := make([]any, len(list))
	for i, item := range list {
		v.item = map[string]any{"Index": jsonNumber(i), "Value": item, "Source": "STATE_DATA"}
		input, err := selector.eval(data)
		if err != nil {
			return nil, err
		}
		if err := checkSize(v.state.Name, input); err != nil {
			return nil, err
		}
		inputs[i] = input
	}
	return inputs, nil
}
