package usage

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
)

const (
	// volumesPage, locksPage and tiersPage are the largest pages of their describes, restoresPage too.
	volumesPage  = 500
	locksPage    = 1000
	tiersPage    = 1000
	restoresPage = 200
)

// snapshot notes a use of a snapshot, for whatever goes with it.
func (s *search) snapshot(id *string, resource, why string) {
	for _, subject := range s.subjects[aws.ToString(id)] {
		s.add(subject, "snapshot "+*id+" in "+resource, "snapshot "+*id+": "+why)
	}
}

func (s *search) mappings(mappings []types.BlockDeviceMapping, resource, why string) {
	for _, m := range mappings {
		if m.Ebs != nil {
			s.snapshot(m.Ebs.SnapshotId, resource, why)
		}
	}
}

// snapshots asks about the snapshots, as many at once as EC2 takes.
func (s *search) snapshots(ask func(ids []string) error) error {
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(s.subjects)), filterValues-1) {
		if err := ask(ids); err != nil {
			return err
		}
	}
	return nil
}

// volumes in creation still read their snapshot. One that is there needs it no longer.
func (g Finder) volumes(ctx context.Context, s *search) error {
	return s.snapshots(func(ids []string) error {
		pages := ec2.NewDescribeVolumesPaginator(g.EC2,
			&ec2.DescribeVolumesInput{MaxResults: aws.Int32(volumesPage), Filters: []types.Filter{
				{Name: aws.String("snapshot-id"), Values: ids}, {Name: aws.String("status"), Values: []string{"creating"}},
			}})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, v := range out.Volumes {
				s.snapshot(v.SnapshotId, aws.ToString(v.VolumeId), "volume "+aws.ToString(v.VolumeId)+" is being created from it")
			}
		}
		return nil
	})
}

// volumePermissions are what other accounts may make volumes of; EC2 tells of one snapshot at a time.
func (g Finder) volumePermissions(ctx context.Context, s *search) error {
	for _, id := range slices.Sorted(maps.Keys(s.subjects)) {
		out, err := g.EC2.DescribeSnapshotAttribute(ctx, &ec2.DescribeSnapshotAttributeInput{
			SnapshotId: aws.String(id), Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		})
		if fault.IsNotFound(err) {
			s.snapshot(&id, "permissions", "who may use it cannot be read: "+fault.Code(err))
			continue
		}
		if err != nil {
			return err
		}
		for _, p := range out.CreateVolumePermissions {
			who := "account " + aws.ToString(p.UserId)
			if p.UserId == nil {
				who = "everybody"
			}
			for _, subject := range s.subjects[id] {
				if with := s.shared[subject].With; with.Snapshots && slices.Contains(with.Accounts, aws.ToString(p.UserId)) {
					s.own[subject] = true
					continue
				}
				s.add(subject, "snapshot "+id+" in "+who, "snapshot "+id+": shared with "+who)
			}
		}
	}
	return nil
}

// restores are Availability Zones in which somebody pays for a snapshot's Fast Snapshot Restore.
func (g Finder) restores(ctx context.Context, s *search) error {
	return s.snapshots(func(ids []string) error {
		pages := ec2.NewDescribeFastSnapshotRestoresPaginator(g.EC2, &ec2.DescribeFastSnapshotRestoresInput{
			MaxResults: aws.Int32(restoresPage), Filters: []types.Filter{{Name: aws.String("snapshot-id"), Values: ids}},
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, f := range out.FastSnapshotRestores {
				if f.State != types.FastSnapshotRestoreStateCodeDisabled {
					zone := aws.ToString(f.AvailabilityZone)
					s.snapshot(f.SnapshotId, zone, "Fast Snapshot Restore is "+string(f.State)+" in "+zone)
				}
			}
		}
		return nil
	})
}

// locks are all of the Region: a look at ids would fail as a whole for one that is gone.
func (g Finder) locks(ctx context.Context, s *search) error {
	if len(s.subjects) == 0 {
		return nil
	}
	in := &ec2.DescribeLockedSnapshotsInput{MaxResults: aws.Int32(locksPage)}
	for {
		out, err := g.EC2.DescribeLockedSnapshots(ctx, in)
		if err != nil {
			return err
		}
		for _, l := range out.Snapshots {
			if l.LockState != types.LockStateExpired {
				s.snapshot(l.SnapshotId, "lock", fmt.Sprintf("locked (%s)", l.LockState))
			}
		}
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			return nil
		}
	}
}

// tiers: what somebody has archived is kept on purpose.
func (g Finder) tiers(ctx context.Context, s *search) error {
	return s.snapshots(func(ids []string) error {
		pages := ec2.NewDescribeSnapshotTierStatusPaginator(g.EC2, &ec2.DescribeSnapshotTierStatusInput{
			MaxResults: aws.Int32(tiersPage), Filters: []types.Filter{{Name: aws.String("snapshot-id"), Values: ids}},
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, t := range out.SnapshotTierStatuses {
				if t.StorageTier == types.StorageTierArchive || t.RestoreExpiryTime != nil ||
					underWay(t.LastTieringOperationStatus) {
					s.snapshot(t.SnapshotId, "tier", "archived, or on its way into or out of the archive")
				}
			}
		}
		return nil
	})
}

func underWay(s types.TieringOperationStatus) bool {
	return s == types.TieringOperationStatusArchivalInProgress ||
		s == types.TieringOperationStatusTemporaryRestoreInProgress ||
		s == types.TieringOperationStatusPermanentRestoreInProgress
}
