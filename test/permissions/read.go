package permissions

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Read reads a policy document whose values are resolved. Whatever the evaluator would
// not honour is refused by name.
func Read(document map[string]any) (Policy, error) {
	var policy Policy
	var problems []error
	list, ok := document["Statement"].([]any)
	if !ok {
		return nil, fmt.Errorf("a policy without a list of statements: %v", document)
	}
	for i, each := range list {
		statement, ok := each.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("statement %d is %v", i, each)
		}
		s, err := readStatement(statement)
		if err != nil {
			problems = append(problems, fmt.Errorf("statement %d: %w", i, err))
		}
		policy = append(policy, s)
	}
	return policy, errors.Join(problems...)
}

func readStatement(statement map[string]any) (s Statement, err error) {
	for _, element := range slices.Sorted(maps.Keys(statement)) {
		err = errors.Join(err, s.read(element, statement[element]))
	}
	if err == nil && (len(s.Actions) == 0 || len(s.Resources) == 0) {
		err = errors.New("it names no action or no resource")
	}
	return s, err
}

func (s *Statement) read(element string, value any) (err error) {
	switch element {
	case "Sid":
	case "Effect":
		if value != "Allow" {
			err = fmt.Errorf("effect %v is not evaluated", value)
		}
	case "Action":
		s.Actions, err = texts(value)
	case "Resource":
		s.Resources, err = texts(value)
	case "Condition":
		s.Condition, err = readCondition(value)
	default:
		err = fmt.Errorf("element %s is not evaluated", element)
	}
	return err
}

func readCondition(value any) (Condition, error) {
	blocks, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("condition %v is none", value)
	}
	condition := Condition{}
	for operator, block := range blocks {
		keys, ok := block.(map[string]any)
		if _, known := operators[operator]; !known || !ok {
			return nil, fmt.Errorf("condition operator %s is not evaluated", operator)
		}
		condition[operator] = map[string][]string{}
		for key, values := range keys {
			var err error
			if condition[operator][key], err = texts(values); err != nil {
				return nil, fmt.Errorf("%s of %s: %w", operator, key, err)
			}
		}
	}
	return condition, nil
}

// texts is a value that IAM lets stand alone or in a list.
func texts(value any) ([]string, error) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	var all []string
	for _, item := range list {
		text, ok := item.(string)
		switch {
		case !ok:
			return nil, fmt.Errorf("%v is no text", item)
		case strings.Contains(text, "${"):
			return nil, fmt.Errorf("policy variable in %s is not evaluated", text)
		}
		all = append(all, text)
	}
	return all, nil
}
