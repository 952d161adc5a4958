package rollout

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// Hold is a target that stays where a rollback has put it: no run rolls into it.
type Hold struct {
	// Source is the name of the sources whose images it took, Target and Title what is held.
	Source string `json:"source"`
	Target string `json:"target"`
	Title  string `json:"title,omitempty"`
	// Region is that of what copies were rolled into; empty at home.
	Region string `json:"region,omitempty"`
	// Image is what it was rolled back to, By and Since who did so and when; both may be unknown.
	Image string    `json:"image"`
	By    string    `json:"by,omitempty"`
	Since time.Time `json:"since,omitzero"`
}

// Do is the command that takes it up again.
func (h Hold) Do() string { return job.Command("follow", h.Source) }

// Holds are the targets that are held now, of those that were held at some time, by name, Region and id. One that
// cannot be looked at is held as far as the ledger knows; one that is gone is not. abroad finds what is in another
// Region.
func (f Finder) Holds(
	ctx context.Context, held iter.Seq2[ledger.TargetRecord, error], abroad func(region string) Finder,
) (holds []Hold, err error) {
	var names []string
	for t, err := range held {
		if err != nil {
			return nil, fmt.Errorf("reading what was rolled back: %w", err)
		}
		if !slices.Contains(names, t.Source) {
			names = append(names, t.Source)
		}
	}
	for _, name := range names {
		there, region := f, ""
		if rest, afar := strings.CutPrefix(name, regionKey); afar {
			region, name, _ = strings.Cut(rest, "\x1f")
			there = abroad(region)
		}
		if holds, err = there.holdsOf(ctx, region, name, holds); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(holds, func(a, b Hold) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Region, b.Region))
	})
	return holds, nil
}

// holdsOf adds the targets of a name that are held in a Region.
func (f Finder) holdsOf(ctx context.Context, region, name string, holds []Hold) ([]Hold, error) {
	for known, err := range f.Ledger.Targets(ctx, name) {
		if err != nil {
			return nil, fmt.Errorf("reading what %s has rolled: %w", name, err)
		}
		if back := f.held(ctx, known); back != nil {
			holds = append(holds, Hold{
				Source: name, Target: known.ID, Title: known.Title, Region: region, Image: back.Image, By: back.By,
				Since: back.At,
			})
		}
	}
	return holds, nil
}

// held is the rollback that holds a target now; nil when none does.
func (f Finder) held(ctx context.Context, known ledger.TargetRecord) *ledger.Point {
	if !known.Held() {
		return nil
	}
	t := &Target{Record: known, Rolled: rolledOf(known)}
	switch err := f.LookAll(ctx, []*Target{t}); {
	case err != nil:
		return known.Back
	case t.Rolled.Problem != "":
		return nil
	}
	return backed(t.At, known)
}

// unsettled reports whether the key of a target has no record of it, or one that another has changed it since: another
// key of the source may hold it.
func (t *Target) unsettled(known ledger.TargetRecord) bool {
	last, rolled := Latest(known)
	return known.Begun == nil && (!rolled || !t.At.Point().Is(last)) && (!t.At.Alias || t.At.Version != 0)
}

// holdToo holds a target that another key of the source holds, and one of which its key has no record where what else
// goes by that key is held. A rollback holds a name, and not what went by that name on that day alone.
func (s *survey) holdToo(t *Target, targets []*Target, keys []string) {
	if t.Record.Begun != nil || t.Rolled.Problem != "" || t.Decision.There {
		return
	}
	t.Rolled.Problem = s.heldBeside(t, keys)
	if len(t.Record.Points) == 0 {
		t.Rolled.Problem = cmp.Or(t.Rolled.Problem, heldWith(t, targets))
	}
	t.Rolled.Held = t.Rolled.Problem != ""
}

// heldBeside is why another key of the source holds a target, since its own has rolled it last; empty when none does.
func (s *survey) heldBeside(t *Target, keys []string) string {
	last, rolled := Latest(t.Record)
	if !t.unsettled(t.Record) {
		return ""
	}
	for _, key := range keys {
		back := backed(t.At, s.known[key][t.Rolled.Target])
		if key != t.key && back != nil && (!rolled || back.At.After(last.At)) {
			return heldBy(*back, key)
		}
	}
	return ""
}

// heldWith is why a target is held as another of its key is; empty when none is.
func heldWith(t *Target, targets []*Target) string {
	for _, other := range targets {
		if other != t && other.key == t.key && other.Rolled.Held {
			return fmt.Sprintf("held, as %s is: %s lets both follow again",
				cmp.Or(other.Rolled.Name, other.Rolled.Target), job.Command("follow", t.key))
		}
	}
	return ""
}
