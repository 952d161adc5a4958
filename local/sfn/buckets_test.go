package sfn

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"

	"goldsmith/local/clock"
)

// admitted asks so often and is how many calls were not throttled; whatever else they answer counts as let in.
func admitted(t *testing.T, calls int, ask func(context.Context) error) int {
	t.Helper()
	count := 0
	for range calls {
		known, refused := errors.AsType[smithy.APIError](ask(t.Context()))
		if !refused || known.ErrorCode() != "ThrottlingException" {
			count++
			continue
		}
		response, ok := errors.AsType[*awshttp.ResponseError](known)
		if ok && response.HTTPStatusCode() != http.StatusBadRequest || known.ErrorMessage() != "Rate exceeded" {
			t.Errorf("throttled with %v", known)
		}
	}
	return count
}

// TestEachActionHasItsBucket: Developer Guide, "Quotas related to API action throttling".
func TestEachActionHasItsBucket(t *testing.T) {
	for name := range operations {
		if throttles[name].other.Burst == 0 || throttles[name].large.Burst == 0 {
			t.Errorf("%s is not throttled", name)
		}
	}
	for where, rows := range map[string][][2]int{
		"eu-west-1":    {{1300, 300}, {300, 15}, {200, 5}, {3000, 500}},
		"eu-central-1": {{800, 150}, {250, 10}, {100, 2}, {1500, 300}},
	} {
		synctest.Test(t, func(t *testing.T) { throttledIn(t, where, rows) })
	}
}

// throttledIn holds StartExecution, DescribeExecution, ListExecutions and SendTaskSuccess to a Region's buckets.
func throttledIn(t *testing.T, where string, rows [][2]int) {
	t.Helper()
	w := newWorld(t, waits)
	service := New(Options{Clock: clock.Real(), Region: where, Account: account, Invoker: w})
	defer service.Close()
	client := sfn.New(sfn.Options{
		Region: where, HTTPClient: inProcess{service}, Retryer: aws.NopRetryer{}, Credentials: aws.AnonymousCredentials{},
	})
	machine := service.arn("stateMachine", "none")
	execution := service.arn("execution", "none:a")
	for n, ask := range []func(context.Context) error{
		func(ctx context.Context) error {
			_, err := client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &machine})
			return err
		},
		func(ctx context.Context) error {
			_, err := client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &execution})
			return err
		},
		func(ctx context.Context) error {
			_, err := client.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &machine})
			return err
		},
		func(ctx context.Context) error {
			_, err := client.SendTaskSuccess(ctx,
				&sfn.SendTaskSuccessInput{TaskToken: aws.String("t"), Output: aws.String("{}")})
			return err
		},
	} {
		burst, perSecond := rows[n][0], rows[n][1]
		same(t, "calls at once", admitted(t, burst+10, ask), burst)
		time.Sleep(time.Second)
		same(t, "calls a second later", admitted(t, perSecond+10, ask), perSecond)
	}
}
