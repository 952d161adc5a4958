package ec2

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"goldsmith/local/query"
)

// listing describes how one Describe action lists its resources.
type listing[T any] struct {
	store   *store[T]
	filters filterable[T]
	tags    func(*T) []Tag // nil for what has none
	scan    bool           // the store does not file by tag
	ids     string         // the parameter that lists ids
	unknown func(id string) error
	min     int      // of MaxResults
	max     int      // of MaxResults; 0 for no bound
	clamps  bool     // a larger MaxResults is taken as max instead of refused
	page    int      // size of a page when MaxResults is absent; 0 for all
	apart   bool     // ids and MaxResults exclude each other
	indexed []string // filters under which the store files its resources
	keep    func(*T) bool
}

// list is one page of what a describe may see, and the token of the next page.
func list[T any](w *World, call *query.Call, l listing[T]) ([]*T, string, error) {
	limit, err := l.limit(call.Params)
	if err != nil {
		return nil, "", err
	}
	from, err := pageStart(call.Params.Text("NextToken"))
	if err != nil {
		return nil, "", err
	}
	filters, err := readFilters(call.Params)
	if err != nil {
		return nil, "", err
	}
	matches := make([]func(*T) bool, len(filters))
	for i, f := range filters {
		if matches[i], err = matcher(f, l.filters, l.tags); err != nil {
			return nil, "", err
		}
	}
	candidates, err := l.candidates(w, call.Params.Texts(l.ids), filters)
	if err != nil {
		return nil, "", err
	}
	if l.keep != nil {
		matches = append(matches, l.keep)
	}
	found, next := collect(candidates, w.asOf, from, limit, matches)
	return found, next, nil
}

func collect[T any](candidates []*entry[T], asOf time.Time, from uint64, limit int, matches []func(*T) bool) ([]*T,
	string) {
	var found []*T
	var last uint64
	for _, e := range candidates {
		if e.serial <= from {
			continue
		}
		v := e.at(asOf)
		if v == nil || !all(matches, v) {
			continue
		}
		if limit > 0 && len(found) == limit {
			return found, pageToken(last)
		}
		found, last = append(found, v), e.serial
	}
	return found, ""
}

func all[T any](matches []func(*T) bool, v *T) bool {
	for _, m := range matches {
		if !m(v) {
			return false
		}
	}
	return true
}

// candidates narrows the resources down by id or by the most selective index.
func (l listing[T]) candidates(w *World, ids []string, filters []filter) ([]*entry[T], error) {
	if len(ids) > 0 {
		return l.named(w, ids)
	}
	best, fewest := filter{}, len(l.store.order)
	for _, f := range filters {
		if !f.exact() || !l.isIndexed(f.name) {
			continue
		}
		hits := 0
		for _, v := range f.values {
			hits += len(l.store.index[f.name+"="+v])
		}
		if hits < fewest {
			best, fewest = f, hits
		}
	}
	if best.name == "" {
		return l.store.order, nil
	}
	return l.filed(best), nil
}

// filed are the resources filed under an exact filter's values, in the order of
// their creation, as each index is; the caller must not change them.
func (l listing[T]) filed(f filter) []*entry[T] {
	if len(f.values) == 1 {
		return l.store.index[f.name+"="+f.values[0]]
	}
	var hits []*entry[T]
	for _, v := range f.values {
		hits = append(hits, l.store.index[f.name+"="+v]...)
	}
	slices.SortFunc(hits, func(a, b *entry[T]) int { return bySerial(a, b.serial) })
	return slices.Compact(hits)
}

func (l listing[T]) isIndexed(name string) bool {
	if name == "tag-key" || strings.HasPrefix(name, "tag:") {
		return l.tags != nil && !l.scan
	}
	return slices.Contains(l.indexed, name)
}

func (l listing[T]) named(w *World, ids []string) ([]*entry[T], error) {
	var found []*entry[T]
	for _, id := range ids {
		e := l.store.byID[id]
		if e == nil || e.at(w.asOf) == nil {
			if err := l.unknown(id); err != nil {
				return nil, err
			}
			continue
		}
		found = append(found, e)
	}
	slices.SortFunc(found, func(a, b *entry[T]) int { return bySerial(a, b.serial) })
	return slices.Compact(found), nil
}

func (l listing[T]) limit(params *query.Params) (int, error) {
	if !params.Has("MaxResults") {
		return l.page, nil
	}
	n := params.Int("MaxResults")
	if l.apart && len(params.Texts(l.ids)) > 0 {
		return 0, query.Errorf("InvalidParameterCombination",
			"The parameter %s cannot be used with the parameter maxResults", l.ids)
	}
	if n < l.min {
		return 0, query.Errorf("InvalidParameterValue",
			"Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than %d.", n, l.min)
	}
	if l.max == 0 || n <= l.max {
		return n, nil
	}
	if l.clamps {
		return l.max, nil
	}
	return 0, query.Errorf("InvalidParameterValue",
		"Value ( %d ) for parameter maxResults is invalid. Expecting a value less than or equal to %d.", n, l.max)
}

func pageToken(serial uint64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "after/%d", serial))
}

func pageStart(token string) (uint64, error) {
	if token == "" {
		return 0, nil
	}
	text, err := base64.StdEncoding.DecodeString(token)
	number, ok := strings.CutPrefix(string(text), "after/")
	serial, numErr := strconv.ParseUint(number, 10, 64)
	if err != nil || !ok || numErr != nil {
		return 0, query.Errorf("InvalidNextToken", "The specified NextToken is not valid.")
	}
	return serial, nil
}
