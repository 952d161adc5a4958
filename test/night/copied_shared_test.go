package night_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// A copy is shared in its own Region, under its own key, once it is available; home is shared with nobody by it.
func TestACopyIsShared(t *testing.T) {
	plans := copied(plan.Copy{Region: virginia, Key: "alias/golden",
		Share: plan.Share{Accounts: accounts(consumerA, consumerB), Snapshots: true}},
		plan.Copy{Region: paris, Share: plan.Share{Organization: ours.ID}})
	play(t, afar(plans), func(n *night) {
		web := n.launch("web", "gp3")
		n.Organizations.Join(ours)
		key := n.golden(virginia, ec2.KeyUsable)
		n.EC2.In(virginia).SetKeyPolicy(key, letUse(consumerA))
		n.begin()
		r := n.run()[0]
		made := n.results(r)[web].Copies
		n.want("who launches it at home", len(n.launches(n.imageOf(web), consumerA, consumerB, memberOf)), 0)
		n.want("who launches it in "+virginia, n.launchesIn(virginia, made[0].ID, consumerA, consumerB, outsider),
			accounts(consumerA))
		n.ok(n.EC2.In(virginia).CopyBy(consumerA, made[0].ID))
		n.want("who launches it in "+paris, n.launchesIn(paris, made[1].ID, consumerA, memberOf, outsider),
			accounts(memberOf))
		n.want("registered", n.registrationOf(made[0].ID).Shared.Accounts, accounts(consumerA, consumerB))
		n.saysOf(r, "OK: nightly", "2 copied", "2 shared", "the copy in us-east-1: shared with accounts "+consumerA.Account,
			"key-not-shared", "of its copy in us-east-1: account "+consumerB.Account+" cannot launch it")
	})
}

// launchesIn says which of the consumers can launch an image in a Region.
func (n *night) launchesIn(region, image string, all ...ec2.Consumer) (can []string) {
	for _, c := range all {
		if n.EC2.In(region).LaunchBy(c, image) == nil {
			can = append(can, c.Account)
		}
	}
	return can
}

// What stands in the way of sharing a copy costs neither the copy nor anything at home: the run is PARTIAL, and says so
// as the rehearsal did before.
func TestWhatCannotBeSharedOfCopiesIsCopied(t *testing.T) {
	for name, c := range map[string]struct {
		source, key string
		share       plan.Share
		story       func(n *night)
		// said is what the rehearsal says; says is the message.
		said string
		says []string
	}{
		"a key of AWS": {
			"gp3", "alias/aws/ebs", plan.Share{Accounts: accounts(consumerA)}, nil, "is one that AWS manages",
			[]string{"is one that AWS manages", "customer managed key"},
		},
		"no key, and the source is encrypted": {
			"key=usable", "", plan.Share{Accounts: accounts(consumerA)}, nil, "",
			[]string{"sharing-unseen", "will be under that Region's default key for EBS", "can't be shared",
				"Name a customer managed key of us-east-1 in the plan's copies"},
		},
		"no organization": {
			"gp3", "", plan.Share{Organization: ours.ID}, nil, "is in no organization", []string{"is in no organization"},
		},
		"refused": {
			"gp3", "", plan.Share{Accounts: accounts(consumerA)},
			func(n *night) {
				n.EC2.In(virginia).Inject(ec2.Fault{Action: "ModifyImageAttribute", Code: "UnauthorizedOperation"})
			}, "", []string{"UnauthorizedOperation", "aws ec2 modify-image-attribute --region us-east-1 --image-id ami-"},
		},
		"an account that EC2 does not know": {
			"gp3", "", plan.Share{Accounts: accounts(consumerB)},
			func(n *night) { n.EC2.In(virginia).CloseAccount(consumerB.Account) }, "",
			[]string{"not shared with " + consumerB.Account},
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, afar(copied(plan.Copy{Region: virginia, Key: c.key, Share: c.share})), func(n *night) {
				web := n.launch("web", c.source)
				n.template("web", "web", "t3.micro", ec2.ImageX86)
				if c.story != nil {
					c.story(n)
				}
				n.begin()
				said := n.rehearse(rehearsal.Scheduled(n.plans.Plans["nightly"], due), n.plans.Plans["nightly"])
				if n.want("known before", said.Copies[0].Shared != nil, c.said != ""); c.said != "" {
					n.want("said before", strings.Contains(said.Copies[0].Shared.Problem, c.said), true)
				}
				r := n.run()[0]
				n.wasImaged(r, web)
				made := n.results(r)[web].Copies[0]
				n.want("copies", []any{len(n.in(virginia)), made.Problem}, []any{1, ""})
				n.want("who launches it", len(n.launchesIn(virginia, made.ID, consumerA, consumerB, memberOf)), 0)
				n.want("registered as shared", n.registrationOf(made.ID).Shared == nil, true)
				n.want("rolled", n.results(r)[web].Rolled[0].To, n.imageOf(web))
				n.saysOf(r, append(c.says, "PARTIAL: nightly", "1 copied", "1 not shared")...)
			})
		})
	}
}

// A copy that goes is asked about in its own Region: what another account launches there keeps it, shared; the others
// are shared no longer before they go, and the message says with whom they were. A copy that was disabled and is
// enabled again has its permissions back.
func TestSharedCopiesAreRetired(t *testing.T) {
	t.Parallel()
	plans := nightly(func(p *plan.Plan) {
		p.Keep.Last = 30
		p.Copies = []plan.Copy{{Region: virginia, Keep: plan.Keep{Last: 3, Grace: plan.MinGrace},
			Share: plan.Share{Accounts: accounts(consumerA)}}}
	})
	play(t, afar(plans), func(n *night) {
		web := n.launch("web", "gp3")
		n.through(0)
		used := n.firstOf(web).Copies[0].ID
		n.ok(n.EC2.In(virginia).UseBy(consumerA, used, true))
		time.Sleep(24 * time.Hour)
		next := n.in(virginia)
		again := aws.ToString(next[0].ImageId)
		if again == used {
			again = aws.ToString(next[1].ImageId)
		}
		must(n.abroad(virginia).DisableImage(n.ctx, &sdk.DisableImageInput{ImageId: aws.String(again)}))(n.t)
		time.Sleep(24 * time.Hour)
		n.want("who launches what is disabled", len(n.launchesIn(virginia, again, consumerA)), 0)
		must(n.abroad(virginia).EnableImage(n.ctx, &sdk.EnableImageInput{ImageId: aws.String(again)}))(n.t)
		time.Sleep(24 * time.Hour)
		n.want("who launches what is enabled again", len(n.launchesIn(virginia, again, consumerA)), 1)
		time.Sleep(10 * 24 * time.Hour)
		n.want("who launches what is in use", n.launchesIn(virginia, used, consumerA), accounts(consumerA))
		n.want("images at home", len(n.imagesOf(web)), 14)
		there := map[string]types.Image{}
		for _, i := range n.in(virginia) {
			there[aws.ToString(i.ImageId)] = i
		}
		if _, ok := there[used]; !ok {
			t.Error("the copy that another account uses is gone")
		}
		unshared := 0
		for r, err := range n.Ledger.Retirements(n.ctx, "nightly") {
			n.ok(err)
			if r.Region == virginia && (r.Status == job.Unshared || r.Status == job.Retired) {
				unshared++
			}
		}
		if unshared == 0 || len(there) >= 14 {
			t.Errorf("%d copies are left, and %d were shared no longer", len(there), unshared)
		}
	})
}
