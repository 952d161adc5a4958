package trace_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"pgregory.net/rapid"

	"goldsmith/shared/job"
	"goldsmith/shared/trace"
)

const id = "i-0a1b2c3d4e5f60718"

// world is an instance, an execution that works on it, and others who start and stop it.
type world struct {
	*rapid.T
	now      time.Time
	up       bool
	launched time.Time
	stopped  string // StateTransitionReason
	// ours is whether a stop of the execution's is what took effect last.
	ours    bool
	over    bool // the execution has ended
	ended   time.Time
	source  string // what the execution was given
	history []sfntypes.HistoryEvent
}

func newWorld(t *rapid.T) *world {
	began := time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC)
	return &world{T: t, now: began, up: true, launched: began.Add(-24 * time.Hour), source: id}
}

// pass lets some time pass: enough for EC2's whole seconds to tell two moments apart.
func (w *world) pass() {
	w.now = w.now.Add(time.Duration(rapid.IntRange(4000, 90_000).Draw(w.T, "ms")) * time.Millisecond)
}

func (w *world) stop(ours bool) {
	if w.up {
		w.up, w.ours, w.stopped = false, ours, "User initiated ("+w.now.Format("2006-01-02 15:04:05")+" GMT)"
	}
}

func (w *world) start() {
	if !w.up {
		w.up, w.launched, w.stopped = true, w.now, ""
	}
}

// fallsBack is a start that EC2 takes back.
func (w *world) fallsBack() {
	if w.up {
		w.up, w.ours, w.stopped = false, false, "Server.InternalError"
	}
}

func (w *world) event(kind sfntypes.HistoryEventType, state string) {
	e := sfntypes.HistoryEvent{Type: kind, Timestamp: aws.Time(w.now)}
	if state != "" {
		e.StateEnteredEventDetails = &sfntypes.StateEnteredEventDetails{Name: aws.String(state)}
	}
	w.history = append(w.history, e)
}

// invoke is one invocation by the execution: what it does, and how it ends; in the middle others do nothing.
func (w *world) invoke(state string, does func(), effect bool, end sfntypes.HistoryEventType) {
	w.event(sfntypes.HistoryEventTypeTaskStateEntered, state)
	w.event(sfntypes.HistoryEventTypeLambdaFunctionScheduled, "")
	w.now = w.now.Add(700 * time.Millisecond)
	if effect {
		does()
	}
	w.now = w.now.Add(400 * time.Millisecond)
	if end == "" {
		w.over, w.ended = true, w.now
		return
	}
	w.event(end, "")
}

// act is the execution's next step.
func (w *world) act() {
	ends := []sfntypes.HistoryEventType{
		sfntypes.HistoryEventTypeLambdaFunctionSucceeded, sfntypes.HistoryEventTypeLambdaFunctionFailed,
		sfntypes.HistoryEventTypeLambdaFunctionTimedOut, "",
	}
	end := rapid.SampledFrom(ends).Draw(w.T, "end")
	effect := end == ends[0] || rapid.Bool().Draw(w.T, "effect")
	switch rapid.SampledFrom([]string{trace.StopState, trace.StartState, trace.BackState, "Create the image"}).Draw(w.T,
		"state") {
	case trace.StopState:
		w.invoke(trace.StopState, func() { w.stop(true) }, effect, end)
	case trace.StartState:
		w.invoke(trace.StartState, w.start, effect, end)
	case trace.BackState:
		w.bringBack(effect, end)
	default:
		w.invoke("Create the image", func() {}, effect, end)
	}
}

// bringBack sends a start, or sees none to send: then it is answered all the same.
func (w *world) bringBack(effect bool, end sfntypes.HistoryEventType) {
	sends, next := rapid.Bool().Draw(w.T, "sends"), "Release the source"
	if sends {
		next = trace.WaitState
	}
	w.invoke(trace.BackState, w.start, effect && sends, end)
	if end == sfntypes.HistoryEventTypeLambdaFunctionSucceeded {
		w.event(sfntypes.HistoryEventTypeTaskStateEntered, next)
	}
}

func (w *world) others() {
	switch rapid.SampledFrom([]string{"stop", "start", "falls back", "nothing"}).Draw(w.T, "others") {
	case "stop":
		w.stop(false)
	case "start":
		w.start()
	case "falls back":
		w.fallsBack()
	}
}

// goOn has the execution and others act in turn.
func (w *world) goOn() {
	for range rapid.IntRange(1, 8).Draw(w.T, "steps") {
		w.pass()
		if !w.over && rapid.Bool().Draw(w.T, "acts") {
			w.act()
		} else {
			w.others()
		}
	}
}

func (w *world) instance() types.Instance {
	i := types.Instance{InstanceId: aws.String(id), LaunchTime: aws.Time(w.launched)}
	if w.stopped != "" {
		i.StateTransitionReason = aws.String(w.stopped)
	}
	return i
}

func (w *world) evidence() *trace.Evidence {
	if !w.over {
		w.ended = w.now
	}
	input, _ := json.Marshal(job.Job{Source: job.Source{ID: w.source, Kind: job.Instance},
		Run: job.Run{Name: "nightly-1", Plan: "nightly"}})
	e := trace.Of(&sfn.DescribeExecutionOutput{
		Input: aws.String(string(input)), StartDate: aws.Time(w.launched), StopDate: aws.Time(w.ended),
	})
	for _, event := range w.history {
		e.Read(event)
	}
	return e
}

// Whatever the execution did and others did meanwhile and afterwards: an instance is proved to be down because of the
// execution only if its own stop was the last that took effect, and nothing has started it since.
func TestAgainst(t *testing.T) {
	proved := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		if rapid.IntRange(0, 9).Draw(t, "another's") == 0 {
			w.source = "i-00000000000000bad"
		}
		w.goOn()
		if w.up {
			return
		}
		switch why := w.evidence().Against(w.instance()); {
		case why == "" && (!w.ours || w.source != id):
			t.Fatalf("proved, though it was not the execution that stopped it: %q", w.stopped)
		case why == "":
			proved++
		}
	})
	if proved == 0 {
		t.Error("nothing was ever proved")
	}
}

// Without others, whatever was stopped and not started is proved, wherever the execution was cut off.
func TestProved(t *testing.T) {
	for _, after := range []string{"in the stop", "after the stop", "in a start that was refused"} {
		t.Run(after, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				w := newWorld(t)
				w.pass()
				end := sfntypes.HistoryEventTypeLambdaFunctionSucceeded
				if after == "in the stop" {
					end = ""
				}
				w.invoke(trace.StopState, func() { w.stop(true) }, true, end)
				w.pass()
				if after == "in a start that was refused" {
					w.invoke(trace.StartState, w.start, false, sfntypes.HistoryEventTypeLambdaFunctionFailed)
				}
				if why := w.evidence().Against(w.instance()); why != "" {
					t.Fatalf("not proved: %s", why)
				}
				c := w.evidence().Claim(w.instance(), "arn")
				if c.Source != id || !c.WasRunning || c.StopSent.IsZero() || c.Run != "nightly-1" || c.Execution != "arn" {
					t.Fatalf("its claim: %+v", c)
				}
			})
		})
	}
}
