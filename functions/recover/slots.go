package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/bound"
	"goldsmith/shared/breaker"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/shared/source"
)

// placeless is how long a place may be without its claim: who takes one has claimed before, and
// a claim that is dropped gives its place up first.
const placeless = 10 * time.Minute

// tidy looks after the bounds of plans: it opens the breaker for what is down for too long, and gives up
// what was left behind. A place is given up only when its source runs, is gone or was never stopped.
func (r Rescue) tidy(ctx context.Context, claims []ledger.Claim, unread []string) error {
	var problems []error
	for s, err := range r.Claims.Slots(ctx, "") {
		var unreadable *ledger.Unreadable
		switch {
		case errors.As(err, &unreadable):
			handler.Log(ctx).ErrorContext(ctx, "a slot cannot be read", "error", err)
		case err != nil:
			return errors.Join(append(problems, fmt.Errorf("reading the bounds of plans: %w", err))...)
		case slices.Contains(unread, s.Source):
			problems = append(problems, r.overdue(ctx, s, unreadClaim(s)))
		default:
			at := slices.IndexFunc(claims, func(c ledger.Claim) bool { return c.Source == s.Source && c.Run == s.Run })
			if at >= 0 {
				problems = append(problems, r.overdue(ctx, s, claims[at]))
				continue
			}
			problems = append(problems, r.abandoned(ctx, s))
		}
	}
	return errors.Join(problems...)
}

// unreadClaim is what a slot says of its source's claim, which cannot be read.
func unreadClaim(s ledger.Slot) ledger.Claim {
	return ledger.Claim{Source: s.Source, Name: s.Name, Run: s.Run, Plan: s.Plan, Since: s.Since, StopSent: s.Stopping}
}

// overdue opens the breaker for a source that should run again by now, and closes it for one that does: its claim may
// live for hours. What EC2 shows decides, for the slots were read a while ago; where it shows nothing the source counts
// as down.
func (r Rescue) overdue(ctx context.Context, s ledger.Slot, c ledger.Claim) error {
	late := isLate(s, r.Now())
	if !late && s.Kind != ledger.Downs {
		return nil
	}
	down, err := r.down(ctx, s.Source)
	if late && (err != nil || down) {
		return errors.Join(err, breaker.Mark(ctx, r.Claims, c))
	}
	if late || err != nil || down {
		return err
	}
	return breaker.Clear(ctx, r.Claims, s.Source, s.Run)
}

// isLate reports whether a place is held beyond the time by which its source should run again.
func isLate(s ledger.Slot, now time.Time) bool {
	return s.Kind == ledger.Places && !s.Due.IsZero() && !now.Before(s.Due)
}

// abandoned gives up a slot that has no claim.
func (r Rescue) abandoned(ctx context.Context, s ledger.Slot) error {
	now := r.Now()
	switch {
	case s.Kind == ledger.Stops, now.Sub(s.Since) < placeless:
		return nil
	case s.Kind == ledger.Turns && now.Sub(s.Seen) < bound.Stale:
		return nil
	case s.Kind == ledger.Places && !s.Stopping.IsZero():
		if down, err := r.down(ctx, s.Source); err != nil || down {
			return err
		}
	}
	if err := r.Claims.Free(ctx, s); err != nil {
		return fmt.Errorf("giving up %s %s of plan %s: %w", s.Kind, s.ID, s.Plan, err)
	}
	return nil
}

// down reports whether a source is neither running nor gone.
func (r Rescue) down(ctx context.Context, id string) (bool, error) {
	instance, ok, err := source.Find(ctx, r.EC2, id)
	if err != nil || !ok {
		return false, err
	}
	state := source.State(instance)
	return state != types.InstanceStateNameRunning && !source.Ending(state), nil
}
