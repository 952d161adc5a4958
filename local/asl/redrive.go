package asl

import (
	"context"
	"maps"
	"time"
)

// place is where an execution ended without success: the state it was in, with the input it had there, and of a
// distributed Map the children by their items
// (docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html).
type place struct {
	state string
	input any
	// steps are the states entered until then, so that tokens of a redrive are new.
	steps    int
	children map[int]*Execution
}

// Redrives is how often the execution was redriven.
func (e *Execution) Redrives() int { return e.redrives }

// Redriven is when it was redriven last; zero when it was not.
func (e *Execution) Redriven() time.Time { return e.redriven }

// Redrive prepares the same execution once more: it goes on at the state that did not succeed, with the same input and
// definition, new timeouts and new retries. Children that succeeded are not run again. It is nil
// for an execution that runs or has succeeded.
func (e *Execution) Redrive() *Execution { return e.again(context.Background()) }

func (e *Execution) again(ctx context.Context) *Execution {
	if s := e.Outcome().Status; s == Running || s == Succeeded {
		return nil
	}
	next := e.runtime.prepare(ctx, e.machine, e.Identity, e.Input)
	next.Started, next.MapRun, next.Parent = e.Started, e.MapRun, e.Parent
	next.redrives, next.redriven = e.redrives+1, e.runtime.options.Clock.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	next.resume, next.transitions, next.count = e.ended, e.transitions, e.count
	next.events = append([]Event(nil), e.events...)
	next.mapRuns = e.mapRuns
	return next
}

// begin is where the execution's first state is looked up: at the start, or where it was redriven.
func (e *Execution) begin(f *flow) (state string, input any) {
	if e.resume == nil {
		return e.machine.StartAt, e.Input
	}
	// A Map run that was stopped may still be stopping its children.
	for _, child := range e.resume.children {
		<-child.done
	}
	f.steps = e.resume.steps
	return e.resume.state, e.resume.input
}

// ends notes where the flow of an execution has come to.
func (f *flow) ends(state string, input any, steps int) {
	e := f.execution
	if f.place != "" {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	children := e.items
	if e.resume != nil && state == e.resume.state && steps == e.resume.steps {
		children = maps.Clone(e.resume.children)
		if children == nil {
			children = map[int]*Execution{}
		}
		maps.Copy(children, e.items)
	}
	e.ended = &place{state, input, steps + 1, children}
}

// prior is the child that a redriven Map run has for an item, nil when it has none yet.
func (run *mapRun) prior(i int) *Execution {
	e := run.execution
	if e.resume == nil || run.state.Name != e.resume.state || run.step != e.resume.steps+1 {
		return nil
	}
	return e.resume.children[i]
}
