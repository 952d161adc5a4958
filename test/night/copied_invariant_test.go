package night_test

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/shared/image"
	"goldsmith/shared/tag"
)

// oneCopyEach: a copy is registered, of its Region, and the only one there of its image; one that has failed is gone, and
// each snapshot in another Region belongs to a copy.
func (n *night) oneCopyEach() {
	n.t.Helper()
	used := map[string]bool{}
	for _, region := range slices.Sorted(maps.Keys(n.Beside)) {
		for _, s := range n.storedIn(region) {
			used[aws.ToString(s.SnapshotId)] = false
		}
		n.oneCopyIn(region, used)
	}
	n.oneCopyIn(homeRegion, used)
	for id, belongs := range used {
		if !belongs {
			n.t.Errorf("snapshot %s belongs to no copy", id)
		}
	}
}

func (n *night) oneCopyIn(region string, used map[string]bool) {
	n.t.Helper()
	of := map[string]string{}
	for _, i := range n.in(region) {
		id := aws.ToString(i.ImageId)
		r, ok, err := n.Ledger.Registration(n.ctx, id)
		n.ok(err)
		if !ok && tag.Map(i.Tags)[tag.Run] == "" {
			continue // A person's.
		}
		switch of[r.From] += id; {
		case !ok || r.Region != region || !r.IsCopy():
			n.t.Errorf("%s in %s is not registered as a copy there", id, region)
		case of[r.From] != id:
			n.t.Errorf("%s and %s in %s are both copies of %s", of[r.From], id, region, r.From)
		case image.ProgressOf(i.State) == image.Lost:
			n.t.Errorf("copy %s in %s is %s", id, region, i.State)
		}
		n.ours(id, tag.Map(i.Tags))
		for _, s := range image.Snapshots(i) {
			used[s] = true
		}
	}
}
