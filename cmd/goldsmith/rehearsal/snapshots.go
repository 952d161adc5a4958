package rehearsal

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/attribute"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/sharing"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// mostRead is how many disks a rehearsal reads: each takes some blocks, which cost a little, and a second or two.
const mostRead = 20

// snapshots are those that a run of a plan of snapshots would take, and what would be registered of the first of them.
func (s Stage) snapshots(ctx context.Context, p plan.Plan) ([]Source, error) {
	found, err := source.Newest(ctx, s.EC2, s.Ledger, p.Sources)
	if err != nil {
		return nil, err
	}
	held, err := s.held(ctx)
	if err != nil {
		return nil, err
	}
	all, read, lookout := []Source{}, 0, sharing.New(s.Organizations, s.Keys)
	for _, each := range found {
		id := aws.ToString(each.SnapshotId)
		src := Source{ID: id, Name: source.Name(tag.Map(each.Tags), id), Decision: job.RegisterIt}
		if claim, taken := held[id]; taken {
			reason := (&ledger.HeldError{Source: id, By: claim}).Reason()
			each.Skip = &reason
		}
		switch {
		case each.Skip != nil:
			src = src.skipped(*each.Skip)
		case read < mostRead:
			read++
			if src, err = s.registering(ctx, src, p); err != nil {
				return nil, err
			}
		}
		src.ahead(ctx, lookout, p, keysOf(each.Snapshot))
		all = append(all, src)
	}
	return all, nil
}

// keysOf is the KMS key of a snapshot, if it has one.
func keysOf(s types.Snapshot) []string {
	if s.KmsKeyId == nil {
		return nil
	}
	return []string{*s.KmsKeyId}
}

// registering decides as the run will.
func (s Stage) registering(ctx context.Context, src Source, p plan.Plan) (Source, error) {
	found, err := attribute.Looker{EC2: s.EC2, EBS: s.Blocks}.Plan(ctx, src.ID, nil, p, "")
	if fault.IsNotFound(err) {
		return src.skipped(source.NoSnapshot), nil
	}
	if err != nil {
		return src, err
	}
	if refused := found.Decision.Refused; refused != nil {
		return src.skipped(refused.Reason(false)), nil
	}
	src.Registering, src.Warnings = &found.Decision, found.Decision.Notable()
	return src, nil
}
