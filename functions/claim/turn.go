package claim

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"goldsmith/shared/bound"
	"goldsmith/shared/breaker"
	"goldsmith/shared/job"
	"goldsmith/shared/pace"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// mayStop sees whether the source may be stopped now: it can be started again, the breaker is
// closed, and there is a place for it. The job has its place then, or a decision.
func (s Step) mayStop(ctx context.Context, j job.Job, f source.Facts) (job.Job, error) {
	if j.Run.Held != nil {
		var err error
		if j, err = s.unlock(ctx, j); err != nil || j.Run.Held != nil {
			return j, err
		}
	}
	j, err := s.startable(ctx, j, f)
	if err != nil || j.Decision != "" {
		return j, err
	}
	open, err := breaker.Open(ctx, s.Ledger)
	if err != nil {
		return j, err
	}
	block, exempted := breaker.Standing(open, j)
	if block != nil {
		return s.heldBack(ctx, j, *block)
	}
	j.Warnings = append(slices.Clone(j.Warnings), exempted...)
	return s.places(ctx, j, f)
}

// places asks for the source's place in its Auto Scaling group, if it has one, and then for one in the plan's bounds.
func (s Step) places(ctx context.Context, j job.Job, f source.Facts) (job.Job, error) {
	j, err := s.member(ctx, j, f)
	if err == nil && j.Decision == "" {
		j, err = s.targets(ctx, j, f)
	}
	if err != nil || j.Decision != "" {
		return j, err
	}
	if j.Place == "" {
		if j, err = s.place(ctx, j); err != nil {
			return j, err
		}
	}
	return s.free(ctx, j)
}

// paced has the source wait until it may begin: no faster than EC2 lets its image be made and its instance be started
// again, over all plans and runs. It returns whether that is all there is to do.
func (s Step) paced(ctx context.Context, j job.Job, asked bool) (job.Job, bool, error) {
	if asked {
		return j, false, nil
	}
	now := s.Now().UTC()
	stops := j.Plan.Consistency == plan.Stop && j.Source.Kind != job.Snapshot
	at, err := pace.Begin(ctx, s.Ledger, now, stops)
	wait := at.Sub(now)
	if err != nil || wait < time.Second {
		return j, false, err
	}
	j.Decision = job.WaitFirst
	j.Turn = &job.Turn{Seconds: int(math.Ceil(wait.Seconds())), Since: now}
	return j, true, nil
}

// unlock looks whether the ledger knows by now of what was down without its knowing: the sweep sees to that within
// minutes. Until then the source waits, a request for half an hour.
func (s Step) unlock(ctx context.Context, j job.Job) (job.Job, error) {
	tagged, err := source.DownWith(ctx, s.EC2, tag.Stopped)
	if err != nil {
		return j, err
	}
	lost, err := bound.Lost(ctx, s.Ledger, job.MachineOf(j.Execution), tagged)
	if err != nil {
		return j, err
	}
	if len(lost) == 0 {
		j.Run.Held = nil
		return j, nil
	}
	j.Run.Held = bound.Held(lost)
	turn := job.Turn{Held: true, Seconds: int(again.Seconds()), Since: s.Now().UTC()}
	if j.Turn != nil {
		turn.Since, turn.First = j.Turn.Since, j.Turn.First
	}
	if j.Run.Request != nil && j.Run.Request.Source != "" && s.Now().Sub(turn.Since) >= settling {
		return refuse(j, j.Run.Held), nil
	}
	j.Decision, j.Turn = job.WaitFirst, &turn
	return j, nil
}

// again is how often what is held back is looked at: as seldom as what waits for its turn at most.
const again = 5 * time.Minute

// heldBack is a source that must not be stopped while another is down. What has gone down since its run began may come
// back, or be exempted by a person, before the window closes: then it waits, without a turn, so that it is in the way
// of none that may be stopped. A request for one source is answered at once.
func (s Step) heldBack(ctx context.Context, j job.Job, b breaker.Block) (job.Job, error) {
	requested := j.Run.Request != nil && j.Run.Request.Source != ""
	if requested || j.Run.Closes.IsZero() || b.Claim.StopSent.Before(j.Run.Scheduled) {
		return refuse(j, b.Reason()), nil
	}
	if err := bound.Leave(ctx, s.Ledger, j.Run.Plan, j.Source.ID, j.Run.Name, false); err != nil {
		return j, fmt.Errorf("giving up the turn of %s: %w", j.Source.ID, err)
	}
	turn := job.Turn{Held: true, Seconds: int(again.Seconds()), Since: s.Now().UTC()}
	if j.Turn != nil {
		turn.Since, turn.First = j.Turn.Since, j.Turn.First
	}
	j.Decision, j.Place, j.Turn = job.WaitFirst, "", &turn
	return j, nil
}

func refuse(j job.Job, reason *job.Reason) job.Job {
	if reason == nil {
		return j
	}
	return skip(j, reason.Code, reason.Text)
}

// fresh is how long the answers of select and start hold: asking again for each source takes from the calls by which
// EC2 lets instances be started.
const fresh = 30 * time.Minute

// startable refuses a source that EC2 would not start again. What is not asked anew is what select and start found.
func (s Step) startable(ctx context.Context, j job.Job, f source.Facts) (job.Job, error) {
	if j.Source.Refused != nil {
		return refuse(j, j.Source.Refused), nil
	}
	if over := f.OverQuota(); over != nil || s.Now().Sub(j.Run.Asked) < fresh {
		return refuse(j, over), nil
	}
	reason, err := source.Startable(ctx, s.EC2, j.Source.ID)
	if err != nil || reason != nil {
		return refuse(j, reason), err
	}
	if f, err = source.WithKeys(ctx, s.EC2, f); err != nil {
		return j, err
	}
	locked, unseen, err := source.Locked(ctx, s.Keys, []source.Facts{f})
	if err != nil {
		return j, err
	}
	if reason, is := locked[j.Source.ID]; is {
		return refuse(j, &reason), nil
	}
	f.KeyUnseen = f.KeyUnseen || len(unseen) > 0
	decision := source.Decide(f)
	j.Warnings = decision.Warnings
	return refuse(j, decision.Skip), nil
}

// stillWaits looks after a job that waits for its turn, or for the breaker, without a look at EC2 until that has come.
// It returns whether that is all there is to do.
func (s Step) stillWaits(ctx context.Context, j job.Job) (job.Job, bool, error) {
	if j.Turn == nil || j.Turn.Before == 0 && !j.Turn.Held {
		return j, false, nil
	}
	if late := source.Late(j.Run, s.Now()); late != nil {
		j, err := s.late(ctx, j, noTurn(j, *late))
		return j, true, err
	}
	open, err := breaker.Open(ctx, s.Ledger)
	if err != nil {
		return j, true, err
	}
	if block, _ := breaker.Standing(open, j); block != nil {
		j, err := s.heldBack(ctx, j, *block)
		return j, true, err
	}
	if j.Turn.Held {
		return j, false, nil
	}
	// With a place it is what EC2 shows now that decides.
	j, err = s.place(ctx, j)
	return j, err != nil || j.Place == "", err
}

// late is a source that is not stopped before the window closes. What is down, and holds it back or has a place, is
// why, if there is any.
func (s Step) late(ctx context.Context, j job.Job, otherwise job.Reason) (job.Job, error) {
	if j.Run.Held != nil {
		return refuse(j, j.Run.Held), nil
	}
	open, err := breaker.Open(ctx, s.Ledger)
	if err != nil {
		return j, err
	}
	closed := "the window closed at " + j.Run.Closes.UTC().Format(time.RFC3339)
	if block, _ := breaker.Standing(open, j); block != nil {
		return skip(j, job.BreakerOpen, closed+": "+block.Reason().Text), nil
	}
	for _, b := range open {
		if b.Claim.Plan == j.Run.Plan && b.Exempt == nil {
			return skip(j, job.BreakerOpen, fmt.Sprintf("%s: %s. Plan %s has at most %d down at once. %s %s",
				closed, b.Why(), j.Run.Plan, j.Plan.Concurrency, b.Remedy(), b.Otherwise())), nil
		}
	}
	unread, err := bound.Unread(ctx, s.Ledger, j.Run.Plan)
	if err == nil && len(unread) > 0 {
		otherwise = job.Reason{Code: job.LedgerUnread, Text: closed + ": record " + strings.Join(unread, ", ") +
			" of the ledger " +
			"cannot be read, and counts as a source of plan " + j.Run.Plan + " that is down"}
	}
	return skip(j, otherwise.Code, otherwise.Text), err
}

// noTurn is the reason of a source whose turn has not come before the window closed.
func noTurn(j job.Job, late job.Reason) job.Reason {
	if j.Turn.Before == 0 {
		return late
	}
	code := job.WindowClosed // The next run tries again by itself.
	if j.Run.Request != nil {
		code = job.NoTurn
	}
	return job.Reason{Code: code, Text: fmt.Sprintf("the window closed at %s, and %s still before it: "+
		"plan %s has at most %d down at once",
		j.Run.Closes.UTC().Format(time.RFC3339), were(j.Turn.Before), j.Run.Plan, j.Plan.Concurrency)}
}

const (
	// settling is how long a request waits for an instance that is starting or stopping: either takes minutes, and
	// one that hangs is for a person.
	settling = 30 * time.Minute
	// looks is how often it is looked at meanwhile.
	looks = 30 * time.Second
)

// unfit is a source that may not be imaged as it is. A request waits until an instance that changes its state runs
// or is stopped; a plan's run leaves it to the next run.
func (s Step) unfit(j job.Job, reason job.Reason) job.Job {
	if r := j.Run.Request; reason.Code != job.ChangingState || r == nil || r.Source != j.Source.ID {
		return skip(j, reason.Code, reason.Text)
	}
	turn := job.Turn{Seconds: int(looks.Seconds()), Since: s.Now().UTC()}
	if j.Turn != nil && j.Turn.Before == 0 {
		turn.Since = j.Turn.Since
	}
	if waited := s.Now().Sub(turn.Since); waited >= settling {
		return skip(j, reason.Code, fmt.Sprintf("%s, and was so for %s. Ask again once it runs or is stopped",
			reason.Text, waited.Truncate(time.Minute)))
	}
	j.Decision, j.Turn = job.WaitFirst, &turn
	return j
}

// settled gives up what a job has of the plan's bounds and does not need after all.
func (s Step) settled(ctx context.Context, asked bool, j job.Job) (job.Job, error) {
	if !asked || j.Decision == job.StopFirst || j.Decision == job.WaitFirst {
		return j, nil
	}
	j.Place, j.Turn = "", nil
	if err := bound.Leave(ctx, s.Ledger, j.Run.Plan, j.Source.ID, j.Run.Name, false); err != nil {
		return j, fmt.Errorf("giving up the turn of %s: %w", j.Source.ID, err)
	}
	return j, nil
}
