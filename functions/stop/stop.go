// Package stop stops the instance, after the ledger says who must start it again.
package stop

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/balancer"
	"goldsmith/shared/bound"
	"goldsmith/shared/breaker"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// stopper stops instances, and tags them.
type stopper interface {
	CreateTags(context.Context, *ec2.CreateTagsInput, ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error)
	StopInstances(context.Context, *ec2.StopInstancesInput, ...func(*ec2.Options)) (*ec2.StopInstancesOutput, error)
}

// claims is the ledger's claims as far as stopping needs them.
type claims interface {
	Claim(ctx context.Context, c ledger.Claim) (ledger.Claim, error)
	Record(ctx context.Context, c ledger.Claim) error
}

// ledgerAPI is the ledger as far as stopping needs it.
type ledgerAPI interface {
	claims
	bound.Ledger
	breaker.Reader
	GetRun(ctx context.Context, name string) (r ledger.Run, ok bool, err error)
}

// Step stops an instance.
type Step struct {
	EC2         stopper
	AutoScaling groupsAPI
	Balancers   balancer.Deregisterer
	Ledger      ledgerAPI
	Now         func() time.Time
}

// Handle stops the job's instance. Stopping a stopped instance changes nothing,
// so a repeated step does no harm; the journal keeps the first moment and the last.
// One that hangs on its way down is sent the stop again, by force; no window that
// has closed meanwhile keeps it there.
func (s Step) Handle(ctx context.Context, j job.Job) (job.Job, error) {
	now := s.Now().UTC()
	if late(j, now) {
		return j, tooLate(j)
	}
	claim, err := s.Ledger.Claim(ctx, ledger.ClaimOf(j, now))
	if err != nil {
		return j, fmt.Errorf("looking up the claim of %s: %w", j.Source.ID, err)
	}
	if byAPerson(claim) {
		return s.left(ctx, j, claim)
	}
	if reason, err := s.mayStop(ctx, j, claim, now); err != nil || reason != nil {
		return skip(j, reason), err
	}
	claim, reason, err := s.leaveService(ctx, j, claim)
	if err != nil || reason != nil {
		return skip(j, reason), err
	}
	j, err = s.send(ctx, j, claim, s.Now().UTC())
	j.OutOfService = j.Standby != nil
	return j, err
}

// tooLate is what to do about a source that is not stopped any more.
func tooLate(j job.Job) error {
	do := "Raise the plan's concurrency or its window."
	if j.Plan.Hooks.Before != "" {
		do = "Raise the plan's concurrency or its window, or have hooks.before take less time."
	}
	return fault.Failure(do, "%s (%s) was not stopped: the window closed at %s", j.Source.Name, j.Source.ID,
		j.Run.Closes.UTC().Format(time.RFC3339))
}

// late reports whether the window has closed for the first stop. What hangs on its way down is not kept there by it.
func late(j job.Job, now time.Time) bool {
	return !j.Hangs && !j.Run.Closes.IsZero() && now.After(j.Run.Closes)
}

// send notes the stop in the claim, sends it, and says what came of it.
func (s Step) send(ctx context.Context, j job.Job, claim ledger.Claim, now time.Time) (job.Job, error) {
	first := claim.StopSent.IsZero()
	claim = journal(claim, j.Hangs, now)
	if err := s.Ledger.Record(ctx, claim); err != nil {
		return j, fmt.Errorf("recording the stop of %s: %w", j.Source.ID, err)
	}
	tried := &attempts{}
	out, err := s.stop(ctx, j, tried)
	certain := first && !tried.unsure
	if err != nil {
		if certain {
			s.untouched(ctx, claim)
		}
		return j, err
	}
	if certain && stoppedBefore(out) {
		return s.leave(ctx, j, claim)
	}
	j.Times.StopSent = claim.StopSent
	if j.Hangs {
		j = forced(j, claim.Forced)
	}
	return j, nil
}

// trace names the execution on the instance before its first stop, for the case that the ledger is lost while it is
// down. One that cannot be tagged stays up: after such a loss nothing would say that it has to be started again.
func (s Step) trace(ctx context.Context, j job.Job) (lacks *job.Reason, err error) {
	err = s.tag(ctx, j, map[string]string{tag.Stopped: j.Execution, tag.LastStop: bound.LastStop(j, s.Now())})
	if fault.Code(err) == "TagLimitExceeded" { // The one is the more important.
		err = s.tag(ctx, j, map[string]string{tag.Stopped: j.Execution})
	}
	switch {
	case err == nil, fault.IsNotFound(err):
		return nil, nil // Of one that is gone the stop says so.
	case fault.IsTransient(err), fault.IsNotYet(err):
		return nil, fmt.Errorf("tagging %s (%s): %w", j.Source.Name, j.Source.ID, err)
	}
	return &job.Reason{Code: job.NoTrace, Text: "not stopped: tag " + tag.Stopped + " cannot be put on (" +
		strings.TrimSuffix(fault.Brief(err), ".") +
		"), and were the ledger lost while it is down, Goldsmith would not know " +
		"that it has to be started again"}, nil
}

func (s Step) tag(ctx context.Context, j job.Job, tags map[string]string) error {
	_, err := s.EC2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{j.Source.ID}, Tags: tag.List(tags)})
	return err
}

// mayStop is why a source that is not stopped yet stays up after all; nil when it may be stopped. Of one that an
// earlier attempt may have stopped it is an error.
func (s Step) mayStop(ctx context.Context, j job.Job, c ledger.Claim, now time.Time) (*job.Reason, error) {
	if !c.StopSent.IsZero() {
		return nil, s.again(ctx, j)
	}
	if reason, err := s.remembered(ctx, j, c, now); err != nil || reason != nil {
		return reason, err
	}
	// The breaker was closed when the source was claimed.
	if reason, _, err := breaker.Against(ctx, s.Ledger, j); err != nil || reason != nil {
		return reason, err
	}
	if err := s.placed(ctx, j, now); err != nil {
		return nil, err
	}
	return s.trace(ctx, j)
}

// again sees whether a stop may be sent once more of which it is not known whether EC2 took it. Where the breaker has
// opened since, the step fails: the instance is brought back if it is down, and stays up if it runs.
func (s Step) again(ctx context.Context, j job.Job) error {
	if j.Hangs {
		return nil // It is on its way down, and force is what helps it.
	}
	reason, _, err := breaker.Against(ctx, s.Ledger, j)
	if err == nil && reason != nil {
		err = fault.Failure("", "%s (%s) was not sent the stop again: %s", j.Source.Name, j.Source.ID, reason.Text)
	}
	return err
}

// lost is what a person does when the ledger has lost its table.
const lost = "Bring back what the ledger's table held (operations guide, \"The table was lost\"), then run the plan " +
	"again."

// remembered is why a source must stay up of whose run the ledger does not know any more: its table was lost since,
// and with it who else is down. If the claim was lost as well, so was whether an earlier attempt sent the stop: the
// step fails then, and the instance is brought back.
func (s Step) remembered(ctx context.Context, j job.Job, c ledger.Claim, now time.Time) (*job.Reason, error) {
	_, ok, err := s.Ledger.GetRun(ctx, j.Run.Name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("looking up run %s: %w", j.Run.Name, err)
	case ok:
		return nil, nil
	case c.Since.After(j.Times.Claimed):
		if err := s.Ledger.Record(ctx, journal(c, false, now)); err != nil {
			return nil, fmt.Errorf("recording the stop of %s: %w", j.Source.ID, err)
		}
		return nil, fault.Failure(lost, "%s (%s): the ledger has lost its claim, and so who else is down", j.Source.Name,
			j.Source.ID)
	default:
		return &job.Reason{
			Code: job.LedgerLost,
			Text: "the ledger does not know this run any more, and so not who else is down: its table was lost. " + lost,
		}, nil
	}
}

func skip(j job.Job, reason *job.Reason) job.Job {
	if reason != nil {
		j.Decision, j.Skip, j.Back = job.SkipIt, reason, true
		j.Warnings = nil // they are of a stop and a start
	}
	return j
}

// placed sees to it that the source has its place among those of the plan that may be down.
func (s Step) placed(ctx context.Context, j job.Job, now time.Time) error {
	mine, err := bound.Stopping(ctx, s.Ledger, j, now)
	if err == nil && !mine {
		err = fault.Failure("Nothing is to be done: the next run tries again.",
			"%s (%s) was not stopped: it has lost its place among those that plan %s may have down at once",
			j.Source.Name, j.Source.ID, j.Run.Plan)
	}
	return err
}

// journal notes a stop that is about to be sent.
func journal(c ledger.Claim, force bool, now time.Time) ledger.Claim {
	c.StopTried = now
	if c.StopSent.IsZero() {
		c.StopSent = now
	}
	if force && c.Forced.IsZero() {
		c.Forced = now
	}
	return c
}

// forced warns of what a forced stop may have cost: EC2 gives the guest one more
// chance to shut down, then takes the machine away without flushing its file
// systems' caches (API reference, StopInstances, Force).
func forced(j job.Job, at time.Time) job.Job {
	j.Hangs, j.Times.Forced = false, at
	j.Warnings = append(slices.Clone(j.Warnings), job.Reason{
		Code: job.ForcedStop,
		Text: fmt.Sprintf("told to stop by force after %s: file systems may need a check, and an image of it holds only "+
			"what was on disk",
			plan.Duration(at.Sub(j.Times.StopSent).Truncate(time.Minute))),
	})
	return j
}

// stop sends StopInstances, with Force only to an instance that hangs, and never skipping
// the shutdown of the operating system: both can leave half-written data behind.
func (s Step) stop(ctx context.Context, j job.Job, tried *attempts) (*ec2.StopInstancesOutput, error) {
	in := &ec2.StopInstancesInput{InstanceIds: []string{j.Source.ID}}
	if j.Hangs {
		in.Force = aws.Bool(true)
	}
	out, err := s.EC2.StopInstances(ctx, in, tried.listen)
	switch {
	case err == nil:
		return out, nil
	case fault.IsProtected(err):
		return nil, fault.Failure("Switch stop protection off, or leave the instance out of the plan.",
			"%s (%s) was not stopped: %w", j.Source.Name, j.Source.ID, err)
	case fault.IsNotFound(err):
		return nil, fault.Failure("Nothing is left to do for it.", "%s (%s) is gone: %w", j.Source.Name, j.Source.ID, err)
	default:
		return nil, fmt.Errorf("stopping %s (%s): %w", j.Source.Name, j.Source.ID, err)
	}
}
