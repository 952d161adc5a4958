package night_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// ofCopies are the states in which an image is shared and copied.
var ofCopies = []string{"Share the image", "What is left to do?", "Copy the image", "Are there copies to see?",
	"See the copies"}

// Every crash point of sharing an image and of copying it, also where the copy comes to nothing: whatever goes wrong,
// an image has one copy in a Region at most, nothing stays of one that has failed, what passes by itself ends in an
// image and a copy that are both shared, and a copy that is rolled in its Region, or in one that is told as lost, and
// nobody is shared with by half.
func TestEveryCrashPointOfACopy(t *testing.T) {
	for _, fails := range []bool{false, true} {
		due := duringACopy(t, fails)
		for _, m := range due {
			t.Run(fmt.Sprintf("%s, it fails: %t", m, fails), func(t *testing.T) {
				t.Parallel()
				c := newChaos(m)
				crashOfACopy(t, c, fails)
				if len(c.struck) == 0 {
					t.Error("the boundary was not met again: two nights of one seed differ")
				}
			})
		}
		t.Logf("a night each for the %d things that can go wrong; the copy fails: %t", len(due), fails)
		if len(due) == 0 && *crashOnly == "" {
			t.Error("nothing can go wrong")
		}
	}
}

// duringACopy is what can go wrong in a night while an image is shared and copied.
func duringACopy(t *testing.T, fails bool) (due []mishap) {
	t.Helper()
	calm := newChaos()
	crashOfACopy(t, calm, fails)
	for _, m := range calm.possible {
		if m.due(func(m mishap) bool { return ofACopy(m, fails) }) {
			due = append(due, m)
		}
	}
	return due
}

// ofACopy leaves out of the nights in which the copy fails what is before it.
func ofACopy(m mishap, fails bool) bool {
	if m.at("copy") || m.at("share") && !fails {
		return true
	}
	for _, state := range ofCopies {
		if strings.Contains(m.boundary, state) && (!fails || state == "See the copies") {
			return true
		}
	}
	return false
}

// crashOfACopy is a scheduled run of one instance, whose image is shared and copied; the copy is shared, too.
func crashOfACopy(t *testing.T, c *chaos, fails bool) {
	t.Helper()
	between := &sandboxes{chaos: c}
	with := plan.Share{Accounts: accounts(consumerA), Snapshots: true}
	plans := nightly(func(p *plan.Plan) {
		p.Schedule, p.Share = "cron(12 0 * * ? *)", with
		p.Copies = []plan.Copy{{Region: virginia, Key: "alias/golden", Share: with, Alias: true}}
	})
	o := afar(plans)
	o.Ledger, o.Observer = targets{chaosLedger{ledger.NewMemory()}}, transitions{c}
	o.Wrap = func(inner asl.Invoker) asl.Invoker { between.inner = inner; return between }
	o.Guard = func(s *stack.Stack) http.Handler { return wire{s} }
	play(t, o, func(n *night) {
		between.slack = n.Slack.Inject
		web := n.launch("web", "gp3")
		key := n.golden(virginia, ec2.KeyUsable)
		n.EC2.In(virginia).SetKeyPolicy(key, letUse(consumerA))
		there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
		if fails {
			n.at("release", "", func(work) { n.EC2.In(virginia).SetKey(key, ec2.KeyDisabled) })
		}
		n.begin()
		time.Sleep(12*time.Minute - time.Second)
		c.arm(true)
		n.finish()
		c.arm(false)
		n.finish()
		if c.cut() {
			time.Sleep(3 * 24 * time.Hour) // A later night sees to what was cut off.
			return
		}
		n.copiedOnce(web, fails)
		n.rolledThere(web, there, fails)
	})
}

// copiedOnce: the image is shared, and copied and the copy shared, or that is told as lost.
func (n *night) copiedOnce(web string, fails bool) {
	n.t.Helper()
	result := n.firstOf(web)
	n.want("ending", result.Ending, job.Imaged)
	n.want("shared", []any{result.Shared.Problem, len(n.launches(result.Image.ID, consumerA))}, []any{"", 1})
	made, told := n.in(virginia), result.Copies[0]
	if fails {
		n.want("copies", []any{len(made), told.Problem != "", told.Shared == nil}, []any{0, true, true})
		n.want("snapshots", len(n.storedIn(virginia)), 0)
		return
	}
	n.want("copies", []any{len(made), told.Problem, told.Open()}, []any{1, "", false})
	n.want("the copy is shared", []any{told.Shared.Problem, len(n.launchesIn(virginia, told.ID, consumerA))}, []any{"", 1})
	n.want("registered as shared", n.registrationOf(told.ID).Shared.Accounts, accounts(consumerA))
}

// rolledThere: what takes the image's name in the Region launches the copy, and what it did before where there is none.
func (n *night) rolledThere(web, template string, fails bool) {
	n.t.Helper()
	time.Sleep(5 * time.Minute) // Parameter Store checks images.
	want, alias := n.firstOf(web).Copies[0].ID, n.firstOf(web).Copies[0].ID
	if fails {
		want, alias = ec2.ImageX86, ""
	}
	n.want("launched there", []string{n.launchesAfar(virginia, template), n.aliasIn(virginia, "web")},
		[]string{want, alias})
	for _, r := range n.firstOf(web).Copies[0].Rolled {
		n.want("problem of "+r.Target, r.Problem, "")
	}
}
