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
)

// Keys tells how KMS keys are.
type Keys interface {
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
}

// Regions tells which Regions the account has enabled.
type Regions interface {
	DescribeRegions(context.Context, *ec2.DescribeRegionsInput, ...func(*ec2.Options)) (*ec2.DescribeRegionsOutput, error)
}

// Lookout says what will come of copying images, before there are any.
type Lookout struct {
	// Home is the suite's own Region.
	Home    string
	Regions Regions
	// Keys are those of a Region.
	Keys func(region string) Keys
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
		c := job.Copy{Region: each.Region, Key: each.Key}
		switch {
		case enabled != nil && !enabled[each.Region]:
			c.Problem = "the account has no Region " + each.Region
			c.Do = "Enable the Region, or correct copies in the plan."
		case each.Region == l.Home && each.Key == "":
			c.Problem = "it would be in the suite's own Region under no other key, and so no other than its image"
			c.Do = "Name a key for it in the plan's copies, or leave it out."
		case each.Key != "":
			c = l.key(ctx, c)
		}
		all = append(all, c)
	}
	return all
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

// key looks whether a copy's key can encrypt it.
func (l Lookout) key(ctx context.Context, c job.Copy) job.Copy {
	out, err := l.Keys(c.Region).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(c.Key)})
	switch {
	case fault.IsNoKey(err):
		c.Problem = fmt.Sprintf("there is no key %s in %s", c.Key, c.Region)
		c.Do = "Make the key there, or correct copies in the plan; the next image is copied."
		return c
	case fault.IsDenied(err):
		c.Problem = fmt.Sprintf("key %s in %s cannot be looked at (%s), and so not be used", c.Key, c.Region, fault.Code(err))
		c.Do = "Let the account's policies decide in the key's policy (docs/sharing.md), and deploy the plan."
		return c
	case err != nil, out.KeyMetadata == nil:
		handler.Log(ctx).WarnContext(ctx, "the key of copies cannot be looked at", "key", c.Key, "region", c.Region, "error", err)
		return c
	}
	if why := unusable(out.KeyMetadata); why != "" {
		c.Problem = fmt.Sprintf("key %s in %s %s", c.Key, c.Region, why)
		c.Do = "Name a symmetric key that is enabled, or enable this one; the next image is copied."
	}
	return c
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
