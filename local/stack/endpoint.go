package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"goldsmith/local/query"
	"goldsmith/shared/awsclient"
)

// ServeHTTP is the embedded AWS on one endpoint: a request's signature names
// the service and the Region that it is for.
func (s *Stack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	region, service := signedFor(r)
	ctx, work := s.options.Clock.Begin(r.Context())
	defer work.End()
	r = r.WithContext(ctx)
	if err := arrived(w, r); err != nil {
		if no, ok := errors.AsType[*refusal](err); ok {
			no.write(w, spokenIn(r, service))
		}
		return
	}
	h, ok := s.services[service]
	switch {
	case !ok:
		s.unknown(r, service).write(w, spokenIn(r, service))
	case region == s.options.Region || service == "sts" || service == "organizations": // The last has one Region for all.
		h.ServeHTTP(w, r)
	case s.Beside[region] != nil && s.Beside[region].services[service] != nil:
		s.Beside[region].services[service].ServeHTTP(w, r)
	default:
		s.elsewhere(region, service).write(w, spokenIn(r, service))
	}
}

// elsewhere refuses a request in a Region that the account has not enabled, or that has no such service. AWS does not know
// the credentials there (User Guide of IAM, "Managing AWS STS in an AWS Region"; EC2 error codes, AuthFailure).
func (s *Stack) elsewhere(region, service string) *refusal {
	code := "UnrecognizedClientException"
	if service == "ec2" {
		code = "AuthFailure"
	}
	return &refusal{http.StatusUnauthorized, code, fmt.Sprintf(
		"The embedded AWS is in %s; in %q it has no service %q for this account.", s.options.Region, region, service)}
}

// signedFor are the Region and the service in a Signature Version 4 credential scope:
// Credential=KEY/DATE/REGION/SERVICE/aws4_request. Signatures are not checked.
func signedFor(r *http.Request) (region, service string) {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if scope == "" {
		scope = r.URL.Query().Get("X-Amz-Credential")
	}
	parts := strings.Split(scope, "/")
	if len(parts) < 4 {
		return "", ""
	}
	return parts[2], parts[3]
}

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
