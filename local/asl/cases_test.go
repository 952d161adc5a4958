package asl

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"goldsmith/local/clock"
)

// testCase is one file of testdata. It can be run by any interpreter of the
// States Language; its functions stand for Lambda functions of account
// 123456789012 in us-east-1.
type testCase struct {
	About      string
	Definition json.RawMessage
	Input      json.RawMessage
	Functions  map[string][]answer
	Expect     expectation
	// Elsewhere says how another interpreter is known to differ; it is not asked then.
	Elsewhere string
}

// answer of a function; the first one whose For fits the payload (or has none)
// is used, and used up unless it is the last that fits.
type answer struct {
	For    json.RawMessage
	Echo   bool
	Return json.RawMessage
	// ReturnText is the length of a text to return instead.
	ReturnText   int
	ErrorType    string
	ErrorMessage string
	// AfterSeconds delays the answer, or with Callback the use of the token.
	AfterSeconds int64
	Callback     *callback
}

// callback is what happens to the payload's "token" after the function answered.
type callback struct {
	Output       json.RawMessage
	Error, Cause string
}

type expectation struct {
	Status string
	Output json.RawMessage
	Error  string
	// Seconds of fake time, when the case is about time.
	Seconds *int64
	// Calls of each function, when the case is about them.
	Calls map[string]int
}

func loadCases(t *testing.T) map[string]testCase {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	cases := map[string]testCase{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var c testCase
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.DisallowUnknownFields()
		if err := d.Decode(&c); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		cases[strings.TrimSuffix(filepath.Base(file), ".json")] = c
	}
	return cases
}

// actors plays the functions of a case.
type actors struct {
	mu    sync.Mutex
	left  map[string][]answer
	calls map[string]int
	token func(token string, c callback)
	sleep func(time.Duration)
}

func newActors(c testCase) *actors {
	left := map[string][]answer{}
	for name, list := range c.Functions {
		left[name] = slices.Clone(list)
	}
	return &actors{left: left, calls: map[string]int{}}
}

func (a *actors) pick(name string, payload []byte) (answer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[name]++
	var fit []int
	for i, x := range a.left[name] {
		if x.For == nil || sameJSON(x.For, payload) {
			fit = append(fit, i)
		}
	}
	if len(fit) == 0 {
		return answer{}, fmt.Errorf("function %s has no answer for %s", name, payload)
	}
	x := a.left[name][fit[0]]
	if len(fit) > 1 {
		a.left[name] = slices.Delete(a.left[name], fit[0], fit[0]+1)
	}
	return x, nil
}

func (a *actors) Invoke(_ context.Context, function string, payload []byte) ([]byte, *Error) {
	name := function[strings.LastIndex(function, ":")+1:]
	x, err := a.pick(name, payload)
	if err != nil {
		return nil, FunctionError("NoAnswer", err.Error())
	}
	delay := time.Duration(x.AfterSeconds) * time.Second
	if x.Callback == nil {
		a.sleep(delay)
	} else {
		var p struct{ Token string }
		if err := json.Unmarshal(payload, &p); err != nil {
			return nil, FunctionError("NoToken", err.Error())
		}
		go func() {
			a.sleep(delay)
			a.token(p.Token, *x.Callback)
		}()
	}
	switch {
	case x.ErrorType != "":
		return nil, FunctionError(x.ErrorType, x.ErrorMessage)
	case x.ReturnText > 0:
		return encode(strings.Repeat("x", x.ReturnText)), nil
	case x.Echo:
		return payload, nil
	}
	return x.Return, nil
}

var testIdentity = Identity{
	ID: "arn:aws:states:us-east-1:123456789012:execution:case:run", Name: "run",
	MachineID:   "arn:aws:states:us-east-1:123456789012:stateMachine:case",
	MachineName: "case", RoleARN: "arn:aws:iam::123456789012:role/case",
}

func TestCases(t *testing.T) {
	for name, c := range loadCases(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { runCase(t, c) })
		})
	}
}

func runCase(t *testing.T, c testCase) {
	a := newActors(c)
	rt := NewRuntime(Options{Clock: clock.Real(), Invoker: a, KeepEvents: true, KeepData: true})
	a.sleep = func(d time.Duration) { <-time.After(d) }
	a.token = func(token string, b callback) {
		var err error
		if b.Error != "" {
			err = rt.TaskFailure(token, Error{Name: b.Error, Cause: b.Cause})
		} else {
			err = rt.TaskSuccess(token, b.Output)
		}
		if err != nil {
			t.Logf("token: %v", err)
		}
	}
	m, err := Parse(c.Definition, nil)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	e, err := rt.New(m, testIdentity, c.Input)
	if err != nil {
		t.Fatal(err)
	}
	e.Start()
	<-e.Done()
	o := e.Outcome()
	check(t, c.Expect, string(o.Status), o.Output, o.Err)
	if s := c.Expect.Seconds; s != nil && time.Since(begun) != time.Duration(*s)*time.Second {
		t.Errorf("took %v, want %d s", time.Since(begun), *s)
	}
	a.check(t, c.Expect)
	checkHistory(t, e)
	<-time.After(time.Hour)
}

func (a *actors) check(t *testing.T, want expectation) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if want.Calls != nil && !maps.Equal(want.Calls, a.calls) {
		t.Errorf("calls %v, want %v", a.calls, want.Calls)
	}
}

// checkAtLeast is for a run in real time, in which a heartbeat or a timeout may
// pass once more on a busy machine.
func (a *actors) checkAtLeast(t *testing.T, want expectation) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for function, calls := range want.Calls {
		if a.calls[function] < calls {
			t.Errorf("%s was called %d times, want %d", function, a.calls[function], calls)
		}
	}
}

func check(t *testing.T, want expectation, status string, output any, e *Error) {
	t.Helper()
	if status != want.Status {
		t.Errorf("status %s, want %s (error %v)", status, want.Status, e)
	}
	name := ""
	if e != nil {
		name = e.Name
	}
	if name != want.Error {
		t.Errorf("error %q (%v), want %q", name, e, want.Error)
	}
	if want.Output == nil {
		return
	}
	expected, err := decode(want.Output)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(expected, output); d != "" {
		t.Errorf("output (-want +got):\n%s", d)
	}
}

// checkHistory: ids count up from 1, and every event follows an earlier one.
func checkHistory(t *testing.T, e *Execution) {
	t.Helper()
	events := e.History()
	for i, event := range events {
		if event.ID != i+1 || event.Previous >= event.ID || event.Type == "" {
			t.Errorf("event %d is %+v", i+1, event)
		}
	}
	if len(events) != e.EventCount() {
		t.Errorf("%d events recorded, %d counted", len(events), e.EventCount())
	}
}

func sameJSON(a, b []byte) bool {
	x, err := decode(a)
	y, wrong := decode(b)
	return err == nil && wrong == nil && cmp.Equal(x, y)
}
