package asl

import (
	"encoding/json"
	"fmt"
	"strings"
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
		if base := strings.TrimSuffix(name, "Path"); comparisons[base] != nil && name != "StringMatchesPath" {
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
		return "", &Error{Name: ErrNoChoiceMatched,
			Cause: fmt.Sprintf("No choice rule of state '%s' matched and it has no Default", s.Name)}
	}
	return s.Default, nil
}
