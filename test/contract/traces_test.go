package contract

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"goldsmith/infra/workflow"
	"goldsmith/shared/trace"
)

// The states by which a tag is held against an execution's history are those that stop and start instances, and all
// of them. A run asks function start as well, and starts nothing by that.
func TestTracedStates(t *testing.T) {
	var document any
	if err := json.Unmarshal([]byte(workflow.Definition), &document); err != nil {
		t.Fatal(err)
	}
	states := map[string]object{}
	collect(document, states)
	found := map[any][]string{}
	for _, name := range slices.Sorted(maps.Keys(states)) {
		found[states[name]["Resource"]] = append(found[states[name]["Resource"]], name)
	}
	for of, want := range map[string][]string{
		"${StopFunctionArn}":  {trace.StopState},
		"${StartFunctionArn}": {"Ask whether they would start again", trace.BackState, trace.StartState},
	} {
		if got := found[of]; !slices.Equal(got, want) {
			t.Errorf("%s is invoked by %q, want %q", of, got, want)
		}
	}
	choice := states[states[trace.BackState]["Next"].(string)]
	if choice["Type"] != "Choice" || choice["Default"] != trace.WaitState {
		t.Errorf("%q leads to %v, want a choice that leads to %q", trace.BackState, choice, trace.WaitState)
	}
}
