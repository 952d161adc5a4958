package prove

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// Call is a call of AWS that an assumption was tried by, and what AWS answered.
type Call struct {
	Call      string `json:"call"`
	RequestID string `json:"requestId,omitempty"`
	// Code and Message are AWS's, of a refusal.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Times is how often it was sent in a row with that answer; the id is that of the last.
	Times int `json:"times,omitempty"`

	operation string
}

// recorder keeps the calls that are made, and AWS's time.
type recorder struct {
	mu    sync.Mutex
	calls []Call
	// before and at are AWS's time, as answers tell it: of the last answer, and of the one before it.
	before, at time.Time
}

// install has every client of a configuration record its calls.
func (r *recorder) install(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	cfg.APIOptions = append(cfg.APIOptions, func(s *middleware.Stack) error {
		return s.Initialize.Add(middleware.InitializeMiddlewareFunc("ProveRecord", r.handle), middleware.After)
	})
	return cfg
}

func (r *recorder) handle(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	middleware.InitializeOutput, middleware.Metadata, error) {
	out, answer, err := next.HandleInitialize(ctx, in)
	operation := awsmiddleware.GetOperationName(ctx)
	c := Call{Call: awsmiddleware.GetServiceID(ctx) + " " + operation, operation: operation, Times: 1}
	c.RequestID, _ = awsmiddleware.GetRequestIDMetadata(answer)
	at, _ := awsmiddleware.GetServerTime(answer)
	if err != nil {
		c.Code, c.Message = "no answer", err.Error()
	}
	if refused := smithy.APIError(nil); errors.As(err, &refused) {
		c.Code, c.Message = refused.ErrorCode(), refused.ErrorMessage()
	}
	r.add(c, at)
	return out, answer, err
}

func (r *recorder) add(c Call, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.before = r.at; !at.IsZero() {
		r.at = at.UTC()
	}
	if last := len(r.calls) - 1; last >= 0 && r.calls[last].Call == c.Call && r.calls[last].Code == c.Code {
		c.Times += r.calls[last].Times
		r.calls = r.calls[:last]
	}
	r.calls = append(r.calls, c)
}

// begin forgets the calls so far.
func (r *recorder) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = nil
}

// mostCalls is how many calls a finding keeps: the last ones say most.
const mostCalls = 12

// since are the calls since begin.
func (r *recorder) since() []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := append([]Call{}, r.calls...)
	return calls[max(0, len(calls)-mostCalls):]
}

// last is the last call of an operation.
func (r *recorder) last(operation string) (c Call, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, each := range r.calls {
		if each.operation == operation {
			c, ok = each, true
		}
	}
	return c, ok
}

// now is AWS's time when it answered last: never later than it is.
func (r *recorder) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at
}

// between is when the last call was made, by AWS's time.
func (r *recorder) between() (from, to time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.before, r.at
}
