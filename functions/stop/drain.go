package stop

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"goldsmith/shared/balancer"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// deregister has an instance out of its target groups before it is stopped. Until its connections have drained the
// error is NotYet. Which targets are put back is what the claim says: those that are there when the first is taken out.
func (s Step) deregister(ctx context.Context, j job.Job, c ledger.Claim) (ledger.Claim, error) {
	if !c.StopSent.IsZero() {
		return c, nil
	}
	wanted := j.Standby.Drained
	if c.Standby != nil {
		wanted = c.Standby.Drained
	}
	present, drains, err := s.present(ctx, j.Source.ID, wanted)
	switch {
	case err != nil:
		return c, err
	case len(present) > 0:
		return s.takeOut(ctx, j, c, present)
	case drains && c.Standby != nil:
		return c, s.draining(j, *c.Standby)
	default:
		return c, nil
	}
}

// present are the targets of an instance that are registered; drains is whether another one's connections drain.
func (s Step) present(ctx context.Context, id string, targets []job.Target) (
	present []job.Target, drains bool, err error) {
	for _, t := range targets {
		is, _, _, err := balancer.Look(ctx, s.Balancers, id, t)
		if err != nil {
			return nil, false, err
		}
		if drains = drains || is == balancer.Draining; is == balancer.Present {
			present = append(present, t)
		}
	}
	return present, drains, nil
}

// takeOut sends DeregisterTargets, after the claim says so. What Elastic Load Balancing refuses for certain at the
// first attempt is taken back: nothing was taken out.
func (s Step) takeOut(ctx context.Context, j job.Job, c ledger.Claim, targets []job.Target) (ledger.Claim, error) {
	first := c.Standby == nil
	if !first && s.overdue(*c.Standby) {
		return c, s.draining(j, *c.Standby)
	}
	c, err := s.noteDraining(ctx, c, targets)
	if err != nil {
		return c, err
	}
	for n, t := range targets {
		tried := &attempts{}
		err := balancer.Deregister(ctx, s.Balancers, j.Source.ID, t, tried.ask)
		if err == nil {
			continue
		}
		if first && n == 0 && !tried.unsure && fault.DidNothing(err) {
			s.stays(ctx, c)
		}
		return c, fmt.Errorf("deregistering %s (%s) from target group %s: %w", j.Source.Name, j.Source.ID, t.Name(), err)
	}
	return c, s.draining(j, *c.Standby)
}

// noteDraining has the claim say that its source is about to leave its target groups.
func (s Step) noteDraining(ctx context.Context, c ledger.Claim, targets []job.Target) (ledger.Claim, error) {
	now := s.Now().UTC()
	if c.Standby == nil {
		c.Standby = &ledger.Standby{Drained: targets, Since: now}
	}
	c.Standby.Tried = now
	if err := s.Ledger.Record(ctx, c); err != nil {
		return c, fmt.Errorf("recording that %s leaves the service of %s: %w", c.Source, c.Standby.Of(), err)
	}
	return c, nil
}

func (s Step) overdue(out ledger.Standby) bool {
	return s.Now().Sub(out.Since) > time.Duration(plan.MaxDrain)
}

// draining is NotYet for as long as a target may drain.
func (s Step) draining(j job.Job, out ledger.Standby) error {
	if s.overdue(out) {
		return fault.Failure("Lower the deregistration delay of its target groups.",
			"%s (%s) was not stopped: connections of %s still drained after %s", j.Source.Name, j.Source.ID, out.Of(),
			plan.MaxDrain)
	}
	return &fault.NotYet{Err: errors.New("connections of " + j.Source.Name + " (" + j.Source.ID + ") drain")}
}

// ask has the attempts of a call of Elastic Load Balancing's heard.
func (a *attempts) ask(o *elasticloadbalancingv2.Options) {
	a.Retryer = o.Retryer
	o.Retryer = a
}
