// Package runtime runs every function as Lambda does: the program that is
// deployed, over the Lambda Runtime API, against an AWS that refuses everything.
package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds one answer: a function answers in milliseconds or hangs.
const patience = 30 * time.Second

// answer is what a function sent for one event.
type answer struct {
	id string
	// failed is set when it went to the invocation's error path.
	failed bool
	body   []byte
}

// failure is an answer's body when the function failed, as Step Functions reads it.
type failure struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// sandbox is Lambda around one running function:
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type sandbox struct {
	name    string
	events  chan []byte
	answers chan answer
	ended   chan error
	// end stops the program, as Lambda does without asking, and waits until all it logged is here.
	end func()

	mu   sync.Mutex
	sent int
	log  bytes.Buffer
}

// start runs a function's program. env is all that it finds in its environment,
// besides the address of the Runtime API.
func start(t *testing.T, name, program string, env ...string) *sandbox {
	t.Helper()
	s := &sandbox{name: name, events: make(chan []byte), answers: make(chan answer), ended: make(chan error, 1)}
	server := httptest.NewServer(s.api())
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, program)
	command.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(server.URL, "http://")}, env...)
	command.Stdout, command.Stderr = s, io.Discard
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		s.ended <- command.Wait()
		close(done)
	}()
	s.end = func() {
		cancel()
		<-done
	}
	t.Cleanup(func() {
		s.end()
		server.CloseClientConnections()
		server.Close()
	})
	return s
}

// Write takes the function's log.
func (s *sandbox) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *sandbox) api() http.Handler {
	const invocation = "/2018-06-01/runtime/invocation/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+invocation+"next", s.next)
	mux.HandleFunc("POST "+invocation+"{id}/response",
		func(w http.ResponseWriter, r *http.Request) { s.take(w, r, false) })
	mux.HandleFunc("POST "+invocation+"{id}/error", func(w http.ResponseWriter, r *http.Request) { s.take(w, r, true) })
	return mux
}

func (s *sandbox) next(w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case event := <-s.events:
		s.mu.Lock()
		s.sent++
		id := s.id(s.sent)
		s.mu.Unlock()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", id)
		h.Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:goldsmith-"+s.name)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1")
		_, _ = w.Write(event)
	}
}

func (s *sandbox) id(n int) string { return fmt.Sprintf("8476a536-e9f4-11e8-9739-%012d", n) }

// current is the id of the event sent last.
func (s *sandbox) current() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id(s.sent)
}

func (s *sandbox) take(w http.ResponseWriter, r *http.Request, failed bool) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // The function has gone; the test hears that it ended.
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
	s.answers <- answer{r.PathValue("id"), failed, body}
}

// invoke sends one event and waits for its answer.
func (s *sandbox) invoke(t *testing.T, event []byte) answer {
	t.Helper()
	late := time.After(patience)
	select {
	case s.events <- event:
	case err := <-s.ended:
		t.Fatalf("%s ended before its event: %v; it logged %s", s.name, err, s.logged())
	case <-late:
		t.Fatalf("%s asked for no event; it logged %s", s.name, s.logged())
	}
	select {
	case got := <-s.answers:
		if want := s.current(); got.id != want {
			t.Errorf("%s answered %s, was asked %s", s.name, got.id, want)
		}
		return got
	case err := <-s.ended:
		t.Fatalf("%s ended over its event: %v; it logged %s", s.name, err, s.logged())
	case <-late:
		t.Fatalf("%s did not answer; it logged %s", s.name, s.logged())
	}
	return answer{}
}

func (s *sandbox) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// fails is how the function failed over the event.
func (s *sandbox) fails(t *testing.T, event []byte) failure {
	t.Helper()
	got := s.invoke(t, event)
	var f failure
	if err := json.Unmarshal(got.body, &f); err != nil || !got.failed {
		t.Fatalf("%s did not fail: %s %v", s.name, got.body, err)
	}
	return f
}

// returns is what the function returned for the event.
func (s *sandbox) returns(t *testing.T, event []byte) string {
	t.Helper()
	got := s.invoke(t, event)
	if got.failed || !json.Valid(got.body) {
		t.Fatalf("%s returned nothing: %s", s.name, got.body)
	}
	return strings.TrimSpace(string(got.body))
}
