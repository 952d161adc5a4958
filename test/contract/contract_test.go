// Package contract holds the state machine's definition and the code to each
// other: names, fields, errors and paths that no compiler compares.
package contract

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"goldsmith/infra/workflow"
	"goldsmith/local/asl"
)

// definition is a state machine as deployed.
type definition struct {
	machine *asl.Machine
	// states are the states as written, by name, wherever they stand.
	states map[string]object
	// run and child are the scope of a run and that of one source.
	run, child *asl.Machine
}

type object = map[string]any

// rule finds what is wrong with a definition.
type rule func(d *definition) []string

// rules are all rules that need a definition which can be parsed; "parse"
// stands for what the interpreter refuses, "placeholders" for what comes before.
var rules = map[string]rule{
	"functions": functionsInvoked,
	"errors":    errorsKnown,
	"timeouts":  timeouts,
	"retries":   retries,
	"patience":  patience,
	"looks":     looks,
	"reached":   reached,
	"catches":   catches,
	"released":  released,
	"restarted": restarted,
	"told":      told,
	"choices":   choices,
	"paths":     paths,
	"inputs":    inputs,
	"types":     types,
	"words":     words,
}

// check applies every rule to a definition's text.
func check(text string) map[string][]string {
	found := map[string][]string{}
	if problems := placeholders(text); len(problems) > 0 {
		return map[string][]string{"placeholders": problems}
	}
	machine, err := asl.Parse([]byte(text), substitutions())
	if err != nil {
		return map[string][]string{"parse": {err.Error()}}
	}
	d := read(machine)
	for name, broken := range rules {
		if problems := broken(d); len(problems) > 0 {
			found[name] = problems
		}
	}
	return found
}

func substitutions() map[string]string {
	return workflow.Substitutions("aws", func(function string) string {
		return "arn:aws:lambda:eu-west-1:123456789012:function:" + function
	})
}

func read(machine *asl.Machine) *definition {
	d := &definition{machine: machine, states: map[string]object{}, run: machine}
	var document any
	if err := json.Unmarshal([]byte(machine.Definition), &document); err != nil {
		panic(err) // The interpreter has just read it.
	}
	collect(document, d.states)
	machine.Walk(func(_ []string, _ *asl.Machine, s *asl.State) {
		if s.Processor != nil {
			d.child = s.Processor
		}
	})
	return d
}

// collect finds the states at any depth.
func collect(v any, states map[string]object) {
	switch v := v.(type) {
	case object:
		if inner, ok := v["States"].(object); ok {
			for name, state := range inner {
				states[name] = state.(object)
			}
		}
		for _, member := range v {
			collect(member, states)
		}
	case []any:
		for _, member := range v {
			collect(member, states)
		}
	}
}

// each visits the states of a scope in the order of their names.
func each(scope *asl.Machine, visit func(s *asl.State)) {
	for _, name := range slices.Sorted(maps.Keys(scope.States)) {
		visit(scope.States[name])
	}
}

// tasks are the Tasks of a scope, in the order of their names.
func tasks(scope *asl.Machine) []*asl.State {
	var all []*asl.State
	each(scope, func(s *asl.State) {
		if s.Type == "Task" {
			all = append(all, s)
		}
	})
	return all
}

// function is the name of the function that a Task invokes.
func function(s *asl.State) string { return s.Function[strings.LastIndex(s.Function, ":")+1:] }

// of are the states of a scope that invoke the function.
func of(scope *asl.Machine, name string) []*asl.State {
	return slices.DeleteFunc(tasks(scope), func(s *asl.State) bool { return function(s) != name })
}

func TestDefinition(t *testing.T) {
	for name, problems := range check(workflow.Definition) {
		for _, problem := range problems {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

// TestRulesBite breaks the definition in one place at a time: the rule meant
// for that must say so, and every rule has its case.
func TestRulesBite(t *testing.T) {
	missing := maps.Clone(rules)
	for _, m := range mutations {
		delete(missing, m.rule)
		t.Run(m.rule+", "+m.about, func(t *testing.T) {
			problems := strings.Join(check(mutated(t, m))[m.rule], "\n")
			if !strings.Contains(problems, m.says) || problems == "" {
				t.Errorf("says %q, want %q", problems, m.says)
			}
		})
	}
	for name := range missing {
		t.Errorf("rule %s is never shown a definition that breaks it", name)
	}
}

func mutated(t *testing.T, m mutation) string {
	t.Helper()
	var document object
	if err := json.Unmarshal([]byte(workflow.Definition), &document); err != nil {
		t.Fatal(err)
	}
	states := map[string]object{"": document}
	collect(document, states)
	m.change(states)
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	var untouched object
	if err := json.Unmarshal([]byte(workflow.Definition), &untouched); err != nil {
		t.Fatal(err)
	}
	if before, err := json.Marshal(untouched); err != nil || string(before) == string(text) {
		t.Fatalf("the case changes nothing: %v", err)
	}
	return string(text)
}
