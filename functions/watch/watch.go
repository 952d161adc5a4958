// Package watch begins a wait: it stores the step's task token where an event
// finds it, and looks once in case what is awaited came first. A heartbeat that
// passes unanswered calls it again. Whether Step Functions takes a token that is spent
// before its function has answered is not documented, so only the first look
// spends it: what a later one finds is told by an error, and handed over by the
// answer of a look without a token.
package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/wait"
)

// waitsAPI is the ledger as far as watching needs it.
type waitsAPI interface {
	Await(ctx context.Context, w ledger.Wait) error
}

// Step begins a wait.
type Step struct {
	Waits   waitsAPI
	Settler wait.Settler
}

// Input is the job, what it waits for, and the token that ends the wait.
type Input struct {
	Job job.Document `json:"job"`
	For job.For      `json:"for"`
	// Token is empty in a look that hands the job over itself.
	Token string `json:"token"`
	// Tries is how often the state was tried before.
	Tries int `json:"tries"`
	// Within is how many seconds a look may take: less than the state's heartbeat, so that the token is alive when
	// the look is done. A slower look is tried again.
	Within int `json:"within"`
}

// LogAttrs are the ids an operator searches by.
func (in Input) LogAttrs() []slog.Attr { return in.Job.LogAttrs() }

// Handle stores the token before it looks, so that no change falls between the two. It
// looks unless nothing can have changed yet. The job is the answer of a look without a token.
func (s Step) Handle(ctx context.Context, in Input) (*job.Document, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(in.Within)*time.Second)
	defer cancel()
	j := in.Job
	await, err := wait.For(j.Job, in.For)
	if err != nil {
		return nil, err
	}
	j.Await = await
	w := ledger.Wait{
		Resource: await.Resource, For: await.For, Run: j.Run.Name, Token: in.Token,
		Job: j, Failure: wait.FailureName, Since: s.Settler.Now().UTC(),
	}
	if in.Token == "" {
		return s.hand(ctx, w)
	}
	if err := s.Waits.Await(ctx, w); err != nil {
		return nil, fmt.Errorf("remembering what %s waits for: %w", j.Source.ID, err)
	}
	if wait.TooSoon(j.Job, w.Since) {
		return nil, nil
	}
	return nil, s.look(ctx, w, in.Tries == 0)
}

// hand answers with the job, once what it waits for is there.
func (s Step) hand(ctx context.Context, w ledger.Wait) (*job.Document, error) {
	j, done, err := s.Settler.Look(ctx, w)
	switch {
	case err != nil:
		return nil, err
	case !done:
		return nil, &fault.NotYet{Err: fmt.Errorf("%s is not %s any more", w.Resource, w.For)}
	default:
		return &j, nil
	}
}

// look says by an error that the wait is over; only the first spends the token of one that ended well.
func (s Step) look(ctx context.Context, w ledger.Wait, first bool) error {
	j, done, err := s.Settler.Look(ctx, w)
	if failed := (*fault.Failed)(nil); !done && !errors.As(err, &failed) {
		return err
	}
	if done && first {
		return s.Settler.Succeed(ctx, w, j)
	}
	if err := s.Settler.Forget(ctx, w); err != nil {
		return err
	}
	if done {
		return &fault.Reached{Err: fmt.Errorf("%s is %s", w.Resource, w.For)}
	}
	return err
}
