package recovery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"goldsmith/functions/recover/executions"
	"goldsmith/shared/bound"
	"goldsmith/shared/breaker"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/shared/notify"
	"goldsmith/shared/source"
)

// placeless is how long a place may be without its claim: who takes one has claimed before, and
// a claim that is dropped gives its place up first.
const placeless = 10 * time.Minute

// tidy looks after the bounds of plans: it opens the breaker for what is down for too long, and gives up
// what was left behind. A place is given up only when its source runs, is gone or was never stopped.
func (r Rescue) tidy(ctx context.Context, claims []ledger.Claim, unread []string) error {
	var problems []error
	late := map[string][]ledger.Claim{}
	for s, err := range r.Claims.Slots(ctx, "") {
		var unreadable *ledger.UnreadableError
		if errors.As(err, &unreadable) {
			handler.Log(ctx).ErrorContext(ctx, "a slot cannot be read", "error", err)
			problems = append(problems, r.notifyOfUnread(ctx, unreadable.Record))
			continue
		}
		if err != nil {
			return errors.Join(append(problems, fmt.Errorf("reading the bounds of plans: %w", err))...)
		}
		c, held := claimOf(s, claims, unread)
		if !held || bound.WrittenAnew(s) {
			problems = append(problems, r.abandoned(ctx, s))
		}
		if !held {
			continue
		}
		overdue, err := r.overdue(ctx, s, c)
		if overdue && c.Left.IsZero() || r.left(s, c) {
			late[c.Run] = append(late[c.Run], c)
		}
		problems = append(problems, err)
	}
	return errors.Join(append(problems, r.notifyOfDown(ctx, late))...)
}

// notifyOfUnread tells people of a slot that cannot be read, since it counts as one that a source has.
func (r Rescue) notifyOfUnread(ctx context.Context, record string) error {
	_, err := r.Notices.Notice(ctx, notify.Notice{
		Key: "unreadable slot " + record, Title: "A record of the ledger cannot be read: " + record, Notify: r.Notify,
		Lines: []string{
			"It is one of a plan's places, turns or shares of its limit, or says that a source is down: a newer version of " +
				"Goldsmith has written it, or another program.",
			"It counts as if a source were down for as long as it stays, so that fewer of its plan are stopped, or none.",
			`Now: Remove the record: docs/operations.md, "A record cannot be read".`,
		},
	})
	return err
}

// claimOf is the claim of a slot's source, or what the slot says of one that cannot be read.
func claimOf(s ledger.Slot, claims []ledger.Claim, unread []string) (ledger.Claim, bool) {
	if slices.Contains(unread, s.Source) {
		return unreadClaim(s), true
	}
	return ledger.FindClaim(claims, s.Source, s.Run)
}

// unreadClaim is what a slot says of its source's claim, which cannot be read.
func unreadClaim(s ledger.Slot) ledger.Claim {
	return ledger.Claim{Source: s.Source, Name: s.Name, Run: s.Run, Plan: s.Plan, Since: s.Since, StopSent: s.Stopping}
}

// overdue opens the breaker for a source that should run again by now, and closes it for one that does: its claim may
// live for hours. What EC2 shows decides, for the slots were read a while ago; where it shows nothing the source counts
// as down.
func (r Rescue) overdue(ctx context.Context, s ledger.Slot, c ledger.Claim) (late bool, err error) {
	late = isLate(s, r.Now())
	if !late && s.Kind != ledger.Downs {
		return false, nil
	}
	down, err := r.down(ctx, s.Source, time.Time{})
	if late && (err != nil || down) {
		return true, errors.Join(err, breaker.Mark(ctx, r.Claims, c))
	}
	if late || err != nil || down {
		return false, err
	}
	return false, breaker.Clear(ctx, r.Claims, s.Source, s.Run)
}

// left reports whether a source was left stopped by a job whose run may go on for hours. One that ends with it tells of
// it in a moment.
func (r Rescue) left(s ledger.Slot, c ledger.Claim) bool {
	return s.Kind == ledger.Places && !c.Left.IsZero() && r.Now().Sub(c.Left) > executions.Hearing
}

// notifyOfDown says of each run which sources of it are down beyond their patience, or left stopped, while the run goes
// on: that may take hours. It says so once, and again when there are more.
func (r Rescue) notifyOfDown(ctx context.Context, late map[string][]ledger.Claim) error {
	var problems []error
	for _, run := range slices.Sorted(maps.Keys(late)) {
		record, _, err := r.Runs.GetRun(ctx, run)
		if err != nil || !record.Told.IsZero() {
			problems = append(problems, err) // Its own message names them.
			continue
		}
		last := slices.MaxFunc(late[run], func(a, b ledger.Claim) int { return a.StopSent.Compare(b.StopSent) })
		_, err = r.Notices.Notice(ctx, r.downNotice("down "+run+" "+last.Source, "Run "+run+": what is still down",
			late[run]))
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// downNotice names what is down, and what is not stopped meanwhile.
func (r Rescue) downNotice(key, title string, down []ledger.Claim) notify.Notice {
	n := notify.Notice{Key: key, Title: title, Notify: r.Notify}
	for _, c := range down[:min(mostNamed, len(down))] {
		held := breaker.Of(c)
		n.Lines = append(n.Lines, held.Why()+". "+held.Held()+" is stopped until "+held.Until()+". "+held.Remedy())
	}
	if more := len(down) - mostNamed; more > 0 {
		n.Lines = append(n.Lines, fmt.Sprintf("%d more: goldsmith status names them", more))
	}
	n.Lines = append(n.Lines, "Goldsmith goes on trying to start what is stopped, every few minutes.",
		"Now: Do what is said of each, or have the others not wait for it: goldsmith exempt "+down[0].Source)
	return n
}

// isLate reports whether a place is held beyond the time by which its source should run again.
func isLate(s ledger.Slot, now time.Time) bool {
	return s.Kind == ledger.Places && !s.Due.IsZero() && !now.Before(s.Due)
}

// abandoned gives up a slot that has no claim.
func (r Rescue) abandoned(ctx context.Context, s ledger.Slot) error {
	if r.early(s) {
		return nil
	}
	switch {
	case breaker.IsDenial(s):
	case s.Kind == ledger.Downs, s.Kind == ledger.Exempt, s.Kind == ledger.Places && !s.Stopping.IsZero():
		if down, err := r.down(ctx, s.Source, s.Since.Add(unknown)); err != nil || down {
			return err
		}
	}
	if err := r.Claims.Free(ctx, s); err != nil {
		return fmt.Errorf("giving up %s %s of plan %s: %w", s.Kind, s.ID, s.Plan, err)
	}
	return nil
}

// early reports whether it is too early to give up a slot that has no claim.
func (r Rescue) early(s ledger.Slot) bool {
	now := r.Now()
	switch {
	case s.Kind == ledger.Stops, now.Sub(s.Since) < placeless:
		return true
	case s.Kind == ledger.Turns && now.Sub(s.Seen) < placeless:
		return true
	default:
		return breaker.IsDenial(s) && now.Sub(s.Since) < breaker.Denial
	}
}

// unknown is how long a source without a claim counts as down that describes do not know, where a dry run does not say
// that it is gone: no page of AWS says that one looks ids up. Of one with a claim a start tells.
const unknown = 24 * time.Hour

// down reports whether a source is neither running nor gone. One that a describe does not know may be there all the
// same, for it may lag: it is gone where EC2 does not know it for a start either, or after that.
func (r Rescue) down(ctx context.Context, id string, after time.Time) (bool, error) {
	instance, known, err := source.Find(ctx, r.EC2, id)
	if err != nil || known {
		return known && source.Down(instance), err
	}
	if !after.IsZero() && r.Now().After(after) {
		return false, nil
	}
	return source.Known(ctx, r.EC2, id)
}
