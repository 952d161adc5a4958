package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// compileObject compiles an object of fields at path.
func compileObject(path []string, object map[string]any) (all, error) {
	if len(object) == 0 {
		return nil, at(path, errors.New("an empty object matches nothing"))
	}
	var conditions all
	for _, key := range slices.Sorted(maps.Keys(object)) {
		c, err := compileField(append(slices.Clone(path), key), object[key])
		if err != nil {
			return nil, err
		}
		conditions = append(conditions, c)
	}
	// Leaves first: most events fail at their source, before anything below is looked at.
	slices.SortStableFunc(conditions, func(a, b condition) int { return rank(a) - rank(b) })
	return conditions, nil
}

func rank(c condition) int {
	if _, ok := c.(leaf); ok {
		return 0
	}
	return 1
}

func compileField(path []string, value any) (condition, error) {
	key := path[len(path)-1]
	if key == "$or" {
		return compileOr(path, value)
	}
	if strings.Contains(key, ".") {
		// EventBridge joins keys by dots, so this key means two things; it asks not to rely on it.
		return nil, at(path, errors.New("a key with a dot is not supported"))
	}
	switch v := value.(type) {
	case map[string]any:
		then, err := compileObject(path, v)
		return under{key: key, then: then}, err
	case []any:
		return compileLeaf(path, v)
	default:
		return nil, at(path, fmt.Errorf("want an object or an array, got %s", shown(v)))
	}
}

// compileOr: event-ruler reads $or as an ordinary key unless it has two objects
// at least and none of their keys is an operator; such a pattern is refused here.
func compileOr(path []string, value any) (condition, error) {
	members, _ := value.([]any)
	if len(members) < 2 {
		return nil, at(path, errors.New("want an array of two objects or more"))
	}
	outer := path[:len(path)-1]
	var e either
	for i, member := range members {
		object, ok := member.(map[string]any)
		if !ok {
			return nil, at(path, fmt.Errorf("want objects, got %s", shown(member)))
		}
		for key := range object {
			if _, isOperator := operators[key]; isOperator || key == "exists" {
				return nil, at(path, fmt.Errorf("operator %q stands where a field must", key))
			}
		}
		a, err := compileObject(outer, object)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", strings.Join(path, "."), i, err)
		}
		e = append(e, a)
	}
	return e, nil
}

func compileLeaf(path []string, values []any) (condition, error) {
	if len(values) == 0 {
		return nil, at(path, errors.New("an empty array matches nothing"))
	}
	l := leaf{key: path[len(path)-1], path: path}
	for _, value := range values {
		t, absent, err := compileValue(value)
		if err != nil {
			return nil, at(path, err)
		}
		if absent {
			l.absent = true
		} else {
			l.tests = append(l.tests, t)
		}
	}
	return l, nil
}

func compileValue(value any) (t test, absent bool, err error) {
	operation, isOperation := value.(map[string]any)
	if _, isArray := value.([]any); isArray {
		return nil, false, fmt.Errorf("want a value or an operator, got %s", shown(value))
	}
	if !isOperation {
		return exactly(value), false, nil
	}
	operator, operand, err := only(operation)
	if err != nil {
		return nil, false, err
	}
	if operator == "exists" {
		exists, ok := operand.(bool)
		if !ok {
			return nil, false, fmt.Errorf("exists: want true or false, got %s", shown(operand))
		}
		return func(any) bool { return true }, !exists, nil
	}
	t, err = compileOperator(operators, operator, operand)
	return t, false, err
}

// only is the single entry of an operator's object.
func only(operation map[string]any) (operator string, operand any, err error) {
	if len(operation) != 1 {
		return "", nil, fmt.Errorf("want one operator, got %d in %s", len(operation), shown(operation))
	}
	for operator, operand = range operation {
	}
	return operator, operand, nil
}

func compileOperator(known map[string]func(any) (test, error), operator string, operand any) (test, error) {
	compile, ok := known[operator]
	if !ok {
		return nil, fmt.Errorf("operator %q is not supported here; supported are %s", operator,
			strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	t, err := compile(operand)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operator, err)
	}
	return t, nil
}

func at(path []string, err error) error {
	if len(path) == 0 {
		return err
	}
	return fmt.Errorf("%s: %w", strings.Join(path, "."), err)
}

// shown is a value as an error repeats it.
func shown(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("%T", value)
	}
	if len(text) > 60 {
		return fmt.Sprintf("%.60s...", text)
	}
	return string(text)
}
