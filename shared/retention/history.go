package retention

import (
	"cmp"
	"maps"
	"slices"
)

// history is a set of images that are judged together, and others that are only counted with them.
type history struct {
	key    string
	images []Image
	has    map[string]bool
	beside []Image
}

// counted are all of them, newest first.
func (h history) counted() []Image {
	return slices.SortedFunc(slices.Values(slices.Concat(h.images, h.beside)), newestFirst)
}

func newestFirst(a, b Image) int { return cmp.Or(b.Made.Compare(a.Made), cmp.Compare(b.ID, a.ID)) }

func (h *history) add(i Image) {
	if h.has == nil {
		h.has = map[string]bool{}
	}
	h.images, h.has[i.ID] = append(h.images, i), true
}

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

// histories are those of the lineages that live, and one for each name of those that have ended. The images of
// the ended ones are judged beside those of their successor, which is the one living lineage of that name: an
// instance that was replaced leaves nothing behind for ever. The successor's are judged without them.
func histories(images []Image, living map[string]bool) []history {
	shared := map[string]bool{}
	for _, l := range Ambiguous(images) {
		shared[l] = true
	}
	own, ended := map[string]*history{}, map[string]*history{}
	for _, i := range slices.SortedFunc(slices.Values(images), newestFirst) {
		// A lineage goes by the name of its newest image; those that have ended come before it.
		into, of, key := own, i.Lineage, i.Name+"\n"+i.Lineage
		if shared[of] && !living[of] {
			into, of, key = ended, i.Name, i.Name+"\n"
		}
		if into[of] == nil {
			into[of] = &history{key: key}
		}
		into[of].add(i)
	}
	for name, h := range ended {
		h.beside = successor(name, own)
	}
	all := slices.Concat(slices.Collect(maps.Values(own)), slices.Collect(maps.Values(ended)))
	var sorted []history
	for _, h := range slices.SortedFunc(slices.Values(all), func(a, b *history) int { return cmp.Compare(a.key, b.key) }) {
		sorted = append(sorted, *h)
	}
	return sorted
}

// successor are the images under a name of the one living lineage that goes by it; none when several do.
func successor(name string, own map[string]*history) []Image {
	var found *history
	for _, h := range own {
		switch {
		case h.images[0].Name != name:
		case found != nil:
			return nil
		default:
			found = h
		}
	}
	if found == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(found.images), func(i Image) bool { return i.Name != name })
}
