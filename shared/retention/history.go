package retention

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"goldsmith/shared/lineage"
)

// history is a set of images that are judged together, newest first.
type history struct {
	key    string
	images []Image
}

func newestFirst(a, b Image) int { return cmp.Or(b.Made.Compare(a.Made), cmp.Compare(b.ID, a.ID)) }

// Ambiguous are the lineages that share a name with another one. Only of these it matters whether they live.
func Ambiguous(images []Image) []string {
	byName := map[string]map[string]bool{}
	for _, i := range images {
		if byName[i.Name] == nil {
			byName[i.Name] = map[string]bool{}
		}
		byName[i.Name][i.Lineage] = true
	}
	ambiguous := map[string]bool{}
	for _, lineages := range byName {
		if len(lineages) > 1 {
			maps.Copy(ambiguous, lineages)
		}
	}
	return slices.Sorted(maps.Keys(ambiguous))
}

// histories are those of the lineages that stand apart, since they live or own their name, and one for each name of
// the others that share it. What lives never counts with what has ended: whoever takes a name pushes nothing out.
func histories(images []Image, apart map[string]bool) []history {
	shared := map[string]bool{}
	for _, l := range Ambiguous(images) {
		shared[l] = true
	}
	own, ended := map[string]*history{}, map[string]*history{}
	for _, i := range slices.SortedFunc(slices.Values(images), newestFirst) {
		// A lineage goes by the name of its newest image; those that have ended come before it.
		into, of, key := own, i.Lineage, i.Name+"\n"+i.Lineage
		if shared[of] && !apart[of] {
			into, of, key = ended, i.Name, i.Name+"\n"
		}
		if into[of] == nil {
			into[of] = &history{key: key}
		}
		into[of].images = append(into[of].images, i)
	}
	all := slices.Concat(slices.Collect(maps.Values(own)), slices.Collect(maps.Values(ended)))
	var sorted []history
	for _, h := range slices.SortedFunc(slices.Values(all), func(a, b *history) int { return cmp.Compare(a.key, b.key) }) {
		sorted = append(sorted, *h)
	}
	return sorted
}

// apart are the lineages that share a name and are judged alone: those that live, and those that own their name.
func (w Watcher) apart(ctx context.Context, images []Image) (map[string]bool, error) {
	ambiguous := Ambiguous(images)
	if len(ambiguous) == 0 {
		return nil, nil
	}
	apart := w.Lineages.Living(ctx, ambiguous)
	names := map[string]bool{}
	for _, i := range images {
		if slices.Contains(ambiguous, i.Lineage) && !apart[i.Lineage] {
			names[i.Name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		owner, ok, err := w.Book.Owner(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("reading whose the name %s is: %w", name, err)
		}
		if ok {
			then := lineage.Dated{Lineage: owner.Lineage, At: owner.At}
			apart[w.Lineages.Identify(ctx, then)[0]] = true
		}
	}
	return apart, nil
}
