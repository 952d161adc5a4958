package workflow_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"goldsmith/events"
	"goldsmith/infra/workflow"
)

// The list holds every folder of functions/, and nothing else.
func TestEveryFunctionIsListed(t *testing.T) {
	entries, err := os.ReadDir("../../functions")
	if err != nil {
		t.Fatal(err)
	}
	var folders, listed []string
	for _, entry := range entries {
		folders = append(folders, entry.Name())
	}
	for _, f := range workflow.Functions {
		listed = append(listed, f.Name)
	}
	slices.Sort(listed)
	if diff := cmp.Diff(folders, listed); diff != "" {
		t.Error(diff)
	}
}

// A function is invoked by the workflow or by events: each of them by one, none by both.
func TestEveryFunctionIsInvoked(t *testing.T) {
	byEvents := map[string]bool{}
	for _, rule := range events.Rules {
		byEvents[rule.Function] = true
	}
	for _, input := range events.Inputs {
		byEvents[input.Function] = true
	}
	for _, f := range workflow.Functions {
		if f.Task == byEvents[f.Name] {
			t.Errorf("%s: a task %v, invoked by events %v", f.Name, f.Task, byEvents[f.Name])
		}
		if (f.MaxAge == 0) != f.Task {
			t.Errorf("%s: its events may be %s old", f.Name, f.MaxAge)
		}
		if f.Task && !strings.Contains(workflow.Definition, "${"+workflow.Placeholder(f.Name)+"}") {
			t.Errorf("no state invokes %s", f.Name)
		}
	}
}

// state is what these tests read of a state.
type state struct {
	Type, Resource string
	Label          string
	Parameters     struct{ FunctionName string }
	TimeoutSeconds int
	ItemProcessor  struct{ States map[string]state }
}

// A function gives up before its state does, so that an execution shows what it logged.
func TestFunctionsGiveUpBeforeTheirStates(t *testing.T) {
	var machine struct{ States map[string]state }
	if err := json.Unmarshal([]byte(workflow.Definition), &machine); err != nil {
		t.Fatal(err)
	}
	limits := map[string]time.Duration{}
	label := limit(machine.States, limits)
	if label != workflow.MapLabel {
		t.Errorf("the Map is labelled %s", label)
	}
	for _, f := range workflow.Functions {
		if f.Task && f.Timeout >= limits[f.Name] {
			t.Errorf("%s may take %s, its state %s", f.Name, f.Timeout, limits[f.Name])
		}
		if f.Timeout > 15*time.Minute || f.Timeout%time.Second != 0 {
			t.Errorf("%s may take %s: Lambda takes whole seconds, 900 at most", f.Name, f.Timeout)
		}
	}
}

// limit finds the shortest timeout of the states that invoke a function, and the Map's label.
func limit(states map[string]state, limits map[string]time.Duration) (label string) {
	for _, s := range states {
		label += s.Label + limit(s.ItemProcessor.States, limits)
		timeout := time.Duration(s.TimeoutSeconds) * time.Second
		for _, f := range workflow.Tasks {
			invoked := strings.Contains(s.Resource+s.Parameters.FunctionName, workflow.Placeholder(f))
			if known, ok := limits[f]; invoked && (!ok || timeout < known) {
				limits[f] = timeout
			}
		}
	}
	return label
}
