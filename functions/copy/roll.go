package copying

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/rollout"
)

// roll points the alias and the launch templates of the copy's Region at it, as the image's own are at home. What
// cannot be rolled keeps its old image, and it is a copy all the same.
func (s Step) roll(ctx context.Context, j job.Job, r ledger.Registration, i types.Image) (ledger.Registration, error) {
	image := rollout.Image{
		ID: r.ID, Machine: rollout.MachineOf(i), Source: r.Source, Lineage: r.Lineage, Name: r.Name, Run: r.Run,
		Taken: r.Taken, LeftOut: r.LeftOut,
	}
	if r.Rolled != nil { // Sharing it is what is left to do.
		return r, nil
	}
	all, err := s.rolled(ctx, j.Plan.Roll, r, image)
	switch {
	case err == nil:
	case s.late(r, err):
		all = []job.Rolled{rollout.Unfound(image, fmt.Errorf("it was tried for %s: %w", limit, err))}
	case fault.IsTransient(err), fault.IsNotYet(err):
		return r, err
	default:
		all = []job.Rolled{rollout.Unfound(image, err)}
	}
	for _, t := range all {
		if t.Problem != "" {
			handler.Log(ctx).WarnContext(ctx, "not rolled", "target", t.Target, "name", t.Name, "region", r.Region, "problem",
				t.Problem)
		}
	}
	var c job.Copy
	c.Carry(all)
	r.Rolled, r.Rest = c.Rolled, c.Rest
	return r, nil
}

// rolled are the targets of the Region, each with what became of it.
func (s Step) rolled(
	ctx context.Context, roll plan.Roll, r ledger.Registration, image rollout.Image,
) (all []job.Rolled, err error) {
	w := s.Rolls(r.Region)
	w.Copied = &rollout.Copied{ID: r.ID, From: r.From, Region: r.Region, Begun: r.Begun, Home: s.Ledger}
	found, err := w.Find(ctx, roll, image)
	if err != nil {
		return nil, err
	}
	if err := w.Roll(ctx, found.Targets, image, roll.Together); err != nil {
		return nil, err
	}
	for _, t := range found.Targets {
		all = append(all, t.Rolled)
	}
	return all, nil
}
