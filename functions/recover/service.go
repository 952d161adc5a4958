package recovery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/shared/notify"
	"goldsmith/shared/report"
	"goldsmith/shared/source"
	"goldsmith/shared/standby"
	"goldsmith/shared/tag"
)

// outTooLong is after how long people are told of a member that does not come back into service: two sweeps have tried,
// and its load balancers have had their time.
const outTooLong = 30 * time.Minute

// serve brings a source back into service, of which nothing else is left to undo. It waits
// when the source does not serve yet; why says what became of one that does not come back.
func (r Rescue) serve(ctx context.Context, c ledger.Claim, state types.InstanceStateName) (
	served ledger.Claim, waits bool, why string, err error) {
	if c.Standby == nil {
		return c, false, "", nil
	}
	served, outcome, err := r.Service.Back(ctx, c, state)
	switch {
	case err != nil:
		return served, true, "", fmt.Errorf("bringing it back into service: %w", err)
	case outcome == standby.Serves:
		return served, false, "", nil
	case outcome == standby.Lost:
		return served, false, "; it did not come back into the service of " + c.Standby.Of() + ": " +
			served.Standby.Problem, nil
	}
	handler.Log(ctx).WarnContext(ctx, "source out of service", "source", c.Source, "name", c.Name,
		"run", c.Run, "of", c.Standby.Of(), "out_since", c.Standby.Since, "problem", served.Standby.Problem)
	if err := r.Claims.Record(ctx, served); err != nil {
		return served, true, "", fmt.Errorf("recording what keeps it from service: %w", err)
	}
	if r.Now().Sub(c.Standby.Since) > outTooLong && served.Standby.Problem != "" {
		_, err = r.Notices.Notice(ctx, r.outNotice(served))
	}
	return served, true, "", err
}

// outNotice names a source that does not come back into service.
func (r Rescue) outNotice(c ledger.Claim) notify.Notice {
	out, name := c.Standby, report.Label(c.Name, c.Source)
	did, meanwhile, now := "put it into Standby", "Meanwhile no other member of the group is stopped.",
		"raise the group's maximum, resume its process Launch, or look at its health checks."
	if out.Group == "" {
		did, meanwhile, now = "deregistered it there", "Meanwhile it is in no other image.",
			"look at its health checks, or register it by hand (aws elbv2 register-targets)."
	}
	return notify.Notice{
		Key: "out of service " + c.Run + " " + c.Source, Title: name + " is out of the service of " + out.Of(),
		Notify: r.Notify,
		Lines: []string{
			fmt.Sprintf("Run %s has %s at %s, and it is not back: %s.", c.Run, did,
				out.Since.UTC().Format(time.DateTime+" UTC"), strings.TrimSuffix(out.Problem, ".")),
			"Goldsmith goes on bringing it back, every few minutes. " + meanwhile,
			"Now: See what keeps it (operations guide, \"A member does not come back into service\"): " + now,
		},
	}
}

// free gives up the place of a member in its group.
func (r Rescue) free(ctx context.Context, c ledger.Claim) error {
	if c.Standby == nil || c.Standby.Group == "" {
		return nil
	}
	if err := r.Claims.Free(ctx, standby.Slot(c)); err != nil {
		return fmt.Errorf("giving up its place in group %s: %w", c.Standby.Group, err)
	}
	return nil
}

// standbyOf is the journal of a member whose claim is lost and that is proved to have been stopped by a run: the run
// has put it into Standby before. It is nil for what is no member, or in service. Where Auto Scaling does not say it
// may be out of service: it is looked at again before that is believed.
func (t Traces) standbyOf(ctx context.Context, i types.Instance) (*ledger.Standby, error) {
	group, member := source.Tags(i)[tag.Group]
	if !member {
		return nil, nil
	}
	now := t.Now().UTC()
	out := &ledger.Standby{Group: group, Since: now, Tried: now}
	m, ok, err := standby.Look(ctx, t.Rescue.Service.Groups, aws.ToString(i.InstanceId))
	if err == nil && (!ok || !standby.Out(m)) {
		return nil, nil
	}
	return out, err
}

// inStandby names a member to people that carries the tag of a run, runs, and is out of its group's service, while no
// claim says by whom.
func (t Traces) inStandby(ctx context.Context, i types.Instance, execution, group string) (told bool, err error) {
	id := aws.ToString(i.InstanceId)
	name := report.Label(source.Name(source.Tags(i), id), id)
	delivery, err := t.Notices.Notice(ctx, notify.Notice{
		Key: "standby " + id + " " + execution, Title: name + " is in Standby, and Goldsmith does not bring it back",
		Notify: t.Notify,
		Lines: []string{
			"It carries tag " + tag.Stopped + "=" + execution + ", as if Goldsmith had taken it out of the service of group " +
				group + ". But the ledger does not say so any more.",
			"Now: If it should serve, bring it back: aws autoscaling exit-standby --instance-ids " + id +
				" --auto-scaling-group-name " + group + ". If not, nothing is to be done.",
		},
	})
	return delivery != notify.Failed, err
}
