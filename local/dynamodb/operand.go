package dynamodb

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// scope is what an expression may speak of, and what of it was spoken of.
type scope struct {
	names      map[string]string
	values     item
	usedNames  map[string]bool
	usedValues map[string]bool
}

func newScope(names map[string]string, values item) *scope {
	return &scope{names, values, map[string]bool{}, map[string]bool{}}
}

// unused refuses names and values that no expression of the request has.
func (s *scope) unused() error {
	for _, each := range []struct {
		what string
		have []string
		used map[string]bool
	}{
		{"ExpressionAttributeNames", slices.Sorted(maps.Keys(s.names)), s.usedNames},
		{"ExpressionAttributeValues", slices.Sorted(maps.Keys(s.values)), s.usedValues},
	} {
		left := slices.DeleteFunc(each.have, func(key string) bool { return each.used[key] })
		if len(left) > 0 {
			return invalid("Value provided in %s unused in expressions: keys: {%s}", each.what, strings.Join(left, ", "))
		}
	}
	return s.values.check()
}

// operand is a place in an item, a value, or what a function makes of others.
type operand struct {
	path  []step
	value *value
	size  *operand
}

// step is a name, or the index of a list's element.
type step struct {
	name  string
	index int // -1 for a name
}

func (p *parser) operand() (operand, error) {
	token := p.peek()
	switch {
	case token == "":
		return operand{}, p.wrong()
	case token[0] == ':':
		v, ok := p.scope.values[p.next()]
		if !ok {
			return operand{}, invalid("Invalid %s: An expression attribute value used in expression is not defined; "+
				"attribute value: %s", p.kind, token)
		}
		p.scope.usedValues[token] = true
		return operand{value: &v}, nil
	case strings.EqualFold(token, "size") && p.followed("("):
		p.at += 2
		of, err := p.operand()
		if err != nil {
			return operand{}, err
		}
		return operand{size: &of}, p.want(")")
	}
	path, err := p.path()
	return operand{path: path}, err
}

func (p *parser) followed(by string) bool { return p.at+1 < len(p.tokens) && p.tokens[p.at+1] == by }

func (p *parser) path() ([]step, error) {
	first, err := p.name()
	if err != nil {
		return nil, err
	}
	path := []step{first}
	for {
		switch {
		case p.take("."):
			next, err := p.name()
			if err != nil {
				return nil, err
			}
			path = append(path, next)
		case p.take("["):
			n, err := strconv.Atoi(p.next())
			if err != nil {
				return nil, p.wrong()
			}
			path = append(path, step{index: n})
			if err := p.want("]"); err != nil {
				return nil, err
			}
		default:
			return path, nil
		}
	}
}

func (p *parser) name() (step, error) {
	token := p.peek()
	switch {
	case token == "" || strings.ContainsAny(token[:1], ":=<>(),.[]+-0123456789"):
		return step{}, p.wrong()
	case token[0] != '#':
		if reserved[strings.ToUpper(token)] {
			return step{}, invalid("Invalid %s: Attribute name is a reserved keyword; reserved keyword: %s", p.kind, token)
		}
		p.at++
		return step{token, -1}, nil
	}
	name, ok := p.scope.names[token]
	if !ok {
		return step{}, invalid("Invalid %s: An expression attribute name used in the document path is not defined; "+
			"attribute name: %s", p.kind, token)
	}
	p.scope.usedNames[token] = true
	p.at++
	return step{name, -1}, nil
}

// in is what the operand is in an item; ok is false when there is nothing.
func (o operand) in(of item) (v value, ok bool) {
	switch {
	case o.value != nil:
		return *o.value, true
	case o.size != nil:
		v, ok := o.size.in(of)
		if !ok {
			return value{}, false
		}
		n := strconv.Itoa(v.length())
		return value{N: &n}, true
	}
	return at(value{M: &of}, o.path)
}

// at follows a path into a value.
func at(v value, path []step) (value, bool) {
	for _, s := range path {
		switch {
		case s.index < 0 && v.M != nil:
			inner, ok := (*v.M)[s.name]
			if !ok {
				return value{}, false
			}
			v = inner
		case s.index >= 0 && v.L != nil && s.index < len(*v.L):
			v = (*v.L)[s.index]
		default:
			return value{}, false
		}
	}
	return v, true
}

// length is what the function size says.
func (v value) length() int {
	switch v.kind() {
	case "M":
		return len(*v.M)
	case "L":
		return len(*v.L)
	case "SS", "NS", "BS":
		return len(v.SS) + len(v.NS) + len(v.BS)
	}
	return v.size()
}

func spelled(path []step) string {
	var b strings.Builder
	for n, s := range path {
		switch {
		case s.index >= 0:
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case n > 0:
			b.WriteString("." + s.name)
		default:
			b.WriteString(s.name)
		}
	}
	return b.String()
}
