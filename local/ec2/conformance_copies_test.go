package ec2_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

// copyOf asks for a copy of a snapshot.
func (r *rig) copyOf(id string, edit ...func(*sdk.CopySnapshotInput)) (string, error) {
	r.t.Helper()
	in := &sdk.CopySnapshotInput{SourceSnapshotId: &id, SourceRegion: aws.String("eu-west-1")}
	for _, e := range edit {
		e(in)
	}
	out, err := r.CopySnapshot(r.t.Context(), in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.SnapshotId), nil
}

func (r *rig) snapshotShown(id string) types.Snapshot {
	r.t.Helper()
	out, err := r.DescribeSnapshots(r.t.Context(), &sdk.DescribeSnapshotsInput{SnapshotIds: []string{id}})
	if err != nil {
		r.t.Fatal(err)
	}
	return out.Snapshots[0]
}

func (r *rig) copied(id string, edit ...func(*sdk.CopySnapshotInput)) types.Snapshot {
	r.t.Helper()
	made, err := r.copyOf(id, edit...)
	r.wantCode("", err)
	r.settle()
	return r.snapshotShown(made)
}

var copyFacts = []fact{
	{
		"a copy takes its time, has its own tags, and does not say of what volume it is",
		"API reference, CopySnapshot: snapshot copies have an arbitrary source volume ID",
		func(t *testing.T, r *rig) {
			id := r.stored()
			made, err := r.copyOf(id, func(in *sdk.CopySnapshotInput) {
				in.TagSpecifications = []types.TagSpecification{{
					ResourceType: types.ResourceTypeSnapshot, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
				}}
			})
			r.wantCode("", err)
			s := r.snapshotShown(made)
			same(t, "state", s.State, "pending")
			same(t, "volume", *s.VolumeId, "vol-ffffffff")
			same(t, "description", *s.Description, "[Copied "+id+" from eu-west-1] ")
			same(t, "tag", *s.Tags[0].Value, "b")
			_, err = r.copyOf(made)
			r.wantCode("IncorrectState", err)
			r.settle()
			same(t, "state", r.snapshotShown(made).State, "completed")
		},
	},
	{
		"each call makes a copy, and the description stays as it was given",
		"API reference, CopySnapshot: there is no ClientToken",
		func(t *testing.T, r *rig) {
			id := r.stored()
			described := func(in *sdk.CopySnapshotInput) { in.Description = aws.String("mine") }
			first, second := r.copied(id, described), r.copied(id, described)
			same(t, "same", *first.SnapshotId == *second.SnapshotId, false)
			same(t, "description", *second.Description, "mine")
		},
	},
	{
		"a copy under no key is under the account's key for EBS, if its source is encrypted",
		"API reference, CopySnapshot: KmsKeyId, Encrypted",
		func(t *testing.T, r *rig) {
			key := "arn:aws:kms:eu-west-1:123456789012:key/0d9d3d3b-0000-4000-8000-000000000001"
			plain, under := r.stored(), r.stored(encrypted(key))
			same(t, "plain", *r.copied(plain).Encrypted, false)
			same(t, "key", *r.copied(under).KmsKeyId, r.world.DefaultKey())
			same(t, "its own", *r.copied(under, func(in *sdk.CopySnapshotInput) {
				in.Encrypted, in.KmsKeyId = aws.Bool(true), &key
			}).KmsKeyId, key)
			_, err := r.copyOf(under, func(in *sdk.CopySnapshotInput) { in.KmsKeyId = &key })
			r.wantCode("InvalidParameterDependency", err)
		},
	},
	{
		"a key that cannot be used is found out later",
		"API reference, CopySnapshot: the action can appear to complete, but fails",
		func(t *testing.T, r *rig) {
			key := "arn:aws:kms:eu-west-1:123456789012:key/0d9d3d3b-0000-4000-8000-000000000002"
			id := r.stored()
			r.world.SetKey(key, ec2.KeyDisabled)
			s := r.copied(id, func(in *sdk.CopySnapshotInput) { in.Encrypted, in.KmsKeyId = aws.Bool(true), &key })
			same(t, "state", s.State, "error")
			same(t, "message", *s.StateMessage, "Given key ID is not accessible")
		},
	},
	{
		"twenty copies at once", "EBS User Guide, quotas; aws-samples/copy-encrypted-ami#3",
		func(_ *testing.T, r *rig) {
			id := r.stored()
			for range 20 {
				_, err := r.copyOf(id)
				r.wantCode("", err)
			}
			_, err := r.copyOf(id)
			r.wantError("ResourceLimitExceeded",
				"Too many snapshot copies in progress. The limit is 20 for this destination region.", err)
			r.settle()
			_, err = r.copyOf(id)
			r.wantCode("", err)
		},
	},
	{
		"what cannot be copied", "EBS User Guide, copying: completed snapshots that the account may use",
		func(_ *testing.T, r *rig) {
			_, err := r.copyOf("snap" + ec2.ImageX86[len("ami"):])
			r.wantCode("AuthFailure", err)
			_, err = r.copyOf("snap-0123456789abcdef0")
			r.wantCode("InvalidSnapshot.NotFound", err)
			id := r.stored()
			_, err = r.ModifySnapshotTier(r.t.Context(), &sdk.ModifySnapshotTierInput{SnapshotId: &id, StorageTier: "archive"})
			r.wantCode("", err)
			time.Sleep(48 * time.Hour)
			_, err = r.copyOf(id)
			r.wantCode("IncorrectState", err)
		},
	},
	{
		"an image of a snapshot is billed as its metadata says", "API reference, RegisterImage",
		func(t *testing.T, r *rig) {
			windows := func(in *sdk.RunInstancesInput) { in.ImageId = aws.String(ec2.ImageWindows) }
			id := r.stored(windows)
			details := func(name, snapshot string) string {
				out, err := r.RegisterImage(t.Context(), &sdk.RegisterImageInput{
					Name: &name, Architecture: types.ArchitectureValuesX8664, VirtualizationType: aws.String("hvm"),
					RootDeviceName: aws.String("/dev/sda1"), BlockDeviceMappings: []types.BlockDeviceMapping{
						{DeviceName: aws.String("/dev/sda1"), Ebs: &types.EbsBlockDevice{SnapshotId: &snapshot}},
					},
				})
				r.wantCode("", err)
				r.settle()
				return aws.ToString(r.image(aws.ToString(out.ImageId)).PlatformDetails)
			}
			copied := aws.ToString(r.copied(id).SnapshotId)
			same(t, "of the snapshot", details("one", id), "Windows")
			same(t, "of a copy", details("two", copied), "Windows")
			r.world.LoseBilling(copied)
			same(t, "without metadata", details("three", copied), "Linux/UNIX")
		},
	},
}
