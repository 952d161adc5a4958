package trigger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"goldsmith/shared/event"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/runs"
)

// requests is the ledger as far as request tags need it.
type requests interface {
	GetRequest(ctx context.Context, source string) (r ledger.Request, ok bool, err error)
	PutRequest(ctx context.Context, r ledger.Request) (ledger.Request, error)
}

// executionsAPI tells how executions are.
type executionsAPI interface {
	DescribeExecution(context.Context, *sfn.DescribeExecutionInput,
		...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
}

const (
	// attempts bounds how often a change is tried while other changes of the same source's tag are
	// written. Each of those is newer or older than this one, so that few are met.
	attempts = 10
	// appearing is how long an execution that was asked for may not be shown: DescribeExecution is
	// eventually consistent, and who asked for it may be about to
	// (docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html).
	appearing = 2 * time.Minute
	// hearing is how long the event of a tag that a sweep has seen has the word. The sweep waits a minute longer.
	hearing = 5 * time.Minute
)

// requested answers a change of the request tag: one run at a time for a source, and one more for
// whatever changes while it goes on.
func (s Step) requested(ctx context.Context, e event.Requested) (Answer, error) {
	for range attempts {
		answer, err := s.change(ctx, e)
		if moved := (*ledger.MovedError)(nil); errors.As(err, &moved) {
			continue
		}
		return answer, err
	}
	return Answer{}, &fault.NotYet{Err: fmt.Errorf("tag of %s changes faster than its changes can be written down", e.ID)}
}

func (s Step) change(ctx context.Context, e event.Requested) (Answer, error) {
	known, ok, err := s.Ledger.GetRequest(ctx, e.ID)
	if err != nil {
		return Answer{}, fmt.Errorf("looking up the request of %s: %w", e.ID, err)
	}
	if ok && !newer(known, e, s.Now()) {
		return s.again(ctx, known, e)
	}
	going, err := s.going(ctx, known)
	if err != nil {
		return Answer{}, err
	}
	now := s.Now().UTC()
	if going {
		known.Later, known.At = &ledger.TagChange{Value: e.Value, Version: e.Version, At: e.Time}, now
		if _, err := s.Ledger.PutRequest(ctx, known); err != nil {
			return Answer{}, fmt.Errorf("recording the request of %s: %w", e.ID, err)
		}
		return Answer{Ignored: "run " + known.Run + " answers an earlier change; one more run follows it"}, nil
	}
	// Written before the run is started, so that changes which come together start one.
	run := ledger.Request{
		Source: e.ID, Kind: e.Kind, Value: e.Value, Version: e.Version, Since: e.Time, Run: runs.RequestName(e.ID, e.Version),
		At: now, Revision: known.Revision,
	}
	if _, err := s.Ledger.PutRequest(ctx, run); err != nil {
		return Answer{}, fmt.Errorf("recording the request of %s: %w", e.ID, err)
	}
	return s.start(ctx, run)
}

// newer reports whether a change comes after all that is known of the tag. Versions count up; whether they ever
// begin anew AWS does not say, so a later change counts as well.
func newer(known ledger.Request, e event.Requested, now time.Time) bool {
	version, at := known.Version, known.Since
	if known.Later != nil {
		version, at = known.Later.Version, known.Later.At
	}
	if version == 0 { // A sweep saw the tag, and this may be the event that told of it.
		waits := known.Run == "" && now.Sub(known.Since) < hearing
		return waits || e.Time.After(at) || e.Value != known.Value
	}
	return e.Version > version || e.Time.After(at)
}

// again is a change delivered twice, or after a newer one. Its run is asked for once more, since the first
// delivery may have been cut off before it was.
func (s Step) again(ctx context.Context, known ledger.Request, e event.Requested) (Answer, error) {
	if known.Version == e.Version && known.Run == runs.RequestName(e.ID, e.Version) {
		return s.start(ctx, known)
	}
	return Answer{Ignored: "a newer change of the tag is known"}, nil
}

func (s Step) start(ctx context.Context, r ledger.Request) (Answer, error) {
	begun, err := s.Starter.Requested(ctx, r.Run, r.Since, job.Request{Source: r.Source, Kind: r.Kind, Value: r.Value})
	return answerOf(begun), err
}

// going reports whether the run that answers an earlier change has not ended, or is about to begin.
func (s Step) going(ctx context.Context, r ledger.Request) (bool, error) {
	if r.Run == "" || r.Answered {
		return false, nil
	}
	out, err := s.SFN.DescribeExecution(ctx,
		&sfn.DescribeExecutionInput{ExecutionArn: aws.String(s.Starter.Execution(r.Run))})
	switch {
	case fault.IsNotFound(err):
		return s.Now().Sub(r.At) < appearing, nil
	case err != nil:
		return false, fmt.Errorf("asking how run %s is: %w", r.Run, err)
	default:
		return out.Status == sfntypes.ExecutionStatusRunning || out.Status == sfntypes.ExecutionStatusPendingRedrive, nil
	}
}
