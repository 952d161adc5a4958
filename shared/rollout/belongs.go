package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
)

// ofParameter is what the owner of a parameter is recorded by. EC2 answers in XML 1.0, which has no U+001F: no source
// has such a name.
func ofParameter(name string) string { return parameterKey + name }

const parameterKey = "\x1fparameter\x1f"

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
	if !a.mine(o, a.lives(ctx)) {
		return fmt.Sprintf("it takes its image from %s, which belongs to %s (%s); have it take its image from %s",
			name, o.Key, o.Lineage, a.alias(t.key)), nil
	}
	if !recorded || !slices.Contains(a.keys, o.Key) || o.Lineage != a.image.Lineage {
		a.takes[name] = &ledger.Owner{
			Name: ofParameter(name), Key: t.key, Lineage: a.image.Lineage, Source: a.image.Source, Run: a.image.Run,
			Taken: a.image.Taken,
			At:    a.Now().UTC(), Revision: o.Revision,
		}
	}
	return "", nil
}

func (a *aliasing) mine(o ledger.Owner, lives func(lineage string) bool) bool {
	return o.Key == "" || slices.Contains(a.keys, o.Key) || o.Lineage == a.image.Lineage || givesWay(o, a.image, lives)
}

// givesWay reports whether an owner that no person named gives way to an image. Of the sources of one name that a run
// images, whichever comes first, the newest snapshot has the name at the end, and of instances the one with the lowest
// id. What a dead instance left never keeps the name from one that there is; but a volume that is there keeps a name
// that an earlier run gave it, as long as it lives. Of copies and of snapshots by themselves nothing says that they do.
func givesWay(o ledger.Owner, to Image, lives func(lineage string) bool) bool {
	switch {
	case o.By != "":
		return false
	case strings.HasPrefix(o.Lineage, "vol-") && !together(o, to) && lives(o.Lineage):
		return false
	case rank(o.Lineage) != rank(to.Lineage):
		return rank(o.Lineage) < rank(to.Lineage)
	}
	return together(o, to) && to.Source != o.Source && !precedes(o.Source, o.Taken, to)
}

// holds reports whether an owner of the same run has the name for good, also once its lineage has ended.
func holds(o ledger.Owner, to Image) bool {
	return together(o, to) && o.By == "" && (rank(o.Lineage) > rank(to.Lineage) ||
		rank(o.Lineage) == rank(to.Lineage) && o.Taken.After(to.Taken))
}

func together(o ledger.Owner, image Image) bool { return o.Run == image.Run && o.Run != "" }

// rank is higher for what is there: an instance or a group, before a volume that it left and copies of that, before a
// snapshot by itself.
func rank(of string) int {
	copied, _ := lineage.Copies(of)
	switch {
	case strings.HasPrefix(of, "snap-"):
		return 0
	case copied, strings.HasPrefix(of, "vol-"):
		return 1
	}
	return 2
}

// Owners are what a name and parameters would belong to after this roll, as far as it changes that.
func (f Found) Owners(together bool) (all []ledger.Owner) {
	if f.Takes {
		all = append(all, f.Owner)
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
	for _, key := range keys(Image{Name: r.Name, Source: r.Source, Lineage: r.Lineage}, title{}) {
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
