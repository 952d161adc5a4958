package states

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

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
}

func (w *world) Invoke(_ context.Context, function string, payload []byte) ([]byte, *asl.Error) {
	if strings.HasSuffix(function, ":broken") {
		return nil, asl.FunctionError("Broken", "it is")
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
	raw, err := json.Marshal(map[string]any{"source": source, "detail-type": detailType, "resources": resources, "detail": detail})
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
	waits  = `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":60,"End":true}}}`
	tokens = `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken",
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

func isError[E error](t *testing.T, err error) E {
	t.Helper()
	var want E
	if !errors.As(err, &want) {
		t.Errorf("error %v, want %T", err, want)
	}
	return want
}

func TestStartIsIdempotent(t *testing.T) {
	inBubble(t, waits, func(t *testing.T, w *world) {
		again := func(name, input string) (string, error) {
			out, err := w.client.StartExecution(t.Context(), &sfn.StartExecutionInput{
				StateMachineArn: aws.String(machine1), Name: &name, Input: &input,
			})
			if err != nil {
				return "", err
			}
			return *out.ExecutionArn, nil
		}
		first := w.start(t, "a", `{"x":1}`)
		if first != "arn:aws:states:eu-west-1:123456789012:execution:night:a" {
			t.Errorf("arn %s", first)
		}
		if second, err := again("a", `{"x":1}`); err != nil || second != first {
			t.Errorf("same name and input while running: %s, %v", second, err)
		}
		_, err := again("a", `{"x":2}`)
		isError[*types.ExecutionAlreadyExists](t, err)
		if _, err := w.Wait(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		_, err = again("a", `{"x":1}`)
		isError[*types.ExecutionAlreadyExists](t, err)
		<-time.After(nameKept + time.Hour)
		if reused, err := again("a", `{"x":1}`); err != nil || reused != first {
			t.Errorf("after 90 days: %s, %v", reused, err)
		}
		if n := len(w.List(Filter{Machine: machine1})); n != 1 {
			t.Errorf("%d executions listed", n)
		}
	})
}

func TestStartRefuses(t *testing.T) {
	inBubble(t, waits, func(t *testing.T, w *world) {
		for _, c := range []struct{ machine, name, input, code string }{
			{machine1, "2026-01-01T00:00", "{}", "InvalidName"},
			{machine1, "a b", "{}", "InvalidName"},
			{machine1, strings.Repeat("a", 81), "{}", "ValidationException"},
			{machine1, "a", "{", "InvalidExecutionInput"},
			{machine1, "a", `"` + strings.Repeat("x", maxInput) + `"`, "ValidationException"},
			{"night", "a", "{}", "InvalidArn"},
			{machine1 + "x", "a", "{}", "StateMachineDoesNotExist"},
			{machine1 + "/Sources", "a", "{}", "ValidationException"},
		} {
			_, err := w.client.StartExecution(t.Context(), &sfn.StartExecutionInput{
				StateMachineArn: &c.machine, Name: &c.name, Input: &c.input,
			})
			var code interface{ ErrorCode() string }
			if !errors.As(err, &code) || code.ErrorCode() != c.code {
				t.Errorf("%.90q %.20q %.20q: %v, want %s", c.machine, c.name, c.input, err, c.code)
			}
		}
		if n := len(w.events); n != 0 {
			t.Errorf("%d events from executions that never were", n)
		}
	})
}

func TestAliasAndVersion(t *testing.T) {
	inBubble(t, waits, func(t *testing.T, w *world) {
		for qualifier, got := range map[string]func(*sfn.DescribeExecutionOutput) *string{
			"7":    func(o *sfn.DescribeExecutionOutput) *string { return o.StateMachineVersionArn },
			"live": func(o *sfn.DescribeExecutionOutput) *string { return o.StateMachineAliasArn },
		} {
			out, err := w.client.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: aws.String(machine1 + ":" + qualifier)})
			if err != nil {
				t.Fatal(err)
			}
			d, err := w.client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: out.ExecutionArn})
			if err != nil {
				t.Fatal(err)
			}
			if *d.StateMachineArn != machine1 || aws.ToString(got(d)) != machine1+":"+qualifier || *d.Input != "{}" || len(*d.Name) != 36 {
				t.Errorf("%s: %+v", qualifier, d)
			}
		}
	})
}

func TestEventsOfOneExecution(t *testing.T) {
	inBubble(t, waits, func(t *testing.T, w *world) {
		arn := w.start(t, "a", `{"x":1}`)
		if _, err := w.Wait(t.Context(), arn); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(w.events) != 2 {
			t.Fatalf("events %v", w.events)
		}
		running, ended := w.events[0]["detail"].(map[string]any), w.events[1]["detail"].(map[string]any)
		const keys = 18
		if len(running) != keys || len(ended) != keys {
			t.Errorf("%d and %d fields, want %d", len(running), len(ended), keys)
		}
		if running["status"] != "RUNNING" || running["stopDate"] != nil || running["output"] != nil || running["startDate"] != float64(946684800000) {
			t.Errorf("running: %v", running)
		}
		if ended["status"] != "SUCCEEDED" || ended["stopDate"] != float64(946684860000) || ended["output"] != `{"x":1}` || ended["executionArn"] != arn {
			t.Errorf("ended: %v", ended)
		}
		if w.events[1]["source"] != "aws.states" || fmt.Sprint(w.events[1]["resources"]) != "["+arn+"]" {
			t.Errorf("event: %v", w.events[1])
		}
	})
}

func TestEventLeavesOutLongData(t *testing.T) {
	long := `"` + strings.Repeat("x", 130*1024) + `"`
	d := eventOf(Execution{Status: asl.Succeeded, Input: long, Output: long})
	if d.Input != nil || d.InputDetails.Included || d.Output == nil || !d.OutputDetails.Included {
		t.Errorf("input and output too long together: %+v %+v", d.InputDetails, d.OutputDetails)
	}
	d = eventOf(Execution{Status: asl.Succeeded, Input: "1", Output: long + long})
	if d.Output != nil || d.OutputDetails.Included || d.Input != nil {
		t.Errorf("output too long: %+v %+v", d.InputDetails, d.OutputDetails)
	}
}

func TestStop(t *testing.T) {
	inBubble(t, waits, func(t *testing.T, w *world) {
		arn := w.start(t, "a", `{}`)
		<-time.After(time.Second)
		if _, err := w.client.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: &arn, Error: aws.String("E"), Cause: aws.String("why")}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		d, err := w.client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		if err != nil || d.Status != types.ExecutionStatusAborted || *d.Error != "E" || *d.Cause != "why" || d.StopDate.Sub(*d.StartDate) != time.Second {
			t.Errorf("%+v %v", d, err)
		}
		last := w.events[len(w.events)-1]["detail"].(map[string]any)
		if last["status"] != "ABORTED" || last["error"] != "E" || last["redriveStatus"] != "REDRIVABLE" {
			t.Errorf("event %v", last)
		}
		_, err = w.client.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: aws.String(arn + "x")})
		isError[*types.ExecutionDoesNotExist](t, err)
		_, err = w.client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: aws.String("x")})
		isError[*types.InvalidArn](t, err)
	})
}

func TestTokens(t *testing.T) {
	inBubble(t, tokens, func(t *testing.T, w *world) {
		arn := w.start(t, "a", `{}`)
		token := w.token(0)
		for range 3 {
			<-time.After(9 * time.Second)
			if _, err := w.client.SendTaskHeartbeat(t.Context(), &sfn.SendTaskHeartbeatInput{TaskToken: &token}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := w.client.SendTaskSuccess(t.Context(), &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String("{")})
		isError[*types.InvalidOutput](t, err)
		if _, err := w.client.SendTaskSuccess(t.Context(), &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String(`{"ok":true}`)}); err != nil {
			t.Fatal(err)
		}
		x, err := w.Wait(t.Context(), arn)
		if err != nil || x.Output != `{"ok":true}` || x.Stopped.Sub(x.Started) != 27*time.Second {
			t.Errorf("%+v %v", x, err)
		}
		_, err = w.client.SendTaskFailure(t.Context(), &sfn.SendTaskFailureInput{TaskToken: &token})
		isError[*types.TaskTimedOut](t, err)
		_, err = w.client.SendTaskHeartbeat(t.Context(), &sfn.SendTaskHeartbeatInput{TaskToken: &token})
		isError[*types.TaskTimedOut](t, err)
		_, err = w.client.SendTaskHeartbeat(t.Context(), &sfn.SendTaskHeartbeatInput{TaskToken: aws.String("nonsense")})
		isError[*types.InvalidToken](t, err)
		stranger := newWorld(t, waits)
		_, err = stranger.client.SendTaskHeartbeat(t.Context(), &sfn.SendTaskHeartbeatInput{TaskToken: &token})
		isError[*types.TaskDoesNotExist](t, err)
	})
}

func TestTokenFailureAndMissedHeartbeat(t *testing.T) {
	inBubble(t, tokens, func(t *testing.T, w *world) {
		refused, silent := w.start(t, "a", `{}`), ""
		token := w.token(0)
		if _, err := w.client.SendTaskFailure(t.Context(), &sfn.SendTaskFailureInput{TaskToken: &token, Error: aws.String("No"), Cause: aws.String("c")}); err != nil {
			t.Fatal(err)
		}
		if x, err := w.Wait(t.Context(), refused); err != nil || x.Status != asl.Failed || x.Error != "No" || x.Cause != "c" {
			t.Errorf("%+v %v", x, err)
		}
		silent = w.start(t, "b", `{}`)
		if x, err := w.Wait(t.Context(), silent); err != nil || x.Error != asl.ErrHeartbeatTimeout || x.Stopped.Sub(x.Started) != 10*time.Second {
			t.Errorf("%+v %v", x, err)
		}
		late := w.token(1)
		_, err := w.client.SendTaskSuccess(t.Context(), &sfn.SendTaskSuccessInput{TaskToken: &late, Output: aws.String(`{}`)})
		isError[*types.TaskTimedOut](t, err)
	})
}

func TestChildren(t *testing.T) {
	inBubble(t, fleet, func(t *testing.T, w *world) {
		arn := w.start(t, "a", `[{"n":1},{"bad":true},{"n":3}]`)
		if x, err := w.Wait(t.Context(), arn); err != nil || x.Status != asl.Succeeded {
			t.Fatalf("%+v %v", x, err)
		}
		history, err := w.client.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: &arn})
		if err != nil {
			t.Fatal(err)
		}
		run := ""
		for _, e := range history.Events {
			if e.MapRunStartedEventDetails != nil {
				run = *e.MapRunStartedEventDetails.MapRunArn
			}
		}
		if !strings.HasPrefix(run, "arn:aws:states:eu-west-1:123456789012:mapRun:night/Sources:") {
			t.Errorf("map run %q", run)
		}
		list, err := w.client.ListExecutions(t.Context(), &sfn.ListExecutionsInput{MapRunArn: &run})
		if err != nil || len(list.Executions) != 3 {
			t.Fatalf("%v %v", list, err)
		}
		failed := 0
		for _, item := range list.Executions {
			d, err := w.client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: item.ExecutionArn})
			if err != nil || *d.MapRunArn != run || *d.StateMachineArn != machine1+"/Sources" ||
				!strings.HasPrefix(*d.ExecutionArn, "arn:aws:states:eu-west-1:123456789012:execution:night/Sources:") {
				t.Errorf("%+v %v", d, err)
			}
			if d.Status == types.ExecutionStatusFailed && *d.Error == "Bad" && *d.Input == `{"bad":true}` {
				failed++
			}
		}
		if failed != 1 {
			t.Errorf("%d children failed", failed)
		}
		// Each: 1; children: 2 states each.
		if n, err := w.Transitions(arn); err != nil || n != 7 {
			t.Errorf("%d transitions, %v", n, err)
		}
		if len(w.events) != 2 {
			t.Errorf("children sent events: %v", w.events)
		}
	})
}

func TestStopReachesChildren(t *testing.T) {
	inBubble(t, fleet, func(t *testing.T, w *world) {
		arn := w.start(t, "a", `[{},{},{}]`)
		<-time.After(time.Second)
		if err := w.Stop(arn, "", ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		all := w.List(Filter{Status: asl.Aborted})
		if len(all) != 3 {
			t.Errorf("%d aborted, want the parent and the two children started: %+v", len(all), all)
		}
	})
}

func TestListPages(t *testing.T) {
	inBubble(t, waits, func(t *testing.T, w *world) {
		for i := range 7 {
			w.start(t, fmt.Sprint("e", i), `{}`)
			<-time.After(21 * time.Second)
		}
		var names []string
		pages := sfn.NewListExecutionsPaginator(w.client, &sfn.ListExecutionsInput{StateMachineArn: aws.String(machine1), MaxResults: 3})
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range out.Executions {
				names = append(names, *x.Name)
			}
		}
		if fmt.Sprint(names) != "[e6 e5 e4 e3 e2 e1 e0]" {
			t.Errorf("listed %v", names)
		}
		out, err := w.client.ListExecutions(t.Context(), &sfn.ListExecutionsInput{StateMachineArn: aws.String(machine1), StatusFilter: types.ExecutionStatusRunning})
		if err != nil || len(out.Executions) != 2 {
			t.Errorf("running: %v %v", out, err)
		}
		_, err = w.client.ListExecutions(t.Context(), &sfn.ListExecutionsInput{StateMachineArn: aws.String(machine1), NextToken: aws.String("?")})
		isError[*types.InvalidToken](t, err)
		_, err = w.client.ListExecutions(t.Context(), &sfn.ListExecutionsInput{})
		isError[*types.ValidationException](t, err)
	})
}

func TestHistory(t *testing.T) {
	definition := `{"StartAt":"P","States":{"P":{"Type":"Pass","Next":"T"},
		"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"ask","Payload.$":"$"},"OutputPath":"$.Payload","TimeoutSeconds":9,"Next":"B"},
		"B":{"Type":"Task","Resource":"arn:aws:lambda:eu-west-1:123456789012:function:broken","End":true}}}`
	inBubble(t, definition, func(t *testing.T, w *world) {
		arn := w.start(t, "a", `{"x":1}`)
		if _, err := w.Wait(t.Context(), arn); err != nil {
			t.Fatal(err)
		}
		var got []string
		pages := sfn.NewGetExecutionHistoryPaginator(w.client, &sfn.GetExecutionHistoryInput{ExecutionArn: &arn, MaxResults: 4})
		var events []types.HistoryEvent
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range out.Events {
				got, events = append(got, string(e.Type)), append(events, e)
			}
		}
		want := "ExecutionStarted PassStateEntered PassStateExited TaskStateEntered TaskScheduled TaskStarted TaskSucceeded TaskStateExited " +
			"TaskStateEntered LambdaFunctionScheduled LambdaFunctionStarted LambdaFunctionFailed ExecutionFailed"
		if strings.Join(got, " ") != want {
			t.Errorf("events %v", got)
		}
		if s := events[4].TaskScheduledEventDetails; *s.Parameters != `{"FunctionName":"ask","Payload":{"x":1}}` || *s.TimeoutInSeconds != 9 || *s.Resource != "invoke" {
			t.Errorf("scheduled %+v", s)
		}
		if f := events[12].ExecutionFailedEventDetails; *f.Error != "Broken" || *f.Cause != `{"errorMessage":"it is","errorType":"Broken"}` {
			t.Errorf("failed %+v", f)
		}
		if e := events[1].StateEnteredEventDetails; *e.Name != "P" || *e.Input != `{"x":1}` {
			t.Errorf("entered %+v", e)
		}
		out, err := w.client.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: &arn, ReverseOrder: true, MaxResults: 1, IncludeExecutionData: aws.Bool(false)})
		if err != nil || out.Events[0].Type != types.HistoryEventTypeExecutionFailed {
			t.Errorf("reversed: %v %v", out, err)
		}
	})
}

func TestStateMachines(t *testing.T) {
	inBubble(t, waits, func(t *testing.T, w *world) {
		if _, err := w.Create("other", []byte(waits), nil); err != nil {
			t.Fatal(err)
		}
		d, err := w.client.DescribeStateMachine(t.Context(), &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(machine1)})
		if err != nil || *d.Definition != waits || d.Type != types.StateMachineTypeStandard || *d.Name != "night" {
			t.Errorf("%+v %v", d, err)
		}
		_, err = w.client.DescribeStateMachine(t.Context(), &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(machine1 + "x")})
		isError[*types.StateMachineDoesNotExist](t, err)
		n := 0
		pages := sfn.NewListStateMachinesPaginator(w.client, &sfn.ListStateMachinesInput{MaxResults: 1})
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			n += len(out.StateMachines)
		}
		if n != 2 {
			t.Errorf("%d machines", n)
		}
	})
}

func TestUnknownOperation(t *testing.T) {
	inBubble(t, waits, func(t *testing.T, w *world) {
		_, err := w.client.CreateActivity(t.Context(), &sfn.CreateActivityInput{Name: aws.String("a")})
		var code interface{ ErrorCode() string }
		if !errors.As(err, &code) || code.ErrorCode() != "UnknownOperationException" {
			t.Errorf("error %v", err)
		}
	})
}
