package suite

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"goldsmith/local/clock"
	"goldsmith/local/query"
	"goldsmith/shared/settings"
)

// ServeHTTP is the embedded AWS on one endpoint: a request's signature names
// the service it is for.
func (s *Suite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service := signedFor(r)
	if h, ok := s.services[service]; ok {
		h.ServeHTTP(w, r)
		return
	}
	refuse(w, http.StatusBadRequest, "UnknownOperationException",
		fmt.Sprintf("the embedded AWS has no service %q; it has ec2, autoscaling, ssm, secretsmanager, states, scheduler, lambda and dynamodb", service))
}

// signedFor is the service in a Signature Version 4 credential scope:
// Credential=KEY/DATE/REGION/SERVICE/aws4_request. Signatures are not checked.
func signedFor(r *http.Request) string {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if scope == "" {
		scope = r.URL.Query().Get("X-Amz-Credential")
	}
	parts := strings.Split(scope, "/")
	if len(parts) < 4 {
		return ""
	}
	return parts[3]
}

// AWS is the configuration of clients of this suite: the product's own
// settings, with the suite's endpoint and made-up credentials.
func (s *Suite) AWS() aws.Config {
	return aws.Config{
		Region:       s.options.Region,
		Credentials:  credentials.NewStaticCredentialsProvider("AKIAEMBEDDED", "embedded", ""),
		BaseEndpoint: aws.String(s.options.Endpoint),
		HTTPClient:   naming{s.transport},
		Retryer:      func() aws.Retryer { return pacing{settings.Retryer(), s.options.Clock} },
	}
}

// pacing keeps the product's retries in step with the suite's clock.
type pacing struct {
	aws.RetryerV2
	clock *clock.Clock
}

// RetryDelay is how long to wait before the next attempt.
func (p pacing) RetryDelay(attempt int, err error) (time.Duration, error) {
	delay, err := p.RetryerV2.RetryDelay(attempt, err)
	return p.clock.Lasts(delay), err
}

type callerKey struct{}

// naming writes into each request who makes it, for the call log.
type naming struct{ client *http.Client }

// Do sends the request.
func (n naming) Do(r *http.Request) (*http.Response, error) {
	if caller, ok := r.Context().Value(callerKey{}).(string); ok {
		r.Header.Set(query.CallerHeader, caller)
	}
	return n.client.Do(r) //nolint:gosec // the address is the suite's own
}

// As marks the calls made with ctx as a person's, or whoever is named.
func As(ctx context.Context, caller string) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}
