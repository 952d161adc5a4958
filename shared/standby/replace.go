package standby

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"goldsmith/shared/asg"
	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
)

// Protector protects members from scale-in.
type Protector interface {
	SetInstanceProtection(context.Context, *autoscaling.SetInstanceProtectionInput, ...func(*autoscaling.Options)) (
		*autoscaling.SetInstanceProtectionOutput, error)
}

// Protect has the member of a claim protected from scale-in, or no longer.
func Protect(
	ctx context.Context, api Protector, c ledger.Claim, on bool, options ...func(*autoscaling.Options),
) error {
	_, err := api.SetInstanceProtection(ctx, &autoscaling.SetInstanceProtectionInput{
		AutoScalingGroupName: aws.String(c.Standby.Group), InstanceIds: []string{c.Source},
		ProtectedFromScaleIn: aws.Bool(on),
	}, options...)
	if err != nil {
		return fmt.Errorf("setting whether %s of group %s is protected from scale-in: %w", c.Source, c.Standby.Group, err)
	}
	return nil
}

// counted has the claim say what the group of a member that was replaced wants, before ExitStandby is sent: AWS's pages
// do not agree on whether that has the group want one more (decision 0045). It is counted anew where the last attempt
// has come to nothing: what a group wants by then is people's.
func (s Service) counted(ctx context.Context, c ledger.Claim) (ledger.Claim, error) {
	now := s.Now().UTC()
	if !c.Standby.Replaced || now.Sub(c.Standby.Counted) < landing {
		return c, nil
	}
	m, ok, err := s.group(ctx, c)
	if err != nil || !ok {
		return c, err
	}
	c.Standby.Wanted, c.Standby.Counted = int(aws.ToInt32(m.Group.DesiredCapacity)), now
	return c, s.record(ctx, c, "what its group wants")
}

func (s Service) record(ctx context.Context, c ledger.Claim, what string) error {
	if err := s.Claims.Record(ctx, c); err != nil {
		return fmt.Errorf("recording of %s %s: %w", c.Source, what, err)
	}
	return nil
}

// group is the member of a claim with its group; ok is false where there is no such group.
func (s Service) group(ctx context.Context, c ledger.Claim) (m asg.Member, ok bool, err error) {
	groups, err := asg.List(ctx, s.Groups, true, c.Standby.Group)
	if err != nil {
		return m, false, fmt.Errorf("looking at group %s: %w", c.Standby.Group, err)
	}
	if len(groups) == 0 {
		return m, false, nil
	}
	return asg.Member{ID: c.Source, Group: groups[0]}, true, nil
}

// settled has the group of a member that serves again as large as before, and takes off the protection that kept the
// member from being the one that is too many.
func (s Service) settled(ctx context.Context, c ledger.Claim) (ledger.Claim, Outcome, error) {
	if !c.Standby.Replaced {
		return c, Serves, nil
	}
	m, ok, err := s.group(ctx, c)
	if err != nil {
		return c, Waits, err
	}
	if !ok {
		c.Standby.Problem = "Auto Scaling does not show its group"
		return c, Waits, nil
	}
	c, again, err := s.lowered(ctx, c, m)
	switch {
	case fault.IsTransient(err):
		return c, Waits, err
	case err != nil:
		c.Standby.Problem = "its group wants one more than before, and that cannot be set back: " + fault.Brief(err)
		return c, Waits, nil
	case again:
		c.Standby.Problem = "its group was set back a moment ago to what it wanted before"
		return c, Waits, nil
	case m.TooMany() > 0:
		c.Standby.Problem = "its group has one member too many, and does not terminate one: see whether its process " +
			"Terminate is suspended, or all its members are protected from scale-in"
		return c, Waits, nil
	}
	return s.unprotected(ctx, c, Serves)
}

// lost has the group of a member that does not come back want no more than before, if ExitStandby has raised that.
func (s Service) lost(ctx context.Context, c ledger.Claim) (ledger.Claim, Outcome, error) {
	if c.Standby.Wanted == 0 {
		return c, Lost, nil
	}
	m, ok, err := s.group(ctx, c)
	if err == nil && ok {
		c, _, err = s.lowered(ctx, c, m)
	}
	if fault.IsTransient(err) {
		return c, Waits, err
	}
	if err != nil {
		c.Standby.Problem += ", and its group wants one more than before: " + fault.Brief(err)
	}
	return c, Lost, nil
}

// lowered sets back what a group wants if ExitStandby has raised it. again is whether it was sent now.
func (s Service) lowered(ctx context.Context, c ledger.Claim, m asg.Member) (_ ledger.Claim, again bool, err error) {
	wants := int(aws.ToInt32(m.Group.DesiredCapacity))
	switch {
	case c.Standby.Wanted == 0, c.Standby.Raised != 0 && c.Standby.Raised != wants,
		c.Standby.Raised == 0 && wants < c.Standby.Wanted+m.Units():
		return c, false, nil
	case c.Standby.Raised == 0:
		c.Standby.Raised = wants
		if err := s.record(ctx, c, "that its group wants one more"); err != nil {
			return c, false, err
		}
	}
	_, err = s.Groups.SetDesiredCapacity(ctx, &autoscaling.SetDesiredCapacityInput{
		AutoScalingGroupName: aws.String(c.Standby.Group),
		DesiredCapacity:      aws.Int32(int32(wants - m.Units())), //nolint:gosec // A group has some thousand members.
	})
	if err != nil {
		return c, false, fmt.Errorf("setting group %s back to what it wanted before: %w", c.Standby.Group, err)
	}
	return c, true, nil
}

// unprotected takes off the protection from scale-in that a run has put on a member, and gives the outcome.
func (s Service) unprotected(ctx context.Context, c ledger.Claim, then Outcome) (ledger.Claim, Outcome, error) {
	if c.Standby.Protected.IsZero() {
		return c, then, nil
	}
	err := Protect(ctx, s.Groups, c, false)
	switch {
	case err == nil, notAMember(err):
	case fault.IsTransient(err):
		c.Standby.Problem = fault.Brief(err)
		return c, Waits, err
	default:
		c.Standby.Problem = "its protection from scale-in cannot be taken off: " + fault.Brief(err)
		return c, Waits, nil
	}
	c.Standby.Protected = time.Time{}
	return c, then, s.record(ctx, c, "that it is protected no longer")
}
