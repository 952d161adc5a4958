package asl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ohler55/ojg/jp"
)

// path is a compiled JSONPath over the state's data ($) or the context object ($$).
type path struct {
	text    string
	context bool
	// head leads to one value, tail (if any) from there to any number of values.
	head, tail jp.Expr
}

// compilePath refuses what is not a plain JSONPath: intrinsic functions,
// workflow variables, filters and scripts.
func compilePath(text string) (*path, error) {
	if strings.HasPrefix(text, "States.") {
		name, _, _ := strings.Cut(text, "(")
		return nil, fmt.Errorf("intrinsic function %s is not implemented", name)
	}
	rest, context := strings.CutPrefix(text, "$$")
	if context {
		rest = "$" + rest
	} else {
		rest = text
	}
	if !strings.HasPrefix(rest, "$") {
		return nil, fmt.Errorf("path %q does not start with $", text)
	}
	if len(rest) > 1 && rest[1] != '.' && rest[1] != '[' {
		return nil, fmt.Errorf("path %q reads a variable; variables are not implemented", text)
	}
	expr, err := jp.ParseString(rest)
	if err != nil {
		return nil, fmt.Errorf("path %q: %w", text, err)
	}
	if strings.HasSuffix(rest, ".") {
		return nil, fmt.Errorf("path %q ends in a dot", text)
	}
	return splitPath(text, context, expr)
}

func splitPath(text string, context bool, expr jp.Expr) (*path, error) {
	p := &path{text: text, context: context}
	for _, frag := range expr {
		switch frag.(type) {
		case jp.Bracket:
			continue
		case jp.Root, jp.Child, jp.Nth:
			if p.tail == nil {
				p.head = append(p.head, frag)
				continue
			}
		case jp.Wildcard, jp.Slice, jp.Union, jp.Descent:
		default:
			return nil, fmt.Errorf("path %q: filters and scripts are not implemented", text)
		}
		p.tail = append(p.tail, frag)
	}
	return p, nil
}

func (p *path) definite() bool { return p.tail == nil }

// get is one value for a definite path, else the list of all matches. A missing
// value is a States.Runtime error.
func (p *path) get(env *env) (any, error) {
	data := env.input
	if p.context {
		data = env.context()
	}
	v, ok := p.head.FirstFound(data)
	if !ok {
		return nil, runtimeError("The JSONPath '%s' could not be found in the input '%s'", p.text, shorten(data))
	}
	if p.definite() {
		return v, nil
	}
	found := p.tail.Get(v)
	if found == nil {
		found = []any{}
	}
	return found, nil
}

// has reports whether a definite path leads to a value, null included.
func (p *path) has(env *env) bool {
	data := env.input
	if p.context {
		data = env.context()
	}
	_, ok := p.head.FirstFound(data)
	return ok
}

// shorten keeps a cause readable and small.
func shorten(data any) string {
	const most = 1000
	text := string(encode(data))
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// scope says which parts of the context object exist where a path is used.
type scope int

const (
	scopeState scope = iota
	// scopeItem is a Map's ItemSelector: $$.Map.Item exists.
	scopeItem
	// scopeToken is the Parameters of a task that waits for its token.
	scopeToken
)

var contextFields = map[string][]string{
	"Execution":    {"Id", "Input", "Name", "RoleArn", "StartTime", "RedriveCount"},
	"State":        {"EnteredTime", "Name", "RetryCount"},
	"StateMachine": {"Id", "Name"},
	"Map":          {"Item"},
	"Task":         {"Token"},
}

// offLimits is the reason why a path may not be used in a scope, or empty.
func (p *path) offLimits(in scope) string {
	if !p.context || len(p.head) < 2 {
		return ""
	}
	first, _ := p.head[1].(jp.Child)
	known, ok := contextFields[string(first)]
	if !ok || len(p.head) > 2 && !knownChild(known, p.head[2]) {
		return fmt.Sprintf("path %q: the context object has no such field", p.text)
	}
	if first == "Map" && in != scopeItem {
		return fmt.Sprintf("path %q: $$.Map exists only in ItemSelector", p.text)
	}
	if first == "Task" && in != scopeToken {
		return fmt.Sprintf("path %q: $$.Task exists only in the Parameters of a .waitForTaskToken task", p.text)
	}
	return ""
}

func knownChild(known []string, frag jp.Frag) bool {
	child, ok := frag.(jp.Child)
	return ok && slices.Contains(known, string(child))
}

// resultPath says where a result goes in the state's input.
type resultPath struct {
	discard bool
	keys    []string
}

func compileResultPath(text string) (*resultPath, error) {
	p, err := compilePath(text)
	if err != nil {
		return nil, err
	}
	if p.context || !p.definite() {
		return nil, fmt.Errorf("path %q is not a reference path into the input", text)
	}
	r := &resultPath{}
	for _, frag := range p.head[1:] {
		child, ok := frag.(jp.Child)
		if !ok {
			return nil, fmt.Errorf("path %q: array positions are not implemented here", text)
		}
		r.keys = append(r.keys, string(child))
	}
	return r, nil
}

var errNoMatch = errors.New("no match")

// put combines result with input; input itself is not changed. A nil resultPath
// is the default, "$".
func (r *resultPath) put(input, result any) (any, error) {
	switch {
	case r == nil:
		return result, nil
	case r.discard:
		return input, nil
	}
	out, err := putAt(input, r.keys, result)
	if err != nil {
		return nil, &Error{Name: ErrResultPathMatchFailure, Cause: fmt.Sprintf(
			"Unable to apply step %q to input %s", "$."+strings.Join(r.keys, "."), shorten(input))}
	}
	return out, nil
}

func putAt(input any, keys []string, result any) (any, error) {
	if len(keys) == 0 {
		return result, nil
	}
	object, ok := input.(map[string]any)
	if !ok {
		return nil, errNoMatch
	}
	inner, ok := object[keys[0]]
	if !ok {
		inner = map[string]any{}
	}
	value, err := putAt(inner, keys[1:], result)
	if err != nil {
		return nil, err
	}
	out := make(map[string]any, len(object)+1)
	for k, v := range object {
		out[k] = v
	}
	out[keys[0]] = value
	return out, nil
}
