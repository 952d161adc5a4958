package serve_test

import (
	"fmt"
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
	"goldsmith/local/suite"
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
	s, err := suite.New(suite.Options{
		Clock: clock.Real(), Plans: plan.Plans{Default: "web", Plans: map[string]plan.Plan{"web": plan.Default()}}, KeepCalls: 10_000,
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
	address := listener.Addr().String()
	for range 200 {
		stalled, err := (&net.Dialer{}).DialContext(b.Context(), "tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = stalled.Close() })
		if _, err := io.WriteString(stalled, "POST / HTTP/1.1\r\nHost: aws\r\nContent-Length: 100\r\n\r\nAction"); err != nil {
			b.Fatal(err)
		}
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 500, MaxConnsPerHost: 500}, Timeout: time.Minute}
	send := func(body string) int {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+address, strings.NewReader(body))
		if err != nil {
			return 0
		}
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260302/eu-central-1/ec2/aws4_request")
		answer, err := client.Do(r)
		if err != nil {
			return 0
		}
		defer answer.Body.Close()
		_, _ = io.Copy(io.Discard, answer.Body)
		return answer.StatusCode
	}
	long := strings.Repeat("x", 10<<20)
	for range 20 {
		if status := send(long); status != http.StatusRequestEntityTooLarge && status != 0 { // or the connection is closed on it
			b.Fatalf("10 MB: %d", status)
		}
	}
	calls := func(n int) {
		var all sync.WaitGroup
		for range 500 {
			all.Go(func() {
				for range n / 500 {
					if status := send("Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag:Name&Filter.1.Value.1=web"); status != http.StatusOK {
						b.Errorf("a describe was answered %d", status)
					}
				}
			})
		}
		all.Wait()
	}
	for b.Loop() {
		calls(20_000)
		before, began := heapMiB(), time.Now()
		calls(60_000)
		after := heapMiB()
		b.ReportMetric(60_000/time.Since(began).Seconds(), "calls/s")
		b.ReportMetric(after, "MiB-kept")
		if grown := after - before; grown > 8 {
			b.Error(fmt.Sprintf("60,000 calls left %.0f MiB", grown))
		}
	}
}
