package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
)

// history is how many points of a target are kept: a month of nights, and a
// record of some 6 KB, of the 400 KB that DynamoDB takes.
const history = 31

// madeMost is how many versions that rolls and undos made are kept: years of nights, and some 5 KB.
const madeMost = 1000

// underway is how long a change that somebody began may still be going on: a
// function ends within a minute.
const underway = 2 * time.Minute

// settling is how long Parameter Store may take to check what was written: until then it shows what was there before.
const settling = 2 * time.Minute

// Latest is what Goldsmith rolled a target to last; ok is false when it never did.
func Latest(r ledger.TargetRecord) (p ledger.Point, ok bool) {
	if len(r.Points) == 0 {
		return ledger.Point{}, false
	}
	return r.Points[0], true
}

// Had reports whether a target pointed at an image before.
func Had(r ledger.TargetRecord, image string) bool {
	return slices.ContainsFunc(r.Points, func(p ledger.Point) bool {
		return p.Image == image || p.Was != nil && slices.Contains(images(p)[1:], image)
	})
}

// rolled is the record after a change was made: where the target was before it is
// remembered, also when that was a person's doing.
func rolled(r ledger.TargetRecord, c ledger.Change) ledger.TargetRecord {
	c.To.Was, c.From.Was = c.From.Was, nil
	points := []ledger.Point{c.To}
	if len(r.Points) == 0 || !r.Points[0].Is(c.From) {
		points = append(points, c.From)
	}
	points = append(points, r.Points...)
	r.Points, r.Begun, r.Back = points[:min(len(points), history)], nil, nil
	return r
}

// changing is the record with a change of which it is not known yet whether it was made.
func changing(r ledger.TargetRecord, c ledger.Change) ledger.TargetRecord {
	r.Begun, r.Left = &c, nil
	return r
}

// unbegun is the record without the change that was begun and not made.
func unbegun(r ledger.TargetRecord) ledger.TargetRecord {
	r.Begun = nil
	return r
}

// leave is the record with why a run left the target alone: what one try of a run that rolls all or none has decided,
// the next does not try again, and what failed is asked for first the next time.
func (t *Target) leave(r ledger.TargetRecord, image Image, other bool) ledger.TargetRecord {
	r.Left = &ledger.Left{Run: image.Run, Image: image.ID, Problem: t.Rolled.Problem, Other: other}
	return r
}

// leftBy is why an earlier try of a run left a target alone; nil when it did not.
func leftBy(r ledger.TargetRecord, image Image) *ledger.Left {
	if left := r.Left; left != nil && left.Run == image.Run && left.Image == image.ID {
		return left
	}
	return nil
}

// mades are the versions on record with those that were made since, the latest first.
func mades(known, made []int64) []int64 {
	all := slices.Clone(known)
	for _, n := range made {
		if !slices.Contains(all, n) {
			all = slices.Insert(all, 0, n)
		}
	}
	return all[:min(len(all), madeMost)]
}

// put writes the target's record, with the versions that this call has made. When another writer has changed it
// meanwhile the error has the step start again and read what that one wrote.
func (w Writer) put(ctx context.Context, t *Target, next ledger.TargetRecord) error {
	next.Made = mades(next.Made, t.versions)
	put, err := w.Records.PutTarget(ctx, next)
	var moved *ledger.MovedError
	if errors.As(err, &moved) {
		return &fault.NotYet{Err: fmt.Errorf("%w; try again in two minutes", err)}
	}
	if err != nil {
		return fmt.Errorf("recording what becomes of %s: %w", next.ID, err)
	}
	t.Record = put
	return nil
}
