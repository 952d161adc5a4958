package ec2_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
)

const elsewhere = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-4000-8000-00000000aaaa"

// encrypted launches with a root volume under a key; "" is the default key.
func encrypted(key string) func(*sdk.RunInstancesInput) {
	return func(in *sdk.RunInstancesInput) {
		ebs := &types.EbsBlockDevice{Encrypted: aws.Bool(true), VolumeType: types.VolumeTypeGp3}
		if key != "" {
			ebs.KmsKeyId = &key
		}
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: ebs}}
	}
}

// made is an available image of a new instance.
func (r *rig) made(name string, edit ...func(*sdk.RunInstancesInput)) types.Image {
	r.t.Helper()
	id := r.running(edit...)
	out, err := r.CreateImage(r.t.Context(), &sdk.CreateImageInput{InstanceId: &id, Name: &name, NoReboot: aws.Bool(true)})
	if err != nil {
		r.t.Fatal(err)
	}
	time.Sleep(time.Hour)
	return r.image(aws.ToString(out.ImageId))
}

func (r *rig) share(image string, accounts ...string) error {
	var added []types.LaunchPermission
	for _, each := range accounts {
		added = append(added, types.LaunchPermission{UserId: aws.String(each)})
	}
	_, err := r.ModifyImageAttribute(r.t.Context(), &sdk.ModifyImageAttributeInput{
		ImageId: &image, LaunchPermission: &types.LaunchPermissionModifications{Add: added},
	})
	return err
}

var imageFacts = []fact{
	{
		"CreateImage of an instance that is not up", "aws-samples/aws-systemsmanagerautomation-with-asglifecyclehooks#2",
		func(t *testing.T, r *rig) {
			id := aws.ToString(r.run().InstanceId)
			_, err := r.CreateImage(t.Context(), &sdk.CreateImageInput{InstanceId: &id, Name: aws.String("web")})
			r.wantError("InvalidParameterValue",
				"Invalid value '"+id+"' for instanceId. Instance is not in state 'running' or 'stopping' or 'stopped'", err)
		},
	},
	{
		"sharing a pending image", "app-sre/qontract-reconcile#2222, SUSE-Enceladus/ec2imgutils#45",
		func(t *testing.T, r *rig) {
			id := r.running()
			out, err := r.CreateImage(t.Context(), &sdk.CreateImageInput{InstanceId: &id, Name: aws.String("web")})
			r.wantCode("", err)
			image := aws.ToString(out.ImageId)
			r.wantError("InvalidAMIID.Unavailable",
				"The AMI ID '"+image+"' is currently pending and may not be used for this operation", r.share(image,
					"210987654321"))
			r.settle()
			r.wantCode("", r.share(image, "210987654321"))
		},
	},
	{
		"sharing a disabled image", "User Guide, Disable an AMI: a disabled AMI can't be shared",
		func(t *testing.T, r *rig) {
			image := r.made("web")
			_, err := r.DisableImage(t.Context(), &sdk.DisableImageInput{ImageId: image.ImageId})
			r.wantCode("", err)
			r.wantCode("InvalidAMIID.Unavailable", r.share(aws.ToString(image.ImageId), "210987654321"))
		},
	},
	{
		"sharing with what is no account", "error code reference, InvalidAMIAttributeItemValue",
		func(t *testing.T, r *rig) {
			image := r.made("web")
			for _, account := range []string{"web", "12345678901", "1234567890123", "1234-5678-9012", "000000000000"} {
				r.wantCode("InvalidAMIAttributeItemValue", r.share(aws.ToString(image.ImageId), "210987654321", account))
			}
			_, err := r.ModifyImageAttribute(t.Context(), &sdk.ModifyImageAttributeInput{
				ImageId: image.ImageId, Attribute: aws.String("launchPermission"), OperationType: "add", UserIds: []string{"web"},
			})
			r.wantCode("InvalidAMIAttributeItemValue", err)
			out, err := r.DescribeImageAttribute(t.Context(),
				&sdk.DescribeImageAttributeInput{ImageId: image.ImageId, Attribute: "launchPermission"})
			r.wantCode("", err)
			same(t, "permissions", len(out.LaunchPermissions), 0)
		},
	},
	{
		"sharing an image under the default key", "hashicorp/packer#7410, DataDog/stratus-red-team#109",
		func(_ *testing.T, r *rig) {
			r.wantError("InvalidParameter",
				"Snapshots encrypted with the AWS Managed CMK can't be shared. Specify another snapshot.",
				r.share(aws.ToString(r.made("default", encrypted("")).ImageId), "210987654321"))
			r.wantCode("", r.share(aws.ToString(r.made("own", encrypted(elsewhere)).ImageId), "210987654321"))
		},
	},
	{
		"a copy says what it is of, and takes tags when asked", "API reference, CopyImage and Image",
		func(t *testing.T, r *rig) {
			image := r.made("web")
			_, err := r.CreateTags(t.Context(),
				&sdk.CreateTagsInput{Resources: []string{*image.ImageId},
					Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}}})
			r.wantCode("", err)
			copied := func(name string, tags bool) types.Image {
				out, err := r.CopyImage(t.Context(), &sdk.CopyImageInput{
					Name: &name, SourceImageId: image.ImageId, SourceRegion: aws.String("eu-west-1"), CopyImageTags: &tags,
				})
				r.wantCode("", err)
				same(t, "state", r.image(aws.ToString(out.ImageId)).State, "pending")
				r.settle()
				return r.image(aws.ToString(out.ImageId))
			}
			plain, tagged := copied("plain", false), copied("tagged", true)
			same(t, "state", plain.State, "available")
			same(t, "source", aws.ToString(plain.SourceImageId), aws.ToString(image.ImageId))
			same(t, "source Region", aws.ToString(plain.SourceImageRegion), "eu-west-1")
			same(t, "source instance", aws.ToString(plain.SourceInstanceId), "")
			same(t, "tags", len(plain.Tags), 0)
			if diff := cmp.Diff(map[string]string{"team": "a"}, r.world.Tags(*tagged.ImageId)); diff != "" {
				t.Error(diff)
			}
		},
	},
	{
		"a copy is made once for a token", "Developer Guide, Ensuring idempotency in Amazon EC2 API requests",
		func(t *testing.T, r *rig) {
			image := r.made("web")
			ask := func(name string) (string, error) {
				out, err := r.CopyImage(t.Context(), &sdk.CopyImageInput{
					Name: &name, SourceImageId: image.ImageId, SourceRegion: aws.String("eu-west-1"), ClientToken: aws.String("one"),
				})
				if err != nil {
					return "", err
				}
				return aws.ToString(out.ImageId), nil
			}
			first, err := ask("copy")
			r.wantCode("", err)
			second, err := ask("copy")
			r.wantCode("", err)
			same(t, "the copy", second, first)
			_, err = ask("another")
			r.wantCode("IdempotentParameterMismatch", err)
		},
	},
	{
		"a copy can be under another key", "API reference, CopyImage: Encrypted, KmsKeyId",
		func(t *testing.T, r *rig) {
			image := r.made("web")
			ask := func(name string, on *bool, key *string) *string {
				out, err := r.CopyImage(t.Context(), &sdk.CopyImageInput{
					Name: &name, SourceImageId: image.ImageId, SourceRegion: aws.String("eu-west-1"), Encrypted: on, KmsKeyId: key,
				})
				r.wantCode("", err)
				return r.image(aws.ToString(out.ImageId)).BlockDeviceMappings[0].Ebs.SnapshotId
			}
			key := func(snapshot *string) string {
				out, err := r.DescribeSnapshots(t.Context(), &sdk.DescribeSnapshotsInput{SnapshotIds: []string{*snapshot}})
				r.wantCode("", err)
				return aws.ToString(out.Snapshots[0].KmsKeyId)
			}
			same(t, "key", key(ask("plain", nil, nil)), "")
			same(t, "key", key(ask("default", aws.Bool(true), nil)), r.world.DefaultKey())
			same(t, "key", key(ask("own", aws.Bool(true), aws.String(elsewhere))), elsewhere)
		},
	},
	{
		"volumes, snapshots and images carry their key", "EBS User Guide, How Amazon EBS encryption works",
		func(t *testing.T, r *rig) {
			id := r.running(encrypted(elsewhere))
			volumes, err := r.DescribeVolumes(t.Context(), &sdk.DescribeVolumesInput{
				Filters: []types.Filter{{Name: aws.String("attachment.instance-id"), Values: []string{id}}},
			})
			r.wantCode("", err)
			same(t, "the volume's key", aws.ToString(volumes.Volumes[0].KmsKeyId), elsewhere)
			out, err := r.CreateImage(t.Context(),
				&sdk.CreateImageInput{InstanceId: &id, Name: aws.String("web"), NoReboot: aws.Bool(true)})
			r.wantCode("", err)
			r.settle()
			image := r.image(aws.ToString(out.ImageId))
			snapshots, err := r.DescribeSnapshots(t.Context(),
				&sdk.DescribeSnapshotsInput{SnapshotIds: []string{*image.BlockDeviceMappings[0].Ebs.SnapshotId}})
			r.wantCode("", err)
			same(t, "the snapshot's key", aws.ToString(snapshots.Snapshots[0].KmsKeyId), elsewhere)
			if ebs := image.BlockDeviceMappings[0].Ebs; !aws.ToBool(ebs.Encrypted) {
				t.Errorf("the image's mapping is %+v", ebs)
			}
		},
	},
	{
		"one attribute of an image at a time", "API reference, ModifyImageAttribute",
		func(t *testing.T, r *rig) {
			image := r.made("web")
			_, err := r.ModifyImageAttribute(t.Context(), &sdk.ModifyImageAttributeInput{
				ImageId: image.ImageId, Description: &types.AttributeValue{Value: aws.String("new")},
				LaunchPermission: &types.LaunchPermissionModifications{Add: []types.LaunchPermission{{UserId: aws.String("210987654321")}}},
			})
			r.wantCode("InvalidParameterCombination", err)
		},
	},
}
