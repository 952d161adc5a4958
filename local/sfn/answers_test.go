package sfn

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// invokes is a machine that makes an input and hands it to a function.
func invokes(function string) string {
	return `{"StartAt":"A","TimeoutSeconds":3600,"States":{"A":{"Type":"Pass","Next":"T"},
		"T":{"Type":"Task","Resource":"arn:aws:lambda:eu-west-1:123456789012:function:` + function + `","End":true}}}`
}

func (w *world) ended(t *testing.T, arn string) *sfn.DescribeExecutionOutput {
	t.Helper()
	if _, err := w.Wait(t.Context(), arn); err != nil {
		t.Fatal(err)
	}
	return w.describe(t, arn)
}

// Developer Guide, "Handling errors": an answer over 256 KiB fails the task with States.DataLimitExceeded.
func TestAnAnswerThatIsTooLargeFailsItsTask(t *testing.T) {
	inBubble(t, invokes("large"), func(t *testing.T, w *world) {
		arn := w.start(t, "a", `{}`)
		same(t, "error", *w.ended(t, arn).Error, "States.DataLimitExceeded")
		events := w.history(t, arn)
		is := func(of types.HistoryEventType) func(types.HistoryEvent) bool {
			return func(e types.HistoryEvent) bool { return e.Type == of }
		}
		failed := slices.IndexFunc(events, is(types.HistoryEventTypeLambdaFunctionFailed))
		if failed < 0 || *events[failed].LambdaFunctionFailedEventDetails.Error != "States.DataLimitExceeded" {
			t.Errorf("no LambdaFunctionFailed: %v", events)
		}
		if slices.ContainsFunc(events, is(types.HistoryEventTypeLambdaFunctionSucceeded)) {
			t.Error("the function succeeded as well")
		}
	})
}

// API reference, DescribeExecution: an execution that timed out as a whole has neither error nor cause.
func TestAnExecutionThatTimedOutHasNoError(t *testing.T) {
	const slow = `{"StartAt":"W","TimeoutSeconds":30,"States":{"W":{"Type":"Wait","Seconds":60,"End":true}}}`
	inBubble(t, slow, func(t *testing.T, w *world) {
		arn := w.start(t, "a", `{}`)
		out := w.ended(t, arn)
		if out.Status != types.ExecutionStatusTimedOut || out.Error != nil || out.Cause != nil {
			t.Errorf("%s %v %v", out.Status, out.Error, out.Cause)
		}
		same(t, "took", out.StopDate.Sub(*out.StartDate), 30*time.Second)
	})
}

// Developer Guide, "Restarting state machine executions with redrive": it goes on at the state that failed.
func TestRedriveGoesOnWhereItFailed(t *testing.T) {
	inBubble(t, invokes("mended"), func(t *testing.T, w *world) {
		arn := w.start(t, "a", `{}`)
		if first := w.ended(t, arn); first.Status != types.ExecutionStatusFailed || *first.RedriveCount != 0 {
			t.Fatalf("%+v", first)
		}
		if _, err := w.client.RedriveExecution(t.Context(), &sfn.RedriveExecutionInput{ExecutionArn: &arn}); err != nil {
			t.Fatal(err)
		}
		again := w.ended(t, arn)
		if again.Status != types.ExecutionStatusSucceeded || *again.RedriveCount != 1 || again.RedriveDate == nil {
			t.Errorf("%+v", again)
		}
		before := slices.IndexFunc(w.history(t, arn), func(e types.HistoryEvent) bool {
			return e.Type == types.HistoryEventTypeExecutionRedriven
		})
		for _, e := range w.history(t, arn)[before+1:] {
			if e.StateEnteredEventDetails != nil && *e.StateEnteredEventDetails.Name == "A" {
				t.Error("the state that succeeded is entered again")
			}
		}
		same(t, "redriven, after the failure", before > 0, true)
		_, err := w.client.RedriveExecution(t.Context(), &sfn.RedriveExecutionInput{ExecutionArn: &arn})
		isError[*types.ExecutionNotRedrivable](t, err)
	})
}
