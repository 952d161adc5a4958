package ec2

import (
	"slices"
	"strconv"

	"goldsmith/local/query"
)

// taggedResource is one row of DescribeTags.
type taggedResource struct {
	Tag
	id, kind string
}

func describeTags(w *World, call *query.Call) error {
	rows := newStore[taggedResource](0)
	hint := readHint(call.Params)
	for _, k := range kindsOf {
		k.each(w, hint, func(id string, tags []Tag) {
			for _, t := range tags {
				rows.add(w.asOf, strconv.Itoa(len(rows.order)), &taggedResource{t, id, k.name})
			}
		})
	}
	found, next, err := list(w, call, listing[taggedResource]{
		store: rows, filters: tagFilters, tags: func(r *taggedResource) []Tag { return []Tag{r.Tag} },
		ids: "-", min: 5, max: 1000, page: 1000, scan: true,
	})
	if err != nil {
		return err
	}
	query.Items(call.Out, "tagSet", found, func(r *taggedResource) {
		call.Out.Text("resourceId", r.id)
		call.Out.Text("resourceType", r.kind)
		call.Out.Text("key", r.Key)
		call.Out.Text("value", r.Value)
	})
	call.Out.Optional("nextToken", next)
	return nil
}

// tagHint narrows a search down to some resources or to those with some keys, when it can.
type tagHint struct{ ids, keys []string }

func readHint(p *query.Params) tagHint {
	var hint tagHint
	for _, node := range p.List("Filter") {
		f := filter{node.Text("Name"), node.Texts("Value")}
		switch {
		case !f.exact():
		case f.name == "resource-id":
			hint.ids = f.values
		case f.name == "key":
			hint.keys = f.values
		}
	}
	return hint
}

func hinted[T any](s *store[T], hint tagHint) []*entry[T] {
	var found []*entry[T]
	switch {
	case hint.ids != nil:
		for _, id := range hint.ids {
			if e := s.byID[id]; e != nil {
				found = append(found, e)
			}
		}
	case hint.keys != nil:
		for _, key := range hint.keys {
			found = append(found, s.index["tag-key="+key]...)
		}
	default:
		return s.order
	}
	slices.SortFunc(found, func(a, b *entry[T]) int { return bySerial(a, b.serial) })
	return slices.Compact(found)
}

var tagFilters = filterable[taggedResource]{
	"key":           one(func(r *taggedResource) string { return r.Key }),
	"value":         func(r *taggedResource) []string { return []string{r.Value} },
	"resource-id":   one(func(r *taggedResource) string { return r.id }),
	"resource-type": one(func(r *taggedResource) string { return r.kind }),
}
