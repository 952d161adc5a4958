package bound

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"goldsmith/shared/breaker"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
)

// patience is how long a source may be down that has its image.
var patience = source.DownFor(plan.Plan{})

// Due is when a source that is stopped now should run again at the latest.
func Due(p plan.Plan, now time.Time) time.Time { return now.Add(source.DownFor(p)) }

// placeOf is the place that claim has taken for the job.
func placeOf(j job.Job) ledger.Slot {
	return ledger.Slot{
		Plan: j.Run.Plan, Kind: ledger.Places, ID: j.Place, Source: j.Source.ID, Name: j.Source.Name,
		Run: j.Run.Name, Execution: j.Execution, Since: j.Times.Claimed, Seen: j.Times.Claimed,
	}
}

// anew begins the id of a place that the ledger has lost and that is written down anew. It is none of those that are
// handed out, so that it takes none from another; it counts as each of them.
const anew = "anew "

// PlaceAnew gives a source that was stopped at that time a place, whatever the plan's concurrency: it is down.
func PlaceAnew(ctx context.Context, l Ledger, j job.Job, stopped time.Time) error {
	place := placeOf(j)
	place.Since, place.Seen, place.Stopping, place.Due = stopped, stopped, stopped, Due(j.Plan, stopped)
	return take(ctx, l, place)
}

// PlaceBack gives a source a place again that is down beyond its patience, whatever the plan's concurrency.
func PlaceBack(ctx context.Context, l taker, c ledger.Claim) error {
	return take(ctx, l, ledger.Slot{
		Plan: c.Plan, Kind: ledger.Places, Source: c.Source, Name: c.Name, Run: c.Run, Execution: c.Execution,
		Since: c.StopSent, Seen: c.StopSent, Stopping: c.StopSent, Due: c.StopSent.Add(patience),
	})
}

// TakeBack gives up the places that were written down anew for a source which is not down because of a run.
func TakeBack(ctx context.Context, l Ledger, source string) error {
	var written []ledger.Slot
	for s, err := range l.Slots(ctx, "") {
		var unreadable *ledger.UnreadableError
		if err != nil && !errors.As(err, &unreadable) {
			return fmt.Errorf("reading the bounds of plans: %w", err)
		}
		if err == nil && WrittenAnew(s) && s.Source == source {
			written = append(written, s)
		}
	}
	return free(ctx, l, written)
}

// taker takes slots.
type taker interface {
	Take(ctx context.Context, s ledger.Slot, before time.Time) (bool, error)
}

func take(ctx context.Context, l taker, place ledger.Slot) error {
	place.ID = anew + place.Source
	if _, err := l.Take(ctx, place, time.Time{}); err != nil {
		return fmt.Errorf("writing down the place of %s: %w", place.Source, err)
	}
	return nil
}

// ShareAnew gives a source the share of the plan's limit that it has taken at a.Now and that the ledger has lost. One
// that has a share, or for which there is none left, gets none: the limit is spent then.
func ShareAnew(ctx context.Context, l Ledger, a Ask) error {
	for attempt := range attempts {
		slots, err := read(ctx, l, a.Plan)
		if err != nil {
			return err
		}
		spent := a.spent(slots)
		if !spent.missing || spent.over {
			return nil
		}
		mine, err := l.Take(ctx, a.slot(ledger.Stops, pick(spent.taken, a.Most, a.Source, attempt)), a.Since)
		if err != nil {
			return fmt.Errorf("writing down the share of %s: %w", a.Source, err)
		}
		if mine {
			return nil
		}
	}
	return &fault.Transient{Err: fmt.Errorf("others take the shares of plan %s at the same moment", a.Plan)}
}

// WrittenAnew reports whether a place was: its source's run does not know of it, and gives up only its own.
func WrittenAnew(s ledger.Slot) bool { return s.Kind == ledger.Places && strings.HasPrefix(s.ID, anew) }

// Stopping notes in the job's place that StopInstances is about to be sent. It returns false
// when the place is not the job's any more: then the source must not be stopped.
func Stopping(ctx context.Context, l Ledger, j job.Job, now time.Time) (bool, error) {
	if j.Place == "" {
		return false, nil
	}
	place := placeOf(j)
	place.Stopping, place.Due = now, Due(j.Plan, now)
	mine, err := l.Take(ctx, place, time.Time{})
	if err != nil {
		return false, fmt.Errorf("marking the place of %s: %w", j.Source.ID, err)
	}
	return mine, nil
}

// Started notes in the job's place that a start was sent: of a source that is started only with its image, the patience
// with it has begun by then, and not when it was stopped.
func Started(ctx context.Context, l taker, j job.Job, now time.Time) error {
	if j.Place == "" || j.Plan.Restart != plan.Available {
		return nil
	}
	place := placeOf(j)
	place.Stopping, place.Due = j.Times.StopSent, now.Add(patience)
	if _, err := l.Take(ctx, place, time.Time{}); err != nil {
		return fmt.Errorf("marking the place of %s: %w", j.Source.ID, err)
	}
	return nil
}

// Freer gives slots up.
type Freer interface {
	Free(ctx context.Context, s ledger.Slot) error
}

// Back gives up the place of a source that was seen running, or gone, and closes the breaker for it.
func Back(ctx context.Context, l Freer, j job.Job) error {
	if err := breaker.Clear(ctx, l, j.Source.ID, j.Run.Name); err != nil || j.Place == "" {
		return err
	}
	if err := l.Free(ctx, placeOf(j)); err != nil {
		return fmt.Errorf("giving up the place of %s: %w", j.Source.ID, err)
	}
	return nil
}
