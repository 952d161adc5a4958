package selection

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/bound"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// shares gives back the shares of the plan's limit that a lost or restored ledger does not know of any more, before
// others take them. What was stopped says its tag goldsmith:last-stop, which names a run that the ledger does not know.
func (s Step) shares(ctx context.Context, p job.Batch) error {
	if p.Run.Most == 0 || p.Plan.Consistency != plan.Stop {
		return nil
	}
	since := p.Run.Since
	if since.IsZero() {
		since = s.Now().UTC().Add(-bound.Rolling)
	}
	stopped, err := source.Tagged(ctx, s.EC2, tag.LastStop, bound.LastStops(p.Run.Plan))
	if err != nil {
		return err
	}
	known := map[string]bool{"": true}
	for _, i := range stopped {
		run, at := bound.StoppedBy(i)
		if at.Before(since) {
			continue
		}
		if _, asked := known[run]; !asked {
			if _, known[run], err = s.Ledger.GetRun(ctx, run); err != nil {
				return fmt.Errorf("looking up run %s: %w", run, err)
			}
		}
		if known[run] {
			continue
		}
		ask := bound.Ask{Plan: p.Run.Plan, Most: p.Run.Most, Since: since, Now: at}
		if err := bound.ShareAnew(ctx, s.Ledger, of(ask, i)); err != nil {
			return err
		}
	}
	return nil
}

// of is the same for the instance.
func of(ask bound.Ask, i types.Instance) bound.Ask {
	ask.Source = aws.ToString(i.InstanceId)
	ask.Name = source.Name(source.Tags(i), ask.Source)
	return ask
}
