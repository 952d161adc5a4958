package night_test

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/image"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// copyMutations break what holds of copies.
var copyMutations = []mutation{
	{
		name: "a copy's name differs from attempt to attempt, and no token is sent", breaks: oneCopy, on: oneCopied,
		edit: func(o *stack.Options) {
			var attempt atomic.Int32
			o.Guard = guarded(instead("CopyImage", `([&?]|^)(Name|ClientToken)=[^&]*`, func() string {
				return fmt.Sprintf("${1}${2}=attempt-%d", attempt.Add(1))
			}))
		},
		story: func(n *night) {
			n.launch("web", "gp3")
			n.golden(virginia, ec2.KeyUsable)
			n.EC2.In(virginia).Inject(ec2.Fault{Action: "CopyImage", Code: "InternalError", After: true, Nth: []int{1}})
			n.run()
		},
	},
	{
		name: "copies that have failed stay", breaks: oneCopy, on: oneCopied,
		edit: func(o *stack.Options) { o.Guard = guarded(refusing("DeregisterImage")) },
		story: func(n *night) {
			n.launch("web", "gp3")
			key := n.golden(virginia, ec2.KeyUsable)
			n.at("release", "", func(work) { n.EC2.In(virginia).SetKey(key, ec2.KeyDisabled) })
			n.run()
		},
	},
	{
		name: "copies are made without tags", breaks: oneCopy, on: oneCopied,
		edit: func(o *stack.Options) {
			o.Guard = guarded(instead("CopyImage", "&?TagSpecification[^&]*", func() string { return "" }))
		},
		story: func(n *night) {
			n.launch("web", "gp3")
			n.golden(virginia, ec2.KeyUsable)
			n.run()
		},
	},
}

// oneCopied is an account in which each image has a copy under a key.
func oneCopied() stack.Options { return afar(copied(plan.Copy{Region: virginia, Key: "alias/golden"})) }

// oneCopyEach: a copy is registered, of its Region, and the only one there of its image; one that has failed is gone,
// and each snapshot in another Region belongs to a copy.
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
