// Package hook runs the commands that a plan has around an image, on the source itself: one before it is stopped or
// imaged, and one once it is back.
package hook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"goldsmith/shared/fault"
	"goldsmith/shared/freeze"
	"goldsmith/shared/handler"
	"goldsmith/shared/hook"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// Do is one of the two commands.
type Do string

const (
	// Before is the command before the stop or the image.
	Before Do = "before"
	// After is the command after it.
	After Do = "after"
)

// Input is the job and the command that is due.
type Input struct {
	Job job.Job `json:"job"`
	Do  Do      `json:"do"`
}

// LogAttrs are the ids an operator searches by.
func (in Input) LogAttrs() []slog.Attr { return in.Job.LogAttrs() }

// claims is the ledger as far as commands need it.
type claims interface {
	Claim(ctx context.Context, c ledger.Claim) (ledger.Claim, error)
	Record(ctx context.Context, c ledger.Claim) error
}

// Step runs a plan's commands.
type Step struct {
	// Runner has the plans: they hold the commands, which jobs do not.
	Runner hook.Runner
	Claims claims
	Now    func() time.Time
}

// Handle runs the command that is due.
func (s Step) Handle(ctx context.Context, in Input) (job.Job, error) {
	switch in.Do {
	case Before:
		return s.before(ctx, in.Job)
	case After:
		return s.after(ctx, in.Job)
	default:
		return in.Job, fault.Failure("", "function hook does not know how to do %q", in.Do)
	}
}

// before runs the command before. What is not stopped any more, since the window has closed, runs none: the next step
// says so.
func (s Step) before(ctx context.Context, j job.Job) (job.Job, error) {
	now := s.Now().UTC()
	claim, err := s.Claims.Claim(ctx, ledger.ClaimOf(j, now))
	if err != nil {
		return j, fmt.Errorf("looking up the claim of %s: %w", j.Source.ID, err)
	}
	known := s.Runner.Plans.Plans[j.Run.Plan]
	switch {
	case claim.Hook != nil:
	case late(j, now):
		j.Hook = job.Hook{}
		return j, nil
	case claim.Since.After(j.Times.Claimed):
		return j, s.lost(ctx, j, claim, freeze.Commands(known, j.Run.Name))
	case differ(j.Plan, known):
		j.Hook = job.Hook{}
		return s.failed(j, "function hook knows another plan of that name; deploy the suite again")
	}
	return s.run(ctx, j, claim)
}

// late reports whether the window has closed for a stop.
func late(j job.Job, now time.Time) bool {
	return j.Decision == job.StopFirst && !j.Run.Closes.IsZero() && now.After(j.Run.Closes)
}

// differ reports whether a run was begun with other hooks than the function knows.
func differ(told, known plan.Plan) bool {
	return (told.Hooks.Before == "") != (known.Hooks.Before == "") ||
		(told.Hooks.After == "") != (known.Hooks.After == "") ||
		told.Consistency != known.Consistency || told.Freeze != known.Freeze
}

// run sends the command before, or sees what becomes of it.
func (s Step) run(ctx context.Context, j job.Job, claim ledger.Claim) (job.Job, error) {
	claim, outcome, err := s.Runner.Before(ctx, claim)
	switch {
	case err != nil:
		return j, err
	case outcome == hook.Waits:
		return j, &fault.NotYet{Err: fmt.Errorf("%s runs on %s (%s)", job.BeforeOf(j.Frozen()), j.Source.Name, j.Source.ID)}
	}
	due := claim.Hook.Due()
	// Of what is stopped it is due once it is started.
	j.Hook = job.Hook{After: due && j.Decision == job.ImageNow, Due: due}
	if outcome == hook.Failed {
		return s.failed(j, claim.Hook.Failed)
	}
	return s.frozen(j, claim.Hook.Since)
}

// frozen is the job of a source whose data stands still, if it is to: for its limit since the freeze began, which was
// not before it was sent. Where nothing is left of that no image is begun.
func (s Step) frozen(j job.Job, since time.Time) (job.Job, error) {
	if !j.Frozen() {
		return j, nil
	}
	j.Hook.Until = since.Add(j.Plan.Freeze.Lasts())
	if s.Now().After(j.Hook.Until) {
		return s.failed(j, fmt.Sprintf("it was not known to be frozen within %s, which is freeze.limit",
			plan.Duration(j.Plan.Freeze.Lasts())))
	}
	return j, nil
}

// lost fails a source of which the ledger has lost the claim: an earlier call may have sent the command before, and the
// one after is due.
func (s Step) lost(ctx context.Context, j job.Job, c ledger.Claim, h plan.Hooks) error {
	now := s.Now().UTC()
	c.Hook = &ledger.Hook{Frozen: j.Frozen(), Since: now, Ended: now, Failed: "the ledger does not say whether it was run",
		After:   h.After != "",
		Timeout: h.Lasts()}
	if err := s.Claims.Record(ctx, c); err != nil {
		return fmt.Errorf("recording the commands on %s: %w", j.Source.ID, err)
	}
	return fault.Failure("Run the plan again.", "%s (%s): the ledger does not have its claim any more, and so not "+
		"whether %s was run on it", j.Source.Name, j.Source.ID, c.Hook.Before())
}

// failed does what the plan says where the command before has failed.
func (s Step) failed(j job.Job, why string) (job.Job, error) {
	name := job.BeforeOf(j.Frozen())
	switch j.Plan.Failing() {
	case plan.HookIgnore:
		j.Warnings = append(slices.Clone(j.Warnings), job.Reason{Code: job.BeforeFailed,
			Text: hook.Says(name, why) + ". It was imaged all the same, as the plan says"})
		return j, nil
	case plan.HookFail:
		return j, fault.Failure("See why the command fails (docs/operations.md, \"A command of a plan fails\").",
			"%s (%s) was not imaged: %s", j.Source.Name, j.Source.ID, hook.Says(name, why))
	default:
		j.Decision, j.Back = job.SkipIt, true
		j.Skip = &job.Reason{Code: job.BeforeFailed, Text: hook.Says(name, why)}
		j.Warnings = nil // They are of an image.
		return j, nil
	}
}

// patience is how long a job waits for an agent that comes back with its instance: minutes, on Windows more of them.
// The end of the job, and after that the sweep, go on trying.
const patience = 10 * time.Minute

// after runs the command after.
func (s Step) after(ctx context.Context, j job.Job) (job.Job, error) {
	now := s.Now().UTC()
	claim, err := s.Claims.Claim(ctx, ledger.ClaimOf(j, now))
	if errors.As(err, new(*ledger.HeldError)) { // The run that has it now answers for it.
		after := j
		after.Hook = job.Hook{}
		return s.stood(j, after, "another run has it since")
	}
	if err != nil {
		return j, fmt.Errorf("looking up the claim of %s: %w", j.Source.ID, err)
	}
	if claim.Hook == nil { // The end of the job says what it comes to that the ledger has lost it.
		after := j
		after.Hook.After = false
		return s.stood(j, after, "the ledger does not have its claim any more")
	}
	claim, outcome, err := s.Runner.After(ctx, claim)
	over := now.Sub(claim.Hook.Begun) > patience+2*claim.Hook.Timeout
	switch {
	case outcome == hook.Waits && over, fault.Lasts(err): // The image does not wait for it, and does not fail for it.
		handler.Log(ctx).WarnContext(ctx, "command after not run yet", "source", j.Source.ID,
			"problem", claim.Hook.Problem, "error", err)
		j.Hook.After = false
		return j, nil
	case err != nil:
		return j, err
	case outcome == hook.Waits:
		return j, &fault.NotYet{Err: fmt.Errorf("%s on %s (%s): %s", claim.Hook.Then(), j.Source.Name, j.Source.ID,
			claim.Hook.Problem)}
	}
	return s.stood(j, hook.Told(j, claim), stirred(j, claim))
}

// stirred is why a source that was frozen may have gone on before each of its snapshots was seen; "" if it has not.
// That its watchdog let it go on once its limit was over is no failure of the thaw.
func stirred(j job.Job, c ledger.Claim) string {
	switch {
	case c.Hook.Begun.Before(j.Times.Snapshotted):
		return "a sweep may have thawed it before its snapshots were begun"
	case c.Hook.Problem != "":
		return hook.Says(c.Hook.Then(), c.Hook.Problem)
	default:
		return ""
	}
}

// stood is the job of a source that is to have stood still for its image; why is why it may not have.
func (s Step) stood(j, after job.Job, why string) (job.Job, error) {
	if why == "" || j.Hook.Until.IsZero() {
		return after, nil
	}
	why = "it may not have stood still for its image: " + why
	if j.Plan.Failing() == plan.HookIgnore {
		after.Warnings = append(slices.Clone(after.Warnings), job.Reason{Code: job.BeforeFailed, Text: why})
		return after, nil
	}
	return j, fault.Failure("Run the plan again.", "%s (%s): %s", j.Source.Name, j.Source.ID, why)
}
