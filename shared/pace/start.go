package pace

import (
	"context"
	"errors"
	"hash/fnv"
	"iter"
	"time"

	smithytime "github.com/aws/smithy-go/time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/shared/source"
)

// starterAPI starts instances.
type starterAPI interface {
	StartInstances(context.Context, *ec2.StartInstancesInput, ...func(*ec2.Options)) (*ec2.StartInstancesOutput, error)
}

// Waiting is the ledger as far as starting together needs it.
type Waiting interface {
	Ledger
	Take(ctx context.Context, s ledger.Slot, before time.Time) (bool, error)
	Free(ctx context.Context, s ledger.Slot) error
	Slots(ctx context.Context, plan string) iter.Seq2[ledger.Slot, error]
}

// Starter starts instances, by one call those that are to be started within the same half second: EC2 lets two calls a
// second through, of any number of instances. A start matters more than its pace: where the ledger does not answer, the
// instance is started alone and at once.
type Starter struct {
	EC2    starterAPI
	Ledger Waiting
	Now    func() time.Time
}

const (
	// together is how many instances one call starts at most. None is started by a call of which EC2 refuses one.
	together = 50
	// waits is how long a start waits to be taken along, or for a moment of its own. Either comes within a second.
	waits = 20 * time.Second
	// abandoned is how old a start is that nobody waits for any more.
	abandoned = time.Minute
)

// start is an instance that is to be started.
type start struct {
	ledger.Slot
	// waiting is whether the ledger has it, so that another's call takes it along.
	waiting bool
}

// Start starts an instance that its run has stopped. The state before is empty where another's call has started it.
func (s Starter) Start(ctx context.Context, i ledger.Slot) (before types.InstanceStateName, err error) {
	i.Plan, i.Kind, i.ID, i.Since = ledger.EveryPlan, ledger.Starts, i.Source, s.Now().UTC()
	one := &start{Slot: i}
	for s.Now().Sub(i.Since) < waits {
		at, mine, err := s.Ledger.Reserve(ctx, starting.moments(), s.Now(), 0)
		if err != nil {
			return s.unpaced(ctx, one, err)
		}
		if !mine {
			if err := s.wait(ctx, one, at); err != nil {
				return s.unpaced(ctx, one, err)
			}
		}
		others, taken, err := s.others(ctx, one)
		switch {
		case err != nil:
			return s.unpaced(ctx, one, err)
		case taken:
			return "", nil
		case mine:
			return s.lead(ctx, one, others)
		}
	}
	return s.send(ctx, one)
}

// unpaced starts the instance without the ledger.
func (s Starter) unpaced(ctx context.Context, one *start, problem error) (types.InstanceStateName, error) {
	handler.Log(ctx).ErrorContext(ctx, "instance started alone: the ledger does not answer", "source", one.Source,
		"error", problem)
	return s.send(ctx, one)
}

// wait has the instance wait until a moment.
func (s Starter) wait(ctx context.Context, one *start, at time.Time) error {
	if err := s.enter(ctx, one); err != nil {
		return err
	}
	return smithytime.SleepWithContext(ctx, at.Sub(s.Now())+apart(one.Source))
}

// apart keeps those that wait for one moment from asking for it at the same time.
func apart(source string) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(source))
	return time.Duration(h.Sum32()%100_000) * time.Microsecond
}

// enter writes down that the instance is to be started.
func (s Starter) enter(ctx context.Context, one *start) (err error) {
	if !one.waiting {
		one.waiting, err = s.Ledger.Take(ctx, one.Slot, one.Since.Add(-abandoned))
	}
	return err
}

// others are who wait to be started as well. taken is whether another's call has started the instance itself.
func (s Starter) others(ctx context.Context, one *start) (others []ledger.Slot, taken bool, err error) {
	taken = one.waiting
	for each, err := range s.Ledger.Slots(ctx, ledger.EveryPlan) {
		switch {
		case errors.As(err, new(*ledger.UnreadableError)):
		case err != nil:
			return nil, false, err
		case each.Kind != ledger.Starts:
		case each.Source == one.Source:
			one.waiting, taken = true, false
		case s.Now().Sub(each.Since) < abandoned:
			others = append(others, each)
		}
	}
	return others[:min(len(others), together-1)], taken, nil
}

// lead starts the instance, and the others with it. Where EC2 refuses that, the instance is started alone, and each of
// the others leads a call in its turn: the one that cannot be started leaves them then.
func (s Starter) lead(ctx context.Context, one *start, others []ledger.Slot) (types.InstanceStateName, error) {
	if len(others) == 0 {
		return s.send(ctx, one)
	}
	ids := []string{one.Source}
	for _, each := range others {
		ids = append(ids, each.Source)
	}
	out, err := s.EC2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids}, once)
	if err != nil {
		handler.Log(ctx).WarnContext(ctx, "not started together", "source", one.Source, "instances", len(ids), "error", err)
		return s.send(ctx, one)
	}
	for _, each := range others {
		s.note(ctx, s.Ledger.Free(ctx, each))
	}
	s.leave(ctx, one)
	return source.Before(out, one.Source), nil
}

// once has the SDK not repeat a call: what it is about is sent alone then.
func once(o *ec2.Options) { o.RetryMaxAttempts = 1 }

// send starts the instance alone. Where EC2 is busy, the next call that it lets through takes the instance along.
func (s Starter) send(ctx context.Context, one *start) (types.InstanceStateName, error) {
	out, err := s.EC2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{one.Source}})
	if fault.IsThrottled(err) {
		s.note(ctx, s.enter(ctx, one))
		return "", err
	}
	s.leave(ctx, one)
	if err != nil {
		return "", err
	}
	return source.Before(out, one.Source), nil
}

func (s Starter) leave(ctx context.Context, one *start) {
	if one.waiting {
		s.note(ctx, s.Ledger.Free(ctx, one.Slot))
	}
}

// note logs what the ledger has not taken: an instance is started once more than is needed then, which changes nothing.
func (s Starter) note(ctx context.Context, problem error) {
	if problem != nil {
		handler.Log(ctx).WarnContext(ctx, "waiting start not recorded", "error", problem)
	}
}
