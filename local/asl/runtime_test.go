package asl

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"goldsmith/local/clock"
)

type invoke func(function string, payload []byte) ([]byte, *Error)

func (f invoke) Invoke(_ context.Context, function string, payload []byte) ([]byte, *Error) {
	return f(function, payload)
}

func echo(_ string, payload []byte) ([]byte, *Error) { return payload, nil }

type observe func(Transition) Action

func (f observe) Observe(t Transition) Action { return f(t) }

// begin starts a definition under options in the bubble that calls it.
func begin(t *testing.T, definition, input string, o Options) (*Runtime, *Execution) {
	t.Helper()
	o.Clock = clock.Real()
	if o.Invoker == nil {
		o.Invoker = invoke(echo)
	}
	rt := NewRuntime(o)
	m, err := Parse([]byte(definition), nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := rt.New(m, testIdentity, []byte(input))
	if err != nil {
		t.Fatal(err)
	}
	e.Start()
	return rt, e
}

func want(t *testing.T, e *Execution, status Status, name string) Outcome {
	t.Helper()
	<-e.Done()
	o, got := e.Outcome(), ""
	if o.Err != nil {
		got = o.Err.Name
	}
	if o.Status != status || got != name {
		t.Errorf("ended %s %q (%v), want %s %q", o.Status, got, o.Err, status, name)
	}
	return o
}

const (
	retried = `,"Retry":[{"ErrorEquals":["Lambda.ServiceException"],"IntervalSeconds":1,"MaxAttempts":2}]`
	waiting = `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken",
		"Parameters":{"FunctionName":"ask","Payload.$":"$$.Task.Token"},"HeartbeatSeconds":10,"Next":"N",
		"Catch":[{"ErrorEquals":["States.Timeout"],"Next":"T2"}]},"N":{"Type":"Succeed"},"T2":{"Type":"Fail","Error":"SawTimeout"}}}`
)

func TestObserverFailsTasks(t *testing.T) {
	for moment, calls := range map[Moment]int{Invoking: 1, Invoked: 2} {
		t.Run(string(moment), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var called, moments []string
				o := observe(func(x Transition) Action {
					moments = append(moments, string(x.Moment)+fmt.Sprint(x.Attempt))
					if x.Moment == moment && x.Attempt == 0 {
						return FailTask
					}
					return Continue
				})
				f := invoke(func(name string, payload []byte) ([]byte, *Error) {
					called = append(called, name)
					return payload, nil
				})
				_, e := begin(t, task(retried), `{}`, Options{Observer: o, Invoker: f})
				want(t, e, Succeeded, "")
				if len(called) != calls {
					t.Errorf("%d calls, want %d", len(called), calls)
				}
				if e.Transitions() != 2 {
					t.Errorf("%d transitions, want the state and its retry", e.Transitions())
				}
				expected := "entered0 invoking0 invoked0 retrying1 invoking1 invoked1 exited1"
				if moment == Invoking {
					expected = "entered0 invoking0 retrying1 invoking1 invoked1 exited1"
				}
				if got := strings.Join(moments, " "); got != expected {
					t.Errorf("moments %s", got)
				}
			})
		})
	}
}

func TestObserverAborts(t *testing.T) {
	for _, moment := range []Moment{Entered, Invoking, Invoked, Exited} {
		t.Run(string(moment), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := observe(func(x Transition) Action {
					if x.Moment == moment {
						return Abort
					}
					return Continue
				})
				_, e := begin(t, task(retried), `{}`, Options{Observer: o, KeepEvents: true})
				want(t, e, Aborted, "")
				events := e.History()
				if last := events[len(events)-1].Type; last != "ExecutionAborted" {
					t.Errorf("last event %s", last)
				}
			})
		})
	}
}

const children = `{"StartAt":"M","States":{"M":{"Type":"Map","Label":"L","ToleratedFailurePercentage":100,"ResultPath":null,"End":true,
	"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"I","States":{"I":{"Type":"Wait","Seconds":5,"End":true}}}}}}`

func TestObserverAbortsChildOrRoot(t *testing.T) {
	for action, status := range map[Action]Status{Abort: Succeeded, AbortRoot: Aborted} {
		synctest.Test(t, func(t *testing.T) {
			var entered atomic.Int32
			o := observe(func(x Transition) Action {
				if x.Execution != x.Root && entered.Add(1) == 3 {
					return action
				}
				return Continue
			})
			_, e := begin(t, children, `[1,2,3]`, Options{Observer: o})
			want(t, e, status, "")
			aborted := 0
			for _, child := range e.Children() {
				if child.Outcome().Status == Aborted {
					aborted++
				}
			}
			if most := map[Action]int{Abort: 1, AbortRoot: 3}[action]; aborted != most {
				t.Errorf("action %d: %d children aborted, want %d", action, aborted, most)
			}
		})
	}
}

// A function goes on when its task has timed out or its execution was aborted,
// but its answer changes nothing.
func TestFunctionOutlivesItsTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var finished atomic.Int32
		f := invoke(func(string, []byte) ([]byte, *Error) {
			<-time.After(time.Minute)
			finished.Add(1)
			return nil, nil
		})
		_, late := begin(t, task(`,"TimeoutSeconds":5`), `{}`, Options{Invoker: f})
		want(t, late, Failed, ErrTimeout)
		_, stopped := begin(t, task(""), `{}`, Options{Invoker: f})
		<-time.After(time.Second)
		stopped.Abort(&Error{Name: "E", Cause: "c"})
		want(t, stopped, Aborted, "E")
		<-time.After(time.Hour)
		if n := finished.Load(); n != 2 {
			t.Errorf("%d functions finished", n)
		}
	})
}

func TestHeartbeatErrorIsChosen(t *testing.T) {
	for name, status := range map[string]string{"": "SawTimeout", ErrHeartbeatTimeout: ErrHeartbeatTimeout} {
		synctest.Test(t, func(t *testing.T) {
			_, e := begin(t, waiting, `{}`, Options{HeartbeatError: name})
			want(t, e, Failed, status)
		})
	}
}

// Tokens tell apart attempts, visits, iterations and executions, and come out the
// same for the same seed.
func TestTokens(t *testing.T) {
	definition := `{"StartAt":"M","States":{"M":{"Type":"Map","End":true,"ItemProcessor":{"StartAt":"T","States":{"T":{"Type":"Task","End":true,
		"Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","Parameters":{"FunctionName":"ask","Payload.$":"$$.Task.Token"},
		"TimeoutSeconds":5,"Retry":[{"ErrorEquals":["States.Timeout"],"MaxAttempts":2}]}}}}}}`
	gather := func(t *testing.T, seed uint64) map[string]bool {
		tokens := map[string]bool{}
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var rt *Runtime
			rt, e := begin(t, definition, `[1,2]`,
				Options{Seed: seed, Invoker: invoke(func(_ string, payload []byte) ([]byte, *Error) {
					mu.Lock()
					defer mu.Unlock()
					tokens[strings.Trim(string(payload), `"`)] = true
					return nil, nil
				})})
			want(t, e, Failed, ErrTimeout)
			for token := range tokens {
				if err := rt.TaskSuccess(token, []byte("1")); !errors.Is(err, ErrTaskTimedOut) {
					t.Errorf("closed token: %v", err)
				}
				if id, err := rt.TokenExecution(token); err != nil || id != e.ID {
					t.Errorf("token of %q, %v", id, err)
				}
			}
			if len(rt.tokens) != 0 {
				t.Errorf("%d tokens are kept", len(rt.tokens))
			}
		})
		return tokens
	}
	first, again, other := gather(t, 1), gather(t, 1), gather(t, 2)
	if len(first) != 6 {
		t.Errorf("%d tokens, want two iterations of three attempts", len(first))
	}
	for token := range first {
		if !again[token] || other[token] {
			t.Errorf("token does not depend on the seed alone: %s", token)
		}
	}
}

// The last of 25,000 events is the end of the execution.
func TestHistoryIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := begin(t,
			`{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Wait","Seconds":1,"Next":"A"}}}`, `{}`,
			Options{})
		want(t, e, Failed, ErrRuntime)
		if e.EventCount() != maxEvents {
			t.Errorf("%d events", e.EventCount())
		}
	})
}

func TestExecutionTimeoutIsNotCaught(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		definition := strings.Replace(task(`,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"S"}],"Retry":[{"ErrorEquals":["States.ALL"]}]`), `{"StartAt"`, `{"TimeoutSeconds":5,"StartAt"`, 1)
		_, e := begin(t, definition, `{}`, Options{Invoker: invoke(func(string, []byte) ([]byte, *Error) {
			<-time.After(time.Minute)
			return nil, nil
		})})
		o := want(t, e, TimedOut, ErrTimeout)
		if o.Stopped.Sub(e.Started) != 5*time.Second {
			t.Errorf("after %v", o.Stopped.Sub(e.Started))
		}
		<-time.After(time.Hour)
	})
}

func TestMatching(t *testing.T) {
	for _, c := range []struct {
		equals string
		name   string
		want   bool
	}{
		{ErrAll, "Any", true},
		{ErrAll, ErrTimeout, true},
		{ErrAll, ErrHeartbeatTimeout, true},
		{ErrAll, ErrRuntime, false},
		{ErrAll, ErrDataLimitExceeded, false},
		{ErrDataLimitExceeded, ErrDataLimitExceeded, true},
		{ErrRuntime, ErrRuntime, false},
		{ErrTaskFailed, "Any", true},
		{ErrTaskFailed, ErrTimeout, false},
		{ErrTaskFailed, ErrHeartbeatTimeout, true},
		{ErrTaskFailed, ErrDataLimitExceeded, false},
		{ErrTimeout, ErrHeartbeatTimeout, false},
		{ErrHeartbeatTimeout, ErrTimeout, false},
		{"any", "Any", false},
	} {
		if got := matches([]string{"Other", c.equals}, c.name); got != c.want {
			t.Errorf("%s covers %s: %v, want %v", c.equals, c.name, got, c.want)
		}
	}
}

func TestRetryDelay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Retrier{
			IntervalSeconds: rapid.Int64Range(1, 100).Draw(t, "interval"),
			BackoffRate:     rapid.Float64Range(1, 5).Draw(t, "rate"),
			MaxDelaySeconds: rapid.Int64Range(0, 1000).Draw(t, "most"),
			JitterStrategy:  rapid.SampledFrom([]string{"FULL", "NONE"}).Draw(t, "jitter"),
		}
		n := rapid.Int64Range(1, 10_000).Draw(t, "n")
		fraction := rapid.Float64Range(0, 0.999).Draw(t, "fraction")
		d, next := r.delay(n, fraction), r.delay(n+1, fraction)
		if d < 0 || next < d {
			t.Fatalf("delay %v is followed by %v", d, next)
		}
		if limit := time.Duration(r.MaxDelaySeconds) * time.Second; limit > 0 && d > limit {
			t.Fatalf("delay %v is over %v", d, limit)
		}
		plain := r
		plain.JitterStrategy = "NONE"
		if full := plain.delay(n, fraction); d > full || r.JitterStrategy == "NONE" && d != full {
			t.Fatalf("delay %v, without jitter %v", d, full)
		}
	})
}

func TestSizeIsWhatIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyValue(3).Draw(t, "value")
		if got, want := jsonSize(v), len(encode(v)); got != want {
			t.Fatalf("size %d, written %d: %s", got, want, encode(v))
		}
		back, err := decode(encode(v))
		if err != nil || JSON(back) != JSON(v) {
			t.Fatalf("%s came back as %s (%v)", JSON(v), JSON(back), err)
		}
	})
}

// ResultPath changes what it names and nothing else, least of all its input.
func TestResultPathPuts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		input := rapid.MapOf(rapid.SampledFrom([]string{"a", "b", "c"}), anyValue(2)).Draw(t, "input")
		keys := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3).Draw(t, "keys")
		before := JSON(map[string]any(input))
		r := &resultPath{keys: keys}
		out, err := r.put(map[string]any(input), "result")
		if JSON(map[string]any(input)) != before {
			t.Fatalf("the input changed from %s", before)
		}
		if err != nil {
			return
		}
		p, err := compilePath("$." + strings.Join(keys, "."))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.get(&env{input: out}); err != nil || got != "result" {
			t.Fatalf("%v, %v", got, err)
		}
		again, err := r.put(out, "result")
		if err != nil || JSON(again) != JSON(out) {
			t.Fatalf("put twice: %s, once: %s", JSON(again), JSON(out))
		}
	})
}

func anyValue(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(),
		rapid.Map(rapid.Int(), func(n int) any { return jsonNumber(n) }), rapid.String().AsAny(),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	list := rapid.Map(rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return anyValue(depth - 1) }), 0, 3),
		func(l []any) any { return l })
	object := rapid.Map(rapid.MapOfN(rapid.String(),
		rapid.Deferred(func() *rapid.Generator[any] { return anyValue(depth - 1) }), 0, 3),
		func(m map[string]any) any { return m })
	return rapid.OneOf(append(scalars, list, object)...)
}
