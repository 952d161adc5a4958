package rollout

import (
	"fmt"
	"slices"
	"strings"

	"goldsmith/shared/asg"
	"goldsmith/shared/plan"
)

// leftTo says why a template is left to the AWS service that owns it, or all that launches from it; empty where none
// does, or the plan lists it.
func (t *template) leftTo(roll plan.Roll) string {
	if t.listed {
		return ""
	}
	if owner := asg.Owner(t.tags); owner != "" {
		return fmt.Sprintf("it belongs to %s, which makes its versions; "+
			"list it in the plan's roll.templates to have it rolled all the same", owner)
	}
	owned := t.owned(roll)
	if len(owned) == 0 || len(owned) < len(t.launchers) {
		return ""
	}
	return fmt.Sprintf("all that launches from it belongs to another service: %s; list it in the plan's roll.templates, "+
		"or its groups in roll.refresh.groups, to have it rolled all the same", few(owners(owned)))
}

// owned are the launchers that another service owns and the plan does not list.
func (t *template) owned(roll plan.Roll) []launcher {
	return slices.DeleteFunc(slices.Clone(t.launchers), func(l launcher) bool {
		return l.owner == "" || l.group && slices.Contains(roll.Refresh.Groups, strings.TrimPrefix(l.name, groupPrefix))
	})
}

// follow tells of launchers of another service that launch the image although nothing is done about them.
func (t *template) follow(stays bool, roll plan.Roll) string {
	following := slices.DeleteFunc(t.owned(roll), func(l launcher) bool {
		return l.version != versionLatest && (l.version != versionDefault || stays)
	})
	if t.listed || len(following) == 0 {
		return ""
	}
	return "launched by another service as well, from its next instance on: " + few(owners(following))
}

// owners names launchers with their owners, each once.
func owners(of []launcher) (names []string) {
	for _, l := range of {
		if text := l.name + " of " + l.owner; !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	return names
}
