package night_test

import (
	"context"
	"encoding/json"
	"sync"

	"goldsmith/infra/workflow"
	"goldsmith/local/asl"
)

// hooks stand between the state machine and the functions, so that something
// can happen at a moment of a source's way.
type hooks struct {
	inner asl.Invoker
	stops func(id, plan string) // hears of what function stop is given

	mu    sync.Mutex
	armed []*hook
}

// hook happens once, before or after a function works on a source.
type hook struct {
	step, source string
	after        bool
	do           func(work)
}

// work is what a hook sees of the document: who works on it.
type work struct {
	Execution string `json:"execution"`
	For       string `json:"for"`
	Source    struct {
		ID string `json:"id"`
	} `json:"source"`
	Run struct {
		Plan string `json:"plan"`
	} `json:"run"`
	Job *work `json:"job"`
}

// at does something once, just before a step works on a source. A step is a
// function's name, and for watch what it waits for too: watch:stopped.
func (n *night) at(step, source string, do func(work)) {
	n.hooks.arm(&hook{step: step, source: source, do: do})
}

// after does something once, just after a step has worked on a source.
func (n *night) after(step, source string, do func(work)) {
	n.hooks.arm(&hook{step: step, source: source, do: do, after: true})
}

func (h *hooks) arm(armed *hook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.armed = append(h.armed, armed)
}

// Invoke calls the function with what is armed around it.
func (h *hooks) Invoke(ctx context.Context, function string, payload []byte) ([]byte, *asl.Error) {
	if step, j := read(function, payload); step == "stop" {
		h.stops(j.Source.ID, j.Run.Plan)
	}
	h.strike(function, payload, false)
	answer, failed := h.inner.Invoke(ctx, function, payload)
	h.strike(function, payload, true)
	return answer, failed
}

func (h *hooks) idle() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.armed) == 0
}

func read(function string, payload []byte) (step string, j work) {
	step = workflow.FunctionIn(function)
	if json.Unmarshal(payload, &j) != nil {
		return step, work{}
	}
	if j.For != "" {
		step += ":" + j.For
	}
	if inner := j.Job; inner != nil {
		inner.For = j.For
		if inner.Execution == "" {
			inner.Execution = j.Execution
		}
		j = *inner
	}
	return step, j
}

func (h *hooks) strike(function string, payload []byte, after bool) {
	if h.idle() {
		return
	}
	step, j := read(function, payload)
	for _, due := range h.take(step, j, after) {
		due.do(j)
	}
}

func (h *hooks) take(step string, j work, after bool) []*hook {
	h.mu.Lock()
	defer h.mu.Unlock()
	var due, left []*hook
	for _, each := range h.armed {
		if each.step == step && each.after == after && (each.source == "" || each.source == j.Source.ID) {
			due = append(due, each)
		} else {
			left = append(left, each)
		}
	}
	h.armed = left
	return due
}
