package claim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"goldsmith/shared/bound"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// place asks for a place in the plan's bounds. The job has one then, or waits, or is refused.
func (s Step) place(ctx context.Context, j job.Job) (job.Job, error) {
	now := s.Now().UTC()
	ask := bound.Ask{
		Plan: j.Run.Plan, Source: j.Source.ID, Name: j.Source.Name, Run: j.Run.Name, Execution: j.Execution,
		Concurrency: j.Plan.Concurrency, Most: j.Run.Most, Since: j.Run.Since, Now: now,
	}
	if j.Turn != nil {
		ask.Asked = j.Turn.Since
	}
	got, err := bound.Place(ctx, s.Ledger, ask)
	switch {
	case err != nil:
		return j, fmt.Errorf("asking for a place for %s: %w", j.Source.ID, err)
	case len(got.Over) > 0:
		return skip(j, job.OverLimit, over(j, got.Over)), nil
	case got.Place == "":
		return waits(j, got, now), nil
	}
	j.Place = got.Place
	return j, nil
}

// waited warns of a turn that took a while to come, and ends it.
func waited(j job.Job, now time.Time) job.Job {
	if turn := j.Turn; turn != nil && turn.First > 0 {
		j.Warnings = append(slices.Clone(j.Warnings), job.Reason{Code: job.Waited, Text: fmt.Sprintf(
			"waited %s for its turn: plan %s has at most %d down at once, and %s before it",
			now.Sub(turn.Since).Truncate(time.Second), j.Run.Plan, j.Plan.Concurrency, were(turn.First))})
	}
	j.Turn = nil
	return j
}

func were(n int) string {
	if n == 1 {
		return "1 was"
	}
	return fmt.Sprintf("%d were", n)
}

// waits is the job with its turn.
func waits(j job.Job, got bound.Answer, now time.Time) job.Job {
	turn := job.Turn{Before: got.Before, First: got.Before, Since: got.Asked}
	if j.Turn != nil && j.Turn.First > 0 {
		turn.First = j.Turn.First
	}
	turn.Seconds = int(bound.Pause(got.Before, j.Plan.Concurrency, now.Sub(got.Asked)).Seconds())
	j.Decision, j.Turn = job.WaitFirst, &turn
	return j
}

// over names what the limit was spent on.
func over(j job.Job, stopped []string) string {
	since := "in the last 24 hours"
	if !j.Run.Since.IsZero() {
		since = "since its last scheduled start at " + job.UTC(j.Run.Since)
	}
	slices.Sort(stopped)
	return fmt.Sprintf("plan %s may stop %s %s, and these were stopped or asked before: %s. Raise the plan's limit, or "+
		"ask again later",
		j.Run.Plan, sources(j.Plan.Limit, j.Run.Most), since, job.Few(stopped, named))
}

// named is how many sources a reason names at most.
const named = 10

func sources(limit plan.Limit, most int) string {
	text := fmt.Sprintf("%d sources", most)
	if most == 1 {
		text = "1 source"
	}
	if limit.Percent > 0 {
		text += " (" + limit.String() + ")"
	}
	return text
}
