package stack

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"goldsmith/local/query"
	"goldsmith/shared/awsclient"
)

// AWS is the configuration of clients of this suite: the product's own
// settings, with the suite's endpoint and made-up credentials.
func (s *Stack) AWS() aws.Config {
	return aws.Config{
		Region:       s.options.Region,
		Credentials:  credentials.NewStaticCredentialsProvider("AKIAEMBEDDED", "embedded", ""),
		BaseEndpoint: aws.String(s.options.Endpoint),
		HTTPClient:   naming{s.transport},
		Retryer:      func() aws.Retryer { return pacing{awsclient.Retryer(), s.options.Clock, s.options.Seed} },
	}
}

type callerKey struct{}

// naming writes into each request who makes it, for the call log.
type naming struct{ client *http.Client }

// Do sends the request. What comes back knows what was sent, so that a repetition
// can be timed by it.
func (n naming) Do(r *http.Request) (*http.Response, error) {
	caller, ok := r.Context().Value(callerKey{}).(string)
	if ok {
		r.Header.Set(query.CallerHeader, caller)
	}
	sent := sent{caller: caller, target: r.Header.Get("X-Amz-Target")}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		sent.body, r.Body = []byte(query.Stable(string(body))), io.NopCloser(bytes.NewReader(body))
	}
	answer, err := n.client.Do(r) //nolint:gosec // the address is the suite's own
	if err != nil {
		return nil, &broken{err, sent}
	}
	if answer.StatusCode >= http.StatusBadRequest {
		answer.Request = r.WithContext(context.WithValue(r.Context(), sentKey{}, sent))
	}
	return answer, nil
}

// As marks the calls made with ctx as a person's, or of the name given.
func As(ctx context.Context, caller string) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}
