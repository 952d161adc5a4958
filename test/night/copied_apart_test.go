package night_test

import (
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/shared/event"
	"goldsmith/shared/plan"
)

// A Region that does not answer costs a rollback neither home nor the other Regions: it is told, nobody is told that
// all is rolled back, and who asks again has it back, too.
func TestARollbackThatFailsInOneRegion(t *testing.T) {
	t.Parallel()
	const passes, lasts = "ask again: ", "put this right and ask again: "
	for code, asks := range map[string]string{
		"AuthFailure": lasts, "OptInRequired": lasts, "UnauthorizedOperation": lasts, "InternalError": passes,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			play(t, rolledAfar(func(p *plan.Plan) { p.Copies[1].Alias = true }), func(n *night) {
				n.excused.slack, n.excused.afar = true, true
				web := n.launch("web", "gp3")
				n.template("web", "web", "t3.micro", ec2.ImageX86)
				there := map[string]string{}
				for _, region := range []string{paris, virginia} {
					there[region] = n.templateIn(region, "web", "web", ec2.ImageX86)
				}
				one := n.results(n.nights(0))[web]
				two := n.results(n.nights(1))[web]
				time.Sleep(5 * time.Minute)
				n.EC2.In(paris).Inject(ec2.Fault{Action: "DescribeLaunchTemplateVersions", Code: code, Status: 403,
					Until: time.Now().Add(26 * time.Hour)})
				for range 2 {
					answer := n.rollBack(event.Rollback{Name: "web", By: "ada"})
					told := map[string]int{}
					for _, each := range answer.Targets {
						if told[each.Region]++; (each.Problem != "") != (each.Region == paris) {
							t.Errorf("%s in %q is told as %q", each.Target, each.Region, each.Problem)
						}
						if each.Region == paris && !strings.HasPrefix(each.Problem, "not looked at; "+asks) {
							t.Errorf("what to do in %s is told as %q", paris, each.Problem)
						}
					}
					n.want("told", []int{told[""], told[virginia], told[paris]}, []int{2, 2, 1})
				}
				_, home := n.standard("web")
				n.want("back", []string{home, n.launchesAfar(virginia, there[virginia])},
					[]string{one.Image.ID, one.Copies[0].ID})
				n.want("which is told as", strings.Count(n.said(), "Goldsmith: web is rolled back in part by ada"), 1)
				n.nights(2)
				time.Sleep(6 * time.Hour) // The Region answers again.
				n.want("after another night", n.launchesAfar(paris, there[paris]), two.Copies[1].ID)
				for _, each := range n.rollBack(event.Rollback{Name: "web", By: "ada"}).Targets {
					n.want("problem of "+each.Target+" in "+each.Region, each.Problem, "")
				}
				time.Sleep(5 * time.Minute)
				n.want("back", []string{n.launchesAfar(paris, there[paris]), n.aliasIn(paris, "web")},
					[]string{one.Copies[1].ID, one.Copies[1].ID})
			})
		})
	}
}

// Only a rollback holds a Region back: what a person has set back by hand at home stays there, and the copy of what
// they did not want is rolled in its Region, as docs/sharing.md says. A rollback, also asked for then, leads it back.
func TestWhatIsSetBackByHandAtHomeIsRolledAfar(t *testing.T) {
	t.Parallel()
	play(t, rolledAfar(), func(n *night) {
		n.excused.slack = true // the rollback is told as well
		web := n.launch("web", "gp3")
		home := n.template("web", "web", "t3.micro", ec2.ImageX86)
		there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
		one := n.results(n.nights(0))[web]
		time.Sleep(time.Until(due.Add(24*time.Hour + 11*time.Minute))) // Rolled at home, and on its way.
		n.makeDefault(home, "2")
		second := n.results(n.nights(1))[web].Copies[0].ID
		time.Sleep(5 * time.Minute) // Parameter Store checks images.
		n.want("there", n.launchesAfar(virginia, there), second)
		for _, each := range n.rollBack(event.Rollback{Name: "web", By: "ada"}).Targets {
			n.want("problem of "+each.Target+" in "+each.Region, each.Problem, "")
		}
		time.Sleep(5 * time.Minute)
		_, image := n.standard("web")
		n.want("after a rollback", []string{image, n.launchesAfar(virginia, there)}, []string{one.Image.ID, one.Copies[0].ID})
	})
}
