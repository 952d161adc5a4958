package asl

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"goldsmith/test/moto"
)

// TestConformance runs the cases of testdata through an independent interpreter,
// the one inside moto, and holds it to the same outputs and errors. It needs
// moto_server on the PATH; in CI that must be there. Where the two are known to
// differ, the case says how ("elsewhere"): there, AWS's documentation decides.
func TestConformance(t *testing.T) {
	t.Parallel()
	other := startOther(t)
	if other == nil {
		return
	}
	for name, c := range loadCases(t) {
		t.Run(name, func(t *testing.T) {
			if c.Elsewhere != "" {
				t.Logf("not asked: %s", c.Elsewhere)
				return
			}
			other.run(t, name, c)
		})
	}
}

// otherInterpreter is moto_server behind a gateway that plays the functions.
type otherInterpreter struct {
	client  *sfn.Client
	gateway *gateway
	base    string
}

// gateway answers calls of Lambda functions and hands everything else to moto.
type gateway struct {
	moto  *httputil.ReverseProxy
	cases chan *actors
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, isCall := strings.CutPrefix(r.URL.Path, "/2015-03-31/functions/")
	if !isCall {
		g.moto.ServeHTTP(w, r)
		return
	}
	function, err := url.PathUnescape(strings.TrimSuffix(rest, "/invocations"))
	payload, wrong := io.ReadAll(r.Body)
	if err := errors.Join(err, wrong); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a := <-g.cases
	g.cases <- a
	result, failed := a.Invoke(r.Context(), function, payload)
	if failed != nil {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		result = []byte(failed.Cause)
	}
	if len(result) == 0 {
		result = []byte("null")
	}
	// A caller that has gone away needs no answer.
	_, _ = w.Write(result)
}

// startOther is nil when moto is not installed.
func startOther(t *testing.T) *otherInterpreter {
	t.Helper()
	g := &gateway{cases: make(chan *actors, 1)}
	front := httptest.NewServer(g)
	t.Cleanup(front.Close)
	_, frontPort, err := net.SplitHostPort(front.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	// moto calls functions at the address that MOTO_PORT names.
	base := moto.Start(t, "the interpreter against an independent one", "MOTO_PORT="+frontPort, "AWS_ACCESS_KEY_ID=id",
		"AWS_SECRET_ACCESS_KEY=secret")
	if base == "" {
		return nil
	}
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	g.moto = httputil.NewSingleHostReverseProxy(target)
	post(t, base+"/moto-api/config", `{"stepfunctions":{"execute_state_machine":true}}`)
	client := sfn.New(sfn.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(base),
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})
	return &otherInterpreter{client: client, gateway: g, base: base}
}

// post sends a body to moto's own API.
func post(t *testing.T, address, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

func (o *otherInterpreter) run(t *testing.T, name string, c testCase) {
	a := newActors(c)
	a.sleep = func(d time.Duration) { <-time.After(d) }
	a.token = func(token string, b callback) { o.complete(t.Context(), token, b) }
	o.gateway.cases <- a
	defer func() { <-o.gateway.cases }()
	// moto copies what it holds with every start, which fails once it has held an execution.
	post(t, o.base+"/moto-api/reset", "")
	machine, err := o.client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name: aws.String(name), Definition: aws.String(string(c.Definition)),
		RoleArn: aws.String("arn:aws:iam::123456789012:role/case"),
	})
	if err != nil {
		t.Fatal(err)
	}
	execution, err := o.client.StartExecution(t.Context(), &sfn.StartExecutionInput{
		StateMachineArn: machine.StateMachineArn, Name: aws.String("run"), Input: aws.String(string(c.Input)),
	})
	if err != nil {
		t.Fatal(err)
	}
	d := o.end(t, execution.ExecutionArn)
	var failed *Error
	if d.Error != nil {
		failed = &Error{Name: *d.Error, Cause: aws.ToString(d.Cause)}
	}
	var output any
	if d.Output != nil {
		if output, err = decode([]byte(*d.Output)); err != nil {
			t.Fatal(err)
		}
	}
	check(t, c.Expect, string(d.Status), output, failed)
	a.checkAtLeast(t, c.Expect)
}

func (o *otherInterpreter) complete(ctx context.Context, token string, b callback) {
	// Whether the token was taken shows in the execution's end.
	if b.Error != "" {
		_, _ = o.client.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{TaskToken: &token, Error: &b.Error, Cause: &b.Cause})
		return
	}
	_, _ = o.client.SendTaskSuccess(ctx,
		&sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String(string(b.Output))})
}

func (o *otherInterpreter) end(t *testing.T, arn *string) *sfn.DescribeExecutionOutput {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		d, err := o.client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: arn})
		if err != nil {
			t.Fatal(err)
		}
		if d.Status != types.ExecutionStatusRunning {
			return d
		}
		if time.Now().After(deadline) {
			t.Fatalf("still running: %s", *arn)
		}
		<-time.After(20 * time.Millisecond)
	}
}
