// Package leftovers settles what jobs that have ended left behind: images and copies of snapshots that are not recorded
// as good, and test instances.
package leftovers

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/recover/executions"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/image"
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

// unmade ends the registration of an image that was to be registered of copies and never was: these are deleted. Those
// that something uses once no run can come back to it stay, and are looked at no more.
func (l Images) unmade(ctx context.Context, r ledger.Registration) error {
	age := l.Now().Sub(r.Begun)
	if age < registering {
		return nil
	}
	r, ids, err := l.copied(ctx, r)
	var left bool
	if err == nil && len(ids) > 0 {
		left, err = l.deleteCopies(ctx, r, ids)
	}
	switch {
	case err != nil || age <= executions.Lookback:
		return err
	case left:
		return l.Register.Settle(ctx, r)
	default:
		return l.Register.Retire(ctx, r, l.Now())
	}
}

// deleteCopies deletes those that nothing uses, the root volume's first. left is whether some stay.
func (l Images) deleteCopies(ctx context.Context, r ledger.Registration, ids []string) (left bool, err error) {
	uses, err := l.copyUses(ctx, ids)
	if err != nil {
		return true, fmt.Errorf("looking what uses copies without an image: %w", err)
	}
	log := handler.Log(ctx).With("source", r.Source, "run", r.Run)
	for _, id := range rootFirst(r, ids) {
		if why := uses[id]; len(why) > 0 {
			log.WarnContext(ctx, "kept a copy of a job that was cut off", "snapshot", id, "why", why)
			left = true
			continue
		}
		_, err := l.EC2.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String(id)})
		if fault.Code(err) == inUse {
			log.WarnContext(ctx, "kept the copies of a job that was cut off: an image boots from one", "snapshot",
				id, "error", err)
			return true, nil
		}
		if fault.IgnoreNotFound(err) != nil {
			return true, fmt.Errorf("deleting copy %s of a job that was cut off: %w", id, err)
		}
		log.WarnContext(ctx, "deleted a copy of a job that was cut off", "snapshot", id)
	}
	return left, nil
}

// inUse is how EC2 refuses to delete the snapshot of an image's root volume (API reference, error codes).
const inUse = "InvalidSnapshot.InUse"

// rootFirst are the copies in the order in which they go. Whether an image was registered of them after all is proved
// by EC2 alone, which keeps its root volume's: an answer that shows no image proves nothing.
func rootFirst(r ledger.Registration, ids []string) []string {
	first := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id != r.From })
	return append(first, slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == r.From })...)
}

// copyUses are the reasons to keep copies, images of others among them.
func (l Images) copyUses(ctx context.Context, ids []string) (map[string][]string, error) {
	uses, err := l.Usage.SnapshotUses(ctx, ids)
	if err != nil {
		return nil, err
	}
	held, err := image.Holding(ctx, l.EC2, ids)
	if err != nil {
		return nil, err
	}
	all := map[string][]string{}
	for _, id := range ids {
		if all[id] = uses[id]; held[id] {
			all[id] = append(slices.Clone(uses[id]), "an image holds it")
		}
	}
	return all, nil
}

// copied are the copies of a registration that there are: by their descriptions, which no call changes, so that
// one is found too whose making was never answered. Its id is written down before it goes: another's snapshot that has
// the description as well is not taken for it afterwards.
func (l Images) copied(ctx context.Context, r ledger.Registration) (_ ledger.Registration, ids []string, err error) {
	found, err := l.withItsToken(ctx, r)
	if err != nil {
		return r, nil, err
	}
	known := len(r.Copies)
	for _, of := range register.CopiedOf(r, found) {
		id := register.CopyAmong(r, of, found)
		if id == "" {
			continue
		}
		if ids = append(ids, id); r.Copies[of] == "" {
			r = register.WithCopy(r, of, id)
		}
	}
	if len(r.Copies) > known {
		r, err = written(ctx, l.Register, r)
	}
	return r, ids, err
}

// withItsToken are the snapshots that are described as copies of a registration's.
func (l Images) withItsToken(ctx context.Context, r ledger.Registration) (all []types.Snapshot, err error) {
	pages := ec2.NewDescribeSnapshotsPaginator(l.EC2, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, Filters: []types.Filter{{Name: aws.String("description"),
			Values: []string{register.AnyCopy(r)}}},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for the copies of %s: %w", r.Source, err)
		}
		all = append(all, out.Snapshots...)
	}
	return all, nil
}
