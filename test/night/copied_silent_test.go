package night_test

import (
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// A Region that does not answer, for days, keeps no other: what was copied elsewhere is told as copied once copies are
// waited for no longer, and copies in a Region behind it go as the rules say.
func TestARegionThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	plans := nightly(func(p *plan.Plan) {
		p.Keep = plan.Keep{Last: 1, Grace: plan.MinGrace}
		p.Copies = []plan.Copy{{Region: paris}, {Region: virginia}}
	})
	play(t, afar(plans), func(n *night) {
		web := n.launch("web", "gp3")
		for _, action := range []string{"CopyImage", "DescribeImages"} {
			n.EC2.In(paris).Inject(ec2.Fault{Action: action, Drop: true, Until: due.AddDate(0, 0, 20)})
		}
		n.through(5)
		runs := n.runs()
		first := runs[len(runs)-1]
		result := n.results(first)[web]
		n.want("why there is no copy in "+paris, strings.HasPrefix(result.Copies[0].Problem, "copying image ami-"), true)
		n.want("copied to "+virginia, []any{result.Copies[1].Problem, result.Copies[1].At.IsZero()}, []any{"", false})
		if took := first.Stopped.Sub(due); took > 32*time.Hour {
			t.Errorf("it was told %s after the run was due", took)
		}
		n.saysOf(first, "PARTIAL: ", "1 copied, 1 not copied", "uses of copies in "+paris,
			paris+" does not answer, or is too busy")
		n.want("the first copy in "+virginia, n.status(result.Copies[1].ID).Status, job.Retired)
	})
}
