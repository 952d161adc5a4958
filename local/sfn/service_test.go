package sfn

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"goldsmith/local/asl"
)

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

func TestEventsOfOneExecution(t *testing.T) {
	inBubble(t, waits, func(t *testing.T, w *world) {
		arn := w.start(t, "a", `{"x":1}`)
		if _, err := w.Wait(t.Context(), arn); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		detail := func(more map[string]any) map[string]any {
			d := map[string]any{
				"executionArn": arn, "stateMachineArn": machine1, "name": "a", "startDate": 946684800000.0, "stopDate": nil,
				"input": `{"x":1}`, "inputDetails": map[string]any{"included": true}, "output": nil, "outputDetails": nil,
				"stateMachineVersionArn": nil, "stateMachineAliasArn": nil, "redriveCount": 0.0, "redriveDate": nil,
				"redriveStatus": "NOT_REDRIVABLE", "error": nil, "cause": nil,
			}
			maps.Copy(d, more)
			return map[string]any{
				"source": "aws.states", "detail-type": "Step Functions Execution Status Change",
				"resources": []any{arn}, "detail": d,
			}
		}
		same(t, "events", w.events, []map[string]any{
			detail(map[string]any{"status": "RUNNING", "redriveStatusReason": "Execution is RUNNING and cannot be redriven"}),
			detail(map[string]any{
				"status": "SUCCEEDED", "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
				"stopDate": 946684860000.0, "output": `{"x":1}`, "outputDetails": map[string]any{"included": true},
			}),
		})
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
		if _, err := w.client.StopExecution(t.Context(),
			&sfn.StopExecutionInput{ExecutionArn: &arn, Error: aws.String("E"), Cause: aws.String("why")}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		d, err := w.client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		if err != nil || d.Status != types.ExecutionStatusAborted || *d.Error != "E" || *d.Cause != "why" ||
			d.StopDate.Sub(*d.StartDate) != time.Second {
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
	inBubble(t, asks, func(t *testing.T, w *world) {
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
		if _, err := w.client.SendTaskSuccess(t.Context(),
			&sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String(`{"ok":true}`)}); err != nil {
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
	inBubble(t, asks, func(t *testing.T, w *world) {
		refused, silent := w.start(t, "a", `{}`), ""
		token := w.token(0)
		if _, err := w.client.SendTaskFailure(t.Context(),
			&sfn.SendTaskFailureInput{TaskToken: &token, Error: aws.String("No"), Cause: aws.String("c")}); err != nil {
			t.Fatal(err)
		}
		if x, err := w.Wait(t.Context(), refused); err != nil || x.Status != asl.Failed || x.Error != "No" || x.Cause != "c" {
			t.Errorf("%+v %v", x, err)
		}
		silent = w.start(t, "b", `{}`)
		if x, err := w.Wait(t.Context(), silent); err != nil || x.Error != asl.ErrTimeout ||
			x.Stopped.Sub(x.Started) != 10*time.Second {
			t.Errorf("%+v %v", x, err)
		}
		late := w.token(1)
		_, err := w.client.SendTaskSuccess(t.Context(), &sfn.SendTaskSuccessInput{TaskToken: &late, Output: aws.String(`{}`)})
		isError[*types.TaskTimedOut](t, err)
	})
}
