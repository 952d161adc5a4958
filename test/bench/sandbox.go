package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// sandbox starts one function as Lambda does: the bootstrap as a process, and
// beside it the Runtime API that it asks for events.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type sandbox struct {
	event  []byte // the one event it gets; nil for none
	asked  chan time.Time
	answer chan answer
	once   sync.Once
	served bool
}

// answer is what the function said to its event.
type answer struct {
	failed bool
	text   string
}

// patience is how long a function may take to ask or to answer.
const patience = time.Minute

// observed is what one start shows.
type observed struct {
	init    time.Duration // from the start of the process to its first request for an event
	peakMiB float64       // resident memory at most, once the event is answered
	memory  error         // why there is no peak
	answer  answer
}

// start runs a bootstrap until it asks for an event, and when it is given one
// until it has answered.
func start(ctx context.Context, bootstrap string, env []string, event []byte) (observed, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return observed{}, err
	}
	box := &sandbox{event: event, asked: make(chan time.Time, 1), answer: make(chan answer, 1)}
	server := &http.Server{Handler: box, ReadHeaderTimeout: patience}
	go func() { _ = server.Serve(listener) }() // until the sandbox is closed
	defer func() { _ = server.Close() }()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var output strings.Builder
	process := exec.CommandContext(ctx, bootstrap)
	process.Env = append(env, "AWS_LAMBDA_RUNTIME_API="+listener.Addr().String())
	process.Stdout, process.Stderr = &output, &output
	begun := time.Now()
	if err := process.Start(); err != nil {
		return observed{}, err
	}
	seen, err := box.watch(ctx, begun, strconv.Itoa(process.Process.Pid))
	cancel()
	_ = process.Wait() // it was killed
	if err != nil {
		return seen, fmt.Errorf("%s: %w; it said: %s", bootstrap, err, output.String())
	}
	return seen, nil
}

func (s *sandbox) watch(ctx context.Context, begun time.Time, pid string) (seen observed, err error) {
	select {
	case at := <-s.asked:
		seen.init = at.Sub(begun)
	case <-ctx.Done():
		return seen, fmt.Errorf("it never asked for an event: %w", context.Cause(ctx))
	}
	if s.event == nil {
		return seen, nil
	}
	select {
	case seen.answer = <-s.answer:
	case <-ctx.Done():
		return seen, fmt.Errorf("it never answered: %w", context.Cause(ctx))
	}
	seen.peakMiB, seen.memory = peakOf(pid)
	return seen, nil
}

// ServeHTTP is the Runtime API.
func (s *sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	if strings.HasSuffix(r.URL.Path, "/runtime/invocation/next") {
		s.once.Do(func() { s.asked <- now })
		s.next(w, r)
		return
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		text = []byte(err.Error())
	}
	s.answer <- answer{failed: strings.HasSuffix(r.URL.Path, "/error"), text: string(text)}
	w.WriteHeader(http.StatusAccepted)
}

// next hands out the event once, and lets the function wait for another for ever.
func (s *sandbox) next(w http.ResponseWriter, r *http.Request) {
	if s.event == nil || s.served {
		<-r.Context().Done()
		return
	}
	s.served = true
	w.Header().Set("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000001")
	w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(patience).UnixMilli(), 10))
	w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:goldsmith")
	_, _ = w.Write(s.event) // a function that has gone never answers, which is told
}

// lambdaEnv is what Lambda tells every function, with clients pointed at an endpoint.
func lambdaEnv(endpoint, plans, machine string) []string {
	return []string{
		"HOME=" + os.TempDir(), "TZ=:UTC", "LANG=en_US.UTF-8", "AWS_REGION=eu-central-1",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_FUNCTION_NAME=goldsmith", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand", "_HANDLER=bootstrap",
		"AWS_ACCESS_KEY_ID=AKIAEMBEDDED", "AWS_SECRET_ACCESS_KEY=embedded", "AWS_ENDPOINT_URL=" + endpoint,
		"GOLDSMITH_TABLE=goldsmith", "GOLDSMITH_STATE_MACHINE=" + machine, "GOLDSMITH_PLANS=" + plans,
		"GOLDSMITH_SLACK_SECRET=off", "GOLDSMITH_TOPIC=off", "GOLDSMITH_BUCKET=goldsmith-pages-123456789012", "GOLDSMITH_CHANNELS=slack",
		"GOLDSMITH_IMAGE_PATH=/goldsmith/images",
		"GOLDSMITH_ACCOUNT=123456789012", "GOLDSMITH_VOLUME_KEYS=off",
	}
}
