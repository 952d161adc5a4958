package ec2

import (
	"net/http"
	"time"

	"goldsmith/local/query"
)

// size is a token bucket's capacity and refill per second.
type size struct{ burst, perSecond float64 }

// EC2's documented buckets (Developer Guide, request throttling), each its own per action.
var (
	describing = size{100, 20}
	unfiltered = size{50, 10}
	mutating   = size{50, 5}

	requestBuckets = map[string]size{
		"StartInstances": {5, 2}, "RunInstances": {5, 2},
		"CopyImage":       {100, 1},
		"DeregisterImage": {100, 5}, "DeleteSnapshot": {100, 5}, "CreateSnapshot": {100, 5}, "CreateSnapshots": {100, 5},
		"ModifyImageAttribute": {100, 5}, "CreateLaunchTemplateVersion": {100, 5}, "ModifyLaunchTemplate": {100, 5},
		"TerminateInstances": {100, 5},
		"CreateTags":         {100, 10}, "DeleteTags": {100, 10},
	}
	resourceBuckets = map[string]size{
		"StartInstances": {1000, 2}, "RunInstances": {1000, 2},
		"StopInstances": {1000, 20}, "TerminateInstances": {1000, 20},
	}
	// leanWhenFiltered have a smaller bucket of their own for calls with
	// neither filter nor pagination. Whether ids alone count as a filter is
	// not documented (Developer Guide, request throttling); here they do not.
	leanWhenFiltered = map[string]bool{
		"DescribeInstances": true, "DescribeInstanceStatus": true, "DescribeSnapshots": true, "DescribeVolumes": true,
	}
)

type bucket struct {
	size
	tokens float64
	filled time.Time
}

// take takes n tokens, or none when there are fewer.
func (b *bucket) take(now time.Time, n float64) bool {
	b.tokens = min(b.burst, b.tokens+now.Sub(b.filled).Seconds()*b.perSecond)
	b.filled = now
	if b.tokens < n {
		return false
	}
	b.tokens -= n
	return true
}

// admit lets a call in unless its bucket is empty or a fault is in its way.
func (w *World) admit(call *query.Call, faults []*fault) error {
	if w.options.Buckets {
		name, of := requestBucket(call)
		if !w.take(name, of, 1) {
			return limitExceeded()
		}
	}
	return w.beforehand(faults)
}

func requestBucket(call *query.Call) (string, size) {
	if of, ok := requestBuckets[call.Action]; ok {
		return call.Action, of
	}
	p := call.Params
	switch {
	case leanWhenFiltered[call.Action] && !p.Has("Filter") && !p.Has("MaxResults") && !p.Has("NextToken"):
		return call.Action + " without filter", unfiltered
	case len(call.Action) > 8 && call.Action[:8] == "Describe":
		return call.Action, describing
	}
	return call.Action, mutating
}

// spend takes a token for every instance that a call is about.
func (w *World) spend(action string, resources int) error {
	of, ok := resourceBuckets[action]
	if !ok || !w.options.Buckets || w.take(action+" resources", of, float64(resources)) {
		return nil
	}
	return limitExceeded()
}

func (w *World) take(name string, of size, n float64) bool {
	b := w.buckets[name]
	if b == nil {
		b = &bucket{size: of, tokens: of.burst, filled: w.now}
		w.buckets[name] = b
	}
	return b.take(w.now, n)
}

func limitExceeded() error {
	return &query.Error{Code: "RequestLimitExceeded", Message: "Request limit exceeded.", Status: http.StatusServiceUnavailable}
}
