package night_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"goldsmith/infra/workflow"
	"goldsmith/local/asl"
	"goldsmith/local/slack"
)

// sandboxes stand between bus or state machine and the functions: an invocation
// may die in the middle, and an event may be lost, doubled or late.
type sandboxes struct {
	*chaos
	inner asl.Invoker
	slack func(...slack.Failure)
}

// delay is how late a late event is: every wait has looked by itself by then.
const delay = 6 * time.Minute

// Invoke calls the function unless something is to go wrong with all of it.
func (s *sandboxes) Invoke(ctx context.Context, function string, payload []byte) ([]byte, *asl.Error) {
	name, kinds := nameOf(function, payload)
	switch s.reach(name, kinds...) {
	case neverCame:
		return nil, nil
	case late:
		time.Sleep(delay)
	case doubled:
		go func() { _, _ = s.call(ctx, name, function, payload) }()
	case again:
		go func() {
			time.Sleep(time.Second)
			_, _ = s.call(ctx, name, function, payload)
		}()
	case answerLost:
		_, _ = s.call(ctx, name, function, payload)
		return nil, asl.FunctionError("Runtime.ExitError", "signal: killed")
	case slackFails:
		s.slack(slack.Failure{})
	case slackKeeps:
		s.slack(slack.Failure{Kept: true})
	case slackDown:
		s.slack(slices.Repeat([]slack.Failure{{Status: http.StatusBadGateway}}, 10)...)
	default:
	}
	return s.call(ctx, name, function, payload)
}

// call runs the handler until it answers or its sandbox dies. A dead one sends
// nothing any more, and what it would have answered is heard by nobody.
func (s *sandboxes) call(ctx context.Context, name, function string, payload []byte) ([]byte, *asl.Error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	i := &invocation{chaos: s.chaos, name: name, end: cancel}
	answer, failed := s.inner.Invoke(context.WithValue(ctx, invocationKey{}, i), function, payload)
	if died := i.death(); died != "" {
		return nil, asl.FunctionError(died, "the sandbox ended")
	}
	return answer, failed
}

// invocation is one run of a handler, as what it calls sees it.
type invocation struct {
	*chaos
	name string
	end  context.CancelFunc

	mu      sync.Mutex
	died    string
	refuses string // the action that this invocation does not get done
}

type invocationKey struct{}

// invocationOf is who calls with ctx; nil for people.
func invocationOf(ctx context.Context) *invocation {
	i, _ := ctx.Value(invocationKey{}).(*invocation)
	return i
}

// kill ends the invocation here and now: none of its calls is served any more.
func (i *invocation) kill() {
	i.die("Runtime.ExitError")
	i.end()
}

func (i *invocation) die(of string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.died = of
}

func (i *invocation) death() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.died
}

// meets is what goes wrong with a call.
func (i *invocation) meets(call string, kinds ...kind) kind {
	i.mu.Lock()
	stays := i.refuses == call
	i.mu.Unlock()
	if stays {
		return refused
	}
	k := i.reach(i.name+" | "+call, kinds...)
	if k == refused {
		i.mu.Lock()
		i.refuses = call
		i.mu.Unlock()
	}
	return k
}

// invoked is what the name of an invocation is made from: a job, a page, a wait or an event.
type invoked struct {
	For string
	Run struct{ Name string }
	Job *struct {
		Run    struct{ Name string }
		Source struct{ ID string }
	}
	Source     json.RawMessage
	DetailType string `json:"detail-type"`
	Resources  []string
	Detail     struct{ State, Status string }
}

// events are the functions that the bus invokes, not the state machine.
var listeners = []string{"trigger", "wake", "recover"}

// nameOf is the invocation's name and what may go wrong with it as a whole.
func nameOf(function string, payload []byte) (string, []kind) {
	step := workflow.FunctionIn(function)
	kinds := []kind{answerLost}
	if slices.Contains(listeners, step) {
		kinds = append(kinds, neverCame, doubled, again, late)
	}
	if step == "notify" {
		kinds = append(kinds, slackFails, slackKeeps, slackDown)
	}
	var in invoked
	if json.Unmarshal(payload, &in) != nil {
		return step + " ?", kinds
	}
	var source struct{ ID string }
	_ = json.Unmarshal(in.Source, &source) // an event's source is a string, and no part of the name
	parts := []string{step, in.For, in.Run.Name, source.ID}
	if in.Job != nil {
		parts = append(parts, in.Job.Run.Name, in.Job.Source.ID)
	}
	parts = append(parts, in.DetailType)
	for _, resource := range in.Resources {
		parts = append(parts, resource[strings.LastIndexAny(resource, ":/")+1:])
	}
	parts = append(parts, in.Detail.State, in.Detail.Status)
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), " "), kinds
}
