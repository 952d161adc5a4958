package source

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
	api     Starter
	left    int
	all     bool
	reasons map[string]job.Reason
}

func (q *questions) ask(ctx context.Context, ids []string) error {
	err := dryStart(ctx, q.api, ids...)
	switch {
	case err == nil:
		return nil
	case fault.IsTransient(err):
		return fmt.Errorf("asking whether instances could be started: %w", err)
	case len(ids) == 1:
		if reason := refusal(err); reason != nil {
			q.reasons[ids[0]] = *reason
		}
		return nil
	case q.left < 2:
		q.all = false
		return nil
	}
	q.left -= 2
	if err := q.ask(ctx, ids[:len(ids)/2]); err != nil {
		return err
	}
	return q.ask(ctx, ids[len(ids)/2:])
}

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
	return refusal(err), nil
}

// Known reports whether EC2 knows an instance to which a start would be sent, without starting anything.
func Known(ctx context.Context, api Starter, id string) (bool, error) {
	err := dryStart(ctx, api, id)
	if fault.IsTransient(err) || fault.DeniedCode(fault.Code(err)) {
		return true, fmt.Errorf("asking whether %s is there: %w", id, err)
	}
	return !fault.IsNotFound(err), nil
}

// refusal is the reason of an instance that EC2 would not start; nil when only its state, or that it is gone, is
// in the way.
func refusal(err error) *job.Reason {
	if err == nil || fault.IsNotYet(err) || fault.IsNotFound(err) {
		return nil
	}
	return &job.Reason{Code: job.CannotStart, Text: "EC2 would not start it again: " +
		strings.TrimSuffix(fault.Brief(err), ".") +
		". See that function claim's role, and function start's with it, may start it"}
}

// dryRun is EC2's answer to a dry run of a call that it would have made.
const dryRun = "DryRunOperation"
