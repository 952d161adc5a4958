// Package query is the server side of the AWS query protocols: form-encoded
// parameters in, XML out. It knows both dialects, EC2's flat lists
// (Filter.1.Value.2) and the older services' member lists
// (AutoScalingGroupNames.member.1), and keeps a log of every call. It knows
// no service.
package query

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Params is one node of a request's parameter tree: a value, a structure or a
// list. A nil *Params is an absent parameter; every method accepts it.
//
// A tree knows which of its values were asked for, so that a service can refuse
// the rest: see Unread.
type Params struct {
	name     string
	value    string
	sent     bool // a value was sent, maybe an empty one
	read     bool // and was asked for
	children map[string]*Params
	problem  *problem
}

// problem holds the first value of a request that did not parse as its type.
type problem struct{ err error }

const (
	maxDepth = 32
	maxParts = 20_000
)

// At is the node at a dotted path, or nil.
func (p *Params) At(path string) *Params {
	for path != "" && p != nil {
		var step string
		step, path, _ = strings.Cut(path, ".")
		p = p.children[step]
	}
	return p
}

// Has tells whether anything was sent at the path, an empty value included. It does not
// count as reading a value.
func (p *Params) Has(path string) bool { return p.At(path) != nil }

// Name is the full dotted name of the node, as it was sent.
func (p *Params) Name() string {
	if p == nil {
		return ""
	}
	return p.name
}

// Leaf tells whether the node is a value, not a structure or a list.
func (p *Params) Leaf() bool { return p == nil || len(p.children) == 0 }

// Text is the value at the path, "" when absent. An empty path is the node itself.
func (p *Params) Text(path string) string {
	if node := p.At(path); node != nil {
		node.read = true
		return node.value
	}
	return ""
}

// Fields are the names of a structure's members, sorted.
func (p *Params) Fields() []string {
	if p == nil {
		return nil
	}
	names := make([]string, 0, len(p.children))
	for name := range p.children {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Leaves yields every value below the node with its path from here, in no order. All are read.
func (p *Params) Leaves() iter.Seq2[string, string] {
	p.Keep()
	return p.Sent()
}

// Sent is Leaves for those who only look: nothing counts as read.
func (p *Params) Sent() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) { p.leaves("", yield) }
}

// Keep reads every value below the node: of a request that is kept or passed on as it is.
func (p *Params) Keep() {
	if p == nil {
		return
	}
	p.read = true
	for _, child := range p.children {
		child.Keep()
	}
}

// Unread is the name of a value that was sent and not asked for, the first of them in the order
// of names, or "". An empty value that was not asked for says nothing.
func (p *Params) Unread() string {
	first := ""
	p.unread(func(name string) {
		if first == "" || name < first {
			first = name
		}
	})
	return first
}

// Unmodelled refuses a request of which a value was not asked for: what is not modelled is
// refused by name, never dropped. The code is EC2's for a parameter it does not know.
func (p *Params) Unmodelled() error {
	if name := p.Unread(); name != "" {
		return unmodelled(name)
	}
	return nil
}

// Without refuses what holds one of these fields, of a request that is kept as it is otherwise.
func (p *Params) Without(fields ...string) error {
	for _, field := range fields {
		if p.Has(field) {
			return unmodelled(p.At(field).Name())
		}
	}
	return nil
}

func unmodelled(name string) error {
	return Errorf("UnknownParameter", "The parameter %s is not recognized: the embedded AWS does not model it.", name)
}

// readSignature reads what a signed GET carries beside its action's own parameters, in either
// version of AWS's signatures.
func (p *Params) readSignature() {
	for name, child := range p.children {
		if strings.HasPrefix(name, "X-Amz-") || slices.Contains(signature, name) {
			child.Keep()
		}
	}
}

var signature = []string{"AWSAccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "Timestamp", "Expires",
	"SecurityToken"}

func (p *Params) unread(found func(string)) {
	if p.sent && !p.read && p.value != "" {
		found(p.name)
	}
	for _, child := range p.children {
		child.unread(found)
	}
}

func (p *Params) leaves(path string, yield func(string, string) bool) bool {
	if p == nil {
		return true
	}
	if p.sent && !yield(path, p.value) {
		return false
	}
	if path != "" {
		path += "."
	}
	for step, child := range p.children {
		if !child.leaves(path+step, yield) {
			return false
		}
	}
	return true
}

// List holds the elements at the path in the order of their numbers, in either dialect.
func (p *Params) List(path string) []*Params {
	list := p.At(path)
	if member := list.At("member"); member != nil {
		list = member
	}
	if list == nil {
		return nil
	}
	type numbered struct {
		number int
		node   *Params
	}
	var found []numbered
	for step, node := range list.children {
		if n, err := strconv.Atoi(step); err == nil && n > 0 {
			found = append(found, numbered{n, node})
		}
	}
	slices.SortFunc(found, func(a, b numbered) int { return cmp.Compare(a.number, b.number) })
	nodes := make([]*Params, len(found))
	for i, f := range found {
		nodes[i] = f.node
	}
	return nodes
}

// Texts are the values of the list at the path.
func (p *Params) Texts(path string) []string {
	nodes := p.List(path)
	if len(nodes) == 0 {
		return nil
	}
	texts := make([]string, len(nodes))
	for i, node := range nodes {
		texts[i], node.read = node.value, true
	}
	return texts
}

// Bool is the value at the path, false when absent. A value that is no boolean is kept for Err.
func (p *Params) Bool(path string) bool {
	return typed(p, path, "boolean", func(text string) (bool, error) { return strconv.ParseBool(strings.ToLower(text)) })
}

// Int is the value at the path, 0 when absent. A value that is no integer is kept for Err.
func (p *Params) Int(path string) int {
	return typed(p, path, "integer", strconv.Atoi)
}

// Time is the value at the path, zero when absent. A value that is no ISO 8601 time is kept for Err.
func (p *Params) Time(path string) time.Time {
	return typed(p, path, "timestamp", func(text string) (time.Time, error) { return time.Parse(time.RFC3339, text) })
}

func typed[T any](p *Params, path, kind string, parse func(string) (T, error)) T {
	var zero T
	node := p.At(path)
	if node == nil {
		return zero
	}
	node.read = true
	if node.value == "" && node.Leaf() {
		return zero
	}
	value, err := parse(node.value)
	if err == nil {
		return value
	}
	if node.problem.err == nil {
		node.problem.err = &Error{
			Code:    "InvalidParameterValue",
			Message: fmt.Sprintf("Invalid value '%s' for %s. The value must be of type %s.", node.value, node.name, kind),
		}
	}
	return zero
}

// Err is the first value of the request that Bool, Int or Time could not read,
// as an *Error. Ask before the call has any effect.
func (p *Params) Err() error {
	if p == nil {
		return nil
	}
	return p.problem.err
}
