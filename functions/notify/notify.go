// Package notify ends a run: it adds up what became of every source and tells people once.
package notify

import (
	"context"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// notifier tells people how a run ended.
type notifier interface {
	Notify(ctx context.Context, run ledger.Run, p plan.Plan) (plan.Outcome, error)
}

// Step tells people.
type Step struct{ Notifier notifier }

// Handle tells how the run ended and returns the page with its outcome, which
// decides whether the execution shows as succeeded or failed.
func (s Step) Handle(ctx context.Context, p job.Batch) (job.Batch, error) {
	outcome, err := s.Notifier.Notify(ctx, ledger.Run{
		Name: p.Run.Name, Plan: p.Run.Plan, Execution: p.Execution, Scheduled: p.Run.Scheduled,
		Request: p.Run.Request, Problem: p.Failure.Problem(), Do: p.Failure.Do(), Retiring: p.Retire.Failure.Problem(),
	}, p.Plan)
	if err != nil {
		return p, err
	}
	p.Outcome, p.Sources = outcome, nil
	return p, nil
}
