package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// test says whether a leaf of an event passes: a string, a json.Number, a bool or nil.
type test func(value any) bool

// operators are those whose operand decides alone. exists is not among them,
// since its false is about the event and not about a value.
var operators = map[string]func(any) (test, error){
	"prefix":             affix(strings.HasPrefix, foldPrefix),
	"suffix":             affix(strings.HasSuffix, foldSuffix),
	"equals-ignore-case": onString(strings.EqualFold),
	"wildcard":           wildcard,
	"numeric":            numeric,
	"anything-but":       anythingBut,
}

// negatable are those anything-but takes, each with a string or a list of strings.
var negatable = map[string]func(any) (test, error){
	"prefix":             anyOf(onString(strings.HasPrefix)),
	"suffix":             anyOf(onString(strings.HasSuffix)),
	"equals-ignore-case": anyOf(onString(strings.EqualFold)),
	"wildcard":           anyOf(wildcard),
}

// exactly compares character by character; a null is not an empty string.
func exactly(want any) test { return func(value any) bool { return value == want } }

func onString(holds func(value, want string) bool) func(any) (test, error) {
	return func(operand any) (test, error) {
		want, ok := operand.(string)
		if !ok {
			return nil, fmt.Errorf("want a string, got %s", shown(operand))
		}
		return func(value any) bool {
			text, ok := value.(string)
			return ok && holds(text, want)
		}, nil
	}
}

// affix is prefix or suffix, with a string or {"equals-ignore-case": string}.
func affix(exact, fold func(value, want string) bool) func(any) (test, error) {
	return func(operand any) (test, error) {
		nested, ok := operand.(map[string]any)
		if !ok {
			return onString(exact)(operand)
		}
		operator, inner, err := only(nested)
		if err != nil {
			return nil, err
		}
		return compileOperator(map[string]func(any) (test, error){"equals-ignore-case": onString(fold)}, operator, inner)
	}
}

func foldPrefix(value, want string) bool {
	runes := []rune(value)
	n := utf8.RuneCountInString(want)
	return len(runes) >= n && strings.EqualFold(string(runes[:n]), want)
}

func foldSuffix(value, want string) bool {
	runes := []rune(value)
	n := utf8.RuneCountInString(want)
	return len(runes) >= n && strings.EqualFold(string(runes[len(runes)-n:]), want)
}

// anythingBut passes every leaf that is none of the operands, of whatever type
// it is; a field that is not there has no leaf. In an array one such element is enough.
func anythingBut(operand any) (test, error) {
	if nested, ok := operand.(map[string]any); ok {
		operator, inner, err := only(nested)
		if err != nil {
			return nil, err
		}
		t, err := compileOperator(negatable, operator, inner)
		return not(t), err
	}
	equal := numberEqual
	if isString(first(operand)) {
		equal = onString(func(value, want string) bool { return value == want })
	}
	t, err := anyOf(equal)(operand)
	return not(t), err
}

func not(t test) test { return func(value any) bool { return !t(value) } }

// anyOf takes one operand or a list of them.
func anyOf(compile func(any) (test, error)) func(any) (test, error) {
	return func(operand any) (test, error) {
		list, ok := operand.([]any)
		if !ok {
			return compile(operand)
		}
		if len(list) == 0 {
			return nil, errors.New("an empty list")
		}
		var tests []test
		for _, each := range list {
			t, err := compile(each)
			if err != nil {
				return nil, err
			}
			tests = append(tests, t)
		}
		return func(value any) bool {
			for _, t := range tests {
				if t(value) {
					return true
				}
			}
			return false
		}, nil
	}
}

func first(operand any) any {
	if list, ok := operand.([]any); ok && len(list) > 0 {
		return list[0]
	}
	return operand
}

func isString(value any) bool {
	_, ok := value.(string)
	return ok
}

func numberEqual(operand any) (test, error) {
	want, ok := float(operand)
	if !ok {
		return nil, fmt.Errorf("want strings only, or numbers only, got %s", shown(operand))
	}
	return func(value any) bool {
		got, ok := float(value)
		return ok && got == want
	}, nil
}

// comparisons are numeric's, on 64-bit floating-point numbers.
var comparisons = map[string]func(value, want float64) bool{
	"=":  func(value, want float64) bool { return value == want },
	"<":  func(value, want float64) bool { return value < want },
	"<=": func(value, want float64) bool { return value <= want },
	">":  func(value, want float64) bool { return value > want },
	">=": func(value, want float64) bool { return value >= want },
}

// numeric is one comparison, or a lower and an upper bound: [">", 0, "<=", 5].
func numeric(operand any) (test, error) {
	list, _ := operand.([]any)
	if len(list) != 2 && len(list) != 4 {
		return nil, fmt.Errorf(`want a form such as [">", 0, "<=", 5], got %s`, shown(operand))
	}
	if len(list) == 4 && !bounds(list) {
		return nil, fmt.Errorf("want a lower bound, then a higher upper bound, got %s", shown(operand))
	}
	var tests []test
	for i := 0; i < len(list); i += 2 {
		sign, _ := list[i].(string)
		holds, known := comparisons[sign]
		want, isNumber := float(list[i+1])
		if !known || !isNumber {
			return nil, fmt.Errorf("want one of = < <= > >= and a number within 2^53, got %s", shown(list[i:i+2]))
		}
		tests = append(tests, func(value any) bool {
			got, ok := float(value)
			return ok && holds(got, want)
		})
	}
	return func(value any) bool { return tests[0](value) && tests[len(tests)-1](value) }, nil
}

// bounds says whether the four are a range: > or >=, then < or <= something higher.
func bounds(list []any) bool {
	low, lowOK := float(list[1])
	high, highOK := float(list[3])
	return (list[0] == ">" || list[0] == ">=") && (list[2] == "<" || list[2] == "<=") && lowOK && highOK && low < high
}

// float is a number's value; one beyond 2^53 is not treated as a number, since
// integers there are not exact in 64-bit floating point.
func float(value any) (float64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := number.Float64()
	return f, err == nil && math.Abs(f) <= 1<<53
}

// wildcard takes * for any run of characters; \* and \\ are the characters
// themselves. ** and any other escape are refused, as EventBridge does. Its
// limit on a pattern's complexity is not modelled.
func wildcard(operand any) (test, error) {
	glob, ok := operand.(string)
	if !ok {
		return nil, fmt.Errorf("want a string, got %s", shown(operand))
	}
	var parts []string
	var part strings.Builder
	for i := 0; i < len(glob); i++ {
		switch rest := glob[i:]; {
		case strings.HasPrefix(rest, "**"):
			return nil, fmt.Errorf("consecutive * in %q", glob)
		case strings.HasPrefix(rest, `\*`), strings.HasPrefix(rest, `\\`):
			i++
			part.WriteByte(glob[i])
		case rest[0] == '\\':
			return nil, fmt.Errorf(`only \* and \\ are escapes, in %q`, glob)
		case rest[0] == '*':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(rest[0])
		}
	}
	parts = append(parts, part.String())
	return func(value any) bool {
		text, ok := value.(string)
		return ok && matchParts(text, parts)
	}, nil
}

// matchParts says whether text is the parts with anything between them. Taking
// each inner part at its first place leaves the most for those after it.
func matchParts(text string, parts []string) bool {
	head, last := parts[0], len(parts)-1
	if last == 0 {
		return text == head
	}
	rest, ok := strings.CutPrefix(text, head)
	if !ok {
		return false
	}
	for _, inner := range parts[1:last] {
		_, after, found := strings.Cut(rest, inner)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[last])
}
