package sfn

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"goldsmith/local/asl"
)

func TestChildren(t *testing.T) {
	inBubble(t, fleet, func(t *testing.T, w *world) {
		arn := w.start(t, "a", `[{"n":1},{"bad":true},{"n":3}]`)
		x, err := w.Wait(t.Context(), arn)
		same(t, "error", err, nil)
		same(t, "status", x.Status, asl.Succeeded)
		run := mapRunOf(t, w, arn)
		if !strings.HasPrefix(run, "arn:aws:states:eu-west-1:123456789012:mapRun:night/Sources:") {
			t.Errorf("map run %q", run)
		}
		list, err := w.client.ListExecutions(t.Context(), &sfn.ListExecutionsInput{MapRunArn: &run})
		if err != nil {
			t.Fatal(err)
		}
		ends := map[string]string{}
		for _, item := range list.Executions {
			d := w.describe(t, *item.ExecutionArn)
			same(t, "map run", *d.MapRunArn, run)
			same(t, "machine", *d.StateMachineArn, machine1+"/Sources")
			same(t, "arn", *d.ExecutionArn, "arn:aws:states:eu-west-1:123456789012:execution:night/Sources:"+*d.Name)
			ends[*d.Input] = string(d.Status) + aws.ToString(d.Error)
		}
		same(t, "children", ends, map[string]string{`{"n":1}`: "SUCCEEDED", `{"bad":true}`: "FAILEDBad",
			`{"n":3}`: "SUCCEEDED"})
		n, err := w.Transitions(arn)
		same(t, "error", err, nil)
		same(t, "transitions: the Map, and two states for each child", n, 7)
		same(t, "events, of the parent alone", len(w.events), 2)
	})
}

func mapRunOf(t *testing.T, w *world, arn string) string {
	t.Helper()
	history, err := w.client.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range history.Events {
		if e.MapRunStartedEventDetails != nil {
			return *e.MapRunStartedEventDetails.MapRunArn
		}
	}
	t.Fatal("no Map run started")
	return ""
}

func (w *world) describe(t *testing.T, arn string) *sfn.DescribeExecutionOutput {
	t.Helper()
	d, err := w.client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	return d
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
		pages := sfn.NewListExecutionsPaginator(w.client,
			&sfn.ListExecutionsInput{StateMachineArn: aws.String(machine1), MaxResults: 3})
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
		out, err := w.client.ListExecutions(t.Context(),
			&sfn.ListExecutionsInput{StateMachineArn: aws.String(machine1), StatusFilter: types.ExecutionStatusRunning})
		if err != nil || len(out.Executions) != 2 {
			t.Errorf("running: %v %v", out, err)
		}
		_, err = w.client.ListExecutions(t.Context(),
			&sfn.ListExecutionsInput{StateMachineArn: aws.String(machine1), NextToken: aws.String("?")})
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
		_, err := w.Wait(t.Context(), arn)
		same(t, "error", err, nil)
		events := w.history(t, arn)
		var got []string
		for _, e := range events {
			got = append(got, string(e.Type))
		}
		same(t, "events", strings.Join(got, " "),
			"ExecutionStarted PassStateEntered PassStateExited TaskStateEntered TaskScheduled TaskStarted "+
				"TaskSucceeded TaskStateExited TaskStateEntered LambdaFunctionScheduled LambdaFunctionStarted "+
				"LambdaFunctionFailed ExecutionFailed")
		scheduled := events[4].TaskScheduledEventDetails
		same(t, "parameters", *scheduled.Parameters, `{"FunctionName":"ask","Payload":{"x":1}}`)
		same(t, "timeout", *scheduled.TimeoutInSeconds, int64(9))
		same(t, "resource", *scheduled.ResourceType+":"+*scheduled.Resource, "lambda:invoke")
		same(t, "cause", *events[12].ExecutionFailedEventDetails.Cause, `{"errorMessage":"it is","errorType":"Broken"}`)
		same(t, "entered", *events[1].StateEnteredEventDetails.Name+*events[1].StateEnteredEventDetails.Input, `P{"x":1}`)
		out, err := w.client.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{
			ExecutionArn: &arn, ReverseOrder: true, MaxResults: 5, IncludeExecutionData: aws.Bool(false),
		})
		same(t, "error", err, nil)
		same(t, "newest", out.Events[0].Type, types.HistoryEventTypeExecutionFailed)
		same(t, "entered without data", out.Events[4].StateEnteredEventDetails.Input, (*string)(nil))
	})
}

// history reads it four events at a time.
func (w *world) history(t *testing.T, arn string) []types.HistoryEvent {
	t.Helper()
	var events []types.HistoryEvent
	pages := sfn.NewGetExecutionHistoryPaginator(w.client,
		&sfn.GetExecutionHistoryInput{ExecutionArn: &arn, MaxResults: 4})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, out.Events...)
	}
	return events
}

func TestStateMachines(t *testing.T) {
	inBubble(t, waits, func(t *testing.T, w *world) {
		if _, err := w.Create("other", []byte(waits), nil); err != nil {
			t.Fatal(err)
		}
		d, err := w.client.DescribeStateMachine(t.Context(),
			&sfn.DescribeStateMachineInput{StateMachineArn: aws.String(machine1)})
		if err != nil || *d.Definition != waits || d.Type != types.StateMachineTypeStandard || *d.Name != "night" {
			t.Errorf("%+v %v", d, err)
		}
		_, err = w.client.DescribeStateMachine(t.Context(),
			&sfn.DescribeStateMachineInput{StateMachineArn: aws.String(machine1 + "x")})
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
