package rehearsal

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/attribute"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/rollout"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// mostRead is how many disks a rehearsal reads: each takes some blocks, which cost a little, and a second or two.
const mostRead = 20

// snapshots are those that a run of a plan of snapshots would take, and what would be registered of the first of them.
func (s Stage) snapshots(ctx context.Context, run job.Run, p plan.Plan) ([]Source, error) {
	found, err := source.Newest(ctx, s.EC2, s.Ledger, p.Sources)
	if err != nil {
		return nil, err
	}
	held, err := s.held(ctx)
	if err != nil {
		return nil, err
	}
	all, read := []Source{}, 0
	for _, each := range found {
		id := aws.ToString(each.SnapshotId)
		src := ofSnapshot(each)
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
		src.ahead(ctx, s.Sharing, run, p, keysOf(each.Snapshot))
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

// ofSnapshot is the source that claim would find a snapshot to be.
func ofSnapshot(s source.Stored) Source {
	id, tags := aws.ToString(s.SnapshotId), tag.Map(s.Tags)
	src := Source{
		ID: id, Decision: job.RegisterIt, lineage: s.Lineage, taken: aws.ToTime(s.StartTime),
		encrypted: aws.ToBool(s.Encrypted),
	}
	if s.Instance != nil {
		src.instance, src.lineage = *s.Instance, aws.ToString(s.Instance.InstanceId)
		tags = source.Inherited(tags, source.Tags(*s.Instance))
	}
	src.Name, src.tags = source.Name(tags, id), tags
	return src
}

// machine is what the image would be that is registered of a snapshot.
func (s Source) machine(d attribute.Decision) rollout.Machine {
	in := d.Input("")
	made := rollout.Machine{
		Architecture: string(in.Architecture), BootMode: string(in.BootMode),
		Virtualization: aws.ToString(in.VirtualizationType), TPM: string(in.TpmSupport), ENA: aws.ToBool(in.EnaSupport),
		Root:    aws.ToString(in.RootDeviceName),
		Windows: strings.HasPrefix(d.Value(attribute.PlatformDetails), "Windows"),
	}
	for n, m := range in.BlockDeviceMappings {
		m.Ebs.Encrypted = aws.Bool(s.encrypted)
		if n > 0 {
			m.Ebs.VolumeSize = aws.Int32(d.Data[n-1].GiB)
		}
		made.Add(aws.ToString(m.DeviceName), *m.Ebs)
	}
	return made
}

// registering decides as the run will.
func (s Stage) registering(ctx context.Context, src Source, p plan.Plan) (Source, error) {
	looker := attribute.Looker{EC2: s.EC2, EBS: s.Blocks}
	if s.Ledger != nil {
		looker.Made = s.Ledger
	}
	found, err := looker.Plan(ctx, src.ID, nil, p, "")
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
