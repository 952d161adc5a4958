package recovery_test

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"goldsmith/shared/ledger"
	"goldsmith/shared/trace"
	"goldsmith/test/steptest"
)

// smudged is a ledger in which the claims of some sources and two turns cannot be read.
type smudged struct {
	*steptest.Ledger
	sources []string
}

func unreadable(record string) error {
	return &ledger.UnreadableError{Record: record, Err: errors.New("of a newer version")}
}

func (l smudged) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		for c, err := range l.Ledger.Claims(ctx) {
			if !yield(c, err) || err != nil {
				return
			}
		}
		for _, id := range l.sources {
			if !yield(ledger.Claim{Source: id}, unreadable("source#"+id)) {
				return
			}
		}
	}
}

func (l smudged) Slots(ctx context.Context, of string) iter.Seq2[ledger.Slot, error] {
	return func(yield func(ledger.Slot, error) bool) {
		for s, err := range l.Ledger.Slots(ctx, of) {
			if !yield(s, err) || err != nil {
				return
			}
		}
		if of == ledger.EveryPlan {
			return // They are of plan nightly.
		}
		for _, id := range []string{"8", "9"} {
			if !yield(ledger.Slot{}, unreadable("slot#"+string(ledger.Turns)+"#"+id)) {
				return
			}
		}
	}
}

// workers is Step Functions with children that have stopped an instance each, by their ARNs.
type workers struct {
	*sfn.Client
	of map[string]*worker
}

// worker is one of them: what it was given, and when it stopped its instance and ended.
type worker struct {
	input          string
	stopped, ended time.Time
}

func (w workers) DescribeExecution(
	ctx context.Context, in *sfn.DescribeExecutionInput, o ...func(*sfn.Options),
) (*sfn.DescribeExecutionOutput, error) {
	out, err := w.Client.DescribeExecution(ctx, in, o...)
	c := w.of[aws.ToString(in.ExecutionArn)]
	if c == nil || !errors.As(err, new(*sfntypes.ExecutionDoesNotExist)) {
		return out, err
	}
	out = &sfn.DescribeExecutionOutput{ExecutionArn: in.ExecutionArn, Status: sfntypes.ExecutionStatusRunning,
		StartDate: aws.Time(c.stopped.Add(-time.Minute)), Input: aws.String(c.input)}
	if !c.ended.IsZero() {
		out.Status, out.StopDate = sfntypes.ExecutionStatusAborted, &c.ended
	}
	return out, nil
}

func (w workers) GetExecutionHistory(
	ctx context.Context, in *sfn.GetExecutionHistoryInput, o ...func(*sfn.Options),
) (*sfn.GetExecutionHistoryOutput, error) {
	out, err := w.Client.GetExecutionHistory(ctx, in, o...)
	c := w.of[aws.ToString(in.ExecutionArn)]
	if c == nil || !errors.As(err, new(*sfntypes.ExecutionDoesNotExist)) {
		return out, err
	}
	if in.NextToken == nil {
		return &sfn.GetExecutionHistoryOutput{NextToken: aws.String("more"), Events: []sfntypes.HistoryEvent{{
			Type: sfntypes.HistoryEventTypeTaskStateEntered, Timestamp: aws.Time(c.stopped.Add(-time.Second)),
			StateEnteredEventDetails: &sfntypes.StateEnteredEventDetails{Name: aws.String(trace.StopState)},
		}}}, nil
	}
	return &sfn.GetExecutionHistoryOutput{Events: []sfntypes.HistoryEvent{
		{Type: sfntypes.HistoryEventTypeLambdaFunctionScheduled, Timestamp: aws.Time(c.stopped.Add(-time.Second))},
		{Type: sfntypes.HistoryEventTypeLambdaFunctionSucceeded, Timestamp: aws.Time(c.stopped.Add(time.Second))},
	}}, nil
}
