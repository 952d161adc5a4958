package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
	"goldsmith/shared/source"
)

// work is a source that a run holds, and how it is now.
type work struct {
	Source     string    `json:"source"`
	Name       string    `json:"name"`
	Run        string    `json:"run"`
	Since      time.Time `json:"since"`
	WasRunning bool      `json:"wasRunning"`
	StopSent   time.Time `json:"stopSent,omitzero"`
	// Left is when its run ended without bringing it back.
	Left time.Time `json:"left,omitzero"`
	// Out is the Auto Scaling group that it is out of the service of, since when, and what Auto Scaling says of it.
	Out string `json:"out,omitempty"`
	// State is the instance's state in EC2, in words.
	State string `json:"state"`
	// Do is what to do about one that is down.
	Do string `json:"do,omitempty"`

	// zone is that of its run's plan.
	zone *time.Location
}

func (w work) label() string { return report.Label(w.Name, w.Source) }

// works are the sources that runs hold: first those that an ended run left down,
// then those that a run is working on.
func (s site) works(ctx context.Context) (down, working []work, err error) {
	var claims []ledger.Claim
	unread := map[string]bool{}
	for c, err := range s.ledger.Claims(ctx) {
		var unreadable *ledger.UnreadableError
		if errors.As(err, &unreadable) {
			unread[c.Source], err = true, nil
		}
		if err != nil {
			return nil, nil, wrap("reading who holds what", err)
		}
		claims = append(claims, c)
	}
	states, err := s.states(ctx, claims)
	if err != nil {
		return nil, nil, err
	}
	zones, err := s.zones(ctx, claims)
	if err != nil {
		return nil, nil, err
	}
	down, working = []work{}, []work{}
	for _, c := range claims {
		w := s.work(c, states[c.Source], zones[c.Run])
		if unread[c.Source] {
			w.State, w.Do = cmp.Or(string(states[c.Source]), "unknown"), unreadClaim
		}
		if w.Do != "" {
			down = append(down, w)
		} else {
			working = append(working, w)
		}
	}
	return down, working, nil
}

// work is a claim in a person's words, with what to do about what its run has left behind.
func (s site) work(c ledger.Claim, state types.InstanceStateName, zone *time.Location) work {
	w := work{
		zone:   zone,
		Source: c.Source, Name: cmp.Or(c.Name, c.Source), Run: c.Run, Since: c.Since, WasRunning: c.WasRunning,
		StopSent: c.StopSent, Left: c.Left, Out: out(c, zone), State: cmp.Or(string(state), "unknown"),
	}
	switch {
	case c.Left.IsZero():
		w.State = doing(c, state, zone)
	case state != types.InstanceStateNameRunning:
		w.Do = "aws ec2 start-instances --instance-ids " + c.Source + " --region " + region(s.Machine)
	case c.Hook.Due():
		w.Out, w.Do = dueSince(*c.Hook, zone), unrun
	case w.Out != "":
		w.Do = unserved
	default:
		w.State = doing(c, state, zone)
	}
	return w
}

// unreadClaim is what to do about a claim that cannot be read.
const unreadClaim = "its claim in the ledger cannot be read, so nothing is done with it: " +
	"see docs/operations.md, \"A record cannot be read\""

// unserved is what to do about a member that is up and does not serve.
const unserved = "See docs/operations.md, \"A member does not come back into service\"."

// unrun is what to do about a source on which a command of its plan's is due.
const unrun = "See docs/operations.md, \"A command of a plan fails\"."

// dueSince is what keeps a command of the plan's from being run.
func dueSince(h ledger.Hook, zone *time.Location) string {
	said := "waits for " + h.Awaited() + " since " + stampIn(h.Since, zone)
	if h.Problem != "" {
		said += ": " + h.Problem
	}
	return said
}

// out is what keeps a member of an Auto Scaling group from its group's service; "" where nothing does.
func out(c ledger.Claim, zone *time.Location) string {
	if c.Standby == nil {
		return ""
	}
	said := fmt.Sprintf("out of the service of %s since %s", c.Standby.Of(), stampIn(c.Standby.Since, zone))
	if c.Standby.Problem != "" {
		said += ": " + c.Standby.Problem
	}
	return said
}

// worksOf are the sources that one run holds.
func (s site) worksOf(ctx context.Context, run string) ([]work, error) {
	down, working, err := s.works(ctx)
	return slices.DeleteFunc(append(down, working...), func(w work) bool { return w.Run != run }), err
}

// doing is what is being done with a source, as far as its claim and its state tell.
func doing(c ledger.Claim, state types.InstanceStateName, zone *time.Location) string {
	if h := c.Hook; h != nil && h.Ended.IsZero() {
		return h.Before() + " runs on it"
	} else if h.Due() && !h.Begun.IsZero() {
		return h.Then() + " is due"
	}
	return imaging(c, state, zone)
}

func imaging(c ledger.Claim, state types.InstanceStateName, zone *time.Location) string {
	switch {
	case c.Standby != nil && state == types.InstanceStateNameRunning:
		return "out of service of " + c.Standby.Of()
	case !c.Looked:
		return "just claimed"
	case !c.WasRunning:
		return "being imaged; it was stopped before"
	case c.StopSent.IsZero():
		return "being imaged as it runs"
	case state == types.InstanceStateNameRunning:
		return "running; its image is being made"
	default:
		return cmp.Or(string(state), "unknown") + "; stop sent " + c.StopSent.In(zone).Format("15:04:05 MST")
	}
}

// zones are the zones of the plans whose runs hold sources, by run.
func (s site) zones(ctx context.Context, claims []ledger.Claim) (map[string]*time.Location, error) {
	zones := map[string]*time.Location{}
	for _, c := range claims {
		if zones[c.Run] != nil {
			continue
		}
		run, _, err := s.ledger.GetRun(ctx, c.Run)
		if err != nil {
			return nil, wrap("reading run "+c.Run, err)
		}
		zones[c.Run] = report.Zone(run, plan.Plan{})
	}
	return zones, nil
}

// states asks EC2 how the claimed instances are.
func (s site) states(ctx context.Context, claims []ledger.Claim) (map[string]types.InstanceStateName, error) {
	states, client := map[string]types.InstanceStateName{}, ec2.NewFromConfig(s.aws)
	for part := range slices.Chunk(claims, source.Batch) {
		ids := make([]string, len(part))
		for i, c := range part {
			ids[i] = c.Source
		}
		pages := ec2.NewDescribeInstancesPaginator(client, &ec2.DescribeInstancesInput{
			Filters: []types.Filter{{Name: aws.String("instance-id"), Values: ids}},
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return nil, wrap("asking how instances are", err)
			}
			for _, r := range out.Reservations {
				for _, i := range r.Instances {
					states[aws.ToString(i.InstanceId)] = source.State(i)
				}
			}
		}
	}
	return states, nil
}

// region is the fourth field of an ARN.
func region(arn string) string { return strings.Split(arn, ":")[3] }
