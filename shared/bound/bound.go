// Package bound knows a plan's bounds over all its runs and requests together:
// how many of its sources may be down at once, and how many may be stopped since
// its last scheduled start. What there is a bounded number of are slots in the
// ledger, each taken by one conditional write, so that a bound holds
// however a run was asked for and whatever ends in the middle.
package bound

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"strings"
	"time"

	"goldsmith/shared/breaker"
	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
)

// Ledger is the ledger as far as bounds need it.
type Ledger interface {
	Take(ctx context.Context, s ledger.Slot, before time.Time) (bool, error)
	Free(ctx context.Context, s ledger.Slot) error
	Slots(ctx context.Context, plan string) iter.Seq2[ledger.Slot, error]
}

// Ask is a source that is to be stopped.
type Ask struct {
	Plan                         string
	Source, Name, Run, Execution string
	// Concurrency is how many sources of the plan may be down at once.
	Concurrency int
	// Most is how many sources of the plan may be stopped since Since; 0 when there is no limit.
	Most  int
	Since time.Time
	// Asked is when the source asked first, if it has given its turn up since.
	Asked time.Time
	Now   time.Time
}

// Answer is what came of it.
type Answer struct {
	// Place is the id of the place that the source has now; empty when there is none for it.
	Place string
	// Before is how many others have their turn first.
	Before int
	// Asked is when the source asked for a place first.
	Asked time.Time
	// Over are the sources that were stopped since Since, when they are as many as may be: this one is refused.
	Over []string
}

const (
	// attempts is how often a slot that another has just taken is looked for anew in one call.
	attempts = 12
	// Stale is how long a turn may not have been asked for again before it counts for nothing. Who waits asks every five
	// minutes at least; while AWS is busy, for as long as claim is tried again, which takes half an hour. The sweep gives
	// up turns of executions that have ended long before.
	Stale = time.Hour
	// Rolling is the period of a limit that no schedule gives one.
	Rolling = 24 * time.Hour
)

// Place asks for a place in the plan's bounds. It takes one when there is one and none has
// waited longer, or else a turn. Asking again gives the place or the turn that the source has.
func Place(ctx context.Context, l Ledger, a Ask) (Answer, error) {
	if a.Since.IsZero() {
		a.Since = a.Now.Add(-Rolling)
	}
	for attempt := range attempts {
		slots, err := read(ctx, l, a.Plan)
		if err != nil {
			return Answer{}, err
		}
		next := decide(slots, a, attempt)
		if next.take == nil {
			return next.answer, free(ctx, l, next.free)
		}
		mine, err := l.Take(ctx, *next.take, next.before)
		if err != nil {
			return Answer{}, fmt.Errorf("taking %s %s of plan %s: %w", next.take.Kind, next.take.ID, a.Plan, err)
		}
		if mine && !next.more {
			return next.answer, free(ctx, l, next.free)
		}
	}
	return Answer{}, &fault.Transient{Err: fmt.Errorf("others take the places of plan %s at the same moment", a.Plan)}
}

func read(ctx context.Context, l Ledger, plan string) ([]ledger.Slot, error) {
	var all []ledger.Slot
	for s, err := range l.Slots(ctx, plan) {
		var unreadable *ledger.UnreadableError
		if errors.As(err, &unreadable) {
			// What cannot be read is taken: by which source cannot be known.
			s, err = unknown(plan, unreadable.Record), nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the bounds of plan %s: %w", plan, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// Unread are the records of places of a plan that cannot be read: each counts as one that is taken.
func Unread(ctx context.Context, l Ledger, plan string) ([]string, error) {
	var records []string
	for _, err := range l.Slots(ctx, plan) {
		var unreadable *ledger.UnreadableError
		switch {
		case errors.As(err, &unreadable):
			if unknown(plan, unreadable.Record).Kind == ledger.Places {
				records = append(records, unreadable.Record)
			}
		case err != nil:
			return nil, fmt.Errorf("reading the bounds of plan %s: %w", plan, err)
		}
	}
	return records, nil
}

// unknown is the slot at a key, when nothing else of it can be read.
func unknown(plan, record string) ledger.Slot {
	parts := strings.SplitN(record, "#", 3)
	return ledger.Slot{Plan: plan, Kind: ledger.SlotKind(parts[min(1, len(parts)-1)]), ID: parts[len(parts)-1],
		Since: never}
}

// never is after any period's begin.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// step is what is to be done next: a slot to be taken, or an answer, with what is given up then.
type step struct {
	take   *ledger.Slot
	before time.Time
	// more is whether another slot is needed before there is an answer.
	more   bool
	answer Answer
	free   []ledger.Slot
}

// decide goes by the slots as they were read. A slot that another takes meanwhile is not given, and everything is read
// anew. The share of the limit is taken with the place: what waits for its turn has none, since its turn may not come.
func decide(slots []ledger.Slot, a Ask, attempt int) step {
	r, spent := a.row(slots), a.spent(slots)
	if spent.over {
		return step{answer: Answer{Over: spent.names}, free: append(r.turns, r.own...)}
	}
	if len(r.own) > 0 {
		place := r.own[0]
		if spent.missing {
			take := a.slot(ledger.Stops, pick(spent.taken, a.Most, a.Source, attempt))
			return step{take: &take, before: a.Since, more: true}
		}
		return step{answer: Answer{Place: place.ID, Asked: place.Seen}, free: r.turns}
	}
	asked, turn := a.asked(), ledger.Slot{}
	if len(r.turns) > 0 {
		turn = r.turns[0]
		asked = turn.Since
	}
	if a.Concurrency-len(r.places) > r.before {
		take := a.slot(ledger.Places, pick(r.places, a.Concurrency, a.Source, attempt))
		take.Seen = asked
		return step{take: &take, more: spent.missing, answer: Answer{Place: take.ID, Asked: asked}, free: r.turns}
	}
	return step{take: a.turn(turn, asked), answer: Answer{Before: r.before + len(r.places), Asked: asked}}
}

// asked is when the source asked first, as far as it knows itself.
func (a Ask) asked() time.Time {
	if a.Asked.IsZero() || a.Asked.After(a.Now) {
		return a.Now
	}
	return a.Asked
}

// turn is the source's turn as it is written now, behind those who asked before.
func (a Ask) turn(known ledger.Slot, asked time.Time) *ledger.Slot {
	turn := a.slot(ledger.Turns, known.ID)
	if turn.ID == "" {
		turn.ID = fmt.Sprintf("%015d %s", asked.UnixMilli(), a.Source)
	}
	turn.Since = asked
	return &turn
}

func (a Ask) slot(kind ledger.SlotKind, id string) ledger.Slot {
	return ledger.Slot{
		Plan: a.Plan, Kind: kind, ID: id, Source: a.Source, Name: a.Name, Run: a.Run, Execution: a.Execution, Since: a.Now,
		Seen: a.Now,
	}
}

// spent is what is taken of the plan's limit, seen by one who asks.
type spent struct {
	taken map[string]bool
	names []string
	// missing is whether the source needs a share that it does not have; over whether there is none for it.
	missing, over bool
}

func (a Ask) spent(slots []ledger.Slot) spent {
	s := spent{taken: map[string]bool{}, missing: a.Most > 0}
	for _, slot := range slots {
		if slot.Kind != ledger.Stops || slot.Since.Before(a.Since) {
			continue
		}
		if slot.Source == a.Source {
			s.missing = false
		}
		s.taken[slot.ID] = true
		s.names = append(s.names, slot.Source)
	}
	s.over = s.missing && len(s.taken) >= a.Most
	return s
}

// pick is one of the ids below most that are not taken: another for each source and
// attempt, so that many who ask at once rarely want the same.
func pick(taken map[string]bool, most int, source string, attempt int) string {
	var open []string
	for n := range most {
		if id := fmt.Sprintf("%06d", n); !taken[id] {
			open = append(open, id)
		}
	}
	h := fnv.New32a()
	fmt.Fprintf(h, "%s %d", source, attempt)
	return open[int(h.Sum32())%len(open)]
}

func free(ctx context.Context, l Ledger, slots []ledger.Slot) error {
	for _, s := range slots {
		if err := l.Free(ctx, s); err != nil {
			return fmt.Errorf("giving up %s %s of plan %s: %w", s.Kind, s.ID, s.Plan, err)
		}
	}
	return nil
}

// Leave gives up whatever the source has in the run: its place and its turn, and unless
// it was stopped its share of the plan's limit. One that was stopped is back, or gone.
func Leave(ctx context.Context, l Ledger, plan, source, run string, stopped bool) error {
	slots, err := read(ctx, l, plan)
	if err != nil {
		return err
	}
	if stopped {
		if err := breaker.Clear(ctx, l, source, run); err != nil {
			return err
		}
	}
	var ours []ledger.Slot
	for _, s := range slots {
		if s.Source == source && s.Run == run && (s.Kind != ledger.Stops || !stopped) {
			ours = append(ours, s)
		}
	}
	return free(ctx, l, ours)
}
