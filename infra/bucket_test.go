package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"goldsmith/shared/ledger"
)

// The bucket of pages is private, encrypted and kept, its pages go by themselves, and it is there where messages lead to
// pages: a role may put them, and only where links are presigned another may read them.
func TestPages(t *testing.T) {
	linked, err := synth(map[string]any{"plans": "testdata/linked.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range linked.messages {
		if strings.Contains(said, "AwsSolutions") {
			t.Error(said)
		}
	}
	isPrivate(t, linked.only(t))
	for _, action := range []string{"s3:PutObject", "s3:GetObject"} {
		stack := linked.only(t)
		grant := action + " <" + stack.kind("AWS::S3::Bucket")[0].name + ".Arn>/runs/*.html"
		if !grants(t, stack)[grant] {
			t.Errorf("not granted: %s", grant)
		}
	}
	for grant := range grants(t, plainly().only(t)) {
		if strings.HasPrefix(grant, "s3:") {
			t.Errorf("granted without a bucket: %s", grant)
		}
	}
}

func isPrivate(t *testing.T, stack stackTemplate) {
	t.Helper()
	buckets := stack.kind("AWS::S3::Bucket")
	if len(buckets) != 1 || len(plainly().only(t).kind("AWS::S3::Bucket")) != 0 {
		t.Fatalf("%d buckets where a plan wants one", len(buckets))
	}
	b := buckets[0]
	want := map[string]any{
		"BucketName": nil,
		"BucketEncryption": map[string]any{"ServerSideEncryptionConfiguration": []any{map[string]any{
			"ServerSideEncryptionByDefault": map[string]any{"SSEAlgorithm": "AES256"}}}},
		"OwnershipControls": map[string]any{"Rules": []any{map[string]any{"ObjectOwnership": "BucketOwnerEnforced"}}},
		"PublicAccessBlockConfiguration": map[string]any{"BlockPublicAcls": true, "BlockPublicPolicy": true,
			"IgnorePublicAcls": true, "RestrictPublicBuckets": true},
		"LifecycleConfiguration": map[string]any{"Rules": []any{map[string]any{"Status": "Enabled",
			"ExpirationInDays":               ledger.Remembered.Hours() / 24,
			"AbortIncompleteMultipartUpload": map[string]any{"DaysAfterInitiation": float64(1)}}}},
	}
	for property, value := range want {
		if diff := cmp.Diff(value, b.at(property)); diff != "" {
			t.Errorf("%s: %s", property, diff)
		}
	}
	if b.DeletionPolicy != "Retain" || b.UpdateReplacePolicy != "Retain" {
		t.Errorf("when the stack goes, the bucket is dealt with by %q", b.DeletionPolicy)
	}
}
