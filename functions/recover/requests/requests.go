// Package requests answers request tags that no run has answered.
package requests

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/functions/recover/executions"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/runs"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// askedAPI is the ledger's requests, and the results by which they are answered.
type askedAPI interface {
	PutRequest(ctx context.Context, r ledger.Request) (ledger.Request, error)
	Requests(ctx context.Context) iter.Seq2[ledger.Request, error]
	DropRequest(ctx context.Context, r ledger.Request) error
	Results(ctx context.Context, run string) iter.Seq2[job.Result, error]
}

// Requests answers request tags that no run has answered: events of tags are
// best effort (docs.aws.amazon.com/eventbridge/latest/ref/events-ref-tag.html).
// It also starts the run that follows one during which the tag changed, and
// remembers what is answered for as long as the tag cannot be taken off.
type Requests struct {
	EC2     source.Asker
	Ledger  askedAPI
	Runs    executions.Runs
	Starter runs.Starter
}

// Answer starts a run for each source that has carried the tag for a while, that no run
// works on, and whose tag has no answer yet.
func (r Requests) Answer(ctx context.Context, claims []ledger.Claim, all []executions.Run) error {
	asking, err := source.Asking(ctx, r.EC2)
	if err != nil {
		return err
	}
	known, err := r.known(ctx)
	if err != nil {
		return err
	}
	var problems []error
	for _, request := range asking {
		claimed := slices.ContainsFunc(claims, func(c ledger.Claim) bool { return c.Source == request.Source })
		if err := r.answer(ctx, request, known[request.Source], claimed, all); err != nil {
			problems = append(problems,
				fmt.Errorf("answering tag %s=%s on %s: %w", tag.Request, request.Value, request.Source, err))
		}
		delete(known, request.Source)
	}
	return errors.Join(append(problems, r.forget(ctx, known, all))...)
}

func (r Requests) known(ctx context.Context) (map[string]ledger.Request, error) {
	known := map[string]ledger.Request{}
	for request, err := range r.Ledger.Requests(ctx) {
		if err != nil {
			return nil, fmt.Errorf("reading the requests: %w", err)
		}
		known[request.Source] = request
	}
	return known, nil
}

// answer brings one tag nearer to its answer. What it starts it starts before it writes that down: the names
// hold what is written already, so that a sweep which is cut off, and one at the same time, ask for the same run.
func (r Requests) answer(ctx context.Context, tagged job.Request, known ledger.Request, claimed bool,
	all []executions.Run) error {
	now := r.Runs.Now().UTC()
	if known.Source == "" {
		known = ledger.Request{Source: tagged.Source, Kind: tagged.Kind, Value: tagged.Value, Since: now}
		return r.put(ctx, known)
	}
	if claimed {
		return nil
	}
	if going, err := r.Runs.Going(ctx, all, runs.RequestPrefix(tagged.Source)); err != nil || going {
		return err
	}
	switch {
	case known.Later != nil:
		return r.next(ctx, known, tagged.Value)
	case known.Value != tagged.Value:
		return r.put(ctx, ledger.Request{
			Source: tagged.Source, Kind: tagged.Kind, Value: tagged.Value, Since: now, Revision: known.Revision,
		})
	case known.Answered || now.Sub(known.Since) <= executions.Hearing:
		return nil
	case known.Run == "":
		return r.start(ctx, known, late(known))
	default:
		return r.follow(ctx, known)
	}
}

// next starts the run that answers a change of the tag which came during another run.
func (r Requests) next(ctx context.Context, known ledger.Request, value string) error {
	// The run's execution is asked for itself: a list may not show one that has just begun.
	out, err := r.Runs.Executions.DescribeExecution(ctx, r.execution(known))
	if fault.IgnoreNotFound(err) != nil {
		return fmt.Errorf("asking how run %s is: %w", known.Run, err)
	}
	if err == nil && executions.GoesOn(out.Status) {
		return nil
	}
	next := ledger.Request{
		Source: known.Source, Kind: known.Kind, Value: value, Version: known.Later.Version, Since: known.Later.At,
		Revision: known.Revision,
	}
	return r.start(ctx, next, runs.RequestName(next.Source, next.Version))
}

func (r Requests) execution(known ledger.Request) *sfn.DescribeExecutionInput {
	return &sfn.DescribeExecutionInput{ExecutionArn: aws.String(r.Starter.Execution(known.Run))}
}

// late is the name of a run that no event has asked for. It holds since when the tag is known.
func late(known ledger.Request) string {
	return runs.RequestPrefix(known.Source) + "late-" + known.Since.Format(job.Basic)
}

// follow looks after a request whose run does not go on: it has given an answer, was cut off before, or never began.
func (r Requests) follow(ctx context.Context, known ledger.Request) error {
	answered, err := r.answered(ctx, known)
	switch {
	case err != nil:
		return err
	case answered:
		known.Answered = true
		return r.put(ctx, known)
	}
	_, err = r.Runs.Executions.DescribeExecution(ctx, r.execution(known))
	switch {
	case fault.IsNotFound(err):
		return r.start(ctx, known, known.Run)
	case err != nil:
		return fmt.Errorf("asking how run %s is: %w", known.Run, err)
	case known.Again:
		known.Answered = true // cut off twice: asking again puts the tag on again
		return r.put(ctx, known)
	default:
		known.Again = true
		return r.start(ctx, known, late(known))
	}
}

// answered reports whether the run has a result of the source. A value that names no plan is answered
// by the message that says so.
func (r Requests) answered(ctx context.Context, known ledger.Request) (bool, error) {
	if _, problem := r.Starter.Wanted(known.Value); problem != "" {
		return true, nil
	}
	for result, err := range r.Ledger.Results(ctx, known.Run) {
		if err != nil {
			return false, fmt.Errorf("reading the results of run %s: %w", known.Run, err)
		}
		if result.Source == known.Source {
			return true, nil
		}
	}
	return false, nil
}

func (r Requests) start(ctx context.Context, known ledger.Request, name string) error {
	begun, err := r.Starter.Requested(ctx, name, known.Since,
		job.Request{Source: known.Source, Kind: known.Kind, Value: known.Value})
	if err != nil {
		return err
	}
	if !begun.Repeated {
		handler.Log(ctx).WarnContext(ctx, "answered a request that no event asked for", "source", known.Source, "run",
			begun.Run)
	}
	known.Run = name
	return r.put(ctx, known)
}

// put writes what is known. A change that trigger wrote down meanwhile stands: the next sweep goes on from it.
func (r Requests) put(ctx context.Context, known ledger.Request) error {
	known.At = r.Runs.Now().UTC()
	_, err := r.Ledger.PutRequest(ctx, known)
	if moved := (*ledger.MovedError)(nil); errors.As(err, &moved) {
		return nil
	}
	return err
}

// forget drops requests whose tag is off. One that was written a moment ago stays: a describe may
// not show the tag yet.
func (r Requests) forget(ctx context.Context, gone map[string]ledger.Request, all []executions.Run) error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		known := gone[name]
		if r.Runs.Now().Sub(known.At) <= executions.Hearing {
			continue
		}
		going, err := r.Runs.Going(ctx, all, runs.RequestPrefix(name))
		if err == nil && !going {
			err = r.Ledger.DropRequest(ctx, known)
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}
