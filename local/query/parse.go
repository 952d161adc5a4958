package query

import (
	"fmt"
	"net/url"
	"strings"
)

// ParseForm reads a form-encoded request into a tree. A malformed form is an
// *Error with code MalformedQueryString or InvalidQueryParameter.
func ParseForm(form string) (*Params, error) {
	root := &Params{problem: &problem{}}
	parts := 0
	for form != "" {
		var pair string
		pair, form, _ = strings.Cut(form, "&")
		if pair == "" {
			continue
		}
		if parts++; parts > maxParts {
			return nil, malformed("the request has more than %d parameters", maxParts)
		}
		if err := root.addPair(pair); err != nil {
			return nil, err
		}
	}
	return root, nil
}

func (p *Params) addPair(pair string) error {
	rawName, rawValue, _ := strings.Cut(pair, "=")
	name, err := url.QueryUnescape(rawName)
	if err != nil {
		return malformed("parameter name %q is not form-encoded", rawName)
	}
	value, err := url.QueryUnescape(rawValue)
	if err != nil {
		return malformed("the value of parameter %s is not form-encoded", name)
	}
	return p.add(name, value)
}

func (p *Params) add(name, value string) error {
	if strings.Count(name, ".") >= maxDepth {
		return malformed("parameter %s is nested too deep", name)
	}
	node := p
	for step := range strings.SplitSeq(name, ".") {
		if step == "" {
			return malformed("parameter name %q has an empty part", name)
		}
		if node.sent {
			return conflict(name)
		}
		node = node.child(step, name)
	}
	if node.sent || len(node.children) > 0 {
		return conflict(name)
	}
	node.value, node.sent = value, true
	return nil
}

func (p *Params) child(step, full string) *Params {
	if child, ok := p.children[step]; ok {
		return child
	}
	if p.children == nil {
		p.children = map[string]*Params{}
	}
	name := step
	if p.name != "" {
		name = full[:len(p.name)+1+len(step)]
	}
	child := &Params{name: name, problem: p.problem}
	p.children[step] = child
	return child
}

func malformed(format string, args ...any) error {
	return &Error{Code: "MalformedQueryString", Message: "The query string is malformed: " +
		fmt.Sprintf(format, args...) + "."}
}

func conflict(name string) error {
	return &Error{Code: "InvalidQueryParameter", Message: "The parameter " + name +
		" is given more than once or both as a value and as a structure."}
}
