package night_test

import (
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// A Region that is being enabled is listed as enabled, and knows the account only some minutes or hours later. The
// copy that is asked for meanwhile is made when it does, or told, and the next image is copied there; home and the other
// Region wait for neither.
func TestACopyToARegionThatIsBeingEnabled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		takes time.Duration
		says  []string
		made  int
	}{
		"minutes": {40 * time.Minute, []string{"OK: ", "2 copied", "2 shared"}, 1},
		"hours": {5 * time.Hour, []string{"PARTIAL: ", "1 copied, 1 not copied", "not copied to eu-west-3 under key alias/golden: ", "AuthFailure",
			"Look whether Region eu-west-3 is enabled"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			share := plan.Share{Accounts: accounts(consumerA)}
			o := rolledAfar(func(p *plan.Plan) {
				p.Copies = []plan.Copy{{Region: paris, Key: "alias/golden", Alias: true, Share: share},
					{Region: virginia, Share: share}}
			})
			play(t, o, func(n *night) {
				n.excused.slack = true
				web := n.launch("web", "gp3")
				n.template("web", "web", "t3.micro", ec2.ImageX86)
				there := n.templateIn(paris, "web", "web", ec2.ImageX86)
				n.EC2.In(paris).SetKeyPolicy(n.golden(paris, ec2.KeyUsable), letUse(consumerA))
				n.Enable(paris, false)
				n.EC2.Enable(paris, true) // As EC2 lists it at home.
				n.at("stop", web, func(work) { time.AfterFunc(c.takes, func() { n.Enable(paris, true) }) })
				r := n.nights(0)
				n.want("ending", n.results(r)[web].Ending, job.Imaged)
				n.saysOf(r, c.says...)
				time.Sleep(5 * time.Hour)
				n.want("copies there", len(n.in(paris)), c.made)
				second := n.results(n.nights(1))[web]
				time.Sleep(5 * time.Minute) // Parameter Store checks images.
				n.want("copies after the next night", len(n.in(paris)), c.made+1)
				n.want("what launches there", []string{n.launchesAfar(paris, there), n.aliasIn(paris, "web")},
					[]string{second.Copies[0].ID, second.Copies[0].ID})
				n.want("who launches it", n.launchesIn(paris, second.Copies[0].ID, consumerA, consumerB), accounts(consumerA))
			})
		})
	}
}
