package rehearsal

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// snapshots are those that a run of a plan of snapshots would take. What is registered of each its disk decides, which
// is read by plan --source.
func (s Stage) snapshots(ctx context.Context, p plan.Plan) ([]Source, error) {
	found, err := source.Newest(ctx, s.EC2, p.Sources)
	if err != nil {
		return nil, err
	}
	held, err := s.held(ctx)
	if err != nil {
		return nil, err
	}
	all := []Source{}
	for _, each := range found {
		id := aws.ToString(each.SnapshotId)
		src := Source{ID: id, Name: source.Name(tag.Map(each.Tags), id), Decision: job.RegisterIt}
		if claim, taken := held[id]; taken {
			reason := (&ledger.HeldError{Source: id, By: claim}).Reason()
			each.Skip = &reason
		}
		if each.Skip != nil {
			src = src.skipped(*each.Skip)
		}
		all = append(all, src)
	}
	return all, nil
}
