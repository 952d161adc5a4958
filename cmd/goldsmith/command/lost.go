package command

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/attribute"
	"goldsmith/shared/lineage"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// mostRead is how many disks --lost reads: the newest of each volume, of so many volumes.
const mostRead = 20

// lost is what images --lost shows.
type lost struct {
	Snapshots []lostSnapshot `json:"snapshots"`
}

// lostSnapshot is a snapshot whose instance is gone.
type lostSnapshot struct {
	Of       string    `json:"of"`
	Snapshot string    `json:"snapshot"`
	Volume   string    `json:"volume"`
	Started  time.Time `json:"started"`
	GiB      int32     `json:"gib"`
	// Makes says what can be made of it; empty for one that is older than another of its volume.
	Makes string `json:"makes,omitempty"`
}

// lost lists the account's snapshots whose volume no instance has any more, the newest of each volume first, and what
// can be made of that.
func (t *terms) lost(ctx context.Context, name string) error {
	looker, err := t.looker(ctx)
	if err != nil {
		return err
	}
	client := looker.EC2
	found, err := snapshotsNamed(ctx, client, name)
	if err != nil {
		return err
	}
	var ids []string
	for _, s := range found {
		ids = append(ids, aws.ToString(s.SnapshotId))
	}
	lineages, err := lineage.OfSnapshots(ctx, client, ids)
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(s types.Snapshot) bool {
		return strings.HasPrefix(lineages[aws.ToString(s.SnapshotId)], "i-")
	})
	slices.SortFunc(found, func(a, b types.Snapshot) int {
		of, other := lineages[aws.ToString(a.SnapshotId)], lineages[aws.ToString(b.SnapshotId)]
		return cmp.Or(cmp.Compare(of, other), aws.ToTime(b.StartTime).Compare(aws.ToTime(a.StartTime)))
	})
	all, read, seen := lost{Snapshots: []lostSnapshot{}}, 0, map[string]bool{}
	for _, s := range found {
		each := lostOf(s)
		if of := lineages[each.Snapshot]; !seen[of] && read < mostRead {
			seen[of], read = true, read+1
			evidence, err := looker.Look(ctx, each.Snapshot, nil)
			if err != nil {
				return err
			}
			each.Makes = makes(attribute.Decide(evidence))
		}
		all.Snapshots = append(all.Snapshots, each)
	}
	return t.show(all, all.print)
}

// snapshotsNamed are the account's snapshots that go by a name, or all, without those of Goldsmith's own images.
func snapshotsNamed(ctx context.Context, client ec2.DescribeSnapshotsAPIClient, name string) (found []types.Snapshot,
	err error) {
	pages := ec2.NewDescribeSnapshotsPaginator(client,
		&ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, MaxResults: aws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, wrap("listing snapshots", err)
		}
		for _, s := range page.Snapshots {
			_, own := tag.Map(s.Tags)[tag.Managed]
			if of := lostOf(s).Of; !own && (name == "" || of == name) {
				found = append(found, s)
			}
		}
	}
	return found, nil
}

func lostOf(s types.Snapshot) lostSnapshot {
	id := aws.ToString(s.SnapshotId)
	return lostSnapshot{
		Of: source.Name(tag.Map(s.Tags), id), Snapshot: id, Volume: aws.ToString(s.VolumeId),
		Started: aws.ToTime(s.StartTime), GiB: aws.ToInt32(s.VolumeSize),
	}
}

// makes is what a decision comes to, in words.
func makes(d attribute.Decision) string {
	if d.Refused != nil {
		return "no image: " + d.Refused.Text
	}
	return "an image for " + d.Value(attribute.Architecture) + ", " + d.Value(attribute.BootMode) +
		": goldsmith run PLAN --source " + d.Snapshot
}

func (l lost) print(p *page) {
	if len(l.Snapshots) == 0 {
		p.line("no snapshots of instances that are gone")
		return
	}
	rows := [][]string{{"OF", "SNAPSHOT", "VOLUME", "STARTED", "GIB", "CAN BE MADE"}}
	for _, s := range l.Snapshots {
		rows = append(rows, []string{clean(s.Of), s.Snapshot, s.Volume, stamp(s.Started), strconv.Itoa(int(s.GiB)),
			clean(cmp.Or(s.Makes, "-"))})
	}
	p.table(rows)
}
