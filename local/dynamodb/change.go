package dynamodb

import (
	"math/big"
	"slices"
	"strings"
)

// change is one action of an update expression: what the place becomes of an item as it was; ok is false to remove it.
type change struct {
	path []step
	make func(before item) (v value, ok bool, err error)
}

// parseUpdate reads SET, REMOVE, ADD and DELETE clauses, each at most once.
func parseUpdate(text *string, s *scope) ([]change, error) {
	if text == nil {
		return nil, nil
	}
	scanned, err := newScanner("UpdateExpression", *text)
	if err != nil {
		return nil, err
	}
	p := &parser{scanned, s}
	clauses := map[string]func() (change, error){
		"SET": p.set, "REMOVE": p.remove, "ADD": p.add, "DELETE": p.subtract,
	}
	var all []change
	for seen := map[string]bool{}; p.peek() != ""; {
		word := strings.ToUpper(p.peek())
		clause := clauses[word]
		if clause == nil {
			return nil, p.wrong()
		}
		if seen[word] {
			return nil, invalid("Invalid UpdateExpression: The %q section can only be used once in an update expression;",
				word)
		}
		seen[word] = true
		p.at++
		for more := true; more; more = p.take(",") {
			c, err := clause()
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, overlap(all)
}

// overlap refuses two changes of one place.
func overlap(all []change) error {
	for n, a := range all {
		for _, b := range all[:n] {
			short := min(len(a.path), len(b.path))
			if slices.Equal(a.path[:short], b.path[:short]) {
				return invalid("Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite "+
					"one of these paths; path one: [%s], path two: [%s]", spelled(b.path), spelled(a.path))
			}
		}
	}
	return nil
}

// formula makes a value of an item.
type formula func(item) (value, error)

func (p *parser) set() (change, error) {
	path, err := p.path()
	if err != nil {
		return change{}, err
	}
	if err := p.want("="); err != nil {
		return change{}, err
	}
	made, err := p.sum()
	return change{path, func(i item) (value, bool, error) {
		v, err := made(i)
		return v, true, err
	}}, err
}

func (p *parser) sum() (formula, error) {
	left, err := p.term()
	if err != nil {
		return nil, err
	}
	sign := p.peek()
	if sign != "+" && sign != "-" {
		return left, nil
	}
	p.at++
	right, err := p.term()
	return func(i item) (value, error) {
		a, err := left(i)
		if err != nil {
			return a, err
		}
		b, err := right(i)
		if err != nil {
			return b, err
		}
		return added(a, b, sign)
	}, err
}

func added(a, b value, sign string) (value, error) {
	if a.N == nil || b.N == nil {
		return value{}, invalid("An operand in the update expression has an incorrect data type")
	}
	x, err := number(*a.N)
	if err != nil {
		return value{}, err
	}
	y, err := number(*b.N)
	if err != nil {
		return value{}, err
	}
	if sign == "-" {
		y = new(big.Rat).Neg(y)
	}
	n := numeral(new(big.Rat).Add(x, y))
	return value{N: &n}, nil
}

func (p *parser) term() (formula, error) {
	name := strings.ToLower(p.peek())
	if (name == "if_not_exists" || name == "list_append") && p.followed("(") {
		p.at += 2
		return p.pair(name)
	}
	o, err := p.operand()
	return func(i item) (value, error) {
		v, ok := o.in(i)
		if !ok {
			return v, invalid("The provided expression refers to an attribute that does not exist in the item")
		}
		return v, nil
	}, err
}

func (p *parser) pair(name string) (formula, error) {
	a, err := p.operand()
	if err != nil {
		return nil, err
	}
	if err := p.want(","); err != nil {
		return nil, err
	}
	b, err := p.term()
	if err != nil {
		return nil, err
	}
	return func(i item) (value, error) {
		v, ok := a.in(i)
		if name == "if_not_exists" && ok {
			return v, nil
		}
		other, err := b(i)
		if name == "if_not_exists" || err != nil {
			return other, err
		}
		if v.L == nil || other.L == nil {
			return value{}, invalid("An operand in the update expression has an incorrect data type")
		}
		both := slices.Concat(*v.L, *other.L)
		return value{L: &both}, nil
	}, p.want(")")
}

func (p *parser) remove() (change, error) {
	path, err := p.path()
	return change{path, func(item) (value, bool, error) { return value{}, false, nil }}, err
}

// add adds to a number or a set.
func (p *parser) add() (change, error) {
	return p.combined(func(old value, known bool, by value) (value, bool, error) {
		switch {
		case by.N != nil && !known:
			return by, true, nil
		case by.N != nil:
			v, err := added(old, by, "+")
			return v, true, err
		case by.SS != nil && (!known || old.SS != nil):
			both := append(slices.Clone(old.SS), by.SS...)
			slices.Sort(both)
			return value{SS: slices.Compact(both)}, true, nil
		}
		return value{}, false, invalid("An operand in the update expression has an incorrect data type")
	})
}

// subtract takes elements from a set; one without any is removed.
func (p *parser) subtract() (change, error) {
	return p.combined(func(old value, known bool, by value) (value, bool, error) {
		if by.SS == nil || known && old.SS == nil {
			return value{}, false, invalid("An operand in the update expression has an incorrect data type")
		}
		left := slices.DeleteFunc(slices.Clone(old.SS), func(s string) bool { return slices.Contains(by.SS, s) })
		return value{SS: left}, len(left) > 0, nil
	})
}

func (p *parser) combined(join func(old value, known bool, by value) (value, bool, error)) (change, error) {
	path, err := p.path()
	if err != nil {
		return change{}, err
	}
	by, err := p.operand()
	if err != nil {
		return change{}, err
	}
	if by.value == nil {
		return change{}, p.wrong()
	}
	return change{path, func(i item) (value, bool, error) {
		old, known := at(value{M: &i}, path)
		return join(old, known, *by.value)
	}}, nil
}

// apply makes the changes of an item, all from what it was before.
func apply(all []change, before item) (item, error) {
	after := before.clone()
	if after == nil {
		after = item{}
	}
	for _, c := range all {
		v, ok, err := c.make(before)
		if err != nil {
			return nil, err
		}
		if err := place(value{M: &after}, c.path, v, ok); err != nil {
			return nil, err
		}
	}
	return after, nil
}

// place puts a value where a path leads, or removes what is there.
func place(root value, path []step, v value, put bool) error {
	within, ok := at(root, path[:len(path)-1])
	last := path[len(path)-1]
	switch {
	case !ok || (last.index < 0) != (within.M != nil) || (last.index >= 0) != (within.L != nil):
		return invalid("The document path provided in the update expression is invalid for update")
	case last.index >= 0:
		placeIn(within.L, last.index, v, put)
	case put:
		(*within.M)[last.name] = v
	default:
		delete(*within.M, last.name)
	}
	return nil
}

// placeIn puts an element into a list, at its end if it is shorter, or removes one.
func placeIn(list *[]value, index int, v value, put bool) {
	switch within := index < len(*list); {
	case put && within:
		(*list)[index] = v
	case put:
		*list = append(*list, v)
	case within:
		*list = slices.Delete(*list, index, index+1)
	}
}
