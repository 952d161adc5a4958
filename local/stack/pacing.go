package stack

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"goldsmith/local/clock"
	"goldsmith/local/draw"
)

// pacing keeps the product's retries in step with the suite's clock, and draws
// their pauses from the seed.
type pacing struct {
	aws.RetryerV2
	clock *clock.Clock
	seed  uint64
}

// longest is the SDK's longest pause (aws/retry, DefaultMaxBackoff).
const longest = 20 * time.Second

// waiting has the work that makes a request wait for its answer, and after a failure until it asks again.
type waiting struct{ http.RoundTripper }

// RoundTrip is http.RoundTripper's.
func (t waiting) RoundTrip(r *http.Request) (*http.Response, error) {
	work := clock.WorkOf(r.Context())
	work.Wait()
	answer, err := t.RoundTripper.RoundTrip(r)
	if err != nil || answer.StatusCode >= http.StatusBadRequest {
		work.Linger()
	} else {
		work.GoOn()
	}
	return answer, err
}

// RetryDelay is how long to wait before the next attempt: as the SDK's standard
// retryer does, a part of 2^attempt seconds, and 20 s at most. The SDK draws the
// part from crypto/rand. Here it follows from the seed and from what is
// repeated and when, and so not from the order in which goroutines ask.
func (p pacing) RetryDelay(attempt int, err error) (time.Duration, error) {
	most := min(longest, time.Second<<min(attempt, 5))
	part := p.draw(attempt, err).Fraction()
	return p.clock.Lasts(time.Duration(part * float64(most))), nil
}

// draw is what stands for this repetition and no other.
func (p pacing) draw(attempt int, err error) draw.Draw {
	s := sentOf(err)
	return draw.Of(p.seed, s.caller, s.target, string(s.body), strconv.Itoa(attempt),
		p.clock.Now().Format(time.RFC3339Nano))
}

// sent is a request, as far as it tells one call from another.
type sent struct {
	caller, target string
	body           []byte
}

type sentKey struct{}

// broken is a request without an answer.
type broken struct {
	error
	sent sent
}

// Unwrap is what broke.
func (b *broken) Unwrap() error { return b.error }

// sentOf is the request that an attempt's error is about. A failure of another
// kind has none, and is told apart by its moment alone.
func sentOf(err error) sent {
	if b := (*broken)(nil); errors.As(err, &b) {
		return b.sent
	}
	if r := (*smithyhttp.ResponseError)(nil); errors.As(err, &r) && r.Response != nil && r.Response.Request != nil {
		return sentIn(r.Response.Request.Context())
	}
	return sent{}
}

func sentIn(ctx context.Context) sent {
	s, _ := ctx.Value(sentKey{}).(sent)
	return s
}
