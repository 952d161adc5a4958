// Package pattern knows EventBridge's event patterns: which events one matches,
// and which patterns are refused.
//
// It implements exact values, prefix, suffix, anything-but, exists, numeric,
// equals-ignore-case, wildcard and $or, and refuses every other operator by
// name. What AWS says of them:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-arrays.html
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-null-values.html
// and, where those are silent, the rule engine AWS published:
// https://github.com/aws/event-ruler.
package pattern

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// Pattern is a compiled event pattern. It is safe for concurrent use.
type Pattern struct{ root all }

// Compile reads a pattern. The error names the place in the pattern, such as
// detail.state: operator "cidr" is not supported here.
func Compile(text []byte) (*Pattern, error) {
	decoded, err := Decode(text)
	if err != nil {
		return nil, fmt.Errorf("event pattern: %w", err)
	}
	object, ok := decoded.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("event pattern: want an object, got %s", shown(decoded))
	}
	root, err := compileObject(nil, object)
	if err != nil {
		return nil, fmt.Errorf("event pattern: %w", err)
	}
	// "The use of $or results in over 1000 rule combinations" is InvalidEventPatternException.
	if n := root.combinations(); n > 1000 {
		return nil, fmt.Errorf("event pattern: $or makes %d combinations, and 1000 is the most", n)
	}
	return &Pattern{root: root}, nil
}

// Match says whether the pattern matches an event as Decode returns it.
func (p *Pattern) Match(event any) bool { return p.root.match(event, event) }

// Decode reads JSON as Match wants it: numbers stay as they were written, since
// 300, 300.0 and 3.0e2 are three different values to an exact match.
func Decode(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var decoded any
	if err := decoder.Decode(&decoded); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("more after the first value")
	}
	return decoded, nil
}

// condition is one part of a pattern. match is given the value the part stands
// at, and the whole event, which only exists: false looks at.
type condition interface {
	match(value, event any) bool
	combinations() int
}

// all is an object of a pattern: every condition holds. When the event has an
// array there, they hold for one and the same element of it.
type all []condition

func (a all) match(value, event any) bool {
	if elements, ok := value.([]any); ok {
		for _, element := range elements {
			if a.match(element, event) {
				return true
			}
		}
		// exists: false holds with no element at all.
		return len(elements) == 0 && a.matchOne(nil, event)
	}
	return a.matchOne(value, event)
}

func (a all) matchOne(value, event any) bool {
	for _, c := range a {
		if !c.match(value, event) {
			return false
		}
	}
	return true
}

func (a all) combinations() int {
	n := 1
	for _, c := range a {
		// Bounded, so that a hostile pattern cannot overflow it.
		n = min(n*c.combinations(), 1<<20)
	}
	return n
}

// either is a $or: one of its objects holds.
type either []all

func (e either) match(value, event any) bool {
	for _, a := range e {
		if a.match(value, event) {
			return true
		}
	}
	return false
}

func (e either) combinations() int {
	n := 0
	for _, a := range e {
		n = min(n+a.combinations(), 1<<20)
	}
	return n
}

// under is a field whose conditions are an object's.
type under struct {
	key  string
	then all
}

func (u under) match(value, event any) bool {
	object, _ := value.(map[string]any)
	return u.then.match(object[u.key], event)
}

func (u under) combinations() int { return u.then.combinations() }

// leaf is a field whose value must pass one test.
type leaf struct {
	key   string
	path  []string
	tests []test
	// absent is exists: false.
	absent bool
}

func (l leaf) match(value, event any) bool {
	if l.absent && !present(event, l.path) {
		return true
	}
	object, _ := value.(map[string]any)
	field, ok := object[l.key]
	return ok && l.passes(field)
}

// passes says whether value, or any element when it is an array, passes a test.
// Objects are no leaves, and no test ever sees one.
func (l leaf) passes(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		return false
	case []any:
		for _, element := range v {
			if l.passes(element) {
				return true
			}
		}
		return false
	default:
		for _, passes := range l.tests {
			if passes(v) {
				return true
			}
		}
		return false
	}
}

func (leaf) combinations() int { return 1 }

// present says whether the event has a leaf at path, in any element of the
// arrays on the way. An object there is no leaf, and neither is an empty array
// (unverified for the array, and for exists: false below an array of objects
// whose elements differ).
func present(value any, path []string) bool {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			if present(element, path) {
				return true
			}
		}
		return false
	case map[string]any:
		if len(path) == 0 {
			return false
		}
		field, ok := v[path[0]]
		return ok && present(field, path[1:])
	default:
		return len(path) == 0
	}
}
