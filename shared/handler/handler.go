// Package handler knows how a function meets Lambda: it logs with the ids an
// operator searches by, turns errors into the types the state machine names,
// and reports a function that was deployed with wrong settings.
package handler

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"goldsmith/shared/fault"
	"goldsmith/shared/metric"
)

// Func is what a function does with one event.
type Func[In, Out any] = func(ctx context.Context, in In) (Out, error)

// Start wires the function, with what reads its settings, and serves Lambda until the sandbox ends. When
// wiring fails every event is answered with that one problem: it then stands
// where the operator looks, in the execution.
func Start[Reader, In, Out any](name string, read Reader, wire func(context.Context, Reader) (Func[In, Out], error)) {
	log := Logger(os.Stdout, name)
	serve, err := wire(context.Background(), read)
	if err != nil {
		problem := fault.Failure("Deploy the suite again with the settings it names.", "starting function %s: %w", name, err)
		log.Error("wrong settings", slog.Any("error", problem))
		serve = func(context.Context, In) (out Out, _ error) { return out, problem }
	}
	lambda.StartHandlerFunc(Wrap(log, serve))
}

// Logger writes JSON lines that name the function.
func Logger(out io.Writer, function string) *slog.Logger {
	return slog.New(slog.NewJSONHandler(out, nil)).With("function", function)
}

// Wrap is what stands around every function, in Lambda and on the embedded AWS.
func Wrap[In, Out any](log *slog.Logger, serve Func[In, Out]) Func[In, Out] {
	return func(ctx context.Context, in In) (Out, error) {
		log := log.With(ids(ctx, in)...)
		ctx = context.WithValue(ctx, logKey{}, log)
		begun := time.Now()
		out, err := serve(ctx, in)
		if reached := (*fault.Reached)(nil); errors.As(err, &reached) {
			log.InfoContext(ctx, "done", slog.Any("reached", err), slog.Duration("took", time.Since(begun)))
			return out, fault.Edge(err)
		}
		if err != nil {
			log.ErrorContext(ctx, "failed", slog.Any("error", err), slog.Duration("took", time.Since(begun)))
			err = fault.Edge(err)
			if _, transient := err.(*fault.Transient); transient { //nolint:errorlint // Edge has just made the outermost type
				metric.Put(ctx, log, metric.Transient, "all", 1)
			}
			return out, err
		}
		log.InfoContext(ctx, "done", slog.Duration("took", time.Since(begun)))
		return out, nil
	}
}

type logKey struct{}

// Log is the logger of the event being handled.
func Log(ctx context.Context) *slog.Logger {
	if log, ok := ctx.Value(logKey{}).(*slog.Logger); ok {
		return log
	}
	return slog.New(slog.DiscardHandler)
}

// identified is an event that knows its ids: job.Job and job.Batch do.
type identified interface{ LogAttrs() []slog.Attr }

func ids(ctx context.Context, in any) []any {
	var attrs []any
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		attrs = append(attrs, slog.String("request", lc.AwsRequestID))
	}
	if in, ok := in.(identified); ok {
		for _, attr := range in.LogAttrs() {
			attrs = append(attrs, attr)
		}
	}
	return attrs
}
