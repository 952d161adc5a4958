package rollout

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
)

// recorded are the targets that were rolled by one key.
func (f Finder) recorded(ctx context.Context, key string) (all []ledger.TargetRecord, err error) {
	for known, err := range f.Ledger.Targets(ctx, key) {
		if err != nil {
			return nil, fmt.Errorf("reading what %s has rolled: %w", key, err)
		}
		if len(known.Points) > 0 || known.Begun != nil {
			all = append(all, known)
		}
	}
	return all, nil
}

// ofName are the targets of a name, in the order of their ids: those that were rolled by it, and of those that take the
// images of its sources by their ids or groups the ones that are wanted. An id or a group stands for itself alone.
func (f Finder) ofName(
	ctx context.Context, name string, wanted func(known ledger.TargetRecord, own []ledger.TargetRecord) bool,
) ([]ledger.TargetRecord, error) {
	own, err := f.recorded(ctx, name)
	if err != nil || lineage.Names(name) {
		return own, err
	}
	others, err := f.otherKeys(ctx, name, own)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(own)
	for _, key := range others {
		more, err := f.recorded(ctx, key)
		if err != nil {
			return nil, err
		}
		for _, known := range more {
			if wanted(known, own) {
				all = withRecord(all, known)
			}
		}
	}
	slices.SortFunc(all, func(a, b ledger.TargetRecord) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// otherKeys are the ids and groups whose images the name was rolled to last, and who has the name.
func (f Finder) otherKeys(ctx context.Context, name string, own []ledger.TargetRecord) (keys []string, err error) {
	o, _, err := f.Holder(ctx, name)
	if err != nil {
		return nil, err
	}
	ids := []string{o.Source, lineage.Key(o.Lineage)}
	for _, known := range own {
		ids = append(ids, maker(known))
	}
	for _, id := range ids {
		if id != "" && id != name && !slices.Contains(keys, id) {
			keys = append(keys, id)
		}
	}
	return keys, nil
}

// maker is the source of the image that a target was rolled to last.
func maker(known ledger.TargetRecord) string {
	for _, p := range append([]ledger.Point{rolledLast(known)}, known.Points...) {
		if p.Source != "" {
			return p.Source
		}
	}
	return ""
}

// rolledLast is what a target was rolled to last, also by a roll that did not live to record its end.
func rolledLast(known ledger.TargetRecord) ledger.Point {
	if begun := known.Begun; begun != nil && begun.To.Run != "" {
		return begun.To
	}
	last, _ := Latest(known)
	return last
}

// alike reports whether a target was rolled last to an image that one of others was rolled to last. Where there are no
// others it stands for the name.
func alike(known ledger.TargetRecord, others []ledger.TargetRecord) bool {
	image := rolledLast(known).Image
	return len(others) == 0 || image != "" &&
		slices.ContainsFunc(others, func(o ledger.TargetRecord) bool { return rolledLast(o).Image == image })
}

// withRecord adds a target; of two records of one the later counts.
func withRecord(all []ledger.TargetRecord, known ledger.TargetRecord) []ledger.TargetRecord {
	i := slices.IndexFunc(all, func(a ledger.TargetRecord) bool { return a.ID == known.ID })
	if i < 0 {
		return append(all, known)
	}
	if changedAt(known).After(changedAt(all[i])) {
		all[i] = known
	}
	return all
}

// changedAt is when a target was last rolled, or rolled back.
func changedAt(known ledger.TargetRecord) time.Time {
	at := rolledLast(known).At
	if back := known.Back; back != nil && back.At.After(at) {
		at = back.At
	}
	return at
}
