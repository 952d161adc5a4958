package stack_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	direct "github.com/aws/aws-sdk-go-v2/service/ebs"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"goldsmith/local/clock"
	"goldsmith/local/disks"
	"goldsmith/local/ebs"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/disk"
	"goldsmith/shared/plan"
)

const home, abroad, closed = "eu-central-1", "us-east-1", "ap-south-2"

// account is a stack whose account has enabled one more Region.
func account(t *testing.T, test func(t *testing.T, of func(region string) aws.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := stack.New(stack.Options{
			Clock: clock.Real(), Plans: plan.Plans{}, Seed: 1, Region: home, EC2: ec2.Options{Regions: []string{abroad}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		test(t, func(region string) aws.Config {
			cfg := s.AWS()
			cfg.Region = region
			return cfg
		})
	})
}

func refusedAs(err error, code string) bool {
	said, ok := errors.AsType[smithy.APIError](err)
	return ok && said.ErrorCode() == code
}

// One endpoint is all Regions, as the SDK addresses them; what is not there is refused as AWS refuses it.
func TestOneEndpointIsEveryRegion(t *testing.T) {
	account(t, func(t *testing.T, of func(region string) aws.Config) {
		for region, count := range map[string]int{home: 1, abroad: 0} {
			out, err := sdk.NewFromConfig(of(region)).DescribeImages(t.Context(), &sdk.DescribeImagesInput{
				Filters: []types.Filter{{Name: aws.String("image-id"), Values: []string{ec2.ImageX86}}},
			})
			if err != nil || len(out.Images) != count {
				t.Errorf("%s: %v, %v", region, out, err)
			}
		}
		_, err := sdk.NewFromConfig(of(closed)).DescribeImages(t.Context(), &sdk.DescribeImagesInput{})
		if !refusedAs(err, "AuthFailure") {
			t.Errorf("EC2 where it is not enabled: %v", err)
		}
		_, err = direct.NewFromConfig(of(abroad)).ListSnapshotBlocks(t.Context(),
			&direct.ListSnapshotBlocksInput{SnapshotId: aws.String("snap-00000000")})
		if !refusedAs(err, "UnrecognizedClientException") {
			t.Errorf("a service that is at home alone: %v", err)
		}
		if _, err := sts.NewFromConfig(of(abroad)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
			t.Error(err)
		}
	})
}

// Each Region has parameters, groups and keys of its own.
func TestRegionsHaveTheirOwnServices(t *testing.T) {
	account(t, func(t *testing.T, of func(region string) aws.Config) {
		name, value := aws.String("/golden/web"), aws.String("ami-1")
		_, err := ssm.NewFromConfig(of(abroad)).PutParameter(t.Context(),
			&ssm.PutParameterInput{Name: name, Value: value, Type: ssmtypes.ParameterTypeString})
		if err != nil {
			t.Fatal(err)
		}
		_, err = ssm.NewFromConfig(of(home)).GetParameter(t.Context(), &ssm.GetParameterInput{Name: name})
		if !refusedAs(err, "ParameterNotFound") {
			t.Errorf("a parameter of another Region: %v", err)
		}
		for _, region := range []string{home, abroad} {
			out, err := kms.NewFromConfig(of(region)).DescribeKey(t.Context(),
				&kms.DescribeKeyInput{KeyId: aws.String("alias/aws/ebs")})
			if err != nil || !strings.HasPrefix(*out.KeyMetadata.Arn, "arn:aws:kms:"+region+":") {
				t.Errorf("%s: %v, %v", region, out, err)
			}
			groups, err := autoscaling.NewFromConfig(of(region)).DescribeAutoScalingGroups(t.Context(),
				&autoscaling.DescribeAutoScalingGroupsInput{})
			if err != nil || len(groups.AutoScalingGroups) != 0 {
				t.Errorf("%s: %v, %v", region, groups, err)
			}
		}
	})
}

// A snapshot that was copied to another Region and back holds what it held.
func TestASnapshotGoesAbroadAndBack(t *testing.T) {
	account(t, func(t *testing.T, of func(region string) aws.Config) {
		d, err := disks.Linux(1)
		if err != nil {
			t.Fatal(err)
		}
		blocks := direct.NewFromConfig(of(home))
		id, err := ebs.Upload(t.Context(), blocks, d, d.Size(), direct.StartSnapshotInput{Encrypted: aws.Bool(true)})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		for _, way := range [][2]string{{home, abroad}, {abroad, home}} {
			out, err := sdk.NewFromConfig(of(way[1])).CopySnapshot(t.Context(), &sdk.CopySnapshotInput{
				SourceRegion: &way[0], SourceSnapshotId: &id,
			})
			if err != nil {
				t.Fatalf("from %s to %s: %v", way[0], way[1], err)
			}
			id = aws.ToString(out.SnapshotId)
			time.Sleep(24 * time.Hour)
		}
		opened, err := disk.Open(t.Context(), blocks, id)
		if err != nil {
			t.Fatal(err)
		}
		found, err := disk.Read(opened, opened.Size())
		if err != nil || found.Boots() == nil {
			t.Errorf("%v, %v", found, err)
		}
	})
}
