// Package awsclient is how every AWS client of the functions and of the command line tries a call again, has it
// carried out once, and bounds what it asks.
package awsclient

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"goldsmith/shared/fault"
)

// FilterValues is how many values all filters of one call of EC2 take together (User Guide, "List and filter your
// resources").
const FilterValues = 200

// attempts is how often one call is tried: throttling is EC2's normal answer to
// a fleet, and its buckets refill within seconds. The state machine's own
// retries come on top, and are the patient ones.
const attempts = 6

// Retryer is the retryer of every AWS client. It has no client-side quota: a
// quota makes a call fail without being tried because others failed before it,
// and here the number of attempts and the state machine bound retries already.
func Retryer() aws.RetryerV2 {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.RateLimiter = ratelimit.None
		o.Retryables = append([]retry.IsErrorRetryable{patient, throttled}, o.Retryables...)
	})
}

// throttled is SNS's code of throttling (API reference, Publish), which the SDK does not have among its own.
var throttled = retry.RetryableErrorCode{Codes: map[string]struct{}{"Throttled": {}}}

// patient keeps a client from asking again for room that EC2 does not have. It
// is a 500, but lasts for hours: the state machine and recover are the patient
// ones, and a sweep that waits for one instance keeps the next one down.
var patient = retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
	if fault.IsNoCapacity(err) {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
})
