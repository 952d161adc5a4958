// Package register knows what Goldsmith made: what is registered before each creating call, and
// whether EC2's own facts agree with it. Tags prove nothing: anybody may write them, and
// CopyImage copies them.
package register

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/awsclient"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

// ImageOf is what is registered before a job's CreateImage. Of an instance that the run stops, an image that was made
// before the stop was sent is somebody else's.
func ImageOf(j job.Job) ledger.Registration {
	begun := j.Times.Claimed
	if j.Times.StopSent.After(begun) {
		begun = j.Times.StopSent
	}
	r := ledger.Registration{
		Kind: ledger.MadeImage, Call: ledger.CreateImage,
		Lineage: j.Source.OverTime(), Source: j.Source.ID, Name: j.Source.Name, Plan: j.Run.Plan, Run: j.Run.Name,
		AMIName: j.Image.Name, Begun: begun, LeftOut: j.Image.Without(),
		Server: j.Source.Server,
	}
	if keep, wished := j.Source.Tags[tag.Keep]; wished {
		r.Keep = &keep
	}
	return r
}

// GeneralOf is what is registered before CreateImage is asked for the general image of a job, of a clone of its source.
// What was there before is somebody else's.
func GeneralOf(j job.Job, now time.Time) ledger.Registration {
	r := ImageOf(j)
	r.General, r.From, r.AMIName, r.Begun = true, j.Clone.Instance, image.GeneralName(j), now
	r.Server = nil // What is restored is the source's own image.
	return r
}

// CopyOf is what is registered before the copy of a job's image is asked for. It is of the image's own lineage: it
// counts among the copies of that in its Region.
func CopyOf(j job.Job, c job.Copy, home string, now time.Time) ledger.Registration {
	r := ImageOf(j)
	r.Call, r.From, r.FromRegion, r.Region, r.Begun = ledger.CopyImage, j.Image.ID, home, c.Region, now
	r.AMIName, r.General = image.CopyName(j, c.Region == home), j.Image.General
	return r
}

// CloneToken is the client token of the clone that a run makes of a source.
func CloneToken(run, source string) string { return awsclient.Token("clone", run, source) }

// IsClone reports whether a test instance is a clone, of which an image is made.
func IsClone(r ledger.Registration) bool { return r.Token == CloneToken(r.Run, r.Source) }

// TestOf is what is registered before the launch of a job's test instance with that token.
func TestOf(j job.Job, token string, now time.Time) ledger.Registration {
	return ledger.Registration{
		Kind: ledger.MadeTest, Call: ledger.RunInstances,
		Lineage: j.Source.OverTime(), Source: j.Source.ID, Name: j.Source.Name, Plan: j.Run.Plan, Run: j.Run.Name,
		Token: token, From: j.Image.ID, Begun: now,
	}
}

// errNewer is why what a newer version registered is left alone.
var errNewer = errors.New("a newer version of Goldsmith registered it")

// Image is nil when EC2's facts show that the image is the registered one, else why they do not.
// An image's name, source and creation cannot be changed; of a copy that is not known by its id, its tags count too.
func Image(r ledger.Registration, i types.Image) error {
	made, err := time.Parse(time.RFC3339, aws.ToString(i.CreationDate))
	switch {
	case !r.Known():
		return errNewer
	case r.Kind != ledger.MadeImage:
		return fmt.Errorf("a %s is registered, not an image", r.Kind)
	case r.ID != "" && r.ID != aws.ToString(i.ImageId):
		return fmt.Errorf("%s is registered", r.ID)
	case r.AMIName != aws.ToString(i.Name):
		return fmt.Errorf("its name is %q, not %q", aws.ToString(i.Name), r.AMIName)
	case err != nil:
		return fmt.Errorf("its creation date: %w", err)
	case made.Before(r.Begun.Truncate(time.Second)): // EC2 may give whole seconds.
		return fmt.Errorf("it was created on %s, before its source was claimed", made.Format(time.RFC3339))
	}
	return origin(r, i)
}

// origin compares what each creating call leaves in the image (API reference, Image): CreateImage its
// instance, CopyImage its image, and RegisterImage the snapshot of its root volume.
func origin(r ledger.Registration, i types.Image) error {
	switch r.Call {
	case ledger.CreateImage:
		return created(r, i)
	case ledger.CopyImage:
		return copied(r, i)
	case ledger.RegisterImage:
		return registered(r, i)
	case ledger.RunInstances:
		return errors.New("a test instance is registered")
	default:
		return fmt.Errorf("nothing is known of images that %q makes", r.Call)
	}
}

func created(r ledger.Registration, i types.Image) error {
	of := r.Source
	if r.General {
		of = r.From
	}
	if instance := aws.ToString(i.SourceInstanceId); of == "" || instance != of {
		return fmt.Errorf("its source instance is %q, not %q", instance, of)
	}
	return nil
}

func copied(r ledger.Registration, i types.Image) error {
	of, in := aws.ToString(i.SourceImageId), aws.ToString(i.SourceImageRegion)
	if aws.ToString(i.SourceInstanceId) != "" || r.From == "" || of != r.From || in != r.FromRegion {
		return fmt.Errorf("it is no copy of %s in %s", r.From, r.FromRegion)
	}
	// Anybody can copy an image of the account under the name that it has. Which one is the run's is known for certain
	// once EC2 has answered; until then it has at least the tags that CopyImage was sent.
	if r.ID == "" && tag.Map(i.Tags)[tag.Run] != r.Run {
		return fmt.Errorf("it has no tag %s=%s", tag.Run, r.Run)
	}
	return nil
}

func registered(r ledger.Registration, i types.Image) error {
	if aws.ToString(i.SourceInstanceId) != "" || aws.ToString(i.SourceImageId) != "" || r.From == "" || Root(i) != r.From {
		return fmt.Errorf("it was not registered from %s", r.From)
	}
	return nil
}

// Root is the snapshot of an image's root volume.
func Root(i types.Image) string {
	for _, m := range i.BlockDeviceMappings {
		if m.Ebs != nil && aws.ToString(m.DeviceName) == aws.ToString(i.RootDeviceName) {
			return aws.ToString(m.Ebs.SnapshotId)
		}
	}
	return ""
}

// Test is nil when EC2's facts show that the instance is the registered test instance, else why they
// do not. Its ClientToken and its ImageId cannot be set after its launch.
func Test(r ledger.Registration, i types.Instance) error {
	switch {
	case !r.Known():
		return errNewer
	case r.Kind != ledger.MadeTest || r.Call != ledger.RunInstances:
		return fmt.Errorf("a %s is registered, not a test instance", r.Kind)
	case r.ID != "" && r.ID != aws.ToString(i.InstanceId):
		return fmt.Errorf("%s is registered", r.ID)
	case r.Token == "" || aws.ToString(i.ClientToken) != r.Token:
		return errors.New("it was launched with another client token")
	case r.From == "" || aws.ToString(i.ImageId) != r.From:
		return fmt.Errorf("it was launched from %s, not from %s", aws.ToString(i.ImageId), r.From)
	}
	return nil
}

// TestAmong is the registered test instance of the instances that were launched with its token. EC2 shows the token of
// an instance to anyone who may describe it, so another one may have it too, but not before the first.
func TestAmong(r ledger.Registration, all []types.Instance) (i types.Instance, ok bool) {
	for _, other := range all {
		earlier := aws.ToTime(other.LaunchTime).Before(aws.ToTime(i.LaunchTime))
		if Test(r, other) == nil && (!ok || earlier) {
			i, ok = other, true
		}
	}
	return i, ok
}

// Snapshots are those of an image that were made with it, and go with it. RegisterImage makes none: the registered
// copies go, and other people's snapshots are theirs. Of an image that a person adopted they are settled at that time:
// it may hold snapshots that were there before.
func Snapshots(r ledger.Registration, i types.Image) []string {
	switch {
	case r.Call == ledger.RegisterImage:
		return Copies(r)
	case r.Adopted != "":
		return r.Snapshots
	}
	return image.Snapshots(i)
}

// Own are the snapshots that go with an image, and whether these are all that it holds. An image may hold some that
// were there before its source was claimed, by a mapping that CreateImage was given: those are other people's.
func Own(
	ctx context.Context, api ec2.DescribeSnapshotsAPIClient, r ledger.Registration, i types.Image,
) (own []string, whole bool, err error) {
	own, known := Snapshots(r, i), 0
	if r.Call == ledger.CreateImage && r.Adopted == "" && len(own) > 0 {
		pages := ec2.NewDescribeSnapshotsPaginator(api, &ec2.DescribeSnapshotsInput{
			OwnerIds: []string{"self"}, Filters: []types.Filter{{Name: aws.String("snapshot-id"), Values: own}},
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return nil, false, fmt.Errorf("asking when snapshots were started: %w", err)
			}
			for _, s := range out.Snapshots {
				if known++; !Since(r, s) {
					own = slices.DeleteFunc(own, func(id string) bool { return id == aws.ToString(s.SnapshotId) })
				}
			}
		}
		if known < len(own) {
			return own, false, nil // What is not shown may be anybody's.
		}
	}
	return own, !slices.ContainsFunc(image.Snapshots(i), func(id string) bool { return !slices.Contains(own, id) }), nil
}

// Since reports whether a snapshot was started once the source was claimed. EC2 may give whole seconds.
func Since(r ledger.Registration, s types.Snapshot) bool {
	return !aws.ToTime(s.StartTime).Before(r.Begun.Truncate(time.Second))
}

// Snapshot reports whether a snapshot is registered with its image.
func Snapshot(r ledger.Registration, id string) bool {
	return r.Known() && r.Kind == ledger.MadeImage && slices.Contains(r.Snapshots, id)
}
