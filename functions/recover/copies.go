package recovery

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
)

// copiesAPI finds copies of snapshots and deletes them.
type copiesAPI interface {
	ec2.DescribeSnapshotsAPIClient
	DeleteSnapshot(context.Context, *ec2.DeleteSnapshotInput, ...func(*ec2.Options)) (*ec2.DeleteSnapshotOutput, error)
}

// registering is how long an image may not be shown that was registered of a copy: the copy is needed until then.
const registering = 15 * time.Minute

// copies deletes the copies that were made for an image which was never registered. left is whether some stay.
func (l Leftovers) copies(ctx context.Context, r ledger.Registration) (left bool, err error) {
	if l.Now().Sub(r.Begun) < registering {
		return true, nil
	}
	ids, err := l.copied(ctx, r)
	if err != nil || len(ids) == 0 {
		return false, err
	}
	uses, err := l.Usage.SnapshotUses(ctx, ids)
	if err != nil {
		return true, fmt.Errorf("looking what uses copies without an image: %w", err)
	}
	log := handler.Log(ctx).With("source", r.Source, "run", r.Run)
	for _, id := range ids {
		if why := uses[id]; len(why) > 0 {
			log.WarnContext(ctx, "kept a copy of a job that was cut off", "snapshot", id, "why", why)
			left = true
			continue
		}
		_, err := l.EC2.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String(id)})
		if fault.IgnoreNotFound(err) != nil {
			return true, fmt.Errorf("deleting copy %s of a job that was cut off: %w", id, err)
		}
		log.WarnContext(ctx, "deleted a copy of a job that was cut off", "snapshot", id)
	}
	return left, nil
}

// copied are the copies of a registration that there are: by their descriptions, which no call changes, so that
// one is found too whose making was never answered.
func (l Leftovers) copied(ctx context.Context, r ledger.Registration) (ids []string, err error) {
	pages := ec2.NewDescribeSnapshotsPaginator(l.EC2, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, Filters: []types.Filter{{Name: aws.String("description"),
			Values: []string{register.AnyCopy(r)}}},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for the copies of %s: %w", r.Source, err)
		}
		for _, s := range out.Snapshots {
			ids = append(ids, aws.ToString(s.SnapshotId))
		}
	}
	return ids, nil
}
