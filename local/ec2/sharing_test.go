package ec2_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

func (r *rig) shareAs(img types.Image, p types.LaunchPermission) error {
	_, err := r.ModifyImageAttribute(r.t.Context(), &sdk.ModifyImageAttributeInput{ImageId: img.ImageId,
		LaunchPermission: &types.LaunchPermissionModifications{Add: []types.LaunchPermission{p}}})
	return err
}

// opendevstack/ods-core#1062: an encrypted image goes to accounts, never to all.
func TestEncryptedImagesAreNotMadePublic(t *testing.T) {
	inWorld(t, ec2.Options{}, func(_ *testing.T, r *rig) {
		open := r.made("open")
		r.wantCode("", r.shareAs(open, types.LaunchPermission{Group: types.PermissionGroupAll}))
		img := r.made("web", encrypted("arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-4000-8000-00000000aaaa"))
		r.wantCode("UnsupportedOperation", r.shareAs(img, types.LaunchPermission{Group: types.PermissionGroupAll}))
		r.wantCode("", r.shareAs(img, types.LaunchPermission{UserId: aws.String("210987654321")}))
	})
}

func TestALaunchPermissionNamesOne(t *testing.T) {
	inWorld(t, ec2.Options{}, func(_ *testing.T, r *rig) {
		r.wantCode("InvalidParameterCombination", r.shareAs(r.made("web"),
			types.LaunchPermission{Group: types.PermissionGroupAll, UserId: aws.String("210987654321")}))
	})
}
