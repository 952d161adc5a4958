package selection

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/shared/job"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// snapshots puts the next snapshots of a plan of snapshots on the page. Nothing is stopped for them, so that the plan's
// limit is not about them.
func (s Step) snapshots(ctx context.Context, p job.Batch) (job.Batch, error) {
	found, err := source.Newest(ctx, s.EC2, s.Ledger, p.Plan.Sources)
	if err != nil {
		return p, err
	}
	cursor := p.Cursor
	p.Sources, p.More = []job.Source{}, false
	for _, each := range found {
		id := aws.ToString(each.SnapshotId)
		switch {
		case id <= cursor:
			continue
		case len(p.Sources) == job.PageSize:
			p.More = true
			return p, nil
		}
		p.Cursor = id
		src := job.Source{ID: id, Kind: job.Snapshot}
		if each.Skip == nil {
			p.Sources = append(p.Sources, src)
			continue
		}
		src.Name = source.Name(tag.Map(each.Tags), id)
		if err := s.skip(ctx, p, src, *each.Skip); err != nil {
			return p, err
		}
	}
	return p, nil
}
