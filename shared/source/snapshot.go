package source

import (
	"context"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// FindSnapshot is one snapshot of the account's own. ok is false when there is none with the id.
func FindSnapshot(ctx context.Context, api ec2.DescribeSnapshotsAPIClient, id string) (s types.Snapshot, ok bool,
	err error) {
	out, err := api.DescribeSnapshots(ctx,
		&ec2.DescribeSnapshotsInput{SnapshotIds: []string{id}, OwnerIds: []string{"self"}})
	if fault.IsNotFound(err) || err == nil && len(out.Snapshots) == 0 {
		return s, false, nil
	}
	if err != nil {
		return s, false, fmt.Errorf("looking at %s: %w", id, err)
	}
	return out.Snapshots[0], true, nil
}

// Unfit is why no image is made of a snapshot in its state, nil when one can be; pending is whether it may be later.
func Unfit(s types.Snapshot) (reason *job.Reason, pending bool) {
	switch s.State {
	case types.SnapshotStateCompleted:
		return nil, false
	case types.SnapshotStatePending, types.SnapshotStateRecovering:
		return &job.Reason{Code: job.ChangingState, Text: fmt.Sprintf("the snapshot is %s", s.State)}, true
	default:
		return &job.Reason{Code: job.NotRegistrable, Text: fmt.Sprintf("the snapshot is %s (%s). Name another one",
			s.State, aws.ToString(s.StateMessage))}, false
	}
}

// UnwantedSnapshot is the last look at a snapshot's tags, as Decide has one at an instance's. For one that was asked
// for the tags and the ids that a plan's selector wants are those of instances, and what it excludes is excluded;
// others are those that it selects.
func UnwantedSnapshot(run job.Run, id string, s plan.Selector, tags map[string]string) *job.Reason {
	if r := run.Request; s.OfSnapshots() && (r == nil || r.Source != id) {
		if why := OffersSnapshot(tags, s); why != "" {
			return &job.Reason{Code: job.Excluded, Text: "plan " + run.Plan + " leaves it out: " + why}
		}
		return nil
	}
	return unwanted(run, id, plan.Selector{Exclude: s.Exclude}, tags)
}

// UnwantedOf is why a snapshot that was asked for is left alone for the instance that speaks for it: what the plan
// excludes it leaves out, also by a snapshot of its disk.
func UnwantedOf(run job.Run, id string, s plan.Selector, instance map[string]string) *job.Reason {
	if r := run.Request; r == nil || r.Source != id {
		return nil
	}
	why := unchosen(instance, id, plan.Selector{Exclude: s.Exclude})
	if why == "" {
		return nil
	}
	return &job.Reason{Code: job.Excluded, Text: "plan " + run.Plan + " leaves out its instance: " + why}
}

// Inherited are a snapshot's tags, and those of the instance it is of that it has not itself. A name is taken as one:
// a snapshot's Name counts more than its instance's goldsmith:name.
func Inherited(snapshot, instance map[string]string) map[string]string {
	all := maps.Clone(instance)
	if all == nil {
		all = map[string]string{}
	}
	if _, named := snapshot["Name"]; named {
		delete(all, tag.Name)
	}
	for _, key := range []string{tag.Request, tag.Plan, tag.ImageSettings, tag.LastImage} {
		delete(all, key)
	}
	maps.Copy(all, snapshot)
	return all
}

// Speaks reports whether an instance speaks for a snapshot of its volume: it is there, and that is its root volume.
// Anyone who may attach a volume would speak for the instance otherwise.
func Speaks(i types.Instance, there bool, s types.Snapshot) bool {
	return there && !Ending(State(i)) && RootVolume(i) == aws.ToString(s.VolumeId)
}

// Unspoken is the lineage of a snapshot that no instance speaks for, of what it is known to be of: as copies say, or
// its volume; empty for one that is by itself.
func Unspoken(s types.Snapshot, of string) string {
	copied, _ := lineage.Copies(of)
	switch {
	case of == aws.ToString(s.SnapshotId):
		return ""
	case copied:
		return of
	}
	return aws.ToString(s.VolumeId)
}
