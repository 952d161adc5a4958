package signed_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"goldsmith/shared/awsclient"
	"goldsmith/shared/fault"
	"goldsmith/shared/signed"
)

// chosen is which endpoints a configuration asks for.
type chosen struct{ fips, dual bool }

func (c chosen) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	if c.fips {
		return aws.FIPSEndpointStateEnabled, true, nil
	}
	return aws.FIPSEndpointStateDisabled, true, nil
}

func (c chosen) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	if c.dual {
		return aws.DualStackEndpointStateEnabled, true, nil
	}
	return aws.DualStackEndpointStateDisabled, true, nil
}

// Requests go where the SDK's own clients send them.
func TestEndpoints(t *testing.T) {
	ctx := t.Context()
	theirs := map[string]func(region string, c chosen) (url.URL, error){
		"events": func(region string, c chosen) (url.URL, error) {
			e, err := eventbridge.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, eventbridge.EndpointParameters{
				Region: &region, UseFIPS: &c.fips, UseDualStack: &c.dual,
			}.WithDefaults())
			return e.URI, err
		},
		"sns": func(region string, c chosen) (url.URL, error) {
			e, err := sns.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sns.EndpointParameters{
				Region: &region, UseFIPS: &c.fips, UseDualStack: &c.dual,
			}.WithDefaults())
			return e.URI, err
		},
		"s3": func(region string, c chosen) (url.URL, error) {
			e, err := s3.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, s3.EndpointParameters{
				Region: &region, UseFIPS: &c.fips, UseDualStack: &c.dual, Bucket: aws.String("goldsmith-1"),
			}.WithDefaults())
			return e.URI, err
		},
	}
	for service, resolve := range theirs {
		host := ""
		if service == "s3" {
			host = "goldsmith-1"
		}
		for _, region := range []string{"eu-central-1", "us-east-1", "cn-north-1", "ap-southeast-5"} {
			for _, c := range []chosen{{}, {fips: true}, {dual: true}, {true, true}} {
				want, err := resolve(region, c)
				if err != nil {
					continue // It has no such endpoint.
				}
				ours := signed.Client{Service: service, Config: aws.Config{Region: region, ConfigSources: []any{c}}}
				if got := ours.Endpoint(host); got != strings.TrimSuffix(want.String(), "/") {
					t.Errorf("%s in %s, %+v: %s, the SDK has %s", service, region, c, got, want.String())
				}
			}
		}
	}
}

// server answers with what stands next.
type server struct {
	answers  []answer
	requests []*http.Request
	bodies   []string
}

type answer struct {
	status int
	header map[string]string
	body   string
}

func (s *server) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.requests, s.bodies = append(s.requests, r), append(s.bodies, string(body))
	next := s.answers[min(len(s.requests), len(s.answers))-1]
	if next.status == 0 {
		return nil, errors.New("connection reset")
	}
	w := httptest.NewRecorder()
	for name, value := range next.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(next.status)
	_, err = w.WriteString(next.body)
	return w.Result(), err
}

func client(s *server) signed.Client {
	return signed.Client{Service: "events", Now: time.Now, Config: aws.Config{
		Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", "token"), HTTPClient: s,
		Retryer: func() aws.Retryer { return awsclient.Retryer() },
	}}
}

var call = signed.Request{Operation: "PutEvents", Method: "POST", Body: []byte("{}")}

// What passes is sent again as it was, signed anew; what does not is an error with the service's code.
func TestDo(t *testing.T) {
	for name, c := range map[string]struct {
		answers []answer
		tries   int
		code    string
	}{
		"well":                   {[]answer{{200, nil, "{}"}}, 1, ""},
		"500, then well":         {[]answer{{500, nil, ""}, {200, nil, "{}"}}, 2, ""},
		"reset, then well":       {[]answer{{}, {200, nil, "{}"}}, 2, ""},
		"throttled in JSON":      {[]answer{{400, nil, `{"__type":"ThrottlingException"}`}, {200, nil, ""}}, 2, ""},
		"never":                  {[]answer{{503, nil, "busy"}}, 6, "HTTP503"},
		"denied in JSON":         {[]answer{{400, nil, `{"__type":"com.amazonaws#AccessDeniedException","message":"no"}`}}, 1, "AccessDeniedException"},
		"denied in a header":     {[]answer{{400, map[string]string{"X-Amzn-ErrorType": "AccessDeniedException:http://x/"}, "{}"}}, 1, "AccessDeniedException"},
		"denied in XML":          {[]answer{{403, nil, "<ErrorResponse><Error><Code>AuthorizationError</Code></Error></ErrorResponse>"}}, 1, "AuthorizationError"},
		"denied in XML, of S3's": {[]answer{{403, nil, "<Error><Code>AccessDenied</Code></Error>"}}, 1, "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{answers: c.answers}
				_, err := client(s).Do(t.Context(), call)
				code := ""
				if said, ok := errors.AsType[smithy.APIError](err); ok {
					code = said.ErrorCode()
				}
				if code != c.code || (err != nil) != (c.code != "") || len(s.requests) != c.tries {
					t.Errorf("%v, code %q, after %d tries", err, code, len(s.requests))
				}
				for i, r := range s.requests {
					if s.bodies[i] != "{}" || !strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/events/aws4_request") {
						t.Errorf("try %d: %q, %v", i+1, s.bodies[i], r.Header)
					}
				}
			})
		})
	}
}

// What is classified of the SDK's errors is classified of these.
func TestErrorsAreClassified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answers: []answer{{400, nil, `{"__type":"AccessDeniedException","message":"not authorized"}`}}}
		_, err := client(s).Do(t.Context(), call)
		if fault.IsTransient(err) || !strings.HasPrefix(err.Error(), "PutEvents: ") {
			t.Errorf("%v", err)
		}
	})
}

// Who gives up waiting is not kept.
func TestTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		s := &server{answers: []answer{{503, nil, ""}}}
		began := time.Now()
		if _, err := client(s).Do(ctx, call); err == nil || time.Since(began) > time.Second {
			t.Errorf("%v, after %s", err, time.Since(began))
		}
	})
}
