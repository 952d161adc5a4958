package contract

import (
	"fmt"
	"maps"
	"slices"

	"goldsmith/functions/release"
	"goldsmith/local/asl"
	"goldsmith/shared/job"
)

// everyError are the two names that together catch all that can be caught:
// States.ALL leaves States.DataLimitExceeded out.
var everyError = []string{"States.DataLimitExceeded", asl.ErrAll}

// catches: once the claim may be held, whatever fails leads to the release. Whatever
// fails after the release leads to an end: nothing holds the source by then, and
// the ledger's result says what was left to do.
func catches(d *definition) []string {
	claims, releases := of(d.child, "claim"), releasing(d)
	if len(claims) != 1 || len(releases) != 1 {
		return []string{fmt.Sprintf("a source is claimed in %d states and released in %d", len(claims), len(releases))}
	}
	var problems []string
	held, end := walk(d.child, claims[0].Name, releases, nil), ""
	each(d.child, func(s *asl.State) {
		if s.End {
			end = s.Name
		}
	})
	for _, s := range tasks(d.child) {
		switch {
		case s.Name == releases[0].Name:
		case held[s.Name]:
			problems = append(problems, uncaught(d.child, s, releases[0].Name)...)
		default:
			problems = append(problems, uncaught(d.child, s, end)...)
		}
	}
	return problems
}

// releasing are the states that release a source: function release also brings members back into service.
func releasing(d *definition) []*asl.State {
	return slices.DeleteFunc(of(d.child, "release"), func(s *asl.State) bool {
		parameters, _ := d.states[s.Name]["Parameters"].(object)
		return parameters["do"] == string(release.Serve)
	})
}

// uncaught says which errors of a state do not lead to another.
func uncaught(scope *asl.Machine, s *asl.State, target string) []string {
	var problems []string
	for _, name := range everyError {
		i := slices.IndexFunc(s.Catch, func(c asl.Catcher) bool { return slices.Contains(c.ErrorEquals, name) })
		switch {
		case i < 0:
			problems = append(problems, fmt.Sprintf("%s does not catch %s", s.Name, name))
		case !walk(scope, s.Catch[i].Next, nil, nil)[target]:
			problems = append(problems, fmt.Sprintf("%s catches %s, which never leads to %q", s.Name, name, target))
		}
	}
	return problems
}

// released: no way from the claim to an end avoids the release.
func released(d *definition) []string {
	return endsWithout(d.child, d.child.StartAt, "release")
}

// told: no way through a run avoids telling people, and what fails before leads there. What fails afterwards changes
// nothing of how the run ends.
func told(d *definition) []string {
	problems := endsWithout(d.run, d.run.StartAt, "notify")
	notify := of(d.run, "notify")
	if len(notify) != 1 {
		return append(problems, fmt.Sprintf("%d states tell people", len(notify)))
	}
	before := walk(d.run, d.run.StartAt, notify, nil)
	each(d.run, func(s *asl.State) {
		switch {
		case s.Name == notify[0].Name || s.Type != "Task" && s.Type != "Map":
		case before[s.Name]:
			problems = append(problems, uncaught(d.run, s, notify[0].Name)...)
		default:
			problems = append(problems, uncaught(d.run, s, s.Next)...)
		}
	})
	return problems
}

// endsWithout are the ends that can be reached without invoking the function.
func endsWithout(scope *asl.Machine, from, name string) []string {
	var problems []string
	seen := walk(scope, from, of(scope, name), nil)
	for _, reached := range slices.Sorted(maps.Keys(seen)) {
		s := scope.States[reached]
		if function(s) != name && (s.End || s.Type == "Succeed" || s.Type == "Fail") {
			problems = append(problems, fmt.Sprintf("%q can be reached from %q without %s", reached, from, name))
		}
	}
	return problems
}

// alreadyBack are the ways from a stop to the release on which nothing needs to
// be started: the state, and why.
var alreadyBack = map[string]string{
	"Is the instance back?": "only start, and a wait that saw the instance started, set $.back after claim has decided " +
		"to stop it",
	"Does the instance wait for the image?": "$.hook.after is set by start, and by hook for what is not stopped",
}

// restarted: no way from a stop to the release avoids a start, but those of alreadyBack.
func restarted(d *definition) []string {
	var problems []string
	used := map[string]bool{}
	back := func(s *asl.State, e asl.Edge) bool {
		if alreadyBack[s.Name] == "" || !isBack(d, s, e) {
			return false
		}
		used[s.Name] = true
		return true
	}
	for _, stop := range of(d.child, "stop") {
		seen := walk(d.child, stop.Name, append(of(d.child, "start"), of(d.child, "release")...), back)
		for _, release := range of(d.child, "release") {
			if seen[release.Name] {
				problems = append(problems, fmt.Sprintf("%q can be reached from %q without a start", release.Name, stop.Name))
			}
		}
	}
	for name := range alreadyBack {
		if !used[name] {
			problems = append(problems,
				fmt.Sprintf("%q is excepted, but is no way from a stop on which the instance is back", name))
		}
	}
	return problems
}

// isBack reports whether an edge is taken only when $.back or $.hook.after is true, or when the source is a snapshot,
// for which claim has decided that nothing is stopped.
func isBack(d *definition, s *asl.State, e asl.Edge) bool {
	if e.Kind != asl.EdgeChoice {
		return false
	}
	for _, entry := range d.states[s.Name]["Choices"].([]any) {
		rule := entry.(object)
		registers := rule["Variable"] == "$.decision" && rule["StringEquals"] == string(job.RegisterIt)
		says := (rule["Variable"] == "$.back" || rule["Variable"] == "$.hook.after") && rule["BooleanEquals"] == true
		if rule["Next"] == e.To && !registers && !says {
			return false
		}
	}
	return true
}

// walk is every state that can be reached from one, itself included, without
// going on from the states in barrier or over the edges that closed refuses.
func walk(scope *asl.Machine, from string, barrier []*asl.State,
	closed func(*asl.State, asl.Edge) bool) map[string]bool {
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		s := scope.States[name]
		if seen[name] {
			return
		}
		seen[name] = true
		if slices.Contains(barrier, s) {
			return
		}
		for _, e := range s.Edges() {
			if closed == nil || !closed(s, e) {
				visit(e.To)
			}
		}
	}
	visit(from)
	return seen
}
