package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// env is what paths are resolved against.
type env struct {
	input   any
	context func() any
}

// template is a compiled payload template: Parameters, ItemSelector or
// ResultSelector. Exactly one of its fields is used; none means null.
type template struct {
	fixed  any
	path   *path
	object map[string]*template
	list   []*template
}

func (f fields) template(name string, in scope) *template {
	raw, ok := f.take(name)
	if !ok {
		return nil
	}
	t, err := compileTemplate(raw, in)
	if err != nil {
		f.bad("%s: %v", name, err)
	}
	return t
}

func compileTemplate(raw json.RawMessage, in scope) (*template, error) {
	v, err := decode(raw)
	if err != nil {
		return nil, err
	}
	return templateOf(v, in)
}

func templateOf(v any, in scope) (*template, error) {
	switch v := v.(type) {
	case map[string]any:
		return objectTemplate(v, in)
	case []any:
		t := &template{list: []*template{}}
		for _, x := range v {
			inner, err := templateOf(x, in)
			if err != nil {
				return nil, err
			}
			t.list = append(t.list, inner)
		}
		return t, nil
	}
	return &template{fixed: v}, nil
}

func objectTemplate(v map[string]any, in scope) (*template, error) {
	t := &template{object: map[string]*template{}}
	for _, key := range sortedKeys(v) {
		name, dynamic := strings.CutSuffix(key, ".$")
		inner, err := fieldTemplate(v[key], dynamic, in)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", key, err)
		}
		if _, twice := t.object[name]; twice {
			return nil, fmt.Errorf("%q is given both fixed and with .$", name)
		}
		t.object[name] = inner
	}
	return t, nil
}

func fieldTemplate(v any, dynamic bool, in scope) (*template, error) {
	if !dynamic {
		return templateOf(v, in)
	}
	text, ok := v.(string)
	if !ok {
		return nil, errors.New("must be a path, since the name ends in .$")
	}
	p, err := compilePath(text)
	if err != nil {
		return nil, err
	}
	if reason := p.offLimits(in); reason != "" {
		return nil, errors.New(reason)
	}
	return &template{path: p}, nil
}

func (t *template) eval(env *env) (any, error) {
	switch {
	case t.path != nil:
		return t.path.get(env)
	case t.object != nil:
		out := make(map[string]any, len(t.object))
		for name, inner := range t.object {
			v, err := inner.eval(env)
			if err != nil {
				return nil, err
			}
			out[name] = v
		}
		return out, nil
	case t.list != nil:
		out := make([]any, len(t.list))
		for i, inner := range t.list {
			v, err := inner.eval(env)
			if err != nil {
				return nil, err
			}
			out[i] = v
		}
		return out, nil
	}
	return t.fixed, nil
}

// dataFlow is how a state's input becomes its task's input, and the task's
// result the state's output.
type dataFlow struct {
	in, out    filter
	parameters *template
	selector   *template
	resultPath *resultPath
}

// filter is InputPath or OutputPath; the zero value passes everything.
type filter struct {
	path  *path
	empty bool
}

func (f filter) apply(env *env) (any, error) {
	switch {
	case f.empty:
		return map[string]any{}, nil
	case f.path == nil:
		return env.input, nil
	}
	return f.path.get(env)
}

func (f fields) filter(name string) filter {
	raw, ok := f.take(name)
	if !ok {
		return filter{}
	}
	if string(raw) == "null" {
		return filter{empty: true}
	}
	f.raw[name] = raw
	p, err := compilePath(f.text(name))
	if err != nil {
		f.bad("%s: %v", name, err)
		return filter{}
	}
	if reason := p.offLimits(scopeState); reason != "" {
		f.bad("%s: %s", name, reason)
	}
	return filter{path: p}
}

func (f fields) resultPath(name string) *resultPath {
	raw, ok := f.take(name)
	if !ok {
		return nil
	}
	if string(raw) == "null" {
		return &resultPath{discard: true}
	}
	f.raw[name] = raw
	r, err := compileResultPath(f.text(name))
	if err != nil {
		f.bad("%s: %v", name, err)
		return nil
	}
	return r
}

// effective is what the state works on: InputPath, then Parameters.
func (d dataFlow) effective(env *env) (any, error) {
	in, err := d.in.apply(env)
	if err != nil || d.parameters == nil {
		return in, err
	}
	return d.parameters.eval(env.with(in))
}

// output is ResultSelector, then ResultPath on the raw input, then OutputPath.
func (d dataFlow) output(env *env, result any) (any, error) {
	var err error
	if d.selector != nil {
		if result, err = d.selector.eval(env.with(result)); err != nil {
			return nil, err
		}
	}
	combined, err := d.resultPath.put(env.input, result)
	if err != nil {
		return nil, err
	}
	return d.out.apply(env.with(combined))
}

func (e *env) with(input any) *env { return &env{input: input, context: e.context} }
