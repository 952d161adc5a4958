package ec2

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"goldsmith/local/draw"
)

// keyUsers are who may use a key: its policy, and grants on it.
type keyUsers struct {
	policy string
	grants []Grant
}

// Grant lets a principal use a key for some operations, whatever the key's policy says.
type Grant struct {
	ID, Principal string
	Operations    []string
}

// SetKeyPolicy replaces the policy of a key, by its ARN.
func (w *World) SetKeyPolicy(key, policy string) {
	w.lock()
	defer w.unlock()
	users := w.usable[key]
	users.policy = policy
	w.usable[key] = users
}

// Grant makes a grant on a key, by its ARN.
func (w *World) Grant(key, principal string, operations ...string) {
	w.lock()
	defer w.unlock()
	users := w.usable[key]
	id := fmt.Sprintf("%064x", draw.Of(uint64(len(users.grants)), key, principal).Number())
	users.grants = append(users.grants, Grant{ID: id, Principal: principal, Operations: operations})
	w.usable[key] = users
}

// KeyUsers are the policy of a key and the grants on it. Where no policy was set it is that of a key which the console
// makes: the account's own policies decide (AWS KMS developer guide, "Default key policy").
func (w *World) KeyUsers(key string) (policy string, grants []Grant) {
	w.lock()
	defer w.unlock()
	users := w.usable[key]
	if users.policy == "" {
		users.policy = fmt.Sprintf(`{"Version": "2012-10-17", "Id": "key-default-1", "Statement": [{
			"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::%s:root"},
			"Action": "kms:*", "Resource": "*"}]}`, w.options.Account)
	}
	return users.policy, slices.Clone(users.grants)
}

// keyRequest is a use of a key that is asked for.
type keyRequest struct {
	account, action string
	// role is the ARN of a role of the account, which its key's policy has to name; empty for an account's administrator.
	role string
	// keys are the condition keys of the request, in small letters.
	keys map[string][]string
}

// mayUse reports whether a key's policy lets another account do what it asks for. Its own policies have to as well,
// which are that account's matter.
func mayUse(policy string, r keyRequest) bool {
	var document struct{ Statement []json.RawMessage }
	if json.Unmarshal([]byte(policy), &document) != nil {
		return false
	}
	allowed := false
	for _, raw := range document.Statement {
		var s keyStatement
		if json.Unmarshal(raw, &s) != nil {
			return false
		}
		switch {
		case !s.matches(r):
		case s.Effect != "Allow":
			return false
		default:
			allowed = true
		}
	}
	return allowed
}

type keyStatement struct {
	Effect    string
	Principal any
	Action    any
	Condition map[string]map[string]any
}

// matches takes a condition that it does not know for one that holds of a denial and does not of an allowance.
func (s keyStatement) matches(r keyRequest) bool {
	allowed := slices.ContainsFunc(members(s.Action), func(a string) bool { return like(a, r.action) })
	if !allowed || !s.means(r.account, r.role) {
		return false
	}
	for operator, keys := range s.Condition {
		for key, wanted := range keys {
			given := r.keys[strings.ToLower(key)]
			if !holds(operator, given, members(wanted)) {
				return s.Effect != "Allow"
			}
		}
	}
	return true
}

func (s keyStatement) means(account, role string) bool {
	principals := members(s.Principal)
	if of, ok := s.Principal.(map[string]any); ok {
		principals = members(of["AWS"])
	}
	return slices.ContainsFunc(principals, func(p string) bool {
		parts := strings.Split(p, ":")
		if role != "" {
			return p == "*" || p == role
		}
		return p == "*" || p == account || len(parts) > 5 && parts[4] == account && parts[5] == "root"
	})
}

// scalingRole is the service-linked role that Auto Scaling launches with (Auto Scaling User Guide, "Service-linked
// roles").
func (w *World) scalingRole() string {
	return "arn:aws:iam::" + w.options.Account +
		":role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
}

// scalingLacksKey is why an instance with these volumes, which Auto Scaling launches, does not come up: its role may
// use customer managed keys by the key's policy or a grant alone (Auto Scaling User Guide, "Required AWS KMS key policy
// for use with encrypted volumes").
func (w *World) scalingLacksKey(devices []attachment) (reason, bool) {
	for _, a := range devices {
		v := w.volumes.get(a.volumeID)
		if v != nil && v.encrypted && !w.isDefaultKey(v.kmsKey) && !w.usedBy(w.scalingRole(), v.kmsKey) {
			return reason{"Client.InternalError", "Client.InternalError: Client error on launch"}, true
		}
	}
	return reason{}, false
}

// usedBy reports whether a role of the account may do with a key what a launch does.
func (w *World) usedBy(role, key string) bool {
	users := w.usable[key]
	return !slices.ContainsFunc(launchUses, func(action string) bool {
		asked := keyRequest{account: w.options.Account, role: role, action: action,
			keys: w.contextOf(Consumer{Account: w.options.Account}, action)}
		granted := slices.ContainsFunc(users.grants, func(g Grant) bool {
			return g.Principal == role && slices.Contains(g.Operations, strings.TrimPrefix(action, "kms:"))
		})
		return !granted && (users.policy == "" || !mayUse(users.policy, asked))
	})
}

func holds(operator string, given, wanted []string) bool {
	same := func(a, b string) bool { return a == b }
	switch operator {
	case "StringEquals", "Bool":
	case "StringLike", "ForAnyValue:StringLike":
		same = like
	default:
		return false
	}
	return slices.ContainsFunc(given, func(g string) bool {
		return slices.ContainsFunc(wanted, func(w string) bool { return same(w, g) })
	})
}

// like compares with the wildcards * and ?, which match a slash as well.
func like(pattern, value string) bool {
	plain := strings.NewReplacer("/", "\x00")
	ok, err := path.Match(plain.Replace(pattern), plain.Replace(value))
	return ok && err == nil
}

// members are a member that may be one value or a list.
func members(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case bool:
		return []string{fmt.Sprint(v)}
	case []any:
		var all []string
		for _, each := range v {
			all = append(all, members(each)...)
		}
		return all
	}
	return nil
}
