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

// filterable says which filters a describe has: what values a resource has under each name.
type filterable[T any] map[string]func(*T) []string

// one makes a filter of a single value; the empty value matches nothing.
func one[T any](of func(*T) string) func(*T) []string {
	return func(v *T) []string {
		if value := of(v); value != "" {
			return []string{value}
		}
		return nil
	}
}

func flag[T any](of func(*T) bool) func(*T) []string {
	return func(v *T) []string { return []string{strconv.FormatBool(of(v))} }
}

func number[T any](of func(*T) int) func(*T) []string {
	return func(v *T) []string { return []string{strconv.Itoa(of(v))} }
}

func moments[T any](of func(*T) time.Time) func(*T) []string {
	return func(v *T) []string { return []string{of(v).Format(query.Timestamp)} }
}

type filter struct {
	name   string
	values []string
}

// EC2 allows 200 filter values in a request (User Guide, "Filter your resources").
const maxFilterValues = 200

func readFilters(params *query.Params) ([]filter, error) {
	var filters []filter
	total := 0
	for _, node := range params.List("Filter") {
		f := filter{node.Text("Name"), node.Texts("Value")}
		if f.name == "" {
			return nil, query.Errorf("InvalidParameterValue", "The filter 'null' is invalid")
		}
		if total += len(f.values); total > maxFilterValues {
			return nil, query.Errorf("FilterLimitExceeded",
				"The maximum number of filter values specified on a single call is %d", maxFilterValues)
		}
		filters = append(filters, f)
	}
	return filters, nil
}

func matcher[T any](f filter, of filterable[T], tags func(*T) []Tag) (func(*T) bool, error) {
	if get, ok := of[f.name]; ok {
		return func(v *T) bool { return slices.ContainsFunc(get(v), f.accepts) }, nil
	}
	if tags != nil && f.name == "tag-key" {
		return func(v *T) bool {
			return slices.ContainsFunc(tags(v), func(t Tag) bool { return f.accepts(t.Key) })
		}, nil
	}
	if key, ok := strings.CutPrefix(f.name, "tag:"); ok && tags != nil {
		return func(v *T) bool {
			return slices.ContainsFunc(tags(v), func(t Tag) bool { return t.Key == key && f.accepts(t.Value) })
		}, nil
	}
	return nil, query.Errorf("InvalidParameterValue", "The filter '%s' is invalid", f.name)
}

// accepts holds values against each other case-sensitively; * is any text, ?
// any character, and a backslash takes the next character literally (User
// Guide, "Filter your resources").
func (f filter) accepts(value string) bool {
	return slices.ContainsFunc(f.values, func(pattern string) bool { return wild(pattern, value) })
}

func (f filter) exact() bool {
	return !slices.ContainsFunc(f.values, func(v string) bool { return strings.ContainsAny(v, `*?\`) })
}

func wild(pattern, value string) bool {
	if !strings.ContainsAny(pattern, `*?\`) {
		return pattern == value
	}
	// The last * seen and where it last stopped are enough to try again from.
	want, have := []rune(pattern), []rune(value)
	p, v, star, resume := 0, 0, -1, 0
	for v < len(have) {
		switch took := match(want[p:], have[v]); {
		case p < len(want) && want[p] == '*':
			star, resume = p, v
			p++
		case took > 0:
			p += took
			v++
		case star >= 0:
			resume++
			p, v = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(string(want[p:]), "*") == ""
}

// match is how much of a pattern matches one character; 0 when it does not.
func match(pattern []rune, c rune) int {
	switch {
	case len(pattern) == 0:
		return 0
	case pattern[0] == '\\' && len(pattern) > 1:
		if pattern[1] == c {
			return 2
		}
		return 0
	case pattern[0] == '?' || pattern[0] == c && c != '*':
		return 1
	}
	return 0
}

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
