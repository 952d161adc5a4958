package report

import (
	"context"
	"fmt"
	"iter"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// Ledger is what the ledger knows of a run's sources, those that have no result yet included, and of old images.
type Ledger interface {
	Results(ctx context.Context, run string) iter.Seq2[job.Result, error]
	Claims(ctx context.Context) iter.Seq2[ledger.Claim, error]
	Retirements(ctx context.Context, plan string) iter.Seq2[job.Retirement, error]
}

// ResultsOf are the results of a run that has ended. A job that was cut off has none,
// only its claim: it is told as well, or its instance would be down unnoticed.
func ResultsOf(ctx context.Context, l Ledger, run string) ([]job.Result, error) {
	var results []job.Result
	known := map[string]bool{}
	for result, err := range l.Results(ctx, run) {
		if err != nil {
			return nil, fmt.Errorf("reading the results of run %s: %w", run, err)
		}
		results, known[result.Source] = append(results, result), true
	}
	for claim, err := range l.Claims(ctx) {
		if err != nil {
			return nil, fmt.Errorf("reading the claims of run %s: %w", run, err)
		}
		if claim.Run == run && !known[claim.Source] {
			results = append(results, cutOff(claim))
		}
	}
	return results, nil
}

// RetiredBy is what the run was the last to do with old images.
func RetiredBy(ctx context.Context, l Ledger, run ledger.Run) ([]job.Retirement, error) {
	var retired []job.Retirement
	for r, err := range l.Retirements(ctx, run.Plan) {
		if err != nil {
			return nil, fmt.Errorf("reading what run %s retired: %w", run.Name, err)
		}
		if r.Run == run.Name {
			retired = append(retired, r)
		}
	}
	return retired, nil
}

func cutOff(c ledger.Claim) job.Result {
	problem := "its execution ended before its work was done"
	if c.Problem != "" {
		problem += ", and " + c.Problem
	}
	r := job.Result{
		Run: c.Run, Source: c.Source, Kind: c.Kind, Name: c.Name, Plan: c.Plan,
		Ending: job.Broken, Problem: problem,
		Times: job.Times{Claimed: c.Since, StopSent: c.StopSent},
	}
	if c.WasRunning && !c.StopSent.IsZero() {
		if r.Ending = job.LeftStopped; c.Problem == "" {
			r.Shows = Unseen
		}
	}
	return r
}
