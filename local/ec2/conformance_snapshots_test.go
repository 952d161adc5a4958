package ec2_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

// stored is a completed snapshot of a new instance's root volume.
func (r *rig) stored(edit ...func(*sdk.RunInstancesInput)) string {
	r.t.Helper()
	volume := r.instance(r.running(edit...)).BlockDeviceMappings[0].Ebs.VolumeId
	out, err := r.CreateSnapshot(r.t.Context(), &sdk.CreateSnapshotInput{VolumeId: volume})
	if err != nil {
		r.t.Fatal(err)
	}
	time.Sleep(time.Hour)
	return aws.ToString(out.SnapshotId)
}

func (r *rig) deleteSnapshot(id string) error {
	_, err := r.DeleteSnapshot(r.t.Context(), &sdk.DeleteSnapshotInput{SnapshotId: &id})
	return err
}

func (r *rig) permit(id string, change *types.CreateVolumePermissionModifications) error {
	_, err := r.ModifySnapshotAttribute(r.t.Context(), &sdk.ModifySnapshotAttributeInput{
		SnapshotId: &id, Attribute: "createVolumePermission", CreateVolumePermission: change,
	})
	return err
}

func to(accounts ...string) []types.CreateVolumePermission {
	var list []types.CreateVolumePermission
	for _, each := range accounts {
		list = append(list, types.CreateVolumePermission{UserId: aws.String(each)})
	}
	return list
}

func (r *rig) permitted(id string) []string {
	r.t.Helper()
	out, err := r.DescribeSnapshotAttribute(r.t.Context(),
		&sdk.DescribeSnapshotAttributeInput{SnapshotId: &id, Attribute: "createVolumePermission"})
	if err != nil {
		r.t.Fatal(err)
	}
	var accounts []string
	for _, each := range out.CreateVolumePermissions {
		accounts = append(accounts, aws.ToString(each.UserId)+string(each.Group))
	}
	return accounts
}

var snapshotFacts = []fact{
	{
		"deleting somebody else's snapshot", "error code reference, AuthFailure; which code this one has is unverified",
		func(_ *testing.T, r *rig) {
			r.wantCode("AuthFailure", r.deleteSnapshot("snap"+ec2.ImageX86[len("ami"):]))
		},
	},
	{
		"deleting what an image boots from, and what it has besides",
		"API reference, DeleteSnapshot: the root device of a registered AMI",
		func(t *testing.T, r *rig) {
			image := r.made("web", func(in *sdk.RunInstancesInput) {
				in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"),
					Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(1)}}}
			})
			r.wantCode("InvalidSnapshot.InUse", r.deleteSnapshot(*image.BlockDeviceMappings[0].Ebs.SnapshotId))
			r.wantCode("", r.deleteSnapshot(*image.BlockDeviceMappings[1].Ebs.SnapshotId))
			_, err := r.DeregisterImage(t.Context(), &sdk.DeregisterImageInput{ImageId: image.ImageId})
			r.wantCode("", err)
			r.wantCode("", r.deleteSnapshot(*image.BlockDeviceMappings[0].Ebs.SnapshotId))
		},
	},
	{
		"sharing a snapshot", "API reference, ModifySnapshotAttribute",
		func(t *testing.T, r *rig) {
			id := r.stored()
			r.wantCode("", r.permit(id, &types.CreateVolumePermissionModifications{Add: to("210987654321", "320987654321")}))
			same(t, "permitted", r.permitted(id), []string{"210987654321", "320987654321"})
			r.wantCode("", r.permit(id, &types.CreateVolumePermissionModifications{Remove: to("210987654321")}))
			same(t, "permitted", r.permitted(id), []string{"320987654321"})
			_, err := r.ModifySnapshotAttribute(t.Context(), &sdk.ModifySnapshotAttributeInput{
				SnapshotId: &id, Attribute: "createVolumePermission", OperationType: "add", GroupNames: []string{"all"},
			})
			r.wantCode("", err)
			same(t, "permitted", r.permitted(id), []string{"320987654321", "all"})
			r.wantCode("InvalidUserID.Malformed", r.permit(id, &types.CreateVolumePermissionModifications{Add: to("web")}))
			r.wantCode("InvalidParameterCombination",
				r.permit(id, &types.CreateVolumePermissionModifications{Add: to("210987654321"), Remove: to("320987654321")}))
		},
	},
	{
		"sharing a snapshot under the default key", "hashicorp/packer#7499, #8271",
		func(_ *testing.T, r *rig) {
			r.wantError("OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared",
				r.permit(r.stored(encrypted("")), &types.CreateVolumePermissionModifications{Add: to("210987654321")}))
			own := r.stored(encrypted(elsewhere))
			r.wantCode("", r.permit(own, &types.CreateVolumePermissionModifications{Add: to("210987654321")}))
			r.wantCode("OperationNotPermitted",
				r.permit(own, &types.CreateVolumePermissionModifications{Add: []types.CreateVolumePermission{{Group: "all"}}}))
		},
	},
	{
		"a locked snapshot cannot be deleted until its lock ends", "API reference, LockSnapshot",
		func(t *testing.T, r *rig) {
			id := r.stored()
			out, err := r.LockSnapshot(t.Context(),
				&sdk.LockSnapshotInput{SnapshotId: &id, LockMode: "compliance", CoolOffPeriod: aws.Int32(1),
					LockDuration: aws.Int32(1)})
			r.wantCode("", err)
			same(t, "state", out.LockState, "compliance-cooloff")
			r.wantCode("OperationNotPermitted", r.deleteSnapshot(id))
			time.Sleep(2 * time.Hour)
			_, err = r.UnlockSnapshot(t.Context(), &sdk.UnlockSnapshotInput{SnapshotId: &id})
			r.wantCode("OperationNotPermitted", err)
			seen, err := r.DescribeLockedSnapshots(t.Context(), &sdk.DescribeLockedSnapshotsInput{})
			r.wantCode("", err)
			same(t, "locked", len(seen.Snapshots), 1)
			same(t, "state", seen.Snapshots[0].LockState, "compliance")
			r.settle()
			r.wantCode("", r.deleteSnapshot(id))
		},
	},
	{
		"archiving", "EBS User Guide, Archive Amazon EBS snapshots",
		func(t *testing.T, r *rig) {
			image := r.made("web")
			archive := func(id string) error {
				_, err := r.ModifySnapshotTier(t.Context(), &sdk.ModifySnapshotTierInput{SnapshotId: &id, StorageTier: "archive"})
				return err
			}
			r.wantCode("InvalidSnapshot.InUse", archive(*image.BlockDeviceMappings[0].Ebs.SnapshotId))
			id := r.stored()
			r.wantCode("", archive(id))
			time.Sleep(73 * time.Hour)
			out, err := r.DescribeSnapshots(t.Context(),
				&sdk.DescribeSnapshotsInput{Filters: []types.Filter{{Name: aws.String("storage-tier"),
					Values: []string{"archive"}}}})
			r.wantCode("", err)
			same(t, "archived", len(out.Snapshots), 1)
			tiers, err := r.DescribeSnapshotTierStatus(t.Context(),
				&sdk.DescribeSnapshotTierStatusInput{Filters: []types.Filter{{Name: aws.String("snapshot-id"),
					Values: []string{id}}}})
			r.wantCode("", err)
			same(t, "status", tiers.SnapshotTierStatuses[0].LastTieringOperationStatus, "archival-completed")
			_, err = r.CreateVolume(t.Context(),
				&sdk.CreateVolumeInput{SnapshotId: &id, AvailabilityZone: aws.String("eu-west-1a")})
			r.wantCode("IncorrectState", err)
			_, err = r.RestoreSnapshotTier(t.Context(),
				&sdk.RestoreSnapshotTierInput{SnapshotId: &id, PermanentRestore: aws.Bool(true)})
			r.wantCode("", err)
			time.Sleep(73 * time.Hour)
			_, err = r.CreateVolume(t.Context(),
				&sdk.CreateVolumeInput{SnapshotId: &id, AvailabilityZone: aws.String("eu-west-1a")})
			r.wantCode("", err)
		},
	},
	{
		"Fast Snapshot Restore goes through its states", "EBS User Guide, Amazon EBS fast snapshot restore states",
		func(t *testing.T, r *rig) {
			id := r.stored()
			on, err := r.EnableFastSnapshotRestores(t.Context(), &sdk.EnableFastSnapshotRestoresInput{
				AvailabilityZones: []string{"eu-west-1a", "eu-west-1b"}, SourceSnapshotIds: []string{id, "snap-00000000000000000"},
			})
			r.wantCode("", err)
			same(t, "enabled", len(on.Successful), 2)
			same(t, "refused", len(on.Unsuccessful), 2)
			states := func() []types.FastSnapshotRestoreStateCode {
				out, err := r.DescribeFastSnapshotRestores(t.Context(), &sdk.DescribeFastSnapshotRestoresInput{
					Filters: []types.Filter{{Name: aws.String("snapshot-id"), Values: []string{id}}},
				})
				r.wantCode("", err)
				var all []types.FastSnapshotRestoreStateCode
				for _, each := range out.FastSnapshotRestores {
					all = append(all, each.State)
				}
				return all
			}
			same(t, "states", states(), []types.FastSnapshotRestoreStateCode{"enabling", "enabling"})
			r.settle()
			same(t, "states", states(), []types.FastSnapshotRestoreStateCode{"enabled", "enabled"})
			_, err = r.DisableFastSnapshotRestores(t.Context(),
				&sdk.DisableFastSnapshotRestoresInput{AvailabilityZones: []string{"eu-west-1a"}, SourceSnapshotIds: []string{id}})
			r.wantCode("", err)
			r.settle()
			same(t, "states", states(), []types.FastSnapshotRestoreStateCode{"disabled", "enabled"})
			r.wantCode("", r.deleteSnapshot(id))
			same(t, "states", len(states()), 0)
		},
	},
	{
		"a volume from a snapshot is being created for a while", "API reference, CreateVolume and VolumeState",
		func(t *testing.T, r *rig) {
			id := r.stored()
			out, err := r.CreateVolume(t.Context(),
				&sdk.CreateVolumeInput{SnapshotId: &id, AvailabilityZone: aws.String("eu-west-1a"), VolumeType: "gp3"})
			r.wantCode("", err)
			same(t, "state", out.State, "creating")
			seen := func() types.Volume {
				found, err := r.DescribeVolumes(t.Context(),
					&sdk.DescribeVolumesInput{Filters: []types.Filter{{Name: aws.String("snapshot-id"), Values: []string{id}}}})
				r.wantCode("", err)
				return found.Volumes[0]
			}
			same(t, "state", seen().State, "creating")
			r.settle()
			same(t, "state", seen().State, "available")
			_, err = r.CreateVolume(t.Context(), &sdk.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a")})
			r.wantCode("MissingParameter", err)
			_, err = r.CreateVolume(t.Context(),
				&sdk.CreateVolumeInput{SnapshotId: &id, AvailabilityZone: aws.String("eu-west-1x")})
			r.wantCode("InvalidZone.NotFound", err)
			_, err = r.DeleteVolume(t.Context(), &sdk.DeleteVolumeInput{VolumeId: out.VolumeId})
			r.wantCode("", err)
		},
	},
}
