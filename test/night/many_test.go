package night_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

// More templates follow a source than its job can carry: all are rolled, the message counts them, and a group of
// one that the job does not carry is refreshed like any other.
func TestMoreTemplatesThanAJobCarries(t *testing.T) {
	const many = 250
	play(t, refreshed(), func(n *night) {
		web := n.launch("web", "")
		var ids []string
		for i := range many {
			name := fmt.Sprintf("team-%03d-eu-central-1-production-web-frontend", i)
			ids = append(ids, n.template(name, "web", "m5.large", ec2.ImageX86))
		}
		n.template("graviton", "web", "m6g.large", ec2.ImageARM)
		last := ids[0]
		for _, id := range ids {
			last = max(last, id)
		}
		n.group("fleet", last, "1")
		r := n.run()[0]
		result := n.results(r)[web]
		for _, each := range result.Rolled {
			n.want("carried", each.Target == last, false)
		}
		n.want("carried and counted", len(result.Rolled)+result.Rest.Rolled, many+2)
		n.want("told first", strings.Contains(result.Rolled[0].Problem, "does not run x86_64 images"), true)
		n.saysOf(r, "251 rolled", "1 not rolled", "Rolled (251)", "more: see the report")
		n.want("refreshed", n.refreshIn(r, web, "fleet").Problem, "")
		n.want("launches", strings.Join(n.members("fleet"), " "), result.Image.ID)
		for _, v := range n.defaults() {
			if image := *v.LaunchTemplateData.ImageId; image != result.Image.ID && image != ec2.ImageARM {
				t.Errorf("%s has %s", *v.LaunchTemplateName, image)
			}
		}
	})
}

// All or none of more templates than one call of roll has time for, and one that it may not make the default of: each
// is rolled once and put back once. The next nights ask for that one first, and touch nothing while it is refused.
func TestAllOrNoneOfManyTemplates(t *testing.T) {
	const many = 250
	play(t, stack.Options{Plans: nightly(func(p *plan.Plan) { p.Roll.Together = true })}, func(n *night) {
		web := n.launch("web", "")
		last := ""
		for i := range many {
			last = max(last, n.template(fmt.Sprintf("team-%03d", i), "web", "m5.large", ec2.ImageX86))
		}
		n.EC2.Inject(ec2.Fault{Action: "ModifyLaunchTemplate", Resource: last, Code: denied, Status: 403,
			Until: due.Add(36 * time.Hour)})
		r := n.nights(0)
		for _, v := range n.heads() {
			if image := *v.LaunchTemplateData.ImageId; image != ec2.ImageX86 || *v.VersionNumber > 3 {
				t.Errorf("version %d of %s has %s", *v.VersionNumber, *v.LaunchTemplateName, image)
			}
		}
		told := 0
		for _, each := range n.results(r)[web].Rolled {
			if strings.Contains(each.Problem, "put back, since") {
				told++
			}
		}
		n.want("told", told > 50, true)

		was := n.heads()
		n.nights(1)
		for i, v := range n.heads() {
			n.want("version of "+*v.LaunchTemplateName+" a night later", *v.VersionNumber, *was[i].VersionNumber)
		}
		r = n.nights(2)
		image := n.results(r)[web].Image.ID
		for _, v := range n.heads() {
			n.want("image of "+*v.LaunchTemplateName+" once it may", *v.LaunchTemplateData.ImageId, image)
		}
	})
}
