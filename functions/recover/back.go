package recovery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/recover/executions"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/notify"
	"goldsmith/shared/report"
	"goldsmith/shared/source"
)

// cutShort is why a source has no result of its job's.
const cutShort = "the run ended early"

// known is the source's result in the claim's run; a new one when there is none.
func (r Rescue) known(ctx context.Context, c ledger.Claim) (known job.Result, there bool, err error) {
	for known, err := range r.Results.Results(ctx, c.Run) {
		if err != nil {
			return known, false, fmt.Errorf("reading the results of run %s: %w", c.Run, err)
		}
		if known.Source == c.Source {
			return known, true, nil
		}
	}
	return job.Result{
		Run: c.Run, Source: c.Source, Kind: c.Kind, Name: c.Name, Plan: c.Plan,
		Times: job.Times{Claimed: c.Since, StopSent: c.StopSent},
	}, false, nil
}

// record writes what became of the source, unless its job has done so. It returns the result that had said that
// it was left stopped, if one had.
func (r Rescue) record(
	ctx context.Context, c ledger.Claim, problem string, state types.InstanceStateName,
) (was *job.Result, err error) {
	known, there, err := r.known(ctx, c)
	if err != nil || there && known.Ending != job.LeftStopped {
		return nil, err
	}
	was = reportedAs(c, known, there)
	if !there || known.Problem == cutShort {
		known.Problem, known.Do = problem, next(c)
	}
	known.Ending, known.Shows, known.Restarted, known.At = job.Broken, "", time.Time{}, r.Now().UTC()
	known.Gone = state == "" || source.Ending(state)
	if state == types.InstanceStateNameStopped && !c.StopSent.IsZero() {
		known.Shows = string(state) // A person has stopped it since.
	}
	return was, r.put(ctx, known)
}

// next is what is to be done about a source whose run was cut off.
func next(c ledger.Claim) string {
	if c.Kind == job.Snapshot {
		return "Ask again: what was made for it is removed."
	}
	return "Nothing is to be done: the next run images it."
}

// reportedAs is the result by which the run has told that the source was left stopped, if it has told that; without one
// it has told so by the claim.
func reportedAs(c ledger.Claim, known job.Result, there bool) *job.Result {
	if there || c.WasRunning && !c.StopSent.IsZero() {
		return &known
	}
	return nil
}

// showing writes what EC2 shows of a source whose run was cut off, so that the run's message says it. A job that has
// left it stopped itself has said more.
func (r Rescue) showing(ctx context.Context, c ledger.Claim, state string, restarted time.Time) error {
	if !c.Left.IsZero() && restarted.IsZero() {
		return nil
	}
	known, there, err := r.known(ctx, c)
	if err != nil || there && (known.Ending != job.LeftStopped || known.Shows == "" || known.Shows == state) {
		return err
	}
	known.Ending, known.Problem, known.Shows, known.At = job.LeftStopped, cutShort, state, r.Now().UTC()
	if !restarted.IsZero() {
		known.Restarted = restarted
	}
	return r.put(ctx, known)
}

// amend changes what the message of a run that is not told yet says of a source which was left stopped.
func (r Rescue) amend(ctx context.Context, c ledger.Claim,
	says func(ctx context.Context, known job.Result, c ledger.Claim) error) error {
	run, _, err := r.Runs.GetRun(ctx, c.Run)
	if err != nil || !run.Told.IsZero() {
		return err
	}
	known, there, err := r.known(ctx, c)
	if err != nil || !there || known.Ending != job.LeftStopped {
		return err
	}
	return says(ctx, known, c)
}

// startedSince writes down that a source which its job had left stopped was started since.
func (r Rescue) startedSince(ctx context.Context, known job.Result, c ledger.Claim) error {
	known.Shows, known.Restarted, known.At = string(types.InstanceStateNamePending), c.Started, r.Now().UTC()
	return r.put(ctx, known)
}

// notifyOfBack says once what became of sources of which their runs have told that they were left stopped.
func (r Rescue) notifyOfBack(ctx context.Context, found []settled) error {
	byRun := map[string][]settled{}
	for _, s := range found {
		if s.was != nil {
			byRun[s.was.Run] = append(byRun[s.was.Run], s)
		}
	}
	var problems []error
	for _, run := range slices.Sorted(maps.Keys(byRun)) {
		record, _, err := r.Runs.GetRun(ctx, run)
		if err == nil && !record.Told.IsZero() {
			_, err = r.Notices.Notice(ctx, r.back(run, byRun[run]))
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// notifyOfNotBack says once of sources that cannot be started that their runs have told that they come back.
func (r Rescue) notifyOfNotBack(ctx context.Context, found []settled) error {
	byRun := map[string][]ledger.Claim{}
	for _, s := range found {
		// By then the refusal is no single one, and the breaker is open.
		if s.claim != nil && r.Now().Sub(s.claim.Refused) > executions.Hearing {
			byRun[s.claim.Run] = append(byRun[s.claim.Run], *s.claim)
		}
	}
	var problems []error
	for _, run := range slices.Sorted(maps.Keys(byRun)) {
		record, _, err := r.Runs.GetRun(ctx, run)
		if err == nil && !record.Told.IsZero() {
			err = r.notBack(ctx, record, byRun[run])
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func (r Rescue) notBack(ctx context.Context, run ledger.Run, claims []ledger.Claim) error {
	var problems []error
	for _, c := range claims {
		known, there, err := r.known(ctx, c)
		if err != nil || there && known.Shows == "" || !there && c.Refused.Before(run.Told) {
			problems = append(problems, err) // Its run has said that it stays down.
			continue
		}
		delivery, err := r.Notices.Notice(ctx, r.downNotice("not back "+run.Name+" "+c.Source,
			"Run "+run.Name+": what does not come back after all", []ledger.Claim{c}))
		if err == nil && delivery == notify.Sent && there {
			err = r.staysDown(ctx, known, c)
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// staysDown writes down that the source stays down.
func (r Rescue) staysDown(ctx context.Context, known job.Result, c ledger.Claim) error {
	if known.Problem == cutShort {
		known.Problem = c.Problem
	}
	known.Shows, known.At = "", r.Now().UTC()
	return r.put(ctx, known)
}

func (r Rescue) back(run string, sources []settled) notify.Notice {
	n := notify.Notice{Title: "Run " + run + ": what it had left stopped", Notify: r.Notify}
	var ids []string
	for _, s := range sources {
		ids = append(ids, s.was.Source)
		n.Lines = append(n.Lines, report.Label(s.was.Name, s.was.Source)+": "+s.is)
	}
	n.Key = "back " + run + " " + strings.Join(ids, " ")
	n.Lines = append(n.Lines, "Nothing is to be done.")
	return n
}
