// Package copies knows copies of images in other Regions and under other keys: what stands in the way of them before
// anything is stopped.
package copies

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
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
	enabled, err := l.enabled(ctx)
	if err != nil {
		handler.Log(ctx).WarnContext(ctx, "the account's Regions cannot be listed", "error", err)
	}
	for _, each := range p.Copies {
		c, _ := l.one(ctx, each, enabled)
		all = append(all, c)
	}
	return all
}

// Found is what a person finds out of what plans say of copies.
type Found struct {
	// Problems stand for certain in the way of copies, or of sharing them; Doubts may, or these credentials do not see
	// them.
	Problems, Doubts []plan.Problem
}

// Look has a person see what stands in the way of the copies that plans want, each with its place. The error is that
// the account's Regions could not be listed.
func (l Lookout) Look(ctx context.Context, plans plan.Plans) (found Found, err error) {
	functions := l.Sharing
	l.Sharing = func(region string) sharing.Lookout {
		there := functions(region)
		there.Person = true
		return there
	}
	enabled, err := l.enabled(ctx)
	if err != nil {
		return found, fmt.Errorf("listing the account's Regions: %w", err)
	}
	for _, name := range plans.Names() {
		for i, each := range plans.Plans[name].Copies {
			c, about := l.one(ctx, each, enabled)
			for _, w := range c.Warnings {
				found.Doubts = append(found.Doubts, plan.Problem{Path: fmt.Sprintf("%s.copies[%d].share", name, i), Text: w.Text})
			}
			if c.Shared != nil {
				c.Problem, c.Do = c.Shared.Problem, c.Shared.Do
			}
			path := fmt.Sprintf("%s.copies[%d].%s", name, i, about.key)
			switch {
			case about.unseen != "":
				found.Doubts = append(found.Doubts, plan.Problem{Path: path, Text: about.unseen})
			case c.Problem != "":
				found.Problems = append(found.Problems, plan.Problem{Path: path, Text: c.Problem + ". " + c.Do})
			}
		}
	}
	return found, nil
}

// subject is what was looked at: a key of a copy in a plan.
type subject struct {
	key string
	// unseen is what is not known of it, and might be known to another caller.
	unseen string
}

// one is a copy with what stands in the way of making it, or of sharing it.
func (l Lookout) one(ctx context.Context, of plan.Copy, enabled map[string]string) (c job.Copy, about subject) {
	c, key := job.Copy{Region: of.Region, Key: of.Key}, of.Key
	c.Problem, c.Do = notIn(of.Region, enabled)
	switch about.key = "region"; {
	case c.Problem != "":
	case of.Region == l.Home && of.Key == "":
		about.key = "key"
		c.Problem = "it would be in the suite's own Region under no other key, and so no other than its image"
		c.Do = "Name a key for it in the plan's copies, or leave it out."
	case of.Key != "":
		c, key, about = l.key(ctx, c)
	}
	if c.Problem != "" || of.Share.IsZero() {
		return c, about
	}
	var keys []string // Without a named one what is encrypted is under a key that its source decides on.
	if key != "" {
		keys = []string{key}
	}
	c.Shared, c.Warnings = l.Sharing(of.Region).Ahead(ctx, of.Share, keys, nil)
	c.Warnings = ofCopy(of.Region, c.Warnings)
	if c.Shared != nil {
		about = subject{key: "share"}
	}
	return c, about
}

// notIn is why there can be no copy in a Region, as far as EC2 lists which there are, and what to do about it.
func notIn(region string, enabled map[string]string) (problem, do string) {
	status, listed := enabled[region]
	switch {
	case enabled != nil && !listed:
		return "there is no Region " + region + " for the account",
			"Correct copies in the plan; aws ec2 describe-regions --all-regions shows which there are."
	case status == notOptedIn:
		return "the account has not enabled Region " + region, "Enable the Region, or correct copies in the plan."
	}
	return "", ""
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

// notOptedIn is how EC2 lists a Region that the account has not enabled (API reference, Region).
const notOptedIn = "not-opted-in"

// enabled says of each Region that the account could have whether it has enabled it.
func (l Lookout) enabled(ctx context.Context) (map[string]string, error) {
	out, err := l.Regions.DescribeRegions(ctx, &ec2.DescribeRegionsInput{AllRegions: aws.Bool(true)})
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, r := range out.Regions {
		all[aws.ToString(r.RegionName)] = aws.ToString(r.OptInStatus)
	}
	return all, nil
}

// key looks whether a copy's key can encrypt it, and is its ARN, or how the plan names it where that cannot be seen.
func (l Lookout) key(ctx context.Context, c job.Copy) (job.Copy, string, subject) {
	about := subject{key: "key"}
	out, err := l.Keys(c.Region).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(c.Key)})
	switch {
	case fault.IsNoKey(err):
		c.Problem = fmt.Sprintf("there is no key %s in %s", c.Key, c.Region)
		c.Do = "Make the key there, or correct copies in the plan; the next image is copied."
		return c, c.Key, about
	case fault.IsStranger(err): // The Region may be one that is being enabled, and ready once there is an image.
		about.unseen = fmt.Sprintf("key %s in %s was not looked at: the Region does not know these credentials (%s)",
			c.Key, c.Region, fault.Code(err))
		return c, c.Key, about
	case fault.IsDenied(err):
		c.Problem = fmt.Sprintf("key %s in %s cannot be looked at (%s), and so not be used", c.Key, c.Region, fault.Code(err))
		c.Do = "Let the account's policies decide in the key's policy (docs/sharing.md), and deploy the plan."
		about.unseen = fmt.Sprintf("key %s in %s cannot be looked at with these credentials (%s)", c.Key, c.Region,
			fault.Code(err))
		return c, c.Key, about
	case err != nil, out.KeyMetadata == nil:
		handler.Log(ctx).WarnContext(ctx, "the key of copies cannot be looked at", "key", c.Key, "region",
			c.Region, "error", err)
		about.unseen = fmt.Sprintf("key %s in %s could not be looked at: %s", c.Key, c.Region, brief(err))
		return c, c.Key, about
	}
	if why := unusable(out.KeyMetadata); why != "" {
		c.Problem = fmt.Sprintf("key %s in %s %s", c.Key, c.Region, why)
		c.Do = "Name a symmetric key that is enabled" + orHave(out.KeyMetadata.KeyState) + "; the next image is copied."
	}
	return c, aws.ToString(out.KeyMetadata.Arn), about
}

// orHave is what a person can do about a key's state instead of naming another key.
func orHave(state kmstypes.KeyState) string {
	switch state { //nolint:exhaustive // The other states are not for a person to change, or need nothing.
	case kmstypes.KeyStateDisabled:
		return ", or enable this one"
	case kmstypes.KeyStatePendingDeletion, kmstypes.KeyStatePendingReplicaDeletion:
		return ", or cancel this one's deletion and enable it"
	}
	return ""
}

// brief is why KMS said nothing of a key.
func brief(err error) string {
	if err == nil {
		return "KMS says nothing of it"
	}
	return fault.Brief(err)
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
