package rollout

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// listing are the templates that a plan lists, by id and by name, and the key that it lists each by.
type listing struct {
	ids, names []string
	key        map[string]string
	// others are the keys of other sources, by what the plan lists for them.
	others map[string]string
}

func list(roll plan.Roll, keys []string) listing {
	l := listing{key: map[string]string{}, others: map[string]string{}}
	for _, key := range slices.Sorted(maps.Keys(roll.Templates)) {
		if slices.Contains(keys, key) {
			continue
		}
		for _, each := range roll.Templates[key] {
			l.others[each] = cmp.Or(l.others[each], key)
		}
	}
	for _, key := range keys {
		ids, names := Split(roll.Templates[key])
		l.ids, l.names = append(l.ids, ids...), append(l.names, names...)
		for _, each := range slices.Concat(ids, names) {
			l.key[each] = cmp.Or(l.key[each], key)
		}
	}
	return l
}

// disputed leaves a template alone that the plan lists for another source: a plan goes before a tag, and a template
// takes the images of one source.
func (t *Target) disputed(by listing) {
	other := cmp.Or(by.others[t.template.id], by.others[t.template.name])
	switch {
	case other == "" || t.Rolled.Problem != "":
	case by.key[t.template.id] != "" || by.key[t.template.name] != "":
		t.Rolled.Problem = fmt.Sprintf("the plan's roll.templates lists it for %s as well; have it list it for one source", other)
	default:
		t.Rolled.Problem = fmt.Sprintf("the plan's roll.templates lists it for %s, which goes before its tag %s",
			other, tag.Source)
	}
}
