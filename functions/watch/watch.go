// Package watch begins a wait: it stores the step's task token where an event
// finds it, and looks once in case what is awaited came first. A heartbeat that
// nobody met calls it again.
package watch

import (
	"context"
	"fmt"
	"time"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/wait"
)

// Waits is the ledger as far as watching needs it.
type Waits interface {
	Await(ctx context.Context, w ledger.Wait) error
}

// Step begins a wait.
type Step struct {
	waits  Waits
	settle wait.Settler
}

// New makes the step.
func New(waits Waits, settle wait.Settler) Step { return Step{waits, settle} }

// Input is the job, what it waits for, and the token that ends the wait.
type Input struct {
	Job   job.Document `json:"job"`
	For   job.For      `json:"for"`
	Token string       `json:"token"`
	// Within is how many seconds a look may take: less than the state's heartbeat, so that the token is alive when
	// the look is done. A slower look is tried again.
	Within int `json:"within"`
}

// Handle stores the token before it looks, so that no change falls between the two. It
// looks unless nothing can have changed yet.
func (s Step) Handle(ctx context.Context, in Input) (struct{}, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(in.Within)*time.Second)
	defer cancel()
	j := in.Job
	await, err := wait.For(j.Job, in.For)
	if err != nil {
		return struct{}{}, err
	}
	j.Await = await
	w := ledger.Wait{
		Resource: await.Resource, For: await.For, Run: j.Run.Name, Token: in.Token,
		Job: j, Failure: wait.FailureName, Since: s.settle.Now().UTC(),
	}
	if err := s.waits.Await(ctx, w); err != nil {
		return struct{}{}, fmt.Errorf("remembering what %s waits for: %w", j.Source.ID, err)
	}
	if wait.TooSoon(j.Job, w.Since) {
		return struct{}{}, nil
	}
	return struct{}{}, s.settle.Settle(ctx, w)
}
