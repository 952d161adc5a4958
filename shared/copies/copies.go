// Package copies knows copies of images in other Regions and under other keys: what stands in the way of them before
// anything is stopped.
package copies

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/sharing"
)

// keysAPI tells how KMS keys are.
type keysAPI interface {
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
}

// regions tells which Regions the account has enabled.
type regions interface {
	DescribeRegions(context.Context, *ec2.DescribeRegionsInput, ...func(*ec2.Options)) (*ec2.DescribeRegionsOutput, error)
}

// Lookout says what will come of copying images, before there are any.
type Lookout struct {
	// Home is the suite's own Region.
	Home    string
	Regions regions
	// Keys are those of a Region.
	Keys func(region string) keysAPI
	// Sharing says what will come of sharing copies in a Region.
	Sharing func(region string) sharing.Lookout
}

// patience is how long AWS is asked: no run is kept waiting for what is only told of it.
const patience = 20 * time.Second

// Ahead are the copies that each image of a plan is to have, each with what stands in its way for certain. What cannot
// be seen stands in nothing's way: EC2 says so when it is asked for the copy, or in its reason for one that has failed.
func (l Lookout) Ahead(ctx context.Context, p plan.Plan) (all []job.Copy) {
	if len(p.Copies) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	enabled := l.enabled(ctx)
	for _, each := range p.Copies {
		all = append(all, l.one(ctx, each, enabled))
	}
	return all
}

// one is a copy with what stands in the way of making it, or of sharing it.
func (l Lookout) one(ctx context.Context, of plan.Copy, enabled map[string]bool) job.Copy {
	c, key := job.Copy{Region: of.Region, Key: of.Key}, of.Key
	switch {
	case enabled != nil && !enabled[of.Region]:
		c.Problem = "the account has no Region " + of.Region
		c.Do = "Enable the Region, or correct copies in the plan."
	case of.Region == l.Home && of.Key == "":
		c.Problem = "it would be in the suite's own Region under no other key, and so no other than its image"
		c.Do = "Name a key for it in the plan's copies, or leave it out."
	case of.Key != "":
		c, key = l.key(ctx, c)
	}
	if c.Problem != "" || of.Share.IsZero() {
		return c
	}
	var keys []string // Without a named one what is encrypted is under a key that its source decides on.
	if key != "" {
		keys = []string{key}
	}
	c.Shared, c.Warnings = l.Sharing(of.Region).Ahead(ctx, of.Share, keys, nil)
	c.Warnings = ofCopy(of.Region, c.Warnings)
	return c
}

// Warnings are those of an image whose copies are to be, of what is encrypted or not, and carries these codes of
// products of AWS Marketplace. A copy that the plan names no key for is under its Region's default key for EBS then:
// aws/ebs, unless somebody has changed it, which lets no other account use it.
func Warnings(p plan.Plan, made []job.Copy, encrypted bool, products []string) (all []job.Reason) {
	for _, c := range made {
		all = append(all, c.Warnings...)
		share := p.CopyIn(c.Region).Share
		if c.Problem != "" || c.Shared != nil || share.IsZero() {
			continue
		}
		if encrypted && c.Key == "" {
			all = append(all, job.Reason{Code: job.SharingUnseen, Text: "its copy in " + c.Region +
				" will be under that Region's default key for EBS, since the plan names none: unless that is a key of yours, " +
				"the copy cannot be shared"})
		}
		all = append(all, ofCopy(c.Region, sharing.OfProducts(share, products))...)
	}
	return all
}

// ofCopy are warnings of the copy in a Region.
func ofCopy(region string, warnings []job.Reason) []job.Reason {
	for i := range warnings {
		warnings[i].Text = "of its copy in " + region + ": " + warnings[i].Text
	}
	return warnings
}

// enabled are the account's Regions; nil where that cannot be seen.
func (l Lookout) enabled(ctx context.Context) map[string]bool {
	out, err := l.Regions.DescribeRegions(ctx, &ec2.DescribeRegionsInput{Filters: []types.Filter{{
		Name: aws.String("opt-in-status"), Values: []string{"opt-in-not-required", "opted-in"},
	}}})
	if err != nil {
		handler.Log(ctx).WarnContext(ctx, "the account's Regions cannot be listed", "error", err)
		return nil
	}
	names := map[string]bool{}
	for _, r := range out.Regions {
		names[aws.ToString(r.RegionName)] = true
	}
	return names
}

// key looks whether a copy's key can encrypt it, and is its ARN, or how the plan names it where that cannot be seen.
func (l Lookout) key(ctx context.Context, c job.Copy) (job.Copy, string) {
	out, err := l.Keys(c.Region).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(c.Key)})
	switch {
	case fault.IsNoKey(err):
		c.Problem = fmt.Sprintf("there is no key %s in %s", c.Key, c.Region)
		c.Do = "Make the key there, or correct copies in the plan; the next image is copied."
		return c, c.Key
	case fault.IsDenied(err):
		c.Problem = fmt.Sprintf("key %s in %s cannot be looked at (%s), and so not be used", c.Key, c.Region, fault.Code(err))
		c.Do = "Let the account's policies decide in the key's policy (docs/sharing.md), and deploy the plan."
		return c, c.Key
	case err != nil, out.KeyMetadata == nil:
		handler.Log(ctx).WarnContext(ctx, "the key of copies cannot be looked at", "key", c.Key, "region",
			c.Region, "error", err)
		return c, c.Key
	}
	if why := unusable(out.KeyMetadata); why != "" {
		c.Problem = fmt.Sprintf("key %s in %s %s", c.Key, c.Region, why)
		c.Do = "Name a symmetric key that is enabled, or enable this one; the next image is copied."
	}
	return c, aws.ToString(out.KeyMetadata.Arn)
}

// unusable is why EBS encrypts nothing under a key; empty when it does (EBS User Guide, "Amazon EBS encryption
// requirements").
func unusable(k *kmstypes.KeyMetadata) string {
	switch {
	case k.KeyState != "" && k.KeyState != kmstypes.KeyStateEnabled:
		return "is in state " + string(k.KeyState)
	case k.KeyUsage != "" && k.KeyUsage != kmstypes.KeyUsageTypeEncryptDecrypt,
		k.KeySpec != "" && k.KeySpec != kmstypes.KeySpecSymmetricDefault:
		return "is not a symmetric key for encryption"
	}
	return ""
}
