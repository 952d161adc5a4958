package sharing

import (
	"encoding/json"
	"slices"
	"strings"
)

// use is whether a key's policy lets another account use the key.
type use int

const (
	// unknown is for what a policy does not say for certain.
	unknown use = iota
	lets
	doesNot
)

// uses are what a launch from a shared image does with the key of its snapshots (EC2 User Guide, "Share an AMI with
// specific AWS accounts", and EBS User Guide, "Share the KMS key").
var uses = []string{"kms:DescribeKey", "kms:Decrypt", "kms:ReEncryptFrom", "kms:CreateGrant"}

// user is who is to use a key: an account, or an organization, or a unit of it; all by their ids. Of an account a role
// may be meant alone, by its ARN, which the account's own policies do not let use keys.
type user struct{ account, organization, unit, role string }

// statement is one of a key policy's.
type statement struct {
	Effect       string
	Principal    any
	NotPrincipal any
	Action       any
	NotAction    any
	Condition    map[string]map[string]any
}

// policyLets reads a key policy. A denial that may be meant, and a condition that is not known, make it unknown: what
// is told for certain is told to people as such.
func policyLets(policy string, who user) use {
	var document struct{ Statement json.RawMessage }
	var statements []statement
	if json.Unmarshal([]byte(policy), &document) != nil {
		return unknown
	}
	if json.Unmarshal(document.Statement, &statements) != nil {
		var one statement
		if json.Unmarshal(document.Statement, &one) != nil {
			return unknown
		}
		statements = []statement{one}
	}
	answer := lets
	for _, action := range uses {
		switch actionLets(statements, who, action) {
		case doesNot:
			return doesNot
		case unknown:
			answer = unknown
		case lets:
		}
	}
	return answer
}

func actionLets(statements []statement, who user, action string) use {
	answer := doesNot
	if who.organization != "" {
		answer = unknown // Its accounts may be named one by one.
	}
	for _, s := range statements {
		if !s.about(action) {
			continue
		}
		switch meant := s.means(who); {
		case meant == doesNot:
		case s.Effect != "Allow":
			return unknown
		case meant == lets && s.unconditional(action, who):
			answer = lets
		case answer == doesNot:
			answer = unknown
		}
	}
	return answer
}

func (s statement) about(action string) bool {
	if s.NotAction != nil {
		return !slices.ContainsFunc(words(s.NotAction), func(a string) bool { return matches(a, action) })
	}
	return slices.ContainsFunc(words(s.Action), func(a string) bool { return matches(a, action) })
}

// means is whether a statement's principals are the user's; unknown where a condition has to say so.
func (s statement) means(who user) use {
	if s.NotPrincipal != nil {
		return unknown
	}
	principals := words(s.Principal)
	if of, ok := s.Principal.(map[string]any); ok {
		principals = words(of["AWS"])
	}
	if slices.ContainsFunc(principals, who.isA) {
		return lets
	}
	return doesNot
}

// isA reports whether a principal of a policy takes in the user.
func (u user) isA(principal string) bool {
	parts := strings.SplitN(principal, ":", 6)
	switch {
	case principal == "*":
		return true
	case u.role != "":
		return principal == u.role
	default:
		return u.account != "" && (principal == u.account || len(parts) == 6 && parts[4] == u.account)
	}
}

// unconditional reports whether every condition is one that a launch meets, or names the user.
func (s statement) unconditional(action string, who user) bool {
	named := who.organization == ""
	for operator, keys := range s.Condition {
		for key, wanted := range keys {
			met, names := who.meets(action, operator, strings.ToLower(key), words(wanted))
			if !met {
				return false
			}
			named = named || names
		}
	}
	return named
}

// operators are those under which it is known what a condition key's values mean.
var operators = map[string][]string{
	"kms:grantisforawsresource": {"Bool"},
	"kms:calleraccount":         {"StringEquals", "StringLike"},
	"aws:principalorgid":        {"StringEquals", "StringLike"},
	"aws:principalorgpaths":     {"StringLike"},
}

// meets reports whether a launch by the user meets a condition for certain, and whether that names the user.
func (u user) meets(action, operator, key string, wanted []string) (met, names bool) {
	operator = strings.TrimSuffix(strings.TrimPrefix(operator, "ForAnyValue:"), "IfExists")
	switch known := operators[key]; {
	case !slices.Contains(known, operator):
		return false, false
	case key == "kms:grantisforawsresource":
		return action == "kms:CreateGrant" && slices.Equal(wanted, []string{"true"}), false
	case key == "kms:calleraccount":
		return slices.Contains(wanted, u.account), false
	case key == "aws:principalorgid":
		return u.organization != "" && slices.Contains(wanted, u.organization), true
	default:
		return slices.ContainsFunc(wanted, u.in), true
	}
}

// in reports whether a path with a wildcard takes in the whole of the organization or unit. Without one it takes in the
// accounts right there alone, and under StringEquals, where * is a letter, none (IAM User Guide,
// "aws:PrincipalOrgPaths").
func (u user) in(value string) bool {
	path, below := strings.CutSuffix(value, "*")
	places := strings.Split(strings.TrimSuffix(path, "/"), "/")
	last := places[len(places)-1]
	switch {
	case !below || u.organization == "" || places[0] != u.organization:
		return false
	case last == u.organization, strings.HasPrefix(last, "r-"):
		return true
	default:
		return last == u.unit
	}
}

// matches compares an action with one of a policy, which may end or hold wildcards. Letters count alike.
func matches(pattern, action string) bool {
	pattern, action = strings.ToLower(pattern), strings.ToLower(action)
	head, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == action
	}
	if !strings.HasPrefix(action, head) {
		return false
	}
	for tail := action[len(head):]; ; tail = tail[1:] {
		if matches(rest, tail) {
			return true
		}
		if tail == "" {
			return false
		}
	}
}

// words are a member of a policy that is one value or a list.
func words(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case bool:
		if v {
			return []string{"true"}
		}
		return []string{"false"}
	case []any:
		var all []string
		for _, each := range v {
			all = append(all, words(each)...)
		}
		return all
	}
	return nil
}
