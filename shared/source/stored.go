package source

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// Stores lists snapshots, their volumes and the instances of those.
type Stores interface {
	Lister
	lineage.Snapshots
}

// Register tells what images are registered.
type Register interface {
	Registration(ctx context.Context, id string) (r ledger.Registration, ok bool, err error)
	Registrations(ctx context.Context, lineage string) iter.Seq2[ledger.Registration, error]
}

// Stored is the newest completed snapshot of a source that a plan selects.
type Stored struct {
	types.Snapshot
	// Skip is why it is left alone.
	Skip *job.Reason
	// Instance speaks for it, as one that is there and has its volume at the root device; nil when none does.
	Instance *types.Instance
	// Lineage is what it is over time where no instance speaks for it; empty when that is itself.
	Lineage string
}

// Newest are the newest completed snapshots of each source that the selector lets through, in the order of their ids.
// What is known to be a data volume's is left out, and so is what Goldsmith made: its copies carry the tags of what
// they are copies of. Without a register, before anything is deployed, none has been imaged.
func Newest(ctx context.Context, api Stores, made Register, s plan.Selector) ([]Stored, error) {
	found, err := tagged(ctx, api, s)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, each := range found {
		ids = append(ids, aws.ToString(each.SnapshotId))
	}
	lineages, err := lineage.OfStored(ctx, api, ids, Name)
	if err != nil {
		return nil, err
	}
	instances, err := attachedTo(ctx, api, lineages)
	if err != nil {
		return nil, err
	}
	before, err := lastImaged(ctx, made)
	if err != nil {
		return nil, err
	}
	newest := newestOfEach(found, lineages, instances)
	others := namesakes(newest, lineages, instances)
	var all []Stored
	for _, each := range newest {
		skip, err := done(ctx, made, before, lineages[aws.ToString(each.SnapshotId)], each)
		if err != nil {
			return nil, err
		}
		if other, some := others[aws.ToString(each.SnapshotId)]; some && skip == nil {
			skip = superseded(each, other)
		}
		all = append(all, stored(each, skip, lineages, instances))
	}
	slices.SortFunc(all, func(a, b Stored) int {
		return cmp.Compare(aws.ToString(a.SnapshotId), aws.ToString(b.SnapshotId))
	})
	return all, nil
}

// done is why a snapshot of a lineage is left alone for an image that was made already: of a newer one, or of itself;
// nil when there is none.
func done(ctx context.Context, made Register, before imaged, of string, s types.Snapshot) (*job.Reason, error) {
	if skip := before.older(of, s); skip != nil {
		return skip, nil
	}
	return imagedBefore(ctx, made, s)
}

// stored is a snapshot with what speaks for it: its instance, or else what it is over time.
func stored(s types.Snapshot, skip *job.Reason, lineages map[string]string, instances map[string]types.Instance,
) Stored {
	of := lineages[aws.ToString(s.SnapshotId)]
	found := Stored{Snapshot: s, Skip: skip}
	if i, there := instances[of]; Speaks(i, there, s) {
		found.Instance = &i
		return found
	}
	found.Lineage = Unspoken(s, of)
	return found
}

// oneSet is how long after each other the snapshots of one run of a tool are started.
const oneSet = 15 * time.Minute

// newestOfEach are the newest snapshots of each lineage, without those of other volumes than a lineage's root volume
// where that is known. Of copies that do not say their volume it is all that were started with the newest: which of
// them is the root volume's the disks say.
func newestOfEach(found []types.Snapshot, lineages map[string]string, instances map[string]types.Instance,
) (all []types.Snapshot) {
	newest := newestRoots(found, lineages, instances)
	for _, each := range found {
		of := lineages[aws.ToString(each.SnapshotId)]
		if last, some := newest[of]; some && chosen(of, each, last) {
			all = append(all, each)
		}
	}
	return all
}

// newestRoots are the newest snapshot of each lineage, by lineage, without those of other volumes than its root volume
// where that is known. Of two that were started at once it is the first.
func newestRoots(found []types.Snapshot, lineages map[string]string, instances map[string]types.Instance,
) map[string]types.Snapshot {
	newest := map[string]types.Snapshot{}
	root := func(s types.Snapshot) bool {
		i, known := instances[lineages[aws.ToString(s.SnapshotId)]]
		return !known || RootVolume(i) == aws.ToString(s.VolumeId)
	}
	for _, each := range found {
		of := lineages[aws.ToString(each.SnapshotId)]
		if before, some := newest[of]; root(each) && (!some || later(each, before)) {
			newest[of] = each
		}
	}
	return newest
}

// chosen reports whether a snapshot is the last of its lineage or, of copies that do not say their volume, was started
// with it.
func chosen(of string, s, last types.Snapshot) bool {
	copied, oneVolume := lineage.Copies(of)
	together := copied && !oneVolume && aws.ToTime(last.StartTime).Sub(aws.ToTime(s.StartTime)) <= oneSet
	return together || aws.ToString(s.SnapshotId) == aws.ToString(last.SnapshotId)
}

func later(a, b types.Snapshot) bool { return aws.ToTime(a.StartTime).After(aws.ToTime(b.StartTime)) }

// imagedBefore is why a snapshot is left alone that an image was made of: its tool has made no newer one. Tools copy
// the tags of instances to snapshots, so that the tag counts only for an image that is registered as one of this
// snapshot.
func imagedBefore(ctx context.Context, made Register, s types.Snapshot) (*job.Reason, error) {
	image, noted := tag.Map(s.Tags)[tag.LastImage]
	if !noted || image == "" || made == nil {
		return nil, nil
	}
	r, registered, err := made.Registration(ctx, image)
	if err != nil {
		return nil, fmt.Errorf("looking at the registration of %s: %w", image, err)
	}
	if !registered || r.Kind != ledger.MadeImage || r.Source != aws.ToString(s.SnapshotId) {
		return nil, nil
	}
	return &job.Reason{Code: job.AlreadyImaged,
		Text: fmt.Sprintf("its newest snapshot, of %s, has been imaged already (%s)",
			job.UTC(aws.ToTime(s.StartTime)), image)}, nil
}

// imaged are registrations of images of snapshots: that of the newest snapshot of each lineage and of each
// volume. A volume is of another lineage once its instance is gone.
type imaged map[string]ledger.Registration

func lastImaged(ctx context.Context, made Register) (imaged, error) {
	newest := imaged{}
	if made == nil {
		return newest, nil
	}
	for r, err := range made.Registrations(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("looking at what images were made of: %w", err)
		}
		if r.Kind != ledger.MadeImage || r.ID == "" {
			continue
		}
		for _, of := range []string{r.Lineage, r.Volume} {
			if r.Taken.After(newest[of].Taken) {
				newest[of] = r
			}
		}
	}
	delete(newest, "")
	delete(newest, lineage.UnknownVolume)
	return newest, nil
}

// older is why a snapshot is left alone that is older than one of the same lineage that an image was made of: it would
// take what was rolled back. Its tool, or a person, has deleted the newer one since.
func (before imaged) older(of string, s types.Snapshot) *job.Reason {
	for _, key := range []string{of, aws.ToString(s.VolumeId)} {
		if r := before[key]; r.Taken.After(aws.ToTime(s.StartTime)) {
			const text = "its newest snapshot, of %s, is older than the one of %s that %s was made of. " +
				"To have it imaged all the same ask for it: tag %s on %s"
			return &job.Reason{Code: job.AlreadyImaged, Text: fmt.Sprintf(text, job.UTC(aws.ToTime(s.StartTime)),
				job.UTC(r.Taken), r.ID, tag.Request, aws.ToString(s.SnapshotId))}
		}
	}
	return nil
}

// tagged are the account's own completed snapshots that the selector lets through.
func tagged(ctx context.Context, api Stores, s plan.Selector) (found []types.Snapshot, err error) {
	filters := []types.Filter{{Name: aws.String("status"), Values: []string{string(types.SnapshotStateCompleted)}}}
	for _, key := range slices.Sorted(maps.Keys(s.Snapshots.Tags)) {
		filters = append(filters, types.Filter{Name: aws.String("tag-key"), Values: []string{key}})
	}
	pages := ec2.NewDescribeSnapshotsPaginator(api, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, Filters: filters, MaxResults: aws.Int32(page),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing snapshots: %w", err)
		}
		for _, each := range out.Snapshots {
			tags := tag.Map(each.Tags)
			if _, own := tags[tag.Managed]; !own && OffersSnapshot(tags, s) == "" {
				found = append(found, each)
			}
		}
	}
	return found, nil
}

// OffersSnapshot is why a plan's selector does not let a snapshot through; "" when it does.
func OffersSnapshot(tags map[string]string, s plan.Selector) string {
	for _, key := range slices.Sorted(maps.Keys(s.Snapshots.Tags)) {
		if !carries(tags, key, s.Snapshots.Tags[key]) {
			return "its tag " + key + " is not as sources.snapshots.tags wants it"
		}
	}
	return unchosen(tags, "", plan.Selector{Exclude: s.Exclude})
}

// attachedTo are those of the lineages that are instances.
func attachedTo(ctx context.Context, api Lister, lineages map[string]string) (map[string]types.Instance, error) {
	var ids []string
	for _, of := range lineages {
		if strings.HasPrefix(of, "i-") {
			ids = append(ids, of)
		}
	}
	slices.Sort(ids)
	all := map[string]types.Instance{}
	for some := range slices.Chunk(slices.Compact(ids), Batch) {
		found, err := list(ctx, api, types.Filter{Name: aws.String("instance-id"), Values: some})
		if err != nil {
			return nil, err
		}
		for _, i := range found {
			all[aws.ToString(i.InstanceId)] = i
		}
	}
	return all, nil
}

// RootVolume is the volume at an instance's root device.
func RootVolume(i types.Instance) string {
	for _, m := range i.BlockDeviceMappings {
		if m.Ebs != nil && aws.ToString(m.DeviceName) == aws.ToString(i.RootDeviceName) {
			return aws.ToString(m.Ebs.VolumeId)
		}
	}
	return ""
}
