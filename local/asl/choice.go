package asl

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// condition is a compiled rule of a Choice.
type condition func(*env) (bool, error)

func readChoice(f fields, s *State) {
	f.inAndOut(s)
	s.Default = f.text("Default")
	choices := f.list("Choices")
	if len(choices) == 0 {
		f.bad("Choices is missing or empty")
	}
	for i, raw := range choices {
		rule := f.inside("rule", i, raw)
		next := rule.required("Next")
		s.Choices = append(s.Choices, Rule{Next: next, test: readCondition(rule)})
	}
}

func readCondition(f fields) condition {
	_ = f.text("Comment")
	defer f.done("a Choice rule")
	for _, combined := range []struct {
		name string
		make func([]condition) condition
	}{{"And", allOf}, {"Or", anyOf}} {
		if _, ok := f.raw[combined.name]; ok {
			return combined.make(readConditions(f, combined.name))
		}
	}
	if raw, ok := f.take("Not"); ok {
		inner := readCondition(readFields(f.where+", Not", raw, f.problems))
		return func(e *env) (bool, error) {
			ok, err := inner(e)
			return !ok, err
		}
	}
	return readComparison(f)
}

func readConditions(f fields, name string) []condition {
	var list []condition
	for i, raw := range f.list(name) {
		list = append(list, readCondition(f.inside(name, i, raw)))
	}
	if len(list) == 0 {
		f.bad("%s needs at least one rule", name)
	}
	return list
}

// allOf and anyOf stop at the first rule that decides, so that an IsPresent
// guards the comparison after it.
func allOf(list []condition) condition {
	return func(e *env) (bool, error) {
		for _, c := range list {
			if ok, err := c(e); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	}
}

func anyOf(list []condition) condition {
	return func(e *env) (bool, error) {
		for _, c := range list {
			if ok, err := c(e); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}
}

func readComparison(f fields) condition {
	variable := f.reference("Variable")
	if variable == nil {
		f.bad("Variable is missing")
		return nil
	}
	for _, name := range sortedKeys(f.raw) {
		if is := typeTests[name]; is != nil {
			return typeTest(variable, is, f.boolean(name))
		}
		if name == "IsPresent" {
			want := f.boolean(name)
			return func(e *env) (bool, error) { return variable.has(e) == want, nil }
		}
		if base := strings.TrimSuffix(name, "Path"); comparisons[base] != nil && !(base == "StringMatches" && base != name) {
			return f.comparison(variable, name, base)
		}
	}
	f.bad("has no comparison that is implemented")
	return nil
}

var typeTests = map[string]func(any) bool{
	"IsNull":      func(v any) bool { return v == nil },
	"IsBoolean":   func(v any) bool { _, ok := v.(bool); return ok },
	"IsNumeric":   func(v any) bool { _, ok := v.(json.Number); return ok },
	"IsString":    func(v any) bool { _, ok := v.(string); return ok },
	"IsTimestamp": func(v any) bool { _, ok := timestamp(v); return ok },
}

func typeTest(variable *path, is func(any) bool, want bool) condition {
	return func(e *env) (bool, error) {
		v, err := variableValue(variable, e)
		return err == nil && is(v) == want, err
	}
}

func variableValue(p *path, e *env) (any, error) {
	v, err := p.get(e)
	if err != nil {
		return nil, runtimeError("Invalid path '%s': The choice state's condition path references an invalid value.", p.text)
	}
	return v, nil
}

// comparison compares with the value in the rule, or with the one its Path
// leads to. Values of different types are never equal, smaller or greater.
func (f fields) comparison(variable *path, name, base string) condition {
	compare := comparisons[base]
	if name != base {
		other := f.reference(name)
		return func(e *env) (bool, error) {
			if other == nil {
				return false, nil
			}
			b, err := variableValue(other, e)
			if err != nil {
				return false, err
			}
			a, err := variableValue(variable, e)
			return err == nil && compare(a, b), err
		}
	}
	raw, _ := f.take(name)
	b, err := decode(raw)
	if err != nil || !operandOf(name, b) {
		f.bad("%s cannot compare with %s", name, raw)
	}
	return func(e *env) (bool, error) {
		a, err := variableValue(variable, e)
		return err == nil && compare(a, b), err
	}
}

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

// choose is the next state of a Choice.
func (s *State) choose(e *env) (string, error) {
	for _, rule := range s.Choices {
		ok, err := rule.test(e)
		if err != nil {
			return "", err
		}
		if ok {
			return rule.Next, nil
		}
	}
	if s.Default == "" {
		return "", &Error{Name: ErrNoChoiceMatched, Cause: fmt.Sprintf("No choice rule of state '%s' matched and it has no Default", s.Name)}
	}
	return s.Default, nil
}
