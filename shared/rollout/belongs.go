package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
)

// ofParameter is what the owner of a parameter is recorded by. EC2 answers in XML 1.0, which has no U+001F: no source
// has such a name.
func ofParameter(name string) string { return "\x1fparameter\x1f" + name }

// another is why a parameter outside of the path of aliases is not written for a template's sake: it belongs to
// another source. Else it is the source's, or the source takes it with this roll.
func (a *aliasing) another(ctx context.Context, name string, t *Target) (string, error) {
	at, err := a.aliasTarget(ctx, name)
	if err != nil || at.Rolled.Problem != "" {
		return "", err
	}
	o, recorded, err := a.belongs(ctx, name, at.At.Image)
	if err != nil {
		return "", err
	}
	if !a.mine(o) {
		return fmt.Sprintf("it takes its image from %s, which belongs to %s (%s); have it take its image from %s",
			name, o.Key, o.Lineage, a.alias(t.key)), nil
	}
	if !recorded || !slices.Contains(a.keys, o.Key) || o.Lineage != a.image.Lineage {
		a.takes[name] = &ledger.Owner{
			Name: ofParameter(name), Key: t.key, Lineage: a.image.Lineage, Source: a.image.Source, Run: a.image.Run,
			At: a.Now().UTC(), Revision: o.Revision,
		}
	}
	return "", nil
}

func (a *aliasing) mine(o ledger.Owner) bool {
	return o.Key == "" || slices.Contains(a.keys, o.Key) || o.Lineage == a.image.Lineage || givesWay(o, a.image)
}

// givesWay reports whether the owner is of the same run, with a higher id: of the sources that a run images the one
// with the lowest has a name or a parameter at the end, whichever comes first.
func givesWay(o ledger.Owner, to Image) bool {
	return o.Run == to.Run && o.Run != "" && o.By == "" && to.Source < o.Source
}

// Owners are what a name and parameters would belong to after this roll, as far as it changes that.
func (f Found) Owners(together bool) (all []ledger.Owner) {
	if f.Title.Takes {
		all = append(all, f.Title.Owner)
	}
	bad := func(t *Target) bool { return t.Rolled.Problem != "" && !t.Rolled.Held }
	if together && slices.ContainsFunc(f.Targets, bad) {
		return all
	}
	for _, t := range f.Targets {
		if t.takes != nil && t.Rolled.Problem == "" && !t.Decision.There {
			all = append(all, *t.takes)
		}
	}
	return all
}

// belongs is whose a parameter is. Where that is not written down, as before owners of parameters were, it is the
// source of the image that it holds, if a roll put that there.
func (a *aliasing) belongs(ctx context.Context, name, holds string) (o ledger.Owner, recorded bool, err error) {
	o, recorded, err = a.Ledger.Owner(ctx, ofParameter(name))
	if err != nil {
		return o, false, fmt.Errorf("reading whose the parameter %s is: %w", name, err)
	}
	if recorded || holds == "" {
		return o, recorded, nil
	}
	r, ok, err := a.Ledger.Registration(ctx, holds)
	if err != nil {
		return o, false, fmt.Errorf("looking for image %s in the register: %w", holds, err)
	}
	if !ok {
		return ledger.Owner{}, false, nil
	}
	for _, key := range keys(Image{Name: r.Name, Source: r.Source, Lineage: r.Lineage}, Title{}) {
		known, err := a.records(ctx, key)
		if err != nil {
			return ledger.Owner{}, false, err
		}
		if len(known[name].Points) > 0 {
			return ledger.Owner{Key: key, Lineage: r.Lineage}, false, nil
		}
	}
	return ledger.Owner{}, false, nil
}

// takeParameter writes down whose the parameter is. Of two that take it at once one is told to try again.
func (w Writer) takeParameter(ctx context.Context, t *Target) error {
	if t.takes == nil {
		return nil
	}
	_, err := w.Records.PutOwner(ctx, *t.takes)
	var taken *ledger.TakenError
	if errors.As(err, &taken) {
		return &fault.NotYet{Err: fmt.Errorf("another source is taking the parameter %s", t.Rolled.Target)}
	}
	if err != nil {
		return fmt.Errorf("writing down whose the parameter %s is: %w", t.Rolled.Target, err)
	}
	t.takes = nil
	return nil
}
