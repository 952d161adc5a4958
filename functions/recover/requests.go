package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"goldsmith/shared/begin"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// Requests answers request tags that nobody has heard of: events of tags are
// best effort (docs.aws.amazon.com/eventbridge/latest/ref/events-ref-tag.html).
type Requests struct {
	EC2     source.Asker
	Runs    Runs
	Starter begin.Starter
}

// unseen is how long a tag may not have been seen and still be the same request. A
// sweep sees every tag there is, so one that was missing from one of them is a new one.
const unseen = 8 * time.Minute

// Answer starts a run for each source that has carried the tag for a while and
// that no run works on. A run takes the tag off at its end, so who carries it is not done.
func (r Requests) Answer(ctx context.Context, claims []ledger.Claim, runs []Run) error {
	asking, err := source.Asking(ctx, r.EC2)
	if err != nil {
		return err
	}
	var problems []error
	for _, request := range asking {
		claimed := slices.ContainsFunc(claims, func(c ledger.Claim) bool { return c.Source == request.Source })
		if err := r.answer(ctx, request, claimed, runs); err != nil {
			problems = append(problems, fmt.Errorf("answering tag %s=%s on %s: %w", tag.Request, request.Value, request.Source, err))
		}
	}
	return errors.Join(problems...)
}

func (r Requests) answer(ctx context.Context, request job.Request, claimed bool, runs []Run) error {
	first, err := r.sighted(ctx, request)
	if err != nil || claimed || r.Runs.Now().Sub(first) <= hearing {
		return err
	}
	prefix := begin.RequestPrefix(request.Source)
	if going, err := r.Runs.going(ctx, runs, prefix); err != nil || going {
		return err
	}
	// The name holds the sighting, so that every sweep asks for the same run.
	begun, err := r.Starter.Requested(ctx, prefix+"late-"+first.Format(job.Basic), first, request)
	if err == nil && !begun.Repeated {
		handler.Log(ctx).WarnContext(ctx, "answered a request whose event did not come", "source", request.Source, "run", begun.Run)
	}
	return err
}

// sighted is when this tag was first seen. The ledger keeps it, as a run's record under a
// name that no execution can have: Started is the first sight, Scheduled the last.
func (r Requests) sighted(ctx context.Context, request job.Request) (time.Time, error) {
	now := r.Runs.Now().UTC()
	name := fmt.Sprintf("tag %s=%s on %s", tag.Request, request.Value, request.Source)
	seen, ok, err := r.Runs.Book.GetRun(ctx, name)
	if err != nil {
		return now, err
	}
	if !ok || now.Sub(seen.Scheduled) > unseen {
		seen = ledger.Run{Name: name, Started: now}
	}
	seen.Scheduled = now
	return seen.Started, r.Runs.Book.PutRun(ctx, seen)
}
