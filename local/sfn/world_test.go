package sfn

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/google/go-cmp/cmp"

	"goldsmith/local/asl"
	"goldsmith/local/clock"
)

const (
	account  = "123456789012"
	region   = "eu-west-1"
	machine1 = "arn:aws:states:eu-west-1:123456789012:stateMachine:night"
)

// inProcess hands requests to a handler without a socket, as synctest needs.
type inProcess struct{ http.Handler }

func (h inProcess) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// world is a service, its SDK client, the events it sent and the tokens its
// functions got.
type world struct {
	*Service
	client *sfn.Client

	mu     sync.Mutex
	events []map[string]any
	tokens []string
	// mended tells whether the function of that name has failed once.
	mended atomic.Bool
}

func (w *world) Invoke(_ context.Context, function string, payload []byte) ([]byte, *asl.Error) {
	switch _, name, _ := strings.Cut(function, "function:"); {
	case name == "broken", name == "mended" && w.mended.CompareAndSwap(false, true):
		return nil, asl.FunctionError("Broken", "it is")
	case name == "large":
		return []byte(`"` + strings.Repeat("x", 300_000) + `"`), nil
	}
	var p struct{ Token string }
	if json.Unmarshal(payload, &p) == nil && p.Token != "" {
		w.mu.Lock()
		w.tokens = append(w.tokens, p.Token)
		w.mu.Unlock()
	}
	return payload, nil
}

func (w *world) token(i int) string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tokens[i]
}

func (w *world) emit(source, detailType string, resources []string, detail any) {
	raw, err := json.Marshal(map[string]any{"source": source, "detail-type": detailType, "resources": resources,
		"detail": detail})
	if err != nil {
		panic(err)
	}
	var event map[string]any
	if err := json.Unmarshal(raw, &event); err != nil {
		panic(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, event)
}

func newWorld(t *testing.T, definition string) *world {
	t.Helper()
	w := &world{}
	w.Service = New(Options{
		Clock: clock.Real(), Region: region, Account: account, Invoker: w, Seed: 1, Emit: w.emit, History: true,
	})
	w.client = sfn.New(sfn.Options{
		Region: region, HTTPClient: inProcess{w.Service},
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})
	arn, err := w.Create("night", []byte(definition), nil)
	if err != nil {
		t.Fatal(err)
	}
	if arn != machine1 {
		t.Fatalf("machine %s", arn)
	}
	t.Cleanup(w.Close)
	return w
}

func (w *world) start(t *testing.T, name, input string) string {
	t.Helper()
	out, err := w.client.StartExecution(t.Context(), &sfn.StartExecutionInput{
		StateMachineArn: aws.String(machine1), Name: aws.String(name), Input: aws.String(input),
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.ExecutionArn
}

const (
	waits = `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":60,"End":true}}}`
	asks  = `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken",
		"Parameters":{"FunctionName":"ask","Payload":{"token.$":"$$.Task.Token"}},"HeartbeatSeconds":10,"End":true}}}`
	fleet = `{"StartAt":"Each","States":{"Each":{"Type":"Map","Label":"Sources","MaxConcurrency":2,"ToleratedFailurePercentage":100,
		"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"Ok","States":{
		"Ok":{"Type":"Choice","Choices":[{"Variable":"$.bad","IsPresent":true,"Next":"No"}],"Default":"Yes"},
		"No":{"Type":"Fail","Error":"Bad","Cause":"it was"},"Yes":{"Type":"Wait","Seconds":5,"End":true}}},
		"ResultPath":null,"End":true}}}`
)

func inBubble(t *testing.T, definition string, test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) { test(t, newWorld(t, definition)) })
}

func isError[E error](t *testing.T, err error) {
	t.Helper()
	if want, ok := errors.AsType[E](err); !ok {
		t.Errorf("error %v, want %T", err, want)
	}
}

// same reports each difference between what there is and what there should be.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}
