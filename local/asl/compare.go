package asl

import (
	"encoding/json"
	"strings"
	"time"
)

func operandOf(name string, v any) bool {
	switch {
	case strings.HasPrefix(name, "String"):
		return typeTests["IsString"](v)
	case strings.HasPrefix(name, "Numeric"):
		return typeTests["IsNumeric"](v)
	case strings.HasPrefix(name, "Boolean"):
		return typeTests["IsBoolean"](v)
	}
	return typeTests["IsTimestamp"](v)
}

var comparisons = allComparisons()

func allComparisons() map[string]func(a, b any) bool {
	all := map[string]func(a, b any) bool{
		"StringMatches": func(a, b any) bool {
			text, ok := a.(string)
			pattern, fine := b.(string)
			return ok && fine && wildcard(pattern, text)
		},
		"BooleanEquals": func(a, b any) bool {
			x, ok := a.(bool)
			y, fine := b.(bool)
			return ok && fine && x == y
		},
	}
	orders := map[string]func(order int) bool{
		"Equals":            func(o int) bool { return o == 0 },
		"LessThan":          func(o int) bool { return o < 0 },
		"LessThanEquals":    func(o int) bool { return o <= 0 },
		"GreaterThan":       func(o int) bool { return o > 0 },
		"GreaterThanEquals": func(o int) bool { return o >= 0 },
	}
	kinds := map[string]func(a, b any) (int, bool){
		"String": compareStrings, "Numeric": compareNumbers, "Timestamp": compareTimes,
	}
	for kind, compare := range kinds {
		for order, holds := range orders {
			all[kind+order] = func(a, b any) bool {
				o, ok := compare(a, b)
				return ok && holds(o)
			}
		}
	}
	return all
}

func compareStrings(a, b any) (int, bool) {
	x, ok := a.(string)
	y, fine := b.(string)
	return strings.Compare(x, y), ok && fine
}

// compareNumbers uses double precision, which the States Language allows for.
func compareNumbers(a, b any) (int, bool) {
	x, ok := number(a)
	y, fine := number(b)
	switch {
	case x < y:
		return -1, ok && fine
	case x > y:
		return 1, ok && fine
	}
	return 0, ok && fine
}

func number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

func compareTimes(a, b any) (int, bool) {
	x, ok := timestamp(a)
	y, fine := timestamp(b)
	return x.Compare(y), ok && fine
}

// timestamp reads RFC 3339 in the States Language's profile: T and Z in upper case.
func timestamp(v any) (time.Time, bool) {
	text, ok := v.(string)
	if !ok || strings.ToUpper(text) != text {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	return t, err == nil
}

// wildcard matches with * for any number of characters; \* is a star, \\ a backslash.
func wildcard(pattern, text string) bool {
	for pattern != "" {
		switch {
		case pattern[0] == '*':
			for i := range len(text) + 1 {
				if wildcard(pattern[1:], text[i:]) {
					return true
				}
			}
			return false
		case pattern[0] == '\\' && len(pattern) > 1:
			pattern = pattern[1:]
		}
		if text == "" || text[0] != pattern[0] {
			return false
		}
		pattern, text = pattern[1:], text[1:]
	}
	return text == ""
}
