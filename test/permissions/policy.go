// Package permissions proves what the deployed roles may do by running the suite: a
// policy evaluator over the synthesized template stands before the embedded AWS
// through whole nights, as IAM stands before the real one. What a night does has to be
// allowed, and what is allowed has to be done by some night.
package permissions

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Statement allows actions on resources under a condition.
type Statement struct {
	Actions, Resources []string
	Condition          Condition
}

// Condition is operator, key and values. All operators and keys have to hold, of a
// key's values any.
type Condition map[string]map[string][]string

// Policy is the statements of a role.
type Policy []Statement

// Request is what IAM decides on: an action on one resource. A call that touches
// several resources is several requests, and each has to be allowed.
type Request struct {
	// Action is a whole name such as ec2:StopInstances.
	Action string
	// Resource is an ARN, or "*" for an action that has none.
	Resource string
	// Keys are the condition keys that the service gives for this resource.
	Keys map[string][]string
}

// String is the request on one line, the same for equal requests.
func (r Request) String() string {
	text := r.Action + " on " + r.Resource
	for _, key := range slices.Sorted(maps.Keys(r.Keys)) {
		text += fmt.Sprintf(" %s=%s", key, strings.Join(r.Keys[key], ","))
	}
	return text
}

// Allows reports whether a statement allows the request, and which. What no statement
// allows is denied.
func (p Policy) Allows(r Request) (statement int, ok bool) {
	statement = slices.IndexFunc(p, func(s Statement) bool { return s.allows(r) })
	return statement, statement >= 0
}

func (s Statement) allows(r Request) bool {
	return slices.ContainsFunc(s.Actions, func(pattern string) bool {
		// Actions are written in any case.
		return like(strings.ToLower(pattern), strings.ToLower(r.Action))
	}) && slices.ContainsFunc(s.Resources, func(pattern string) bool { return covers(pattern, r.Resource) }) &&
		s.Condition.holds(r.Keys)
}

// covers compares ARNs part by part: a wildcard reaches over colons only within the last
// part, the resource (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html).
func covers(pattern, resource string) bool {
	const parts = 6
	if pattern == "*" {
		return true
	}
	want, got := strings.SplitN(pattern, ":", parts), strings.SplitN(resource, ":", parts)
	return slices.EqualFunc(want, got, like)
}

// like matches a text against a pattern with * for any characters and ? for one.
func like(pattern, text string) bool {
	if pattern == "" {
		return text == ""
	}
	if pattern[0] == '*' {
		for skip := range len(text) + 1 {
			if like(pattern[1:], text[skip:]) {
				return true
			}
		}
		return false
	}
	return text != "" && (pattern[0] == '?' || pattern[0] == text[0]) && like(pattern[1:], text[1:])
}

func (c Condition) holds(keys map[string][]string) bool {
	for operator, wanted := range c {
		for key, values := range wanted {
			if !operators[operator](values, valuesOf(keys, key)) {
				return false
			}
		}
	}
	return true
}

// valuesOf finds a key, whose name is written in any case, that of a tag included
// (docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html). Nil means that the request has none.
func valuesOf(keys map[string][]string, name string) []string {
	for key, values := range keys {
		if strings.EqualFold(key, name) {
			return values
		}
	}
	return nil
}

// operators are those that the policies use. A key that is missing fails all but Null
// and ForAllValues (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
var operators = map[string]func(wanted, got []string) bool{
	"StringEquals": func(wanted, got []string) bool { return single(got) && slices.Contains(wanted, got[0]) },
	"StringLike": func(wanted, got []string) bool {
		return single(got) && slices.ContainsFunc(wanted, func(pattern string) bool { return like(pattern, got[0]) })
	},
	"Bool": func(wanted, got []string) bool {
		return single(got) && slices.ContainsFunc(wanted, func(want string) bool { return strings.EqualFold(want, got[0]) })
	},
	"ArnLike": func(wanted, got []string) bool {
		return single(got) && slices.ContainsFunc(wanted, func(pattern string) bool { return covers(pattern, got[0]) })
	},
	// A negated operator holds without the key.
	"ArnNotLike": func(wanted, got []string) bool {
		return !single(got) || !slices.ContainsFunc(wanted, func(pattern string) bool { return covers(pattern, got[0]) })
	},
	"Null": func(wanted, got []string) bool {
		return slices.Contains(wanted, fmt.Sprint(len(got) == 0))
	},
	"ForAnyValue:StringEquals": func(wanted, got []string) bool {
		return slices.ContainsFunc(got, func(value string) bool { return slices.Contains(wanted, value) })
	},
	"ForAnyValue:StringLike": func(wanted, got []string) bool {
		return slices.ContainsFunc(got, func(value string) bool {
			return slices.ContainsFunc(wanted, func(pattern string) bool { return like(pattern, value) })
		})
	},
	"ForAllValues:StringEquals": func(wanted, got []string) bool {
		return !slices.ContainsFunc(got, func(value string) bool { return !slices.Contains(wanted, value) })
	},
}

// single is whether a key has one value: an operator without ForAllValues or ForAnyValue
// is not made for several.
func single(got []string) bool { return len(got) == 1 }
