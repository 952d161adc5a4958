package stop

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/shared/asg"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/standby"
)

// groupsAPI puts members of Auto Scaling groups into Standby, and protects them from scale-in.
type groupsAPI interface {
	asg.Members
	standby.Protector
	EnterStandby(context.Context, *autoscaling.EnterStandbyInput, ...func(*autoscaling.Options)) (
		*autoscaling.EnterStandbyOutput, error)
}

// leaveService has a member of an Auto Scaling group in Standby before it is stopped, and another source out of its
// target groups if its plan drains them. Until Auto Scaling shows it in Standby the error is NotYet. A member that
// somebody else has taken out of service is skipped: it is theirs to bring back.
func (s Step) leaveService(ctx context.Context, j job.Job, c ledger.Claim) (ledger.Claim, *job.Reason, error) {
	if j.Standby == nil || j.Hangs {
		return c, nil, nil
	}
	if j.Standby.Group == "" {
		c, err := s.deregister(ctx, j, c)
		return c, nil, err
	}
	m, ok, err := standby.Look(ctx, s.AutoScaling, j.Source.ID)
	if err != nil {
		return c, nil, err
	}
	state := types.LifecycleState(aws.ToString(m.LifecycleState))
	if ok && state == types.LifecycleStateInService && c.StopSent.IsZero() {
		return s.enter(ctx, j, c)
	}
	return s.away(j, c, state)
}

// away judges a member that is not in service, or was stopped before.
func (s Step) away(j job.Job, c ledger.Claim, state types.LifecycleState) (ledger.Claim, *job.Reason, error) {
	switch {
	case c.Standby != nil && state == types.LifecycleStateStandby:
		return c, nil, nil
	case c.Standby != nil && state == types.LifecycleStateEnteringStandby:
		return c, nil, s.drains(j, *c.Standby)
	case c.Standby != nil:
		return c, nil, fault.Failure("", "%s (%s) was not stopped: Auto Scaling shows it as %q and not in Standby",
			j.Source.Name, j.Source.ID, state)
	default:
		return c, other(j, fmt.Sprintf("Auto Scaling shows it as %q by now", state)), nil
	}
}

func other(j job.Job, why string) *job.Reason {
	return &job.Reason{Code: job.AutoScalingMember, Text: "group " + j.Standby.Group + ": " + why}
}

// enter sends EnterStandby, after the claim says so, and what has to be done before.
func (s Step) enter(ctx context.Context, j job.Job, c ledger.Claim) (ledger.Claim, *job.Reason, error) {
	first := c.Standby == nil
	found, reason, err := s.mayEnter(ctx, j, c)
	if err != nil || reason != nil {
		return c, reason, err
	}
	if c, err = s.noteLeaving(ctx, j, c, found.Protected()); err != nil {
		return c, nil, err
	}
	if c, reason, err = s.protect(ctx, j, c, first); err != nil || reason != nil {
		return c, reason, err
	}
	return s.sendEnter(ctx, j, c, first)
}

// sendEnter sends EnterStandby. What Auto Scaling refuses for certain at the first attempt is taken back: what somebody
// puts into Standby from then on would count as the run's.
func (s Step) sendEnter(
	ctx context.Context, j job.Job, c ledger.Claim, first bool,
) (ledger.Claim, *job.Reason, error) {
	tried := &attempts{}
	_, err := s.AutoScaling.EnterStandby(ctx, &autoscaling.EnterStandbyInput{
		AutoScalingGroupName: aws.String(j.Standby.Group), InstanceIds: []string{j.Source.ID},
		ShouldDecrementDesiredCapacity: aws.Bool(!c.Standby.Replaced),
	}, tried.hear)
	switch {
	case err == nil, tried.unsure && notAllowed(err): // An attempt before this one may have done it.
		return c, nil, s.drains(j, *c.Standby)
	case !first || tried.unsure || !fault.DidNothing(err):
		return c, nil, fmt.Errorf("putting %s (%s) into Standby: %w", j.Source.Name, j.Source.ID, err)
	}
	if !c.Standby.Protected.IsZero() { // What is not taken off here is where the job ends, by the journal.
		if err := standby.Protect(ctx, s.AutoScaling, c, false); err != nil {
			return c, nil, err
		}
	}
	reason, err := s.refused(ctx, j, c, err)
	return c, reason, err
}

// refused has a member stay in service, of which Auto Scaling has refused for certain what was sent first.
func (s Step) refused(ctx context.Context, j job.Job, c ledger.Claim, err error) (*job.Reason, error) {
	s.stays(ctx, c)
	if fault.IsRefused(err) { // Throttled, or denied: the numbers may be right.
		return nil, fmt.Errorf("putting %s (%s) into Standby: %w", j.Source.Name, j.Source.ID, err)
	}
	return other(j, fault.Brief(err)), nil
}

// protect has a member that is replaced protected from scale-in before it leaves service: once it is back its group is
// one too many. What Auto Scaling refuses for certain at the first attempt keeps it in service.
func (s Step) protect(
	ctx context.Context, j job.Job, c ledger.Claim, first bool,
) (ledger.Claim, *job.Reason, error) {
	if c.Standby.Protected.IsZero() {
		return c, nil, nil
	}
	tried := &attempts{}
	err := standby.Protect(ctx, s.AutoScaling, c, true, tried.hear)
	if err == nil || !first || tried.unsure || !fault.DidNothing(err) {
		return c, nil, err
	}
	reason, err := s.refused(ctx, j, c, err)
	return c, reason, err
}

// noteLeaving has the claim say that its source is about to leave service, and is about to be protected from scale-in
// where it is replaced and was not protected before.
func (s Step) noteLeaving(ctx context.Context, j job.Job, c ledger.Claim, protected bool) (ledger.Claim, error) {
	now := s.Now().UTC()
	if c.Standby == nil {
		c.Standby = &ledger.Standby{
			Group: j.Standby.Group, Targets: j.Standby.Targets, Replaced: j.Standby.Replaced, Since: now,
		}
		if c.Standby.Replaced && !protected {
			c.Standby.Protected = now
		}
	}
	c.Standby.Tried = now
	if err := s.Ledger.Record(ctx, c); err != nil {
		return c, fmt.Errorf("recording that %s leaves the service of group %s: %w", j.Source.ID, j.Standby.Group, err)
	}
	return c, nil
}

// mayEnter is why a member stays in service after all: its group may be another since the claim was decided. Where an
// attempt was sent before it is an error, since that one may take effect yet.
func (s Step) mayEnter(ctx context.Context, j job.Job, c ledger.Claim) (asg.Member, *job.Reason, error) {
	found, err := asg.MemberOf(ctx, s.AutoScaling, j.Source.ID)
	if err != nil {
		return found, nil, err
	}
	switch why := found.Against(j.Standby.Replaced); {
	case c.Standby != nil && found.Out():
		return found, nil, s.drains(j, *c.Standby)
	case why == "":
		return found, nil, nil
	case c.Standby != nil:
		return found, nil, fault.Failure("", "%s (%s) was not stopped: %s", j.Source.Name, j.Source.ID, why)
	default:
		return found, &job.Reason{Code: job.AutoScalingMember, Text: why}, nil
	}
}

// drains is NotYet for as long as the plan lets a member take into Standby.
func (s Step) drains(j job.Job, out ledger.Standby) error {
	if took := s.Now().Sub(out.Since); took > time.Duration(j.Plan.Groups.Drains()) {
		return fault.Failure("Raise the plan's groups.drain, or lower the deregistration delay of the group's target groups.",
			"%s (%s) was not stopped: it was still on its way into Standby after %s", j.Source.Name, j.Source.ID,
			j.Plan.Groups.Drains())
	}
	return &fault.NotYet{Err: fmt.Errorf("%s (%s) is on its way into Standby", j.Source.Name, j.Source.ID)}
}

// stays takes back that the source may be out of service.
func (s Step) stays(ctx context.Context, c ledger.Claim) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noting)
	defer cancel()
	c.Standby = nil
	if err := s.Ledger.Record(ctx, c); err != nil {
		handler.Log(ctx).WarnContext(ctx, "service not taken out of the claim", "source",
			c.Source, "error", err)
	}
}

// hear has the attempts of a call of Auto Scaling's heard.
func (a *attempts) hear(o *autoscaling.Options) {
	a.Retryer = o.Retryer
	o.Retryer = a
}
