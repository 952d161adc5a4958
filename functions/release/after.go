package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"goldsmith/shared/fault"
	"goldsmith/shared/hook"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// settled waits until the plan's command after has run on the source, and until it is back in service. left is its
// claim where the sweep has to go on with either; nil otherwise.
func (s Step) settled(ctx context.Context, j job.Job, ending job.Ending) (
	released job.Job, left *ledger.Claim, err error) {
	j, due, err := s.after(ctx, j, ending)
	if err != nil {
		return j, nil, err
	}
	j, left, err = s.inService(ctx, j, ending)
	if err != nil || left != nil || !due {
		return j, left, err
	}
	now := s.Now().UTC()
	claim, err := s.Claims.Claim(ctx, ledger.ClaimOf(j, now))
	if err != nil {
		return j, nil, fmt.Errorf("looking up the claim of %s: %w", j.Source.ID, err)
	}
	claim.Left = now
	return j, &claim, nil
}

// afterPatience is how long a job waits at its end for the command after: as long as it takes until one whose answer
// was lost is sent again. It has waited for it before, unless it failed.
const afterPatience = 3 * time.Minute

// after runs the plan's command after, where the claim says that it is due yet: the job may have failed at any point.
// One that cannot be run for too long is left to the sweep, with a warning. What is still down is the sweep's as well.
func (s Step) after(ctx context.Context, j job.Job, ending job.Ending) (ran job.Job, left bool, err error) {
	if !j.Hook.Due || ending == job.LeftStopped {
		return j, false, nil
	}
	now := s.Now().UTC()
	claim, err := s.Claims.Claim(ctx, ledger.ClaimOf(j, now))
	switch {
	case errors.As(err, new(*ledger.HeldError)): // The run that has it now answers for it.
		return j, false, nil
	case err != nil:
		return j, false, fmt.Errorf("looking up the claim of %s: %w", j.Source.ID, err)
	case claim.Hook == nil && claim.Since.After(j.Times.Claimed):
		return unrun(j, "the ledger has lost the claim, and so the command"), false, nil
	}
	claim, outcome, err := s.Hooks.After(ctx, claim)
	if outcome != hook.Waits {
		return hook.Told(j, claim), false, err
	}
	return s.waits(ctx, j, claim, now, err)
}

// waits has the job wait for the command after, unless that has lasted too long, or lasts until somebody does something
// about it. trouble is what kept it from being
// looked at.
func (s Step) waits(ctx context.Context, j job.Job, claim ledger.Claim, now time.Time, trouble error) (
	ran job.Job, left bool, err error) {
	first := claim.Hook.Waited.IsZero()
	if first {
		claim.Hook.Waited = now
		if err := s.Claims.Record(ctx, claim); err != nil {
			return j, false, fmt.Errorf("recording that the command after is waited for on %s: %w", j.Source.ID, err)
		}
	}
	switch {
	case now.Sub(claim.Hook.Waited) >= afterPatience, fault.Lasts(trouble):
		return unrun(j, fmt.Sprintf("due since %s: %s. Goldsmith goes on trying, every few minutes",
			job.UTC(claim.Hook.Since), strings.TrimSuffix(claim.Hook.Problem, "."))), true, nil
	case trouble != nil:
		return j, false, trouble
	default:
		return j, false, &fault.NotYet{Err: fmt.Errorf("%s on %s (%s): %s", claim.Hook.Then(), j.Source.Name, j.Source.ID,
			claim.Hook.Problem)}
	}
}

func unrun(j job.Job, why string) job.Job {
	j.Warnings = append(slices.Clone(j.Warnings),
		job.Reason{Code: job.AfterFailed, Text: job.AfterOf(j.Frozen()) + " was not run: " + why})
	return j
}
