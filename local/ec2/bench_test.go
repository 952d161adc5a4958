package ec2_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
)

// BenchmarkNight plays 20 calls for each of 10,000 instances, as a night with
// one request tag per instance does, and reports what one call costs.
func BenchmarkNight(b *testing.B) {
	const fleet = 10_000
	for b.Loop() {
		events := 0
		w := ec2.New(ec2.Options{Clock: clock.Real(), Seed: 1, Log: &query.Log{},
			Emit: func(string, string, []string, any) { events++ }})
		calls := 0
		call := func(action string, pairs ...string) string {
			form := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
			for n := 0; n < len(pairs); n += 2 {
				form.Set(pairs[n], pairs[n+1])
			}
			calls++
			return post(b, w, form)
		}
		began := time.Now()
		for n := range fleet {
			id := cut(call("RunInstances", "ImageId", ec2.ImageX86, "InstanceType", "t3.micro", "MinCount", "1", "MaxCount", "1",
				"TagSpecification.1.ResourceType", "instance", "TagSpecification.1.Tag.1.Key", "Name",
				"TagSpecification.1.Tag.1.Value", fmt.Sprint("web-", n),
				"TagSpecification.1.Tag.2.Key", "goldsmith:plan", "TagSpecification.1.Tag.2.Value", "nightly"), "instanceId")
			if err := w.SetState(id, ec2.Running); err != nil {
				b.Fatal(err)
			}
			call("CreateTags", "ResourceId.1", id, "Tag.1.Key", "goldsmith:image", "Tag.1.Value", "now")
			call("DescribeInstances", "InstanceId.1", id)
			call("StopInstances", "InstanceId.1", id)
			call("CreateImage", "InstanceId", id, "Name", "web/"+id, "NoReboot", "true",
				"TagSpecification.1.ResourceType", "snapshot", "TagSpecification.1.Tag.1.Key", "goldsmith:source",
				"TagSpecification.1.Tag.1.Value", id)
			for range 4 {
				call("DescribeInstances", "InstanceId.1", id)
				call("DescribeSnapshots", "Filter.1.Name", "tag:goldsmith:source", "Filter.1.Value.1", id, "Owner.1", "self")
				call("DescribeImages", "Filter.1.Name", "name", "Filter.1.Value.1", "web/"+id, "Owner.1", "self")
			}
			call("DescribeTags", "Filter.1.Name", "resource-id", "Filter.1.Value.1", id)
			call("DescribeInstanceStatus", "InstanceId.1", id, "IncludeAllInstances", "true")
			call("DeleteTags", "ResourceId.1", id, "Tag.1.Key", "goldsmith:image")
		}
		for token := ""; ; {
			answer := call("DescribeInstances", "MaxResults", "1000", "Filter.1.Name", "tag:goldsmith:plan", "Filter.1.Value.1",
				"nightly", "NextToken", token)
			if token = cut(answer, "nextToken"); token == "" {
				break
			}
		}
		b.ReportMetric(float64(calls), "calls")
		b.ReportMetric(float64(time.Since(began).Microseconds())/float64(calls), "µs/call")
		b.ReportMetric(float64(events), "events")
	}
}

// bench is what tests, benchmarks and property tests have in common.
type bench interface {
	Helper()
	Context() context.Context
	Fatalf(format string, args ...any)
}

func post(tb bench, h http.Handler, form url.Values) string {
	tb.Helper()
	out := httptest.NewRecorder()
	h.ServeHTTP(out, httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/", strings.NewReader(form.Encode())))
	if out.Code != http.StatusOK {
		tb.Fatalf("%s: %s", form.Get("Action"), out.Body)
	}
	return out.Body.String()
}

// cut is the text of the first element of a name.
func cut(xml, name string) string {
	_, after, ok := strings.Cut(xml, "<"+name+">")
	text, _, closed := strings.Cut(after, "</"+name+">")
	if !ok || !closed {
		return ""
	}
	return text
}
