package ec2

import (
	"net/http"

	"goldsmith/local/bucket"
	"goldsmith/local/inject"
	"goldsmith/local/query"
)

// EC2's documented buckets (Developer Guide, request throttling), each its own per action.
var (
	describing = bucket.Of(100, 20)
	unfiltered = bucket.Of(50, 10)
	mutating   = bucket.Of(50, 5)

	requestBuckets = map[string]bucket.Size{
		"StartInstances": bucket.Of(5, 2), "RunInstances": bucket.Of(5, 2),
		"CopyImage":       bucket.Of(100, 1),
		"DeregisterImage": bucket.Of(100, 5), "DeleteSnapshot": bucket.Of(100, 5), "CreateSnapshot": bucket.Of(100, 5),
		"CreateSnapshots":      bucket.Of(100, 5),
		"ModifyImageAttribute": bucket.Of(100, 5), "CreateLaunchTemplateVersion": bucket.Of(100, 5),
		"ModifyLaunchTemplate": bucket.Of(100, 5),
		"TerminateInstances":   bucket.Of(100, 5),
		"CreateTags":           bucket.Of(100, 10), "DeleteTags": bucket.Of(100, 10),
	}
	resourceBuckets = map[string]bucket.Size{
		"StartInstances": bucket.Of(1000, 2), "RunInstances": bucket.Of(1000, 2),
		"StopInstances": bucket.Of(1000, 20), "TerminateInstances": bucket.Of(1000, 20),
	}
	// leanWhenFiltered have a smaller bucket of their own for calls with
	// neither filter nor pagination. Whether ids alone count as a filter is
	// not documented (Developer Guide, request throttling); here they do not.
	leanWhenFiltered = map[string]bool{
		"DescribeInstances": true, "DescribeInstanceStatus": true, "DescribeSnapshots": true, "DescribeVolumes": true,
	}
)

// admit lets a call in unless its bucket is empty or a fault is in its way.
func (w *World) admit(call *query.Call, faults inject.Struck) error {
	if w.options.Buckets {
		name, of := requestBucket(call)
		if !w.take(name, of, 1) {
			return limitExceeded()
		}
	}
	return beforehand(faults)
}

func requestBucket(call *query.Call) (string, bucket.Size) {
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

func (w *World) take(name string, of bucket.Size, n float64) bool {
	return w.buckets.Take(name, of, w.now, n)
}

func limitExceeded() error {
	return &query.Error{Code: "RequestLimitExceeded", Message: "Request limit exceeded.",
		Status: http.StatusServiceUnavailable}
}
