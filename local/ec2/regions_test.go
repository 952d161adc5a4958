package ec2_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"goldsmith/local/ec2"
	"goldsmith/local/query"
)

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func refusedAs(err error, code string) bool {
	said, ok := errors.AsType[smithy.APIError](err)
	return ok && said.ErrorCode() == code
}

// in is the client of another Region of the account.
func (r *rig) in(region string) *sdk.Client {
	r.t.Helper()
	return sdk.New(r.Options(), func(o *sdk.Options) {
		o.Region, o.HTTPClient = region, query.Client(r.world.In(region))
	})
}

// An image is copied to another Region, where its snapshots are that Region's, under a key of that Region.
func TestCopyToAnotherRegion(t *testing.T) {
	inWorld(t, ec2.Options{Regions: []string{"us-east-1"}}, func(t *testing.T, r *rig) {
		there := r.in("us-east-1")
		id := r.running()
		made, err := r.CreateImage(t.Context(), &sdk.CreateImageInput{InstanceId: &id, Name: aws.String("golden")})
		r.must(err)
		copyOf := func(name, key string) (*sdk.CopyImageOutput, error) {
			in := &sdk.CopyImageInput{SourceImageId: made.ImageId, SourceRegion: aws.String("eu-west-1"), Name: &name}
			if key != "" {
				in.Encrypted, in.KmsKeyId = aws.Bool(true), &key
			}
			return there.CopyImage(t.Context(), in)
		}
		if _, err := copyOf("golden", ""); err == nil {
			t.Error("a pending image is copied")
		}
		time.Sleep(24 * time.Hour)
		const key, foreign = "arn:aws:kms:us-east-1:123456789012:key/1", "arn:aws:kms:eu-west-1:123456789012:key/2"
		want := map[string]types.ImageState{"": "available", key: "available", foreign: "failed"}
		for under, state := range want {
			out, err := copyOf("golden"+under[max(0, len(under)-1):], under)
			r.must(err)
			time.Sleep(24 * time.Hour)
			found, err := there.DescribeImages(t.Context(), &sdk.DescribeImagesInput{ImageIds: []string{*out.ImageId}})
			r.must(err)
			i := found.Images[0]
			if i.State != state || aws.ToString(i.SourceImageId) != *made.ImageId ||
				aws.ToString(i.SourceImageRegion) != "eu-west-1" {
				t.Errorf("under %q it is %s, of %s in %s", under, i.State, aws.ToString(i.SourceImageId),
					aws.ToString(i.SourceImageRegion))
			}
			if _, err := r.DescribeImages(t.Context(), &sdk.DescribeImagesInput{ImageIds: []string{*out.ImageId}}); err == nil {
				t.Error("the copy is shown in the Region of its source")
			}
			stored, err := there.DescribeSnapshots(t.Context(), &sdk.DescribeSnapshotsInput{
				OwnerIds: []string{"self"}, Filters: []types.Filter{{
					Name: aws.String("snapshot-id"), Values: []string{aws.ToString(i.BlockDeviceMappings[0].Ebs.SnapshotId)},
				}},
			})
			r.must(err)
			if len(stored.Snapshots) != 1 || aws.ToString(stored.Snapshots[0].KmsKeyId) != under {
				t.Errorf("its snapshot: %+v", stored.Snapshots)
			}
		}
	})
}

// Each Region of an account has its own images, names and ids; one that is not enabled has none.
func TestRegionsAreApart(t *testing.T) {
	inWorld(t, ec2.Options{Regions: []string{"us-east-1", "ap-south-2"}}, func(t *testing.T, r *rig) {
		regions, err := r.DescribeRegions(t.Context(), &sdk.DescribeRegionsInput{})
		r.must(err)
		if len(regions.Regions) != 3 {
			t.Errorf("%d Regions", len(regions.Regions))
		}
		all, err := r.DescribeRegions(t.Context(), &sdk.DescribeRegionsInput{AllRegions: aws.Bool(true),
			RegionNames: []string{"us-east-1", "eu-south-1"}})
		r.must(err)
		for _, each := range all.Regions {
			want := map[string]string{"us-east-1": "opt-in-not-required", "eu-south-1": "not-opted-in"}[*each.RegionName]
			if *each.OptInStatus != want {
				t.Errorf("%s is %s, want %s", *each.RegionName, *each.OptInStatus, want)
			}
		}
		if _, err := r.DescribeRegions(t.Context(), &sdk.DescribeRegionsInput{AllRegions: aws.Bool(true),
			RegionNames: []string{"us-gov-west-1"}}); !refusedAs(err, "InvalidParameterValue") {
			t.Errorf("a Region of another partition: %v", err)
		}
		if r.world.In("eu-south-1") != nil {
			t.Error("a Region that is not enabled has EC2")
		}
		_, err = r.in("us-east-1").CopyImage(t.Context(), &sdk.CopyImageInput{
			SourceImageId: aws.String(ec2.ImageX86), SourceRegion: aws.String("eu-south-1"), Name: aws.String("golden"),
		})
		if !refusedAs(err, "InvalidRequest") {
			t.Errorf("copying from a Region that is not enabled: %v", err)
		}
		seen := map[string]bool{}
		for _, region := range []string{"us-east-1", "ap-south-2"} {
			out, err := r.in(region).CopyImage(t.Context(), &sdk.CopyImageInput{
				SourceImageId: aws.String(ec2.ImageX86), SourceRegion: aws.String("eu-west-1"), Name: aws.String("golden"),
			})
			r.must(err)
			if seen[*out.ImageId] {
				t.Errorf("%s is an image of two Regions", *out.ImageId)
			}
			seen[*out.ImageId] = true
		}
	})
}

// A Region makes as many copies at once as EC2 allows, and the same request again, by its token, is the same copy.
func TestCopiesAtOnce(t *testing.T) {
	inWorld(t, ec2.Options{Regions: []string{"us-east-1"}}, func(t *testing.T, r *rig) {
		made, err := r.CreateImage(t.Context(), &sdk.CreateImageInput{
			InstanceId: aws.String(r.running()), Name: aws.String("golden"),
		})
		r.must(err)
		time.Sleep(24 * time.Hour)
		there := r.in("us-east-1")
		copyAs := func(name string, edit ...func(*sdk.CopyImageInput)) (string, error) {
			in := &sdk.CopyImageInput{
				SourceImageId: made.ImageId, SourceRegion: aws.String("eu-west-1"), Name: &name, ClientToken: &name,
			}
			for _, e := range edit {
				e(in)
			}
			out, err := there.CopyImage(t.Context(), in)
			if err != nil {
				return "", err
			}
			return *out.ImageId, nil
		}
		first, err := copyAs("golden-0")
		r.must(err)
		for n := 1; err == nil && n < 100; n++ {
			_, err = copyAs(fmt.Sprint("golden-", n))
		}
		r.wantCode("ResourceLimitExceeded", err)
		again, err := copyAs("golden-0")
		if r.must(err); again != first {
			t.Errorf("the same request made %s and %s", first, again)
		}
		_, err = copyAs("golden-0", func(in *sdk.CopyImageInput) { in.Description = aws.String("another") })
		r.wantCode("IdempotentParameterMismatch", err)
		time.Sleep(24 * time.Hour)
		_, err = copyAs("golden-200")
		r.must(err)
		_, err = copyAs("golden-201", func(in *sdk.CopyImageInput) { in.KmsKeyId = aws.String("alias/golden") })
		r.wantCode("InvalidParameterDependency", err)
	})
}

// What is under a key that cannot be used any more cannot be copied, whatever key the copy is to have.
func TestCopyFromALostKey(t *testing.T) {
	inWorld(t, ec2.Options{Regions: []string{"us-east-1"}}, func(t *testing.T, r *rig) {
		made, err := r.CreateImage(t.Context(), &sdk.CreateImageInput{
			InstanceId: aws.String(r.running()), Name: aws.String("golden"),
		})
		r.must(err)
		time.Sleep(24 * time.Hour)
		const lost = "arn:aws:kms:eu-west-1:123456789012:key/0d9d3d3b-0000-4000-8000-000000000002"
		under := func(from, name, key string) string {
			client := r.in("us-east-1")
			in := &sdk.CopyImageInput{SourceImageId: &from, SourceRegion: aws.String("eu-west-1"), Name: &name}
			if key != "" {
				client, in.Encrypted, in.KmsKeyId = r.Client, aws.Bool(true), &key
			}
			out, err := client.CopyImage(t.Context(), in)
			r.must(err)
			time.Sleep(24 * time.Hour)
			found, err := client.DescribeImages(t.Context(), &sdk.DescribeImagesInput{ImageIds: []string{*out.ImageId}})
			r.must(err)
			if found.Images[0].State != types.ImageStateAvailable {
				return aws.ToString(found.Images[0].StateReason.Message)
			}
			return *out.ImageId
		}
		encrypted := under(*made.ImageId, "encrypted", lost)
		r.world.SetKey(lost, ec2.KeyDisabled)
		if why := under(encrypted, "abroad", ""); !strings.Contains(why, "Given key ID is not accessible") {
			t.Errorf("it is %s", why)
		}
	})
}
