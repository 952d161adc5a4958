package dynamodb

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math/big"
	"slices"
	"strings"

	"goldsmith/local/awsjson"
)

// value is an attribute's value as the protocol has it: one of the members is set.
type value struct {
	S    *string  `json:",omitempty"`
	N    *string  `json:",omitempty"`
	B    []byte   `json:",omitempty"`
	BOOL *bool    `json:",omitempty"`
	NULL *bool    `json:",omitempty"`
	SS   []string `json:",omitempty"`
	NS   []string `json:",omitempty"`
	BS   [][]byte `json:",omitempty"`
	M    *item    `json:",omitempty"`
	L    *[]value `json:",omitempty"`
}

// item is what a table holds, by the attributes' names.
type item map[string]value

// kind is the value's type in the protocol's letters; empty for none.
func (v value) kind() string {
	for _, each := range []struct {
		set  bool
		name string
	}{
		{v.S != nil, "S"}, {v.N != nil, "N"}, {v.B != nil, "B"}, {v.BOOL != nil, "BOOL"}, {v.NULL != nil, "NULL"},
		{v.SS != nil, "SS"}, {v.NS != nil, "NS"}, {v.BS != nil, "BS"}, {v.M != nil, "M"}, {v.L != nil, "L"},
	} {
		if each.set {
			return each.name
		}
	}
	return ""
}

// check holds a value that a request brings to the rules of the developer guide, "Supported data types".
func (v value) check() error {
	switch v.kind() {
	case "":
		return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case "N":
		_, err := number(*v.N)
		return err
	case "NS":
		for _, n := range v.NS {
			if _, err := number(n); err != nil {
				return err
			}
		}
	case "M":
		return v.M.check()
	case "L":
		for _, each := range *v.L {
			if err := each.check(); err != nil {
				return err
			}
		}
	}
	return v.distinct()
}

// distinct refuses sets that are empty or hold a value twice.
func (v value) distinct() error {
	var texts []string
	switch v.kind() {
	case "SS":
		texts = v.SS
	case "NS":
		texts = v.NS
	case "BS":
		for _, b := range v.BS {
			texts = append(texts, string(b))
		}
	default:
		return nil
	}
	if len(texts) == 0 {
		return invalid("One or more parameter values were invalid: An %s set may not be empty", v.kind())
	}
	if len(slices.Compact(slices.Sorted(slices.Values(texts)))) < len(texts) {
		return invalid("One or more parameter values were invalid: Input collection contains duplicates.")
	}
	return nil
}

func (i item) check() error {
	for _, v := range i {
		if err := v.check(); err != nil {
			return err
		}
	}
	return nil
}

// number reads one of DynamoDB's numbers, which have at most 38 digits.
func number(text string) (*big.Rat, error) {
	n, ok := new(big.Rat).SetString(text)
	if !ok || strings.ContainsAny(text, "/xXbo_") {
		return nil, invalid("The parameter cannot be converted to a numeric value: %s", text)
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	if len(strings.Trim(strings.ReplaceAll(mantissa, ".", ""), "-+0")) > 38 {
		return nil, invalid("Attempting to store more than 38 significant digits in a Number")
	}
	return n, nil
}

// numeral is a number as DynamoDB writes it: without zeros that say nothing.
func numeral(n *big.Rat) string {
	if n.IsInt() {
		return n.Num().String()
	}
	return strings.TrimRight(n.FloatString(38), "0")
}

// equal tells whether two values are of one type and the same.
func equal(a, b value) bool {
	if a.kind() != b.kind() {
		return false
	}
	if order, ok := compare(a, b); ok {
		return order == 0
	}
	return sorted(a) == sorted(b)
}

// sorted is a value as text, sets in order.
func sorted(v value) string {
	slices.Sort(v.SS)
	slices.Sort(v.NS)
	slices.SortFunc(v.BS, bytes.Compare)
	text, _ := json.Marshal(v) // Our own shape always marshals.
	return string(text)
}

// compare orders two strings, numbers or binaries; ok is false for anything else.
func compare(a, b value) (order int, ok bool) {
	switch {
	case a.S != nil && b.S != nil:
		return cmp.Compare(*a.S, *b.S), true
	case a.N != nil && b.N != nil:
		x, errX := number(*a.N)
		y, errY := number(*b.N)
		if errX != nil || errY != nil {
			return 0, false
		}
		return x.Cmp(y), true
	case a.B != nil && b.B != nil:
		return bytes.Compare(a.B, b.B), true
	}
	return 0, false
}

// size is an item's in bytes, near enough to the developer guide's "DynamoDB item sizes and formats".
func (i item) size() int {
	n := 0
	for name, v := range i {
		n += len(name) + v.size()
	}
	return n
}

func (v value) size() int {
	switch v.kind() {
	case "S":
		return len(*v.S)
	case "N":
		return len(*v.N)/2 + 2
	case "B":
		return len(v.B)
	case "M":
		return 3 + v.M.size()
	case "L":
		n := 3
		for _, each := range *v.L {
			n += 1 + each.size()
		}
		return n
	case "BOOL", "NULL":
		return 1
	}
	return len(sorted(v))
}

// clone is a copy that shares nothing.
func (i item) clone() item {
	if i == nil {
		return nil
	}
	text, _ := json.Marshal(i) // Our own shape always marshals.
	var out item
	_ = json.Unmarshal(text, &out) // It was written by the line before.
	return out
}

func invalid(format string, args ...any) *awsjson.Error {
	return awsjson.Errorf("ValidationException", format, args...)
}
