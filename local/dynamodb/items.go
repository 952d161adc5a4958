package dynamodb

import (
	"encoding/base64"
	"maps"

	"goldsmith/local/awsjson"
)

// conditional is what every write and many reads may say.
type conditional struct {
	ConditionExpression                 *string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           item
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
}

// largest is an item's most bytes (developer guide, "Service, account, and table quotas").
const largest = 400 << 10

// keyOf is the primary key in an item; nothing else may be in it when it is to be the key alone.
func (t *table) keyOf(i item, alone bool) (key, error) {
	var k key
	for _, part := range []struct {
		attribute keyAttribute
		to        *string
	}{{t.hash, &k.hash}, {t.sort, &k.sort}} {
		if part.attribute.name == "" {
			continue
		}
		v, ok := i[part.attribute.name]
		if !ok && alone {
			return k, invalid("The provided key element does not match the schema")
		}
		if !ok {
			return k, invalid("One or more parameter values were invalid: Missing the key %s in the item",
				part.attribute.name)
		}
		if err := part.attribute.takes(v); err != nil {
			return k, err
		}
		*part.to = v.asKey()
	}
	parts := 1
	if t.sort.name != "" {
		parts = 2
	}
	if alone && len(i) != parts {
		return k, invalid("The provided key element does not match the schema")
	}
	return k, i.check()
}

// takes refuses a value that cannot be this part of a key.
func (a keyAttribute) takes(v value) error {
	if v.kind() != a.kind {
		return invalid("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s",
			a.name, a.kind, v.kind())
	}
	if v.S != nil && *v.S == "" || v.B != nil && len(v.B) == 0 {
		return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot "+
			"contain an empty string value. Key: %s", a.name)
	}
	return nil
}

// asKey is a value as text that orders as the values do.
func (v value) asKey() string {
	switch {
	case v.S != nil:
		return *v.S
	case v.N != nil:
		return *v.N
	}
	return base64.StdEncoding.EncodeToString(v.B)
}

// keyed is a table that can be used, and the key that an item has in it; bare where that must be all it has.
func (s *Store) keyed(name string, i item, bare bool) (t *table, k key, err error) {
	if t, err = s.active(name); err == nil {
		k, err = t.keyOf(i, bare)
	}
	return t, k, err
}

type itemInput struct {
	TableName                string
	Key                      item
	ConsistentRead           bool
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
}

type itemOutput struct {
	Item *item `json:",omitempty"`
}

func (s *Store) getItem(in itemInput) (itemOutput, error) {
	t, k, err := s.keyed(in.TableName, in.Key, true)
	if err != nil {
		return itemOutput{}, err
	}
	scope := newScope(in.ExpressionAttributeNames, nil)
	shown, err := parseProjection(in.ProjectionExpression, scope)
	if err != nil {
		return itemOutput{}, err
	}
	found := t.read(k, in.ConsistentRead, s.now())
	if err := scope.unused(); err != nil || found == nil {
		return itemOutput{}, err
	}
	found = shown(found)
	return itemOutput{&found}, nil
}

type writeOutput struct {
	Attributes *item `json:",omitempty"`
}

type putInput struct {
	TableName string
	Item      item
	conditional
}

func (s *Store) putItem(in putInput) (writeOutput, error) {
	if err := oneOf("returnValues", in.ReturnValues, "", "NONE", "ALL_OLD"); err != nil {
		return writeOutput{}, err
	}
	t, k, err := s.keyed(in.TableName, in.Item, false)
	if err != nil {
		return writeOutput{}, err
	}
	return s.change(t, k, in.conditional, newScope(in.ExpressionAttributeNames, in.ExpressionAttributeValues),
		func(item) (item, error) { return in.Item.clone(), nil })
}

type deleteInput struct {
	TableName string
	Key       item
	conditional
}

func (s *Store) deleteItem(in deleteInput) (writeOutput, error) {
	if err := oneOf("returnValues", in.ReturnValues, "", "NONE", "ALL_OLD"); err != nil {
		return writeOutput{}, err
	}
	t, k, err := s.keyed(in.TableName, in.Key, true)
	if err != nil {
		return writeOutput{}, err
	}
	return s.change(t, k, in.conditional, newScope(in.ExpressionAttributeNames, in.ExpressionAttributeValues),
		func(item) (item, error) { return nil, nil })
}

type updateInput struct {
	TableName        string
	Key              item
	UpdateExpression *string
	conditional
}

func (s *Store) updateItem(in updateInput) (writeOutput, error) {
	t, k, err := s.keyed(in.TableName, in.Key, true)
	if err != nil {
		return writeOutput{}, err
	}
	scope := newScope(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	changes, err := parseUpdate(in.UpdateExpression, scope)
	if err != nil {
		return writeOutput{}, err
	}
	for _, c := range changes {
		if name := c.path[0].name; name == t.hash.name || name == t.sort.name {
			return writeOutput{}, invalid("One or more parameter values were invalid: "+
				"Cannot update attribute %s. This attribute is part of the key", name)
		}
	}
	return s.change(t, k, in.conditional, scope, func(before item) (item, error) {
		after, err := apply(changes, before)
		if err != nil {
			return nil, err
		}
		maps.Copy(after, in.Key)
		return after, nil
	})
}

// change writes what make makes of an item, if the condition holds for it.
func (s *Store) change(t *table, k key, in conditional, scope *scope,
	make func(item) (item, error)) (out writeOutput, err error) {
	holds, err := parseCondition("ConditionExpression", in.ConditionExpression, scope)
	if err != nil {
		return out, err
	}
	if err := scope.unused(); err != nil {
		return out, err
	}
	shown := in.ReturnValuesOnConditionCheckFailure
	if err := oneOf("returnValuesOnConditionCheckFailure", shown, "", "NONE", "ALL_OLD"); err != nil {
		return out, err
	}
	before := t.read(k, true, s.now())
	if !holds(before) {
		return out, refused(before, shown)
	}
	after, err := make(before)
	if err != nil {
		return out, err
	}
	if after.size() > largest {
		return out, invalid("Item size has exceeded the maximum allowed size")
	}
	out.Attributes, err = returned(in.ReturnValues, before, after)
	if err == nil {
		t.write(k, after, s.now())
	}
	return out, err
}

// refused is a condition that does not hold, with the item if the call asks for it.
func refused(before item, shown string) error {
	failed := awsjson.Errorf("ConditionalCheckFailedException", "The conditional request failed")
	if shown == "ALL_OLD" && before != nil {
		failed.Item = before
	}
	return failed
}

// returned are the attributes that a write answers.
func returned(which string, before, after item) (*item, error) {
	var of item
	switch which {
	case "", "NONE":
		return nil, nil
	case "ALL_OLD":
		of = before
	case "ALL_NEW":
		of = after
	case "UPDATED_OLD":
		of = differing(before, after)
	case "UPDATED_NEW":
		of = differing(after, before)
	default:
		return nil, oneOf("returnValues", which)
	}
	if len(of) == 0 {
		return nil, nil
	}
	return &of, nil
}

// differing are the attributes of one item that another has not, or otherwise.
func differing(of, from item) item {
	out := item{}
	for name, v := range of {
		if other, ok := from[name]; !ok || !equal(v, other) {
			out[name] = v
		}
	}
	return out
}

// oneOf refuses a word that is none of those there are.
func oneOf(member, word string, words ...string) error {
	for _, each := range words {
		if each == word {
			return nil
		}
	}
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: "+
		"Member must satisfy enum value set", word, member)
}
