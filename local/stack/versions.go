package stack

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"goldsmith/infra/workflow"
	"goldsmith/local/asl"
	"goldsmith/shared/plan"
)

// published are the versions of the functions: one more of each with every deployment. Who names no version gets
// the newest code, as events do.
type published struct {
	mu       sync.Mutex
	versions []asl.Invoker
	made     []time.Time
	deleted  map[string]bool // by function and version
}

// publish makes the next version: the functions, with what wrap puts around them if it is not nil.
func (p *published) publish(wrap func(asl.Invoker) asl.Invoker, functions asl.Invoker, now time.Time) (version int) {
	if wrap != nil {
		functions = wrap(functions)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.versions, p.made = append(p.versions, functions), append(p.made, now)
	return len(p.versions)
}

// Invoke calls the version of the function that an ARN names.
func (p *published) Invoke(ctx context.Context, function string, payload []byte) ([]byte, *asl.Error) {
	p.mu.Lock()
	version := p.versions[len(p.versions)-1]
	if n, err := strconv.Atoi(function[strings.LastIndex(function, ":")+1:]); err == nil {
		if n < 1 || n > len(p.versions) || p.deleted[workflow.FunctionIn(function)+":"+strconv.Itoa(n)] {
			p.mu.Unlock()
			return nil, &asl.Error{Name: "Lambda.ResourceNotFoundException", Cause: "Function not found: " + function}
		}
		version = p.versions[n-1]
	}
	p.mu.Unlock()
	return version.Invoke(ctx, function, payload)
}

// remove deletes a version of a function; false when there is none.
func (p *published) remove(function, qualifier string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, err := strconv.Atoi(qualifier)
	key := function + ":" + qualifier
	if err != nil || n < 1 || n > len(p.versions) || p.deleted[key] {
		return false
	}
	p.deleted[key] = true
	return true
}

// of are a function's versions with when they were made, $LATEST first.
func (p *published) of(function string) (numbers []string, made []time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	numbers, made = []string{"$LATEST"}, []time.Time{p.made[len(p.made)-1]}
	for n := range p.versions {
		if number := strconv.Itoa(n + 1); !p.deleted[function+":"+number] {
			numbers, made = append(numbers, number), append(made, p.made[n])
		}
	}
	return numbers, made
}

// Deploy does what another deployment does to a suite that is at work: it publishes the next version of the
// functions, with what wrap puts around them, and moves the alias to a definition that names them. Runs that are
// on keep the definition and the versions they began with; events get the newest code. For tests.
func (s *Stack) Deploy(definition string, wrap func(asl.Invoker) asl.Invoker) error {
	version := s.invoker.publish(wrap, s.functions, s.options.Clock.Now())
	if err := s.States.Update(s.Machine, []byte(definition), s.substitutions(version)); err != nil {
		return err
	}
	return s.release()
}

// Replan does what a deployment of other plans does: runs that are on keep the plans they began with, those that begin
// later have these. Schedules and channels stay as they are. For tests.
func (s *Stack) Replan(plans plan.Plans, wrap func(asl.Invoker) asl.Invoker) error {
	next := *s
	next.options.Plans, next.functions = plans, newFunctions(s.options)
	next.functions.published, next.functions.environment = s.invoker, next.Environment
	if err := next.startFunctions(); err != nil {
		return err
	}
	version := s.invoker.publish(wrap, next.functions, s.options.Clock.Now())
	err := s.States.Update(s.Machine, []byte(s.options.Definition), s.substitutions(version))
	if err != nil {
		return err
	}
	return s.release()
}

// release publishes the state machine as it is, and moves the alias to that version.
func (s *Stack) release() error {
	published, err := s.States.Publish(s.Machine)
	if err != nil {
		return err
	}
	return s.States.Lead(s.Machine, workflow.Alias, published)
}

func (s *Stack) substitutions(version int) map[string]string {
	return workflow.Substitutions(partition, func(function string) string {
		return s.functions.ARN(function) + ":" + strconv.Itoa(version)
	})
}
