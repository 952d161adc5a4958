package night_test

import (
	"fmt"
	"testing"
	"time"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// Copies of several runs that are seen at once are rolled by functions that run at once: the Region ends at the copy of
// the last image, whichever of them writes first and however slow it is.
func TestCopiesThatAreSeenAtOnce(t *testing.T) {
	t.Parallel()
	for _, slow := range []int64{0, 1, 3, 7, 12} {
		t.Run(fmt.Sprintf("%ds", slow), func(t *testing.T) {
			t.Parallel()
			book := &slowWrites{Ledger: ledger.NewMemory()}
			o := rolledAfar(func(p *plan.Plan) { p.Schedule = "cron(0 12 * * ? *)" })
			o.Ledger = book
			play(t, o, func(n *night) {
				web := n.launch("web", "gp3")
				there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
				n.EC2.In(virginia).Inject(ec2.Fault{Action: "DescribeImages", Code: "InternalError", Until: due.Add(3 * time.Hour)})
				n.begin()
				for range 3 {
					n.ask(web, "nightly")
					time.Sleep(30 * time.Minute)
				}
				running := 0
				for _, r := range n.runs() {
					if r.Status == asl.Running {
						running++
					}
				}
				n.want("on their way", running, 3)
				book.each.Store(slow * int64(time.Second))
				n.finish()
				book.each.Store(0)
				time.Sleep(5 * time.Minute)
				last := n.results(n.runs()[0])[web].Copies[0].ID
				for _, r := range n.runs() {
					made := n.results(r)[web].Copies[0]
					n.want("there", []any{made.Problem, made.At.IsZero()}, []any{"", false})
				}
				n.want("launched there", []string{n.launchesAfar(virginia, there), n.aliasIn(virginia, "web")},
					[]string{last, last})
			})
		})
	}
}
