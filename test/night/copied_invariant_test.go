package night_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
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

// rollAfarMutations break what holds of copies that are rolled.
var rollAfarMutations = []mutation{
	{
		name: "templates of whatever name are taken for the copy's own", breaks: followsHome, on: rollsAfar,
		edit: func(o *stack.Options) {
			o.Guard = guarded(instead("DescribeLaunchTemplates", `&?Filter[^&]*`, func() string { return "" }))
		},
		story: func(n *night) {
			n.launch("web", "gp3")
			n.templateIn(virginia, "api", "api", ec2.ImageX86)
			n.run()
		},
	},
	{
		name: "a copy is rolled though home is rolled back", breaks: followsHome, on: rollsAfar,
		edit: func(o *stack.Options) { o.Ledger = &unheld{Ledger: ledger.NewMemory()} },
		story: func(n *night) {
			n.excused.slack = true // the rollback is told as well
			n.launch("web", "gp3")
			n.template("web", "web", "t3.micro", ec2.ImageX86)
			n.templateIn(virginia, "web", "web", ec2.ImageX86)
			n.nights(0)
			time.Sleep(time.Until(due.Add(24*time.Hour + 11*time.Minute))) // Rolled at home, and on its way.
			n.rollBack(event.Rollback{Name: "web", By: "ada"})
			if u, wrong := n.Ledger.(*unheld); wrong {
				u.hides.Store(true)
				defer u.hides.Store(false)
			}
			n.nights(1)
		},
	},
}

func rollsAfar() stack.Options { return rolledAfar() }

// unheld is a ledger in which function copy sees nothing that is held at home.
type unheld struct {
	ledger.Ledger
	hides atomic.Bool
}

func (u *unheld) Targets(ctx context.Context, source string) iter.Seq2[ledger.TargetRecord, error] {
	return func(yield func(ledger.TargetRecord, error) bool) {
		for t, err := range u.Ledger.Targets(ctx, source) {
			if u.hides.Load() {
				t.Back = nil
			}
			if !yield(t, err) {
				return
			}
		}
	}
}

// regionsFollowHome: the launch templates and aliases of other Regions that take images of a name have copies of that
// name, and no copy of an image that is undone at home and held.
func (n *night) regionsFollowHome() {
	n.t.Helper()
	for _, region := range slices.Sorted(maps.Keys(n.Beside)) {
		templates := must(n.abroad(region).DescribeLaunchTemplates(n.ctx, &sdk.DescribeLaunchTemplatesInput{}))(n.t)
		for _, t := range templates.LaunchTemplates {
			id := aws.ToString(t.LaunchTemplateId)
			n.followsHome(region, tag.Map(t.Tags)[tag.Source], n.launchesAfar(region, id), id)
		}
		for name := range n.fleet {
			n.followsHome(region, name, n.aliasIn(region, name), "alias "+name)
		}
	}
}

func (n *night) followsHome(region, key, image, target string) {
	n.t.Helper()
	r, ok, err := n.Ledger.Registration(n.ctx, image)
	n.ok(err)
	switch {
	case !ok:
		return // A person's, or a parameter.
	case r.Region != region || !r.Good || !slices.Contains([]string{r.Name, r.Source, lineage.Key(r.Lineage)}, key):
		n.t.Errorf("%s in %s takes images of %q and has %s, which is of %s in %q", target, region, key, image,
			r.Name, r.Region)
	}
	for t, err := range n.Ledger.Targets(n.ctx, key) {
		n.ok(err)
		if back := t.Back; back != nil && !n.excused.afar && back.Image != r.From && t.Points[0].Image == r.From {
			n.t.Errorf("%s in %s has %s, the copy of %s, which is undone at home in %s", target, region, image, r.From, t.ID)
		}
	}
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
		case n.isLost(i):
			n.t.Errorf("copy %s in %s is %s", id, region, i.State)
		}
		n.ours(id, tag.Map(i.Tags))
		for _, s := range image.Snapshots(i) {
			used[s] = true
		}
	}
}

// isLost reports whether an image can be launched by nobody any more, and Goldsmith has not disabled it.
func (n *night) isLost(i types.Image) bool {
	n.t.Helper()
	return image.ProgressOf(i.State) == image.Lost && n.status(aws.ToString(i.ImageId)).Status != job.Disabled
}
