package lineage

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/tag"
)

// copies is what the lineages of copied snapshots begin with. EC2 does not show what a copy is of: its description says
// it, which is its maker's word. So these are lineages of their own, and no volume's and no instance's.
const copies = "copies/"

// Copies reports whether a lineage is that of copies. One volume is whether they are of one that they name; others are
// of one name or of one resource, and may be of several volumes.
func Copies(lineage string) (ok, oneVolume bool) {
	of, ok := strings.CutPrefix(lineage, copies)
	return ok, volumeForm.MatchString(of) && volumeForm.FindString(of) == of
}

// What texts name. The reserved tag is AWS Backup's; CopySnapshot writes "[Copied snap-... from REGION]" where no other
// description is asked for, CreateImage "from vol-..." and CopyImage "for SourceSnapshot snap-...".
var (
	volumeForm   = regexp.MustCompile(`\bvol-([0-9a-f]{17}|[0-9a-f]{8})\b`)
	snapshotForm = regexp.MustCompile(`\bsnap-([0-9a-f]{17}|[0-9a-f]{8})\b`)
	resourceForm = regexp.MustCompile(`\b(i|vol)-([0-9a-f]{17}|[0-9a-f]{8})\b`)
)

const backedUp = "aws:backup:source-resource"

// deepest is how many copies of copies are followed.
const deepest = 3

// OfStored are the lineages of snapshots that another tool makes: as OfSnapshots has them, and of copies as far as they
// say what they are of. Name is what a snapshot goes by.
func OfStored(ctx context.Context, api Snapshots, ids []string, name func(map[string]string, string) string,
) (map[string]string, error) {
	found, err := OfSnapshots(ctx, api, ids)
	if err != nil {
		return nil, err
	}
	at := map[string]string{} // the snapshot that each copy is looked at as
	for id, of := range found {
		if id == of {
			at[id] = id
		}
	}
	for depth := range deepest {
		seen, err := described(ctx, api, at)
		if err != nil {
			return nil, err
		}
		if depth == 0 {
			for id, as := range at {
				if s, there := seen[as]; there { // One that was deleted meanwhile stays a lineage of its own.
					found[id] = loosely(s, name)
				}
			}
		}
		follow(at, seen, depth > 0, found)
	}
	return found, nil
}

// follow takes each copy one step on, by the snapshots that were seen: one whose volume is found out has its lineage
// put into found, one that is of a further snapshot is to be looked at as that, and all but these last leave at. Shown
// is whether the volumes that EC2 shows of what was seen are to be believed: those of the copies themselves are not.
func follow(at map[string]string, seen map[string]types.Snapshot, shown bool, found map[string]string) {
	for id, as := range at {
		s, there := seen[as]
		of, next := source(s, shown)
		switch {
		case !there, of == "" && next == "":
			delete(at, id)
		case of != "":
			found[id] = copies + of
			delete(at, id)
		default:
			at[id] = next
		}
	}
}

// source is the volume that a snapshot is of, by what it says where EC2 does not; else the snapshot that it is a copy
// of.
func source(s types.Snapshot, shown bool) (volume, copied string) {
	if id := aws.ToString(s.VolumeId); shown && id != "" && id != UnknownVolume {
		return id, ""
	}
	for _, text := range []string{tag.Map(s.Tags)[backedUp], aws.ToString(s.Description)} {
		for _, id := range volumeForm.FindAllString(text, -1) {
			if id != UnknownVolume {
				return id, ""
			}
		}
	}
	return "", snapshotForm.FindString(aws.ToString(s.Description))
}

// loosely is the lineage of a copy whose volume cannot be found out: the resource that AWS Backup says, or its name.
func loosely(s types.Snapshot, name func(map[string]string, string) string) string {
	id, tags := aws.ToString(s.SnapshotId), tag.Map(s.Tags)
	if of := resourceForm.FindString(tags[backedUp]); of != "" {
		return copies + of
	}
	called := name(tags, id)
	if snapshotForm.FindString(aws.ToString(s.Description)) == "" || Names(called) {
		return id
	}
	return copies + called
}

// described are the snapshots that copies are looked at as, by id. What EC2 does not show is not among them.
func described(ctx context.Context, api ec2.DescribeSnapshotsAPIClient, at map[string]string,
) (map[string]types.Snapshot, error) {
	seen := map[string]types.Snapshot{}
	var ids []string
	for _, id := range at {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for some := range slices.Chunk(slices.Compact(ids), atOnce) {
		pages := ec2.NewDescribeSnapshotsPaginator(api, &ec2.DescribeSnapshotsInput{
			MaxResults: aws.Int32(1000), Filters: []types.Filter{{Name: aws.String("snapshot-id"), Values: some}},
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("asking what copied snapshots are of: %w", err)
			}
			for _, s := range out.Snapshots {
				seen[aws.ToString(s.SnapshotId)] = s
			}
		}
	}
	return seen, nil
}
