// Package signed calls AWS services of which a function needs one operation: it signs a request, sends it again as the
// SDK's clients do, and reads errors as they do. A client of the SDK for each would cost every function's zip up to half
// a megabyte (docs/decisions/0032).
package signed

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsv4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Client calls one service.
type Client struct {
	Config aws.Config
	// Service is the name that requests are signed for, and that the service's endpoint begins with.
	Service string
	Now     func() time.Time
}

// Request is one call. Its body is sent again as it is when an attempt fails.
type Request struct {
	// Operation is the call's name, for errors.
	Operation string
	Method    string
	// Path and Query follow the endpoint, or Host where it is set: it replaces the service's own host.
	Path, Query, Host string
	Header            map[string]string
	Body              []byte
}

// perTry bounds one attempt: what has not answered by then does not.
const perTry = 10 * time.Second

// most bounds an answer: the longest is a list of errors.
const most = 1 << 20

// Do sends the request, and again while the configuration's retryer says so. An error of the service is a
// smithy.APIError.
func (c Client) Do(ctx context.Context, r Request) (body []byte, err error) {
	retryer := c.Config.Retryer()
	for attempt := 1; ; attempt++ {
		body, err = c.once(ctx, r)
		if err == nil || attempt == retryer.MaxAttempts() || !retryer.IsErrorRetryable(err) {
			break
		}
		delay, delayErr := retryer.RetryDelay(attempt, err)
		if delayErr != nil || !sleep(ctx, delay) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Operation, err)
	}
	return body, nil
}

func (c Client) once(ctx context.Context, r Request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, perTry)
	defer cancel()
	request, err := c.request(ctx, r)
	if err != nil {
		return nil, err
	}
	client := c.Config.HTTPClient
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, &smithyhttp.RequestSendError{Err: err}
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return nil, &smithyhttp.RequestSendError{Err: err}
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return nil, &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: answer}, Err: refused(answer, body)}
	}
	return body, nil
}

func (c Client) request(ctx context.Context, r Request) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, c.address(r), bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	for name, value := range r.Header {
		request.Header.Set(name, value)
	}
	credentials, err := c.Config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the credentials: %w", err)
	}
	sum := sha256.Sum256(r.Body)
	hash := hex.EncodeToString(sum[:])
	if c.Service == "s3" {
		request.Header.Set("X-Amz-Content-Sha256", hash) // S3 wants it (API reference, "Authenticating requests").
	}
	err = awsv4.NewSigner().SignHTTP(ctx, credentials, request, hash, c.Service, c.Config.Region, c.Now(), c.escape)
	return request, err
}

// escape keeps S3's paths as they are: they are signed as they are sent, those of other services escaped twice.
func (c Client) escape(o *awsv4.SignerOptions) { o.DisableURIPathEscaping = c.Service == "s3" }

// Presigned is an address at which anybody may do for that long what the configuration's credentials may; with
// temporary ones no longer than those last.
func (c Client) Presigned(ctx context.Context, r Request, lasting time.Duration) (string, error) {
	r.Query = fmt.Sprintf("X-Amz-Expires=%d", int(lasting.Seconds()))
	request, err := http.NewRequestWithContext(ctx, r.Method, c.address(r), nil)
	if err != nil {
		return "", err
	}
	credentials, err := c.Config.Credentials.Retrieve(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the credentials: %w", err)
	}
	signed, _, err := awsv4.NewSigner().PresignHTTP(ctx, credentials, request, "UNSIGNED-PAYLOAD", c.Service,
		c.Config.Region, c.Now(), c.escape)
	return signed, err
}

func (c Client) address(r Request) string {
	address := c.Endpoint(r.Host) + cmp.Or(r.Path, "/")
	if r.Query != "" {
		address += "?" + r.Query
	}
	return address
}

// Endpoint is where the service is: at the configuration's own, or in the Region. A host before it is a name under the
// service's, as S3 has them; at an endpoint of the configuration's own it is the path's first part.
func (c Client) Endpoint(host string) string {
	if c.Config.BaseEndpoint != nil {
		address := strings.TrimSuffix(*c.Config.BaseEndpoint, "/")
		if host != "" {
			address += "/" + host
		}
		return address
	}
	if host != "" {
		host += "."
	}
	return "https://" + host + endpoint(c.Service, c.Config.Region, c.fips(), c.dual())
}

// Suffixes are what hosts end with, by the beginning of a Region: https://docs.aws.amazon.com/general/latest/gr/rande.html.
var suffixes = []struct{ region, plain, dual string }{
	{"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
	{"", "amazonaws.com", "api.aws"},
}

func endpoint(service, region string, fips, dual bool) string {
	if fips {
		service += "-fips"
	}
	for _, s := range suffixes {
		switch {
		case !strings.HasPrefix(region, s.region):
		case dual && strings.HasPrefix(service, "s3"):
			return service + ".dualstack." + region + "." + s.plain
		case dual:
			return service + "." + region + "." + s.dual
		default:
			return service + "." + region + "." + s.plain
		}
	}
	return ""
}

// fips and dual are which endpoints the configuration asks for, as the SDK's clients look for it.
func (c Client) fips() bool {
	for _, source := range c.Config.ConfigSources {
		if s, ok := source.(interface {
			GetUseFIPSEndpoint(ctx context.Context) (aws.FIPSEndpointState, bool, error)
		}); ok {
			state, found, err := s.GetUseFIPSEndpoint(context.Background())
			return err == nil && found && state == aws.FIPSEndpointStateEnabled
		}
	}
	return false
}

func (c Client) dual() bool {
	for _, source := range c.Config.ConfigSources {
		if s, ok := source.(interface {
			GetUseDualStackEndpoint(ctx context.Context) (aws.DualStackEndpointState, bool, error)
		}); ok {
			state, found, err := s.GetUseDualStackEndpoint(context.Background())
			return err == nil && found && state == aws.DualStackEndpointStateEnabled
		}
	}
	return false
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
