package retire

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
)

// again registers the retired images that somebody had back. They begin anew: nothing that was decided about
// them before counts, and whatever goes again has its whole grace period.
func (r *round) again(ctx context.Context) error {
	for _, back := range r.Back {
		put := r.Ledger.Amend
		if !back.Retired.IsZero() {
			put, back.Revision = r.Ledger.Register, ""
		}
		why := "it was restored; it begins anew, with its whole grace period"
		if back.Gone.IsZero() && back.Missed.IsZero() && back.Retired.IsZero() {
			why = "it is there after its removal was begun and cut off, so it may have been restored; " +
				"it begins anew, with its whole grace period"
		}
		back.Anew, back.Going, back.Gone = r.now, time.Time{}, time.Time{}
		back.Missed, back.Retired = time.Time{}, time.Time{}
		handler.Log(ctx).InfoContext(ctx, "retired image restored by others", "image", back.ID, "source", back.Name)
		registered, err := put(ctx, back)
		if err == nil {
			err = r.Ledger.Settle(ctx, registered)
		}
		if err != nil {
			return fmt.Errorf("registering image %s again: %w", back.ID, err)
		}
		what := retirement{Subject: back.ID, Name: back.Name, Status: job.Restored, Why: []string{why}}
		if err := r.put(ctx, what); err != nil {
			return err
		}
	}
	return nil
}

// keepSnapshots writes down which snapshots are an image's own, before it goes: those that stay are found by it. Whole
// is whether all are; what was there before an adopted image stays, and its own are then left to the sweep.
func (r *round) keepSnapshots(ctx context.Context, what *retirement) (whole bool, err error) {
	registered, shown := r.Registered[what.Subject], r.Images[what.Subject]
	own, whole, err := register.Own(ctx, r.EC2, registered, shown)
	if err != nil {
		return false, err
	}
	others := slices.DeleteFunc(image.Snapshots(shown), func(id string) bool { return slices.Contains(own, id) })
	if len(others) > 0 {
		why := "not made with it, so they stay: " + strings.Join(others, ", ")
		what.Why = append(slices.Clone(what.Why), why)
	}
	if !whole {
		r.left[what.Subject] = true
	}
	if slices.Equal(registered.Snapshots, own) {
		return whole, nil
	}
	registered.Snapshots = own
	return whole, r.amend(ctx, registered)
}

func (r *round) amend(ctx context.Context, changed ledger.Registration) error {
	amended, err := r.Ledger.Amend(ctx, changed)
	if errors.As(err, new(*ledger.MovedError)) {
		return &fault.NotYet{Err: err}
	}
	if err != nil {
		return fmt.Errorf("writing down what belongs to image %s: %w", changed.ID, err)
	}
	r.Registered[changed.ID] = amended
	return nil
}

// ended ends the registration of an image that is gone, unless snapshots of it stay.
func (r *round) ended(ctx context.Context, id string) error {
	registered, ok := r.Registered[id]
	switch {
	case !ok, !registered.Known():
		return nil
	case r.left[id] && len(registered.Snapshots) > 0:
		registered.Gone = r.now
		return r.amend(ctx, registered)
	}
	if err := r.Ledger.Retire(ctx, registered, r.now); err != nil {
		return fmt.Errorf("ending the registration of image %s: %w", id, err)
	}
	return nil
}
