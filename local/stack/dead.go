package stack

import (
	"encoding/json"
	"fmt"
	"time"

	"goldsmith/local/eventbridge"
)

// dead puts into the queue what Lambda sends to a function's destination when every try has failed
// (Lambda developer guide, "Retaining records of asynchronous invocations").
func (s *Stack) dead(r eventbridge.Record) {
	problem := fmt.Sprint(r.Problem)
	payload := json.RawMessage(r.Payload)
	if len(payload) == 0 {
		payload = json.RawMessage("null")
	}
	body, err := json.Marshal(map[string]any{
		"version": "1.0", "timestamp": r.Ended.UTC().Format(time.RFC3339Nano),
		"requestContext": map[string]any{
			"requestId": r.Event, "functionArn": s.functions.ARN(r.Function) + ":$LATEST",
			"condition": "RetriesExhausted", "approximateInvokeCount": r.Attempts,
		},
		"requestPayload":  payload,
		"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"responsePayload": map[string]string{"errorMessage": problem},
	})
	if err != nil {
		body = []byte(problem) // A payload that is no JSON.
	}
	s.DeadLetters.Send(string(body), nil)
}
