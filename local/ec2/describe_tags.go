package ec2

import (
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
	for _, k := range kindsOf {
		k.each(w, func(id string, tags []Tag) {
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

var tagFilters = filterable[taggedResource]{
	"key":           one(func(r *taggedResource) string { return r.Key }),
	"value":         func(r *taggedResource) []string { return []string{r.Value} },
	"resource-id":   one(func(r *taggedResource) string { return r.id }),
	"resource-type": one(func(r *taggedResource) string { return r.kind }),
}
