package night_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/local/ec2"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// Two plans copy to one Region under one key: one source that both have, or two of one name. Each keeps its own copies
// there by its own rules, none is made twice, and what is launched there is the newest copy of the source that has the
// name, whenever the plans are due.
func TestTwoPlansCopyToOneRegion(t *testing.T) {
	t.Parallel()
	const nightlyKeeps, secondKeeps, days = 2, 4, 6
	for _, one := range []bool{true, false} {
		for _, schedule := range []string{"cron(30 0 * * ? *)", "cron(40 0 * * ? *)", "cron(30 12 * * ? *)"} {
			t.Run(fmt.Sprint("one source ", one, ", ", schedule), func(t *testing.T) {
				t.Parallel()
				copyKeeping := func(last int) []plan.Copy {
					return []plan.Copy{{Region: virginia, Key: "alias/golden", Alias: true,
						Keep: plan.Keep{Last: last, Minimum: 1, Grace: plan.MinGrace}}}
				}
				plans := nightly(func(p *plan.Plan) { p.Keep.Last, p.Copies = 9, copyKeeping(nightlyKeeps) })
				plans = with(plans, "second", func(p *plan.Plan) { p.Schedule, p.Copies = schedule, copyKeeping(secondKeeps) })
				play(t, afar(plans), func(n *night) {
					n.golden(virginia, ec2.KeyUsable)
					if web := n.launch("web", "gp3"); one {
						n.ok(n.tagAs(web, map[string]string{tag.Plan: "nightly second"}))
					} else {
						other := n.launch("other", "gp3")
						n.ok(n.tagAs(other, map[string]string{tag.Plan: "second", "Name": "web"}))
					}
					n.template("web", "web", "t3.micro", ec2.ImageX86)
					there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
					n.begin()
					time.Sleep(time.Until(due.AddDate(0, 0, days).Add(18 * time.Hour)))
					n.finish()
					last := n.copiesOfEach(map[string]int{"nightly": nightlyKeeps, "second": secondKeeps})
					n.want("what is launched there", []string{n.launchesAfar(virginia, there), n.aliasIn(virginia, "web")},
						[]string{last, last})
					for _, r := range n.runs() {
						for _, said := range n.messagesOf(r) {
							if strings.Contains(said, "not copied") || strings.Contains(said, "FAILED") {
								n.t.Errorf("run %s says %s", r.Name, said)
							}
						}
					}
				})
			})
		}
	}
}

// copiesOfEach wants each plan to have the copies that it keeps of those that it made, and some that are on their way
// out, and is the newest copy of the source that has the name.
func (n *night) copiesOfEach(keeps map[string]int) (newest string) {
	n.t.Helper()
	owner, _, err := n.Ledger.Owner(n.ctx, "web")
	n.ok(err)
	there, kept, all, asked := map[string]bool{}, map[string]int{}, map[string]int{}, time.Time{}
	for _, i := range n.in(virginia) {
		there[aws.ToString(i.ImageId)] = i.DeprecationTime == nil
	}
	made := map[string]int{}
	for _, r := range n.copyRegistrations(there) {
		if made[r.From]++; made[r.From] > 1 {
			n.t.Errorf("image %s was copied twice", r.From)
		}
		if all[r.Plan]++; there[r.ID] {
			kept[r.Plan]++
		}
		if r.Lineage == owner.Lineage && r.Begun.After(asked) {
			newest, asked = r.ID, r.Begun
		}
	}
	n.keptBy(keeps, kept, all)
	return newest
}

// copiedBy is how many copies each plan has made.
func (n *night) copiedBy() map[string]int {
	n.t.Helper()
	copied := map[string]int{}
	for _, r := range n.runs() {
		for _, result := range n.results(r) {
			if len(result.Copies) > 0 && result.Copies[0].ID != "" {
				copied[result.Plan]++
			}
		}
	}
	return copied
}

// copyRegistrations are those of the copies that are there.
func (n *night) copyRegistrations(there map[string]bool) (all []ledger.Registration) {
	n.t.Helper()
	for r, err := range n.Ledger.Registrations(n.ctx, "") {
		n.ok(err)
		if _, is := there[r.ID]; is && r.IsCopy() {
			all = append(all, r)
		}
	}
	return all
}

// keptBy wants each plan to have as many copies as it keeps of those that it made.
func (n *night) keptBy(keeps, kept, all map[string]int) {
	n.t.Helper()
	copied := n.copiedBy()
	for name, keep := range keeps {
		want := min(keep, copied[name])
		// One more may be launched, by what the other plan has not rolled on yet.
		if kept[name] < want || kept[name] > want+1 || all[name] > want+2 {
			n.t.Errorf("plan %s keeps %d copies, and has %d; want %d", name, kept[name], all[name], want)
		}
	}
}
