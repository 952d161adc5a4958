package serve_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"goldsmith/local/clock"
	"goldsmith/local/serve"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

// served is the embedded AWS on a socket.
func served(t *testing.T) string {
	t.Helper()
	return servedOn(t, clock.Real())
}

func servedOn(t *testing.T, c *clock.Clock) string {
	t.Helper()
	s, err := stack.New(stack.Options{Clock: c,
		Plans: plan.Plans{Default: "web", Plans: map[string]plan.Plan{"web": plan.Default()}}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(s)
	server.Config = serve.Server(s)
	server.Start()
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.Listener.Addr().String()
}

// ask sends raw text and reads the answer.
func ask(t *testing.T, address, request string) (status int, kind, body string) {
	t.Helper()
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(connection, strings.ReplaceAll(request, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("Content-Type"), string(text)
}

// signed is a POST for a service.
func signed(service, headers, body string) string {
	return fmt.Sprintf("POST / HTTP/1.1\nHost: aws\nAuthorization: AWS4-HMAC-SHA256 "+
		"Credential=AKID/20260302/eu-central-1/%s/aws4_request\n%sContent-Length: %d\n\n%s",
		service, headers, len(body), body)
}

const form = "Content-Type: application/x-www-form-urlencoded\n"

func TestABodyThatIsNoChunk(t *testing.T) {
	address := served(t)
	for _, service := range []string{"ec2", "autoscaling", "ssm", "states", "lambda", "sts", "s3"} {
		request := strings.Replace(signed(service, form, ""), "Content-Length: 0", "Transfer-Encoding: chunked", 1) + "zz\n"
		if status, _, body := ask(t, address, request); status != http.StatusBadRequest ||
			!strings.Contains(body, "MalformedRequest") {
			t.Errorf("%s: %d %s", service, status, body)
		}
	}
}

func TestABodyThatIsTooLong(t *testing.T) {
	body := "Action=DescribeInstances&Padding=" + strings.Repeat("x", 10<<20)
	if status, _, answer := ask(t, served(t), signed("ec2", form, body)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", status, answer)
	}
}

// TestAServiceThatIsNotThere holds that each protocol's client can read the refusal.
func TestAServiceThatIsNotThere(t *testing.T) {
	address := served(t)
	for _, c := range []struct{ service, headers, body, kind, want string }{
		{"rds", form, "Action=DescribeDBInstances&Version=2014-10-31", "text/xml",
			"<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code>"},
		{"kinesis", "X-Amz-Target: Kinesis_20131202.ListStreams\n", "{}", "application/x-amz-json-1.1",
			`"__type":"UnknownOperationException"`},
		{"route53", "", "", "application/xml", "<Error><Code>UnknownOperationException</Code>"},
		{"batch", "", "{}", "application/json", `no service \"batch\"`},
		{"monitoring", "Smithy-Protocol: rpc-v2-cbor\n", "", "application/cbor", "UnknownOperationException"},
	} {
		status, kind, body := ask(t, address, signed(c.service, c.headers, c.body))
		if status != http.StatusBadRequest || kind != c.kind || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s %q", c.service, status, kind, body)
		}
	}
	status, _, body := ask(t, address, "GET / HTTP/1.1\nHost: aws\n\n")
	if status != http.StatusForbidden || !strings.Contains(body, "not signed") {
		t.Errorf("unsigned: %d %s", status, body)
	}
}

func TestWhoCalls(t *testing.T) {
	status, _, body := ask(t, served(t), signed("sts", form, "Action=GetCallerIdentity&Version=2011-06-15"))
	if status != http.StatusOK || !strings.Contains(body, "<Account>123456789012</Account>") {
		t.Errorf("%d %s", status, body)
	}
}

func TestFaultsAreReadOrRefused(t *testing.T) {
	for text, want := range map[string]string{
		"capacity": "", "stuck-stop,for=30m,on=i-0123456789abcdef0,chance=0.5": "", "slack-down,for=1h": "",
		"lost-events,chance=0.2": "",
		"fire":                   "no fault is called", "capacity,for=-1m": "no time to last",
		"capacity,chance=2":   "no chance between 0 and 1",
		"capacity,chance=NaN": "no chance between 0 and 1", "capacity,on=": "needs the id",
		"capacity,when=now": "none of for=, on= and chance=", "capacity,on=i-1,on=i-2": "on= is given twice",
		"slack-down,on=i-1": "is not about one resource", "": "no fault is called",
	} {
		_, err := serve.ParseFault(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
