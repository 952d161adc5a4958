package night_test

import (
	"fmt"
	"strings"
	"testing"

	"goldsmith/local/ec2"
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
		n.saysOf(r, "251 rolled", "1 not rolled", "Rolled (251)", "more: see the execution")
		n.want("refreshed", n.refreshIn(r, web, "fleet").Problem, "")
		n.want("launches", strings.Join(n.members("fleet"), " "), result.Image.ID)
		for _, v := range n.defaults() {
			if image := *v.LaunchTemplateData.ImageId; image != result.Image.ID && image != ec2.ImageARM {
				t.Errorf("%s has %s", *v.LaunchTemplateName, image)
			}
		}
	})
}
