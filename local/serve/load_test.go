package serve_test

import (
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"goldsmith/local/clock"
	"goldsmith/local/serve"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

// heapMiB is what is in use once the garbage is gone.
func heapMiB() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// BenchmarkLoad holds a served suite under what a careless client does: 200 connections that send half
// a request, 10 MB bodies, and 60,000 calls of 500 clients at once. It tells the calls a second and
// how much memory is kept afterwards, which must not grow with the calls.
func BenchmarkLoad(b *testing.B) {
	c := loaded(b)
	c.stall(200)
	for range 20 {
		// or the connection is closed on it
		if status := c.send(strings.Repeat("x", 10<<20)); status != http.StatusRequestEntityTooLarge && status != 0 {
			b.Fatalf("10 MB: %d", status)
		}
	}
	for b.Loop() {
		c.describe(20_000)
		before, began := heapMiB(), time.Now()
		c.describe(60_000)
		after := heapMiB()
		b.ReportMetric(60_000/time.Since(began).Seconds(), "calls/s")
		b.ReportMetric(after, "MiB-kept")
		if grown := after - before; grown > 8 {
			b.Errorf("60,000 calls left %.0f MiB", grown)
		}
	}
}

// careless is a client of a served suite.
type careless struct {
	b       *testing.B
	address string
	client  *http.Client
}

func loaded(b *testing.B) *careless {
	b.Helper()
	s, err := stack.New(stack.Options{
		Clock: clock.Real(), Plans: plan.Plans{Default: "web", Plans: map[string]plan.Plan{"web": plan.Default()}},
		KeepCalls: 10_000, Table: true,
	})
	if err != nil {
		b.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := serve.Server(s)
	go func() { _ = server.Serve(listener) }()
	b.Cleanup(func() { _, _ = server.Close(), s.Close() })
	return &careless{b, listener.Addr().String(), &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 500, MaxConnsPerHost: 500}, Timeout: time.Minute,
	}}
}

// stall opens connections and sends half a request on each.
func (c *careless) stall(connections int) {
	c.b.Helper()
	for range connections {
		stalled, err := (&net.Dialer{}).DialContext(c.b.Context(), "tcp", c.address)
		if err != nil {
			c.b.Fatal(err)
		}
		c.b.Cleanup(func() { _ = stalled.Close() })
		if _, err := io.WriteString(stalled,
			"POST / HTTP/1.1\r\nHost: aws\r\nContent-Length: 100\r\n\r\nAction"); err != nil {
			c.b.Fatal(err)
		}
	}
}

// send is one call's status, 0 for none.
func (c *careless) send(body string) int {
	r, err := http.NewRequestWithContext(c.b.Context(), http.MethodPost, "http://"+c.address, strings.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260302/eu-central-1/ec2/aws4_request")
	answer, err := c.client.Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// describe makes that many calls, of 500 clients at once.
func (c *careless) describe(calls int) {
	var all sync.WaitGroup
	for range 500 {
		all.Go(func() {
			for range calls / 500 {
				if status := c.send("Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag:Name&Filter.1.Value.1=web"); status != http.StatusOK {
					c.b.Errorf("a describe was answered %d", status)
				}
			}
		})
	}
	all.Wait()
}
