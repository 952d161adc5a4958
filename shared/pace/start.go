package pace

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	smithytime "github.com/aws/smithy-go/time"

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
	// waits is how long a start waits to be taken along, or for a moment of its own, and for the ledger in all. Either
	// comes within a second; then the function has time yet to start the instance by itself.
	waits = 20 * time.Second
	// noting is how long the ledger has to take what has come of a start.
	noting = 5 * time.Second
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
	brief, cancel := context.WithTimeout(ctx, waits)
	others, taken, err := s.turn(brief, one)
	cancel()
	switch {
	case err != nil:
		handler.Log(ctx).ErrorContext(ctx, "instance started alone: it has no moment", "source", one.Source, "error", err)
		return s.send(ctx, one)
	case taken:
		s.leave(ctx, one)
		return "", nil
	default:
		return s.lead(ctx, one, others)
	}
}

// turn waits until the instance has a moment of its own, and gives who is started with it; or until it was taken along.
func (s Starter) turn(ctx context.Context, one *start) (others []ledger.Slot, taken bool, err error) {
	for {
		at, mine, err := s.Ledger.Reserve(ctx, starting.moments(), s.Now(), 0)
		if err == nil && !mine {
			err = s.wait(ctx, one, at)
		}
		if err != nil {
			return nil, false, err
		}
		if others, taken, err = s.others(ctx, one); err != nil || taken || mine {
			return others, taken, err
		}
	}
}

// wait has the instance wait until a moment. None is as far away as that of a function whose clock is wrong.
func (s Starter) wait(ctx context.Context, one *start, at time.Time) error {
	if away := at.Sub(s.Now()); away > waits {
		return fmt.Errorf("the next moment is %s away", away)
	}
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

// others are who wait to be started as well. taken is whether the ledger says that another's call has started the
// instance itself: that it says nothing of it is no start.
func (s Starter) others(ctx context.Context, one *start) (others []ledger.Slot, taken bool, err error) {
	for each, err := range s.Ledger.Slots(ctx, ledger.EveryPlan) {
		switch {
		case errors.As(err, new(*ledger.UnreadableError)):
		case err != nil:
			return nil, false, err
		case each.Kind != ledger.Starts:
		case each.Source == one.Source:
			one.waiting, taken = true, each.Since.Equal(one.Since) && !each.Started.IsZero()
		case each.Started.IsZero() && s.Now().Sub(each.Since) < abandoned:
			others = append(others, each)
		}
	}
	return others[:min(len(others), together-1)], taken, nil
}

// lead starts the instance, and the others with it. Where EC2 refuses that, the instance is started alone, and each of
// the others leads a call in its turn: the one that cannot be started leaves them then. What EC2 does not name in its
// answer it has not started.
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
	s.tell(ctx, out, others)
	before := source.Before(out, one.Source)
	if before == "" {
		return s.send(ctx, one)
	}
	s.leave(ctx, one)
	return before, nil
}

// tell says of the others that they were started.
func (s Starter) tell(ctx context.Context, out *ec2.StartInstancesOutput, others []ledger.Slot) {
	ctx, cancel := context.WithTimeout(ctx, noting)
	defer cancel()
	for _, each := range others {
		if source.Before(out, each.Source) == "" {
			continue
		}
		each.Started = s.Now().UTC()
		_, err := s.Ledger.Take(ctx, each, time.Time{})
		s.note(ctx, err)
	}
}

// once has the SDK not repeat a call: what it is about is sent alone then.
func once(o *ec2.Options) { o.RetryMaxAttempts = 1 }

// send starts the instance alone. Where EC2 is busy, the next call that it lets through takes the instance along.
func (s Starter) send(ctx context.Context, one *start) (before types.InstanceStateName, err error) {
	out, err := s.EC2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{one.Source}})
	if fault.IsThrottled(err) {
		brief, cancel := context.WithTimeout(ctx, noting)
		defer cancel()
		s.note(ctx, s.enter(brief, one))
		return "", err
	}
	s.leave(ctx, one)
	if err != nil {
		return "", err
	}
	if before = source.Before(out, one.Source); before == "" {
		return "", &fault.Transient{Err: fmt.Errorf("EC2 does not say that it starts %s", one.Source)}
	}
	return before, nil
}

func (s Starter) leave(ctx context.Context, one *start) {
	ctx, cancel := context.WithTimeout(ctx, noting)
	defer cancel()
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
