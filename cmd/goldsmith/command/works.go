package command

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/ledger"
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
	// State is the instance's state in EC2, in words.
	State string `json:"state"`
	// Do is what to do about one that is down.
	Do string `json:"do,omitempty"`
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
	down, working = []work{}, []work{}
	for _, c := range claims {
		w := work{
			Source: c.Source, Name: cmp.Or(c.Name, c.Source), Run: c.Run, Since: c.Since,
			WasRunning: c.WasRunning, StopSent: c.StopSent, Left: c.Left, State: cmp.Or(string(states[c.Source]), "unknown"),
		}
		if unread[c.Source] {
			w.Do = unreadClaim
			down = append(down, w)
			continue
		}
		if !c.Left.IsZero() && states[c.Source] != types.InstanceStateNameRunning {
			w.Do = "aws ec2 start-instances --instance-ids " + c.Source + " --region " + region(s.Machine)
			down = append(down, w)
			continue
		}
		w.State = doing(c, states[c.Source])
		working = append(working, w)
	}
	return down, working, nil
}

// unreadClaim is what to do about a claim that cannot be read.
const unreadClaim = "its claim in the ledger cannot be read, so nothing is done with it: " +
	"see docs/operations.md, \"A record cannot be read\""

// worksOf are the sources that one run holds.
func (s site) worksOf(ctx context.Context, run string) ([]work, error) {
	down, working, err := s.works(ctx)
	return slices.DeleteFunc(append(down, working...), func(w work) bool { return w.Run != run }), err
}

// doing is what is being done with a source, as far as its claim and its state tell.
func doing(c ledger.Claim, state types.InstanceStateName) string {
	switch {
	case !c.Looked:
		return "just claimed"
	case !c.WasRunning:
		return "being imaged; it was stopped before"
	case c.StopSent.IsZero():
		return "being imaged as it runs"
	case state == types.InstanceStateNameRunning:
		return "running; its image is being made"
	default:
		return cmp.Or(string(state), "unknown") + "; stop sent " + c.StopSent.UTC().Format("15:04:05 UTC")
	}
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
