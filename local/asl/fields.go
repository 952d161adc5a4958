package asl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// fields reads one JSON object of a definition. Every field read is taken out;
// what is left at the end is refused by name.
type fields struct {
	where    string
	raw      map[string]json.RawMessage
	problems *problems
}

type problems struct{ list []string }

func (p *problems) add(where, format string, args ...any) {
	p.list = append(p.list, where+": "+fmt.Sprintf(format, args...))
}

func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.Sort(p.list)
	return errors.New("definition not usable:\n  " + strings.Join(p.list, "\n  "))
}

func readFields(where string, raw json.RawMessage, p *problems) fields {
	f := fields{where: where, raw: map[string]json.RawMessage{}, problems: p}
	if err := json.Unmarshal(raw, &f.raw); err != nil || f.raw == nil {
		f.raw = map[string]json.RawMessage{}
		p.add(where, "is not a JSON object")
	}
	return f
}

func (f fields) bad(format string, args ...any) { f.problems.add(f.where, format, args...) }

func (f fields) take(name string) (json.RawMessage, bool) {
	raw, ok := f.raw[name]
	delete(f.raw, name)
	return raw, ok
}

// done refuses what was not read.
func (f fields) done(what string) {
	for _, name := range sortedKeys(f.raw) {
		f.bad("field %q is not implemented for %s", name, what)
	}
}

func (f fields) text(name string) string {
	raw, ok := f.take(name)
	if !ok {
		return ""
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		f.bad("%s must be a string", name)
		return ""
	}
	return *s
}

func (f fields) required(name string) string {
	if _, ok := f.raw[name]; !ok {
		f.bad("%s is missing", name)
	}
	return f.text(name)
}

func (f fields) boolean(name string) bool {
	raw, ok := f.take(name)
	if !ok {
		return false
	}
	var b *bool
	if err := json.Unmarshal(raw, &b); err != nil || b == nil {
		f.bad("%s must be true or false", name)
		return false
	}
	return *b
}

// whole reads an integer within [low, high]; byDefault when the field is absent.
func (f fields) whole(name string, byDefault, low, high int64) int64 {
	raw, ok := f.take(name)
	if !ok {
		return byDefault
	}
	var n *int64
	if err := json.Unmarshal(raw, &n); err != nil || n == nil || *n < low || *n > high {
		f.bad("%s must be a whole number from %d to %d", name, low, high)
		return byDefault
	}
	return *n
}

func (f fields) number(name string, byDefault, low float64) float64 {
	raw, ok := f.take(name)
	if !ok {
		return byDefault
	}
	var n *float64
	if err := json.Unmarshal(raw, &n); err != nil || n == nil || *n < low {
		f.bad("%s must be a number of at least %v", name, low)
		return byDefault
	}
	return *n
}

func (f fields) texts(name string) []string {
	raw, ok := f.take(name)
	var list []string
	if err := json.Unmarshal(raw, &list); !ok || err != nil || len(list) == 0 {
		f.bad("%s must be a list of at least one string", name)
	}
	return list
}

func (f fields) list(name string) []json.RawMessage {
	raw, ok := f.take(name)
	if !ok {
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		f.bad("%s must be a list", name)
	}
	return list
}

// maxSeconds is the largest TimeoutSeconds, HeartbeatSeconds and Seconds the
// States Language of Step Functions takes.
const maxSeconds = 99_999_999

// amount reads name or its Path twin, never both.
func (f fields) amount(name string, low int64) Amount {
	_, fixed := f.raw[name]
	p := f.reference(name + "Path")
	switch {
	case fixed && p != nil:
		f.bad("%s and %sPath exclude each other", name, name)
	case p != nil:
		return Amount{Path: p.text, path: p}
	}
	return Amount{Fixed: f.whole(name, 0, low, maxSeconds)}
}

// reference reads a path that leads to one value.
func (f fields) reference(name string) *path {
	text := f.text(name)
	if text == "" {
		return nil
	}
	p, err := compilePath(text)
	switch {
	case err != nil:
		f.bad("%s: %v", name, err)
		return nil
	case !p.definite():
		f.bad("%s: path %q may lead to more than one value", name, text)
		return nil
	case p.offLimits(scopeState) != "":
		f.bad("%s: %s", name, p.offLimits(scopeState))
	}
	return p
}

// decode reads one JSON value. Numbers keep their own digits.
func decode(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("reading JSON: more than one value")
	}
	return v, nil
}

// encode writes a value that decode or a template made.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("asl: encoding %T: %v", v, err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// JSON writes a value of an Execution (its Input or Output, an Event's Data) as text.
func JSON(v any) string { return string(encode(v)) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
