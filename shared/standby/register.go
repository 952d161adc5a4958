package standby

import (
	"cmp"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/balancer"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// register brings an instance back into its target groups. What does not run cannot be registered (API reference,
// RegisterTargets); what somebody has stopped is not, so that nothing is sent to it.
func (s Service) register(ctx context.Context, c ledger.Claim, state types.InstanceStateName) (
	ledger.Claim, Outcome, error) {
	out := c.Standby
	switch {
	case ended(state):
		out.Problem = "it was terminated"
		return c, Lost, nil
	case state == types.InstanceStateNameStopped:
		out.Problem = "it was stopped by other hands: register it once it runs (aws elbv2 register-targets)"
		return c, Lost, nil
	case state != types.InstanceStateNameRunning:
		out.Problem = "it is " + string(state)
		return c, Waits, nil
	}
	c, problem, err := s.targets(ctx, c)
	if err != nil {
		c.Standby.Problem = fault.Brief(err)
		return c, Waits, err
	}
	// A job that was cut off may be deregistering yet, one target group after another.
	if problem == "" && c.StopSent.IsZero() && s.Now().Sub(c.Standby.Tried) < landing {
		problem = "it was to be deregistered a moment ago"
	}
	if c.Standby.Problem = problem; problem != "" {
		return c, Waits, nil
	}
	return c, Serves, nil
}

// targets registers those that are not. problem is what keeps the first of them from serving.
func (s Service) targets(ctx context.Context, c ledger.Claim) (_ ledger.Claim, problem string, err error) {
	for _, t := range c.Standby.Drained {
		var why string
		if c, why, err = s.target(ctx, c, t); err != nil {
			return c, "", err
		}
		problem = cmp.Or(problem, why)
	}
	return c, problem, nil
}

// target registers a target that is not. problem is why it does not serve yet; "" also for what did not before, and
// where its target group is gone.
func (s Service) target(ctx context.Context, c ledger.Claim, t job.Target) (_ ledger.Claim, problem string, err error) {
	is, problem, known, err := balancer.Look(ctx, s.Balancers, c.Source, t)
	switch {
	case fault.IsTransient(err):
		return c, "", err
	case err != nil:
		return c, fault.Brief(err), nil
	case !known:
		return c, "", nil
	case is == balancer.Present && !t.Healthy:
		return c, "", nil
	case is == balancer.Present:
		return c, problem, nil
	}
	if c, err = s.leaves(ctx, c); err != nil {
		return c, "", err
	}
	err = balancer.Register(ctx, s.Balancers, c.Source, t)
	switch {
	case err == nil:
		return c, "it was registered in target group " + t.Name() + " a moment ago", nil
	case fault.IsTransient(err):
		return c, "", fmt.Errorf("registering %s in target group %s: %w", c.Source, t.Name(), err)
	default:
		return c, "it cannot be registered in target group " + t.Name() + ": " + fault.Brief(err), nil
	}
}
