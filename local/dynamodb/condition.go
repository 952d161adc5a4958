package dynamodb

import (
	"slices"
	"strings"
)

// parser reads conditions, updates, key conditions and projections (developer guide, "Using expressions in DynamoDB").
type parser struct {
	*scanner
	scope *scope
}

// condition tells whether an item has what an expression wants.
type condition func(item) bool

// parseCondition reads a condition or a filter; empty text wants nothing.
func parseCondition(kind string, text *string, s *scope) (condition, error) {
	if text == nil {
		return func(item) bool { return true }, nil
	}
	scanned, err := newScanner(kind, *text)
	if err != nil {
		return nil, err
	}
	p := &parser{scanned, s}
	holds, err := p.either()
	if err != nil {
		return nil, err
	}
	return holds, p.end()
}

func (p *parser) either() (condition, error) { return p.joined("OR", p.both, or) }
func (p *parser) both() (condition, error)   { return p.joined("AND", p.single, and) }

func or(a, b condition) condition  { return func(i item) bool { return a(i) || b(i) } }
func and(a, b condition) condition { return func(i item) bool { return a(i) && b(i) } }

func (p *parser) joined(word string, part func() (condition, error),
	join func(a, b condition) condition) (condition, error) {
	all, err := part()
	for err == nil && p.take(word) {
		var next condition
		if next, err = part(); err == nil {
			all = join(all, next)
		}
	}
	return all, err
}

func (p *parser) single() (condition, error) {
	if p.take("NOT") {
		inner, err := p.single()
		return func(i item) bool { return !inner(i) }, err
	}
	if p.take("(") {
		inner, err := p.either()
		if err != nil {
			return nil, err
		}
		return inner, p.want(")")
	}
	if call, ok := functions[strings.ToLower(p.peek())]; ok && p.followed("(") {
		return p.call(call)
	}
	return p.comparison()
}

// function is one of the functions of conditions, with how many operands it takes.
type function struct {
	operands int
	holds    func(i item, o []operand) bool
}

var functions = map[string]function{
	"attribute_exists": {1, func(i item, o []operand) bool {
		_, ok := o[0].in(i)
		return ok
	}},
	"attribute_not_exists": {1, func(i item, o []operand) bool {
		_, ok := o[0].in(i)
		return !ok
	}},
	"attribute_type": {2, func(i item, o []operand) bool {
		v, ok := o[0].in(i)
		kind, _ := o[1].in(i)
		return ok && kind.S != nil && v.kind() == *kind.S
	}},
	"begins_with": {2, func(i item, o []operand) bool {
		v, _ := o[0].in(i)
		prefix, _ := o[1].in(i)
		return v.S != nil && prefix.S != nil && strings.HasPrefix(*v.S, *prefix.S)
	}},
	"contains": {2, func(i item, o []operand) bool {
		v, _ := o[0].in(i)
		part, ok := o[1].in(i)
		return ok && v.contains(part)
	}},
}

func (v value) contains(part value) bool {
	switch {
	case v.S != nil && part.S != nil:
		return strings.Contains(*v.S, *part.S)
	case v.SS != nil && part.S != nil:
		return slices.Contains(v.SS, *part.S)
	case v.NS != nil && part.N != nil:
		return slices.Contains(v.NS, *part.N)
	case v.L != nil:
		return slices.ContainsFunc(*v.L, func(each value) bool { return equal(each, part) })
	}
	return false
}

func (p *parser) call(f function) (condition, error) {
	p.at += 2
	all, err := p.operands()
	if err != nil {
		return nil, err
	}
	if len(all) != f.operands {
		return nil, invalid("Invalid %s: Incorrect number of operands for operator or function; "+
			"number of operands: %d", p.kind, len(all))
	}
	return func(i item) bool { return f.holds(i, all) }, p.want(")")
}

// signs are what comparing two values may come to.
var signs = map[string]func(order int) bool{
	"<": func(o int) bool { return o < 0 }, "<=": func(o int) bool { return o <= 0 },
	">": func(o int) bool { return o > 0 }, ">=": func(o int) bool { return o >= 0 },
}

func (p *parser) comparison() (condition, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	if p.take("IN") {
		return p.among(left)
	}
	if p.take("BETWEEN") {
		return p.between(left)
	}
	return p.signed(left)
}

// signed reads what follows a comparison's left side.
func (p *parser) signed(left operand) (condition, error) {
	sign := p.next()
	fits := signs[sign]
	if fits == nil && sign != "=" && sign != "<>" {
		p.at = max(0, p.at-1)
		return nil, p.wrong()
	}
	right, err := p.operand()
	same := func(i item) bool {
		a, okA := left.in(i)
		b, okB := right.in(i)
		return okA && okB && equal(a, b)
	}
	switch sign {
	case "=":
		return same, err
	case "<>":
		return func(i item) bool { return !same(i) }, err
	}
	return func(i item) bool {
		a, _ := left.in(i)
		b, _ := right.in(i)
		order, ok := compare(a, b)
		return ok && fits(order)
	}, err
}

func (p *parser) among(left operand) (condition, error) {
	if err := p.want("("); err != nil {
		return nil, err
	}
	all, err := p.operands()
	if err != nil {
		return nil, err
	}
	return func(i item) bool {
		a, ok := left.in(i)
		return ok && slices.ContainsFunc(all, func(o operand) bool {
			b, ok := o.in(i)
			return ok && equal(a, b)
		})
	}, p.want(")")
}

func (p *parser) operands() (all []operand, err error) {
	for more := true; more; more = p.take(",") {
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

func (p *parser) between(left operand) (condition, error) {
	low, err := p.operand()
	if err != nil {
		return nil, err
	}
	if err := p.want("AND"); err != nil {
		return nil, err
	}
	high, err := p.operand()
	return func(i item) bool {
		v, _ := left.in(i)
		a, _ := low.in(i)
		b, _ := high.in(i)
		above, okA := compare(v, a)
		below, okB := compare(v, b)
		return okA && okB && above >= 0 && below <= 0
	}, err
}
