package dynamodb

import (
	"slices"
	"strings"
)

// keyCondition reads "pk = :a", alone or with one condition on the sort key.
func (t *table) keyCondition(text *string, s *scope) (hash string, within condition, err error) {
	if text == nil {
		return "", nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified " +
			"in the request.")
	}
	scanned, err := newScanner("KeyConditionExpression", *text)
	if err != nil {
		return "", nil, err
	}
	p := &parser{scanned, s}
	within = func(item) bool { return true }
	for first := true; first || p.take("AND"); first = false {
		part, err := t.keyPart(p, &hash)
		if err != nil {
			return "", nil, err
		}
		if part != nil {
			within = and(within, part)
		}
	}
	if hash == "" {
		return "", nil, invalid("Query condition missed key schema element: %s", t.hash.name)
	}
	return hash, within, p.end()
}

// keyPart reads one condition of a key condition; that on the hash key goes to hash.
func (t *table) keyPart(p *parser, hash *string) (condition, error) {
	if p.take("(") {
		part, err := t.keyPart(p, hash)
		if err != nil {
			return nil, err
		}
		return part, p.want(")")
	}
	if name := p.peek(); functions[strings.ToLower(name)].operands > 0 && !strings.EqualFold(name, "begins_with") {
		return nil, invalid("Invalid KeyConditionExpression: Invalid function name; function: %s", name)
	}
	begin := p.at
	holds, err := p.single()
	if err != nil {
		return nil, err
	}
	read := p.tokens[begin:p.at]
	name := t.keyIn(p, read)
	if name == t.hash.name {
		return nil, t.takeHash(p, read, hash)
	}
	if name != t.sort.name || slices.Contains(read, "<>") || slices.Contains(read, "IN") {
		return nil, invalid("Query condition missed key schema element: %s", t.hash.name)
	}
	return holds, t.fitKey(p, read)
}

// keyIn is the attribute that a condition is about.
func (t *table) keyIn(p *parser, read []string) string {
	name := read[0]
	if strings.EqualFold(name, "begins_with") {
		name = read[2]
	}
	if real, ok := p.scope.names[name]; ok {
		return real
	}
	return name
}

// takeHash takes the hash key's value, which is compared by equality once.
func (t *table) takeHash(p *parser, read []string, hash *string) error {
	if len(read) != 3 || read[1] != "=" || *hash != "" {
		return invalid("Query key condition not supported")
	}
	v := p.scope.values[read[2]]
	*hash = v.asKey()
	return t.hash.takes(v)
}

// fitKey refuses values that no sort key can have.
func (t *table) fitKey(p *parser, read []string) error {
	for _, token := range read {
		if v, ok := p.scope.values[token]; ok {
			if err := t.sort.takes(v); err != nil {
				return err
			}
		}
	}
	return nil
}
