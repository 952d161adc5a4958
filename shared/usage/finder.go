// Package usage knows what still refers to an image or to one of its snapshots, so that
// nothing in use is ever removed: instances, launch templates, Auto Scaling groups and their instance refreshes, launch
// configurations, EC2 and Spot Fleets, Spot requests, parameters, other accounts, volumes in creation, Fast
// Snapshot Restore, locks, the archive, and the image's own protection. Unseen is what it does not look at.
package usage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/job"
)

// EC2 is what is asked of EC2: who launches an image, and who else may.
type EC2 interface {
	launchesAPI
	fleetsAPI
	sharing
	snapshotsAPI
	snapshotStates
}

// fleetsAPI are EC2 Fleets, Spot Fleets and Spot requests.
type fleetsAPI interface {
	ec2.DescribeFleetsAPIClient
	ec2.DescribeSpotFleetRequestsAPIClient
	ec2.DescribeSpotInstanceRequestsAPIClient
}

// snapshotsAPI are volumes in creation from snapshots, and who else may use those.
type snapshotsAPI interface {
	ec2.DescribeVolumesAPIClient
	DescribeSnapshotAttribute(context.Context, *ec2.DescribeSnapshotAttributeInput,
		...func(*ec2.Options)) (*ec2.DescribeSnapshotAttributeOutput, error)
}

// snapshotStates reads locks, archiving and Fast Snapshot Restore: what keeps a snapshot, or makes it quick to use.
type snapshotStates interface {
	ec2.DescribeFastSnapshotRestoresAPIClient
	ec2.DescribeSnapshotTierStatusAPIClient
	DescribeLockedSnapshots(context.Context, *ec2.DescribeLockedSnapshotsInput,
		...func(*ec2.Options)) (*ec2.DescribeLockedSnapshotsOutput, error)
}

// launchesAPI are what was or will be launched.
type launchesAPI interface {
	ec2.DescribeInstancesAPIClient
	ec2.DescribeLaunchTemplateVersionsAPIClient
}

// sharing are an image's permissions, what other accounts do with them, and EC2's own list of what refers to it.
type sharing interface {
	ec2.DescribeImageUsageReportsAPIClient
	ec2.DescribeImageUsageReportEntriesAPIClient
	DescribeImageAttribute(context.Context, *ec2.DescribeImageAttributeInput,
		...func(*ec2.Options)) (*ec2.DescribeImageAttributeOutput, error)
	ec2.DescribeImageReferencesAPIClient
}

// AutoScaling is what is asked of EC2 Auto Scaling.
type AutoScaling interface {
	autoscaling.DescribeInstanceRefreshesAPIClient
	autoscaling.DescribeAutoScalingGroupsAPIClient
	autoscaling.DescribeLaunchConfigurationsAPIClient
}

// Parameters is what is asked of Parameter Store.
type Parameters interface {
	GetParameters(context.Context, *ssm.GetParametersInput, ...func(*ssm.Options)) (*ssm.GetParametersOutput, error)
	ssm.GetParametersByPathAPIClient
}

// Finder finds uses of images. Every image must pass it before it is removed.
type Finder struct {
	EC2         EC2
	AutoScaling AutoScaling
	SSM         Parameters
	// Path is where Goldsmith's aliases are; empty is the default, /goldsmith/images.
	Path string
	// Now is the time; nil is time.Now.
	Now func() time.Time
}

// defaultPath is where infra puts the aliases unless it is told otherwise.
const defaultPath = "/goldsmith/images"

// Uses are the reasons to keep each image, by its id; an image that is not in it is used by
// nothing. It fails closed: whatever could not be read to its end is an error, and then
// every image counts as in use.
func (g Finder) Uses(ctx context.Context, images []types.Image) (map[string][]string, error) {
	found, err := g.Look(ctx, images, nil)
	return found.Uses, err
}

// Found is what refers to images, by their ids.
type Found struct {
	// Uses are reasons to keep an image.
	Uses map[string][]string
	// Old are the ids of launch templates that name the image only in versions which are
	// neither default nor latest, and which no group pins: nothing launches them by itself.
	Old map[string][]string
	// Unsure is why it is not known yet whether other accounts use an image that Goldsmith shares with them; Ask are
	// those of which EC2 has to be asked for a usage report.
	Unsure map[string]string
	Ask    []string
}

// Shared is whom Goldsmith itself shares an image with: no use by that alone.
type Shared struct {
	With job.Sharing
	// Asked is whether EC2's usage report has to say that it is not used, and From when such a report may be made.
	Asked bool
	From  time.Time
	// Ended is whether nobody else could launch it any more before From: a report from then on stays true.
	Ended bool
}

// Look is Uses, and what once used the images. Of what Goldsmith shares, by image, EC2's usage report says who uses it;
// any other permission is a use.
func (g Finder) Look(ctx context.Context, images []types.Image, shared map[string]Shared) (Found, error) {
	if len(images) == 0 {
		return Found{}, nil
	}
	if g.Now == nil {
		g.Now = time.Now
	}
	s := newSearch(images)
	s.shared = shared
	for _, i := range images {
		s.itself(i, g.Now())
	}
	err := s.through(ctx, []look{
		{g.instances, "instances"},
		{g.templates, "launch templates"},
		{g.groups, "Auto Scaling groups"},
		{g.configurations, "launch configurations"},
		{g.fleets, "EC2 Fleets"},
		{g.spotFleets, "Spot Fleets"},
		{g.spotRequests, "Spot requests"},
		{g.pinnedVersions, "launch template versions that groups and fleets pin"},
		{g.aliases, "parameters of image aliases"},
		{g.resolve, "parameters that launch templates name"},
		{g.permissions, "launch permissions"},
		{g.references, "EC2's references to images"},
		{g.refreshes, "instance refreshes"},
		{g.volumes, "volumes in creation"},
		{g.volumePermissions, "permissions of snapshots"},
		{g.restores, "Fast Snapshot Restores"},
		{g.locks, "locked snapshots"},
		{g.tiers, "archived snapshots"},
		{g.reports, "usage reports of images"},
	})
	if err != nil {
		return Found{}, err
	}
	return s.found(), nil
}

// SnapshotUses are the reasons to keep each snapshot that belongs to no image, by its id. It fails closed as Uses does.
func (g Finder) SnapshotUses(ctx context.Context, ids []string) (map[string][]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	s := newSearch(nil)
	for _, id := range ids {
		s.ids = append(s.ids, id)
		s.subjects[id] = []string{id}
	}
	err := s.through(ctx, []look{
		{g.templates, "launch templates"},
		{g.groups, "Auto Scaling groups"},
		{g.configurations, "launch configurations"},
		{g.fleets, "EC2 Fleets"},
		{g.spotFleets, "Spot Fleets"},
		{g.spotRequests, "Spot requests"},
		{g.pinnedVersions, "launch template versions that groups and fleets pin"},
		{g.volumes, "volumes in creation"},
		{g.volumePermissions, "permissions of snapshots"},
		{g.restores, "Fast Snapshot Restores"},
		{g.locks, "locked snapshots"},
		{g.tiers, "archived snapshots"},
	})
	if err != nil {
		return nil, err
	}
	return s.found().Uses, nil
}

// look is one thing to look at, and its name for an error.
type look struct {
	at func(context.Context, *search) error
	of string
}

func (s *search) through(ctx context.Context, looks []look) error {
	for _, l := range looks {
		if err := l.at(ctx, s); err != nil {
			return fmt.Errorf("looking at %s: %w", l.of, err)
		}
	}
	return nil
}

// Unseen is what may use an image or a snapshot and is not looked at, for people who retire images.
var Unseen = []string{
	"AWS Batch compute environments that have no instance, group or fleet at the moment",
	"CloudFormation stacks, Terraform states and other descriptions that are not deployed",
	"old launch template versions that only a script or a person launches by their number",
	"copies of an image or a snapshot that are still being made",
	"what names an image outside of EC2, such as Karpenter's EC2NodeClasses and clusters of Amazon EMR",
	"snapshot ids in parameters, user data and scripts",
	"instance refreshes that go on to another launch template than their group's own",
	"images that only an override of an instance refresh names that goes on",
	"snapshots that only an instance refresh names that goes on",
	"exports of an image and copies of it to Amazon S3 that go on, and EC2 Fast Launch",
	"images of others in the Recycle Bin that hold snapshots of a golden image",
	"other Regions, and what other accounts copied",
}

// settling is how long after its last launch an image is kept: EC2 tells of a launch up to 24 hours
// late (User Guide, "Check when an Amazon EC2 AMI was last used"), and another day is for the clock's sake.
const settling = 48 * time.Hour

// itself are the reasons that the image's own description gives.
func (s *search) itself(i types.Image, now time.Time) {
	id := aws.ToString(i.ImageId)
	if aws.ToBool(i.Public) {
		s.add(id, "all", "public")
	}
	// After it was switched off with a cooldown the value is another one than "disabled".
	if p := aws.ToString(i.DeregistrationProtection); p != "" && p != "disabled" {
		s.add(id, "protection", "deregistration-protected")
	}
	last := aws.ToString(i.LastLaunchedTime)
	if last == "" {
		return
	}
	at, err := time.Parse(time.RFC3339, last)
	switch {
	case err != nil:
		s.add(id, "launched", "last launched at a time that cannot be read: "+last)
	case now.Sub(at) < settling:
		s.add(id, "launched", "last launched "+ago(now.Sub(at)))
	}
}

func ago(d time.Duration) string {
	if d < time.Hour {
		return "less than an hour ago"
	}
	return strings.TrimSuffix(d.Truncate(time.Hour).String(), "0m0s") + " ago"
}
