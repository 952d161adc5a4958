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

// Standing is what is known of the lineages that share a name with another one.
type Standing struct {
	// Apart are those that are judged alone: they live, or own their name.
	Apart map[string]bool
	// Former are those that once had a name, by name.
	Former map[string][]string
}

// kind is a lineage's images of one kind.
type kind struct {
	of      string
	general bool
}

// apart ends the keys of the histories of general images.
func apart(i Image) string {
	if i.General {
		return "\ngeneral"
	}
	return ""
}

// ended is the history of an image whose lineage has ended: what once had the name is judged together, and so is what
// only went by it, which pushes out nothing of those that had it.
func (s Standing) ended(i Image) string {
	if slices.Contains(s.Former[i.Name], i.Lineage) {
		return i.Name + "\n" + apart(i)
	}
	return i.Name + "\n-" + apart(i)
}

// histories are those of the lineages that stand apart, and of those that have ended and share a name. What lives
// never counts with what has ended: taking a name pushes nothing out. Nor do general images and others count together.
func histories(images []Image, standing Standing) []history {
	shared := map[string]bool{}
	for _, l := range Ambiguous(images) {
		shared[l] = true
	}
	own, ended := map[kind]*history{}, map[kind]*history{}
	for _, i := range slices.SortedFunc(slices.Values(images), newestFirst) {
		// A lineage goes by the name of its newest image; those that have ended come before it.
		into, of, key := own, kind{i.Lineage, i.General}, i.Name+"\n"+i.Lineage+apart(i)
		if shared[i.Lineage] && !standing.Apart[i.Lineage] {
			into, of, key = ended, kind{standing.ended(i), i.General}, standing.ended(i)
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

// standing finds out what is to be known of the lineages that share a name.
func (w Reviewer) standing(ctx context.Context, images []Image) (Standing, error) {
	ambiguous := Ambiguous(images)
	apart, former := w.Lineages.Living(ctx, ambiguous), map[string][]string{}
	names := map[string]bool{}
	for _, i := range images {
		if slices.Contains(ambiguous, i.Lineage) && !apart[i.Lineage] {
			names[i.Name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		owner, ok, err := w.Ledger.Owner(ctx, name)
		if err != nil {
			return Standing{}, fmt.Errorf("reading whose the name %s is: %w", name, err)
		}
		if ok {
			then := lineage.Dated{Lineage: owner.Lineage, At: owner.At}
			apart[w.Lineages.Identify(ctx, then)[0]] = true
			former[name] = owner.Former
		}
	}
	return Standing{Apart: apart, Former: former}, nil
}
