package bound

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/breaker"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/report"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// Lost are those of the instances that carry the tag goldsmith:stopped of an execution of the machine and are down,
// while the ledger does not know that: its table was lost, or put back to what it was before the stop. Then it knows
// as little of how many others are down. An instance that is seen to be started or stopped since by a person is none
// of these.
func Lost(ctx context.Context, l breaker.Reader, machine string, tagged []types.Instance) ([]types.Instance, error) {
	lost := slices.DeleteFunc(slices.Clone(tagged), func(i types.Instance) bool {
		return !job.IsChild(source.Tags(i)[tag.Stopped], machine) || !source.Down(i)
	})
	for _, known := range []func(context.Context, breaker.Reader, []types.Instance) ([]types.Instance, error){
		unplaced, unexplained,
	} {
		if len(lost) == 0 {
			return nil, nil
		}
		var err error
		if lost, err = known(ctx, l, lost); err != nil {
			return nil, fmt.Errorf("reading who is down: %w", err)
		}
	}
	return lost, nil
}

// unplaced are those of which no slot says that they may be down. One that cannot be read says nothing.
func unplaced(ctx context.Context, l breaker.Reader, lost []types.Instance) ([]types.Instance, error) {
	for s, err := range l.Slots(ctx, "") {
		var unreadable *ledger.UnreadableError
		switch {
		case errors.As(err, &unreadable):
		case err != nil:
			return nil, err
		case down(s.Kind):
			lost = without(lost, s.Source)
		}
	}
	return lost, nil
}

// unexplained are those of which no claim says that its run does not keep them down.
func unexplained(ctx context.Context, l breaker.Reader, lost []types.Instance) ([]types.Instance, error) {
	for c, err := range l.Claims(ctx) {
		var unreadable *ledger.UnreadableError
		switch {
		case errors.As(err, &unreadable):
		case err != nil:
			return nil, err
		default:
			lost = slices.DeleteFunc(lost, func(i types.Instance) bool { return explains(c, i) })
		}
	}
	return lost, nil
}

// down reports whether a slot of that kind says that its source is down, or may be.
func down(kind ledger.SlotKind) bool {
	return kind == ledger.Places || kind == ledger.Downs || kind == ledger.Exempt
}

func without(instances []types.Instance, id string) []types.Instance {
	return slices.DeleteFunc(instances, func(i types.Instance) bool { return aws.ToString(i.InstanceId) == id })
}

// explains reports whether a claim without a place says that it is not its run that keeps the instance down: that was
// stopped before the run, or it was started since.
func explains(c ledger.Claim, i types.Instance) bool {
	if c.Source != aws.ToString(i.InstanceId) {
		return false
	}
	return c.Looked && !c.WasRunning || !c.StopSent.IsZero() && aws.ToTime(i.LaunchTime).After(c.StopSent)
}

// Held is why nothing may be stopped while these are lost.
func Held(lost []types.Instance) *job.Reason {
	var names []string
	for _, i := range lost {
		id := aws.ToString(i.InstanceId)
		names = append(names, report.Label(source.Name(source.Tags(i), id), id))
	}
	return &job.Reason{Code: job.LedgerLost, Text: "the ledger does not know that these are down, though their tag " +
		tag.Stopped + " says that a run has stopped them: " + job.Few(names, named) +
		". So its table was lost or put back, and who else is down is not known either. " +
		"The sweep has not written them down again, nor named them as not to be started"}
}

// named is how many instances a reason names at most.
const named = 10
