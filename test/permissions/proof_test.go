package permissions

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestPermissions plays all nights under the deployed roles, and then turns the question
// round: whether the roles would allow less, or more, and the nights not notice.
func TestPermissions(t *testing.T) {
	g := newGuard(roles(t))
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) { play(t, g, s.events, s.play, s.refusals...) })
	}
	if t.Failed() {
		return
	}
	p := proof{policies: g.policies, allowed: g.allowed, forbidden: forbidden(g)}
	t.Run("every role is used", func(t *testing.T) {
		for role := range p.policies {
			if len(p.allowed[role]) == 0 {
				t.Errorf("%s does nothing in any night", role)
			}
		}
	})
	t.Run("every action is used", p.everyActionIsUsed)
	t.Run("what must be denied", func(t *testing.T) {
		for role, policy := range p.policies {
			for _, problem := range p.judge(role, policy) {
				t.Error(problem)
			}
		}
	})
	t.Run("mutations", p.mutations)
}

// proof is what the nights have shown.
type proof struct {
	policies map[string]Policy
	// allowed are the requests that nights made, forbidden those that no role may be allowed.
	allowed   map[string]map[string]Request
	forbidden map[string][]Request
}

// judge says what is wrong with a policy for a role: what it denies and should not, what
// it allows and should not.
func (p proof) judge(role string, policy Policy) (problems []string) {
	for _, r := range p.allowed[role] {
		if _, ok := policy.Allows(r); !ok {
			problems = append(problems, fmt.Sprintf("%s needs %s", role, r))
		}
	}
	for _, r := range p.forbidden[role] {
		if statement, ok := policy.Allows(r); ok {
			problems = append(problems, fmt.Sprintf("statement %d lets %s do %s", statement, role, r))
		}
	}
	return problems
}

// everyActionIsUsed: what AWS does for a function, which no night shows, stands in behalf.go
// with the page that says so.
func (p proof) everyActionIsUsed(t *testing.T) {
	for role, policy := range p.policies {
		done := actionsOf(p.allowed[role])
		for _, s := range policy {
			for _, action := range s.Actions {
				if !done[action] {
					t.Errorf("%s may do %s, and never does", role, action)
				}
			}
		}
	}
}

func actionsOf(requests map[string]Request) map[string]bool {
	actions := map[string]bool{}
	for _, r := range requests {
		actions[r.Action] = true
	}
	return actions
}

// mutations changes each policy in every small way, and each change has to be noticed.
func (p proof) mutations(t *testing.T) {
	tried := 0
	for _, role := range slices.Sorted(maps.Keys(p.policies)) {
		for i, s := range p.policies[role] {
			needed := p.onlyBy(role, i)
			for what, mutant := range mutants(s) {
				if tried++; !slices.ContainsFunc(needed, mutant.denies) && !slices.ContainsFunc(p.forbidden[role], mutant.allows) {
					t.Errorf("%s, statement %d (%s): nobody notices %s", role, i, strings.Join(s.Actions, " "), what)
				}
			}
		}
	}
	t.Logf("%d mutations", tried)
}

// onlyBy are the requests of a role that the n-th statement of its policy allows and no other.
func (p proof) onlyBy(role string, n int) []Request {
	others := slices.Delete(slices.Clone(p.policies[role]), n, n+1)
	var needed []Request
	for _, r := range p.allowed[role] {
		if _, ok := others.Allows(r); !ok {
			needed = append(needed, r)
		}
	}
	return needed
}

func (s Statement) denies(r Request) bool { return !s.allows(r) }

// mutants are the statements that differ from a statement in one place.
func mutants(s Statement) map[string]Statement {
	all := map[string]Statement{"its removal": {}}
	for i, action := range s.Actions {
		all["no "+action] = Statement{without(s.Actions, i), s.Resources, s.Condition}
		service, _, _ := strings.Cut(action, ":")
		all["all of "+service] = Statement{replaced(s.Actions, i, service+":*"), s.Resources, s.Condition}
	}
	for i, resource := range s.Resources {
		all["not on "+resource] = Statement{s.Actions, without(s.Resources, i), s.Condition}
		for _, wider := range widened(resource) {
			all["on "+wider] = Statement{s.Actions, replaced(s.Resources, i, wider), s.Condition}
		}
	}
	for operator, block := range s.Condition {
		for key, values := range block {
			all["without "+operator+" "+key] = Statement{s.Actions, s.Resources, s.Condition.less(operator, key, nil)}
			for i := range values {
				all[fmt.Sprintf("%s %s without %s", operator, key, values[i])] =
					Statement{s.Actions, s.Resources, s.Condition.less(operator, key, without(values, i))}
			}
		}
	}
	return all
}

func without(list []string, i int) []string { return slices.Delete(slices.Clone(list), i, i+1) }

func replaced(list []string, i int, by string) []string {
	changed := slices.Clone(list)
	changed[i] = by
	return changed
}

// widened are an ARN's wider neighbours: anything, any Region, any account, anything of
// its kind, and whatever begins like it.
func widened(resource string) (wider []string) {
	if resource == "*" {
		return nil
	}
	wider = append(wider, "*", resource+"*")
	for _, part := range []int{region, account} {
		parts := strings.SplitN(resource, ":", rest+1)
		if parts[part] != "" {
			wider = append(wider, strings.Join(replaced(parts, part, "*"), ":"))
		}
	}
	parts := strings.SplitN(resource, ":", rest+1)
	if kind := strings.IndexAny(parts[rest], ":/"); kind > 0 {
		wider = append(wider, strings.Join(replaced(parts, rest, parts[rest][:kind+1]+"*"), ":"))
	}
	return slices.DeleteFunc(wider, func(w string) bool { return w == resource || strings.HasSuffix(w, "**") })
}

// less is the condition with other values of a key, or without the key when there are none.
func (c Condition) less(operator, key string, values []string) Condition {
	changed := Condition{}
	for name, block := range c {
		changed[name] = maps.Clone(block)
	}
	if changed[operator][key] = values; values == nil {
		delete(changed[operator], key)
	}
	return changed
}
