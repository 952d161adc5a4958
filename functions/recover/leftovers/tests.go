package leftovers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/awsclient"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/register"
	"goldsmith/shared/source"
)

// Ender finds and ends instances.
type Ender interface {
	source.Lister
	TerminateInstances(context.Context, *ec2.TerminateInstancesInput,
		...func(*ec2.Options)) (*ec2.TerminateInstancesOutput, error)
}

// Tests ends the test instances that runs left behind.
type Tests struct {
	EC2      Ender
	Register Register
	Waits    ledger.Waiting
	// WorkedOn reports whether an execution still has a claim in hand.
	WorkedOn func(ctx context.Context, c ledger.Claim) (bool, error)
	Now      func() time.Time
}

const (
	// unclaimed is how old a test instance is at least that no claim stands for: a
	// younger one may belong to a claim that was taken after the claims were read, and a
	// sweep ends before that.
	unclaimed = 5 * time.Minute
	// oldestTest is beyond what a plan's patience allows a test: once for the status
	// checks, once for the command, and half an hour for calls that were throttled.
	oldestTest = 2*time.Duration(plan.MaxPatience) + 30*time.Minute
	// oldestClone allows a clone besides an hour to shut down, and as long as an image may take.
	oldestClone = oldestTest + 31*time.Hour
	// unshown is how long EC2 may not show an instance whose launch was answered, launched one whose launch may have
	// had its effect all the same.
	unshown  = time.Hour
	launched = 24 * time.Hour
)

// End terminates the registered test instances that no run works with any more: their
// source's claim is gone or another run's, its execution has ended, or they are
// older than any test.
func (p Tests) End(ctx context.Context, claims []ledger.Claim, open []ledger.Registration) error {
	open = slices.DeleteFunc(slices.Clone(open), func(r ledger.Registration) bool {
		return r.Kind != ledger.MadeTest || !r.Known()
	})
	tests, err := p.described(ctx, open)
	if err != nil {
		return err
	}
	var problems []error
	for _, r := range open {
		if i, shown := register.TestAmong(r, tests[r.Token]); shown {
			problems = append(problems, unlessMoved(p.end(ctx, r, i, claims)))
		} else if !Held(claims, r) {
			problems = append(problems, unlessMoved(p.missing(ctx, r)))
		}
	}
	return errors.Join(problems...)
}

// missing ends the registration of a test instance that EC2 does not show. One that is known is gone when EC2 says so:
// an answer that leaves it out proves nothing. One whose launch was never answered would be shown within a day.
func (p Tests) missing(ctx context.Context, r ledger.Registration) error {
	switch age := p.Now().Sub(r.Begun); {
	case age <= unshown, r.ID == "" && age <= launched:
		return nil
	case r.ID != "":
		if _, shown, err := source.Find(ctx, p.EC2, r.ID); err != nil || shown {
			return err
		}
	}
	return p.Register.Retire(ctx, r, p.Now())
}

// described are the instances that were launched with the registered client tokens, by token.
func (p Tests) described(ctx context.Context, open []ledger.Registration) (map[string][]types.Instance, error) {
	found := map[string][]types.Instance{}
	for some := range slices.Chunk(open, awsclient.FilterValues) {
		var tokens []string
		for _, r := range some {
			tokens = append(tokens, r.Token)
		}
		pages := ec2.NewDescribeInstancesPaginator(p.EC2, &ec2.DescribeInstancesInput{
			MaxResults: aws.Int32(1000), Filters: []types.Filter{{Name: aws.String("client-token"), Values: tokens}},
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("looking for test instances: %w", err)
			}
			for _, reservation := range out.Reservations {
				for _, i := range reservation.Instances {
					token := aws.ToString(i.ClientToken)
					found[token] = append(found[token], i)
				}
			}
		}
	}
	return found, nil
}

// end terminates one test instance, unless its test goes on. One that is terminated needs no registration.
func (p Tests) end(ctx context.Context, r ledger.Registration, i types.Instance, claims []ledger.Claim) error {
	id, age := aws.ToString(i.InstanceId), p.Now().Sub(aws.ToTime(i.LaunchTime))
	switch state := source.State(i); {
	case state == types.InstanceStateNameTerminated:
		return p.Register.Retire(ctx, r, p.Now())
	case state == types.InstanceStateNameShuttingDown, age < unclaimed:
		return nil
	}
	if worked, err := p.goesOn(ctx, r, age, claims); err != nil || worked {
		return err
	}
	if r.ID == "" || r.Revision == "" {
		r.ID = id
		if _, err := written(ctx, p.Register, r); err != nil {
			return err
		}
	}
	_, err := p.EC2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	if err != nil && !fault.IsNoInstance(err) {
		return fmt.Errorf("terminating test instance %s: %w", id, err)
	}
	handler.Log(ctx).WarnContext(ctx, "test instance terminated", "instance", id,
		"source", r.Source, "run", r.Run, "age", age)
	return ledger.Forget(ctx, p.Waits, id, r.Run)
}

// goesOn reports whether a test of that age is still worked on under its source's claim.
func (p Tests) goesOn(ctx context.Context, r ledger.Registration, age time.Duration, claims []ledger.Claim) (bool,
	error) {
	oldest := oldestTest
	if register.IsClone(r) {
		oldest = oldestClone
	}
	c, ok := ledger.FindClaim(claims, r.Source, r.Run)
	if !ok || age >= oldest {
		return false, nil
	}
	return p.WorkedOn(ctx, c)
}
