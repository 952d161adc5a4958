package source

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
)

// Starter starts instances.
type Starter interface {
	StartInstances(context.Context, *ec2.StartInstancesInput, ...func(*ec2.Options)) (*ec2.StartInstancesOutput, error)
}

const (
	// asking is how many instances one dry run asks about.
	asking = 50
	// halvings is how many more dry runs find out which instances made others fail: they come out of the bucket that
	// starts come out of (EC2 developer guide, "Request throttling"), and one instance among fifty takes twelve.
	halvings = 100
)

// Unstartable asks EC2, without starting anything, which of these instances could not be started after a stop. One
// that could not fails the dry run of all that are asked about with it, so that such a one is halved. all is false
// when that took too many: the rest is to be asked of each, by Startable.
func Unstartable(ctx context.Context, api Starter, ids []string) (reasons map[string]job.Reason, all bool, err error) {
	q := questions{api: api, left: halvings, all: true, reasons: map[string]job.Reason{}}
	for part := range slices.Chunk(ids, asking) {
		if err := q.ask(ctx, part); err != nil {
			return nil, false, err
		}
	}
	return q.reasons, q.all, nil
}

// questions are the dry runs about a page of instances.
type questions struct {
	api  Starter
	left int
	all  bool
	// passed is whether any of them would be started.
	passed  bool
	reasons map[string]job.Reason
}

func (q *questions) ask(ctx context.Context, ids []string) error {
	if late(ctx) {
		q.all = false
		return nil
	}
	err := dryStart(ctx, q.api, ids...)
	switch {
	case err == nil:
		q.passed = true
		return nil
	case fault.IsTransient(err):
		return fmt.Errorf("asking whether instances could be started: %w", err)
	case len(ids) == 1:
		if reason := refusal(err, byStart); reason != nil {
			q.reasons[ids[0]] = *reason
		}
		return nil
	case q.left < 2, late(ctx):
		q.rest(err, ids)
		return nil
	}
	q.left -= 2
	if err := q.ask(ctx, ids[:len(ids)/2]); err != nil {
		return err
	}
	return q.ask(ctx, ids[len(ids)/2:])
}

// rest is what was not found out one by one. While none of those that were asked about would be started, that is so of
// these as well: what is wrong is no single instance.
func (q *questions) rest(err error, ids []string) {
	reason := refusal(err, byStart)
	if q.passed || reason == nil {
		q.all = false
		return
	}
	for _, id := range ids {
		q.reasons[id] = *reason
	}
}

// late reports whether the function's time is nearly over: what is left is asked of each.
func late(ctx context.Context) bool {
	end, limited := ctx.Deadline()
	return limited && time.Until(end) < spare
}

// spare is what one dry run may take at most, and recording what was found.
const spare = 20 * time.Second

// dryStart is what EC2 says against starting the instances; nil when it would.
func dryStart(ctx context.Context, api Starter, ids ...string) error {
	_, err := api.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids, DryRun: aws.Bool(true)})
	if fault.Code(err) == dryRun || fault.IsNoCapacity(err) { // Room for it is not what a dry run tells.
		return nil
	}
	return err
}

// Startable asks EC2, without starting anything, whether the instance could be started after a
// stop; the reason why not, or nil. Permission is all that a dry run tells for sure.
func Startable(ctx context.Context, api Starter, id string) (*job.Reason, error) {
	err := dryStart(ctx, api, id)
	if fault.IsTransient(err) {
		return nil, fmt.Errorf("asking whether %s could be started: %w", id, err)
	}
	return refusal(err, byClaim), nil
}

// Known reports whether EC2 knows an instance to which a start would be sent, without starting anything.
func Known(ctx context.Context, api Starter, id string) (bool, error) {
	err := dryStart(ctx, api, id)
	if fault.IsTransient(err) || fault.DeniedCode(fault.Code(err)) {
		return true, fmt.Errorf("asking whether %s is there: %w", id, err)
	}
	return !fault.IsNotFound(err), nil
}

// MayStart reports whether the caller may start an instance: what else is in the way does not count.
func MayStart(ctx context.Context, api Starter, id string) (bool, error) {
	err := dryStart(ctx, api, id)
	if fault.IsTransient(err) {
		return false, fmt.Errorf("asking whether %s may be started: %w", id, err)
	}
	return !fault.DeniedCode(fault.Code(err)), nil
}

// refusal is the reason of an instance that EC2 would not start; nil when only its state, or that it is gone, is
// in the way.
func refusal(err error, see string) *job.Reason {
	if err == nil || fault.IsNotYet(err) || fault.IsNotFound(err) {
		return nil
	}
	return &job.Reason{Code: job.CannotStart, Text: "EC2 would not start it again: " +
		strings.TrimSuffix(fault.Brief(err), ".") + ". " + see}
}

// What a person sees to, by the role under which EC2 was asked.
const (
	byStart = "See that function start's role may start it"
	byClaim = "See that function claim's role, and function start's with it, may start it"
)

// dryRun is EC2's answer to a dry run of a call that it would have made.
const dryRun = "DryRunOperation"
