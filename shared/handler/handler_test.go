package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
)

var one = job.Job{Run: job.Run{Name: "nightly-20260501T020000Z", Plan: "nightly"},
	Source: job.Source{ID: "i-0123456789abcdef0"}}

// inLambda is a context as aws-lambda-go makes it.
func inLambda(ctx context.Context) context.Context {
	return lambdacontext.NewContext(ctx,
		&lambdacontext.LambdaContext{AwsRequestID: "8476a536-e9f4-11e8-9739-2dfe598c3fcd"})
}

// lines are the log's lines, each of which must be one JSON object.
func lines(t *testing.T, log string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, line := range strings.Split(strings.TrimSuffix(log, "\n"), "\n") {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%q is no JSON: %v", line, err)
		}
		all = append(all, fields)
	}
	return all
}

func wantFields(t *testing.T, line map[string]any, want map[string]any) {
	t.Helper()
	for key, value := range want {
		if line[key] != value {
			t.Errorf("%s is %v, want %v, in %v", key, line[key], value, line)
		}
	}
}

func TestWrap(t *testing.T) {
	var out bytes.Buffer
	serve := handler.Wrap(handler.Logger(&out, "stop"), func(ctx context.Context, j job.Job) (job.Job, error) {
		handler.Log(ctx).InfoContext(ctx, "inside", "more", 1)
		j.Back = true
		return j, nil
	})
	got, err := serve(inLambda(t.Context()), one)
	if err != nil || !got.Back {
		t.Fatalf("%+v, %v", got, err)
	}
	ids := map[string]any{
		"function": "stop", "request": "8476a536-e9f4-11e8-9739-2dfe598c3fcd", "level": "INFO",
		"run": "nightly-20260501T020000Z", "plan": "nightly", "source": "i-0123456789abcdef0",
	}
	logged := lines(t, out.String())
	if len(logged) != 2 {
		t.Fatalf("logged %v", logged)
	}
	for i, msg := range []string{"inside", "done"} {
		wantFields(t, logged[i], ids)
		wantFields(t, logged[i], map[string]any{"msg": msg})
	}
	if _, ok := logged[1]["took"].(float64); !ok {
		t.Errorf("%v does not say how long it took", logged[1])
	}
}

// An event that knows no ids, in a process that is not Lambda's, is logged all the same.
func TestWrapWithoutIDs(t *testing.T) {
	var out bytes.Buffer
	serve := handler.Wrap(handler.Logger(&out, "wake"),
		func(context.Context, json.RawMessage) (struct{}, error) { return struct{}{}, nil })
	if _, err := serve(t.Context(), json.RawMessage(`{}`)); err != nil {
		t.Fatal(err)
	}
	line := lines(t, out.String())[0]
	wantFields(t, line, map[string]any{"function": "wake", "msg": "done"})
	for _, absent := range []string{"request", "run", "source"} {
		if _, ok := line[absent]; ok {
			t.Errorf("%v has a %s", line, absent)
		}
	}
}

func TestWrapConvertsErrors(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		edge    error
		metered bool
	}{
		"plain":       {errors.New("broken"), &fault.Failed{}, false},
		"failed":      {fmt.Errorf("around: %w", fault.Failure("Look.", "broken")), &fault.Failed{}, false},
		"throttled":   {fmt.Errorf("around: %w", &fault.Transient{Err: errors.New("busy")}), &fault.Transient{}, true},
		"a deadline":  {fmt.Errorf("around: %w", context.DeadlineExceeded), &fault.Transient{}, true},
		"not yet":     {fmt.Errorf("around: %w", &fault.NotYet{Err: errors.New("stopping")}), &fault.NotYet{}, false},
		"no capacity": {fmt.Errorf("around: %w", &fault.NoCapacity{Err: errors.New("full")}), &fault.NoCapacity{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			serve := handler.Wrap(handler.Logger(&out, "stop"),
				func(_ context.Context, j job.Job) (job.Job, error) { return j, c.err })
			_, err := serve(inLambda(t.Context()), one)
			// What to do stands on a line of its own there: the run's message tells it apart from what failed.
			said := strings.Replace(c.err.Error(), ". Look.", ".\nLook.", 1)
			if fmt.Sprintf("%T", err) != fmt.Sprintf("%T", c.edge) || err.Error() != said {
				t.Errorf("hands over %T: %v", err, err)
			}
			logged := lines(t, out.String())
			wantFields(t, logged[0], map[string]any{"level": "ERROR", "msg": "failed", "error": c.err.Error(),
				"source": "i-0123456789abcdef0"})
			if metered := len(logged) == 2 && logged[1]["Transient"] == 1.0; metered != c.metered || len(logged) > 2 {
				t.Errorf("counted as throttled: %v, want %v: %v", metered, c.metered, logged)
			}
		})
	}
}

func TestLogOutside(t *testing.T) {
	if log := handler.Log(t.Context()); log.Enabled(t.Context(), slog.LevelError) {
		t.Error("a context that is no function's has a logger that writes somewhere")
	}
}
