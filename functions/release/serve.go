package release

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/source"
	"goldsmith/shared/standby"
)

// patience is how long a job waits for a member that was brought out of Standby: health checks take minutes. After that
// the sweep goes on.
const patience = 10 * time.Minute

// Do is a part of releasing.
type Do string

const (
	// Serve brings a source back into its group's or its target groups' service as soon as it runs, and waits for nothing.
	Serve Do = "serve"
	// End ends the job.
	End Do = "end"
)

// Input is the job and the part that is due.
type Input struct {
	Job job.Job `json:"job"`
	Do  Do      `json:"do"`
}

// LogAttrs are the ids an operator searches by.
func (in Input) LogAttrs() []slog.Attr { return in.Job.LogAttrs() }

// Do does the part that is due.
func (s Step) Do(ctx context.Context, in Input) (job.Job, error) {
	if in.Do == Serve {
		return s.serve(ctx, in.Job)
	}
	return s.Handle(ctx, in.Job)
}

// serve sends ExitStandby or RegisterTargets. What keeps the source from service does not hold its image back: release
// looks again.
func (s Step) serve(ctx context.Context, j job.Job) (job.Job, error) {
	j.OutOfService = false
	_, _, err := s.back(ctx, j)
	if fault.IsTransient(err) || fault.IsNotYet(err) {
		return j, err
	}
	if err != nil {
		handler.Log(ctx).WarnContext(ctx, "source not in service yet", "source", j.Source.ID,
			"error", err)
	}
	return j, nil
}

// back brings the job's source nearer to service, if the run may have taken it out. A claim that is younger
// than the job is not the one that would say so, since the ledger has lost that: then what AWS shows counts.
func (s Step) back(ctx context.Context, j job.Job) (ledger.Claim, standby.Outcome, error) {
	now := s.Now().UTC()
	claim, err := s.Claims.Claim(ctx, ledger.ClaimOf(j, now))
	var held *ledger.HeldError
	switch {
	case errors.As(err, &held): // The run that has it now answers for it.
		return claim, standby.Serves, nil
	case err != nil:
		return claim, standby.Waits, fmt.Errorf("looking up the claim of %s: %w", j.Source.ID, err)
	case claim.Standby == nil && !claim.Since.After(j.Times.Claimed):
		return claim, standby.Serves, nil
	case claim.Standby == nil:
		claim.Standby = &ledger.Standby{Group: j.Standby.Group, Targets: j.Standby.Targets, Drained: j.Standby.Drained,
			Since: j.Times.Claimed, Tried: now}
		if err := s.Claims.Record(ctx, claim); err != nil {
			return claim, standby.Waits, fmt.Errorf("recording that %s may be out of service: %w", j.Source.ID, err)
		}
	}
	instance, ok, err := source.Find(ctx, s.EC2, j.Source.ID)
	if err != nil {
		return claim, standby.Waits, err
	}
	state := types.InstanceStateName("")
	if ok {
		state = source.State(instance)
	}
	return s.Service.Back(ctx, claim, state)
}

// inService waits until a source serves again that was taken out of service. One that does not for too long is left to
// the sweep, with a warning; left is its claim then, and nil otherwise.
func (s Step) inService(ctx context.Context, j job.Job, ending job.Ending) (
	released job.Job, left *ledger.Claim, err error) {
	if j.Standby == nil || ending == job.LeftStopped { // The sweep brings back what is down, and then into service.
		return j, nil, nil
	}
	claim, outcome, err := s.back(ctx, j)
	switch {
	case err != nil && claim.Standby == nil, outcome == standby.Serves:
		return j, nil, err
	case outcome == standby.Lost:
		return warned(j,
			"it did not come back into the service of "+j.Standby.Of()+": "+claim.Standby.Problem), nil, nil
	}
	now, first := s.Now().UTC(), claim.Standby.Waited.IsZero()
	if first {
		claim.Standby.Waited = now
		if err := s.Claims.Record(ctx, claim); err != nil {
			return j, nil, fmt.Errorf("recording that %s is waited for: %w", j.Source.ID, err)
		}
	}
	if now.Sub(claim.Standby.Waited) < patience {
		if err != nil {
			return j, nil, err
		}
		return j, nil, &fault.NotYet{Err: fmt.Errorf("%s (%s) is not back in the service of %s: %s", j.Source.Name,
			j.Source.ID, j.Standby.Of(), claim.Standby.Problem)}
	}
	claim.Left = now
	return warned(j,
		fmt.Sprintf("out of the service of %s since %s: %s. Goldsmith goes on bringing it back, every few "+
			"minutes", j.Standby.Of(), job.UTC(claim.Standby.Since), claim.Standby.Problem)), &claim, nil
}

func warned(j job.Job, text string) job.Job {
	j.Warnings = append(slices.Clone(j.Warnings), job.Reason{Code: job.OutOfService, Text: text})
	return j
}
