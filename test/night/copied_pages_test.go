package night_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/shared/event"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// However slow each target is, a rollback that has no time for all Regions goes on where it has ended: who asks again
// with what it answers has each target done once.
func TestARollbackOfRegionsGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	for _, slow := range []int64{7, 9, 11, 13, 14} {
		t.Run(fmt.Sprintf("%ds", slow), func(t *testing.T) {
			t.Parallel()
			book := &slowWrites{Ledger: ledger.NewMemory()}
			o := rolledAfar(func(p *plan.Plan) { p.Copies[1].Alias = true })
			o.Ledger = book
			play(t, o, func(n *night) {
				n.excused.slack = true // the rollback is told as well
				web := n.launch("web", "gp3")
				n.template("web", "web", "t3.micro", ec2.ImageX86)
				there := map[string]string{}
				for _, region := range []string{paris, virginia} {
					there[region] = n.templateIn(region, "web", "web", ec2.ImageX86)
				}
				first := n.results(n.nights(0))[web].Copies
				n.nights(1)
				book.each.Store(slow * int64(time.Second))
				told := n.pages(event.Rollback{Name: "web", By: "ada"})
				book.each.Store(0)
				n.want("targets told", len(told), 6)
				for target, times := range told {
					n.want("how often "+target+" was told", times, 1)
				}
				time.Sleep(5 * time.Minute)
				for _, made := range first {
					n.want("launched in "+made.Region, []string{n.launchesAfar(made.Region, there[made.Region]),
						n.aliasIn(made.Region, "web")}, []string{made.ID, made.ID})
				}
			})
		})
	}
}

// pages asks for a rollback until nothing is left of it, and says how often each target was told.
func (n *night) pages(asked event.Rollback) map[string]int {
	n.t.Helper()
	told := map[string]int{}
	for range 12 {
		answer, err := n.rolledBackOnce(asked)
		n.ok(err)
		for _, each := range answer.Targets {
			n.want("problem of "+each.Target+" in "+each.Region, each.Problem, "")
			told[each.Region+" "+each.Target]++
		}
		if asked.After = answer.After; answer.More == 0 {
			return told
		}
	}
	n.t.Errorf("there is always more to do; asked after %q", asked.After)
	return told
}

// slowWrites takes its time to write down that a target is about to be changed.
type slowWrites struct {
	ledger.Ledger
	each atomic.Int64
}

func (l *slowWrites) PutTarget(ctx context.Context, t ledger.TargetRecord) (ledger.TargetRecord, error) {
	if t.Begun != nil {
		time.Sleep(time.Duration(l.each.Load()))
	}
	return l.Ledger.PutTarget(ctx, t)
}
