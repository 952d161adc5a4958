package ec2

import (
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
