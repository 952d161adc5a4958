package night_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// The table was lost, and another instance that goes by a name asks for an image before anything is adopted: what takes
// images of the name takes none of it, and its owner has it with its own next image.
func TestANameAfterTheTableWasLost(t *testing.T) {
	for _, grouped := range []bool{false, true} {
		play(t, stack.Options{Plans: nightly(func(p *plan.Plan) { p.Consistency = plan.Reboot })}, func(n *night) {
			var web string
			owner := func() string { return web }
			if grouped {
				n.group("fleet", n.template("base", "nothing", "t3.micro", ec2.ImageX86), "1")
				web = aws.ToString(n.groupOf("fleet").Instances[0].InstanceId)
				n.ok(n.tagAs(web, map[string]string{"Name": "web"}))
				owner = func() string { return lineage.OfGroup(n.groupOf("fleet")) }
			} else {
				web = n.launch("a", "Name=web unenrolled")
			}
			n.template("front", "web", "t3.micro", ec2.ImageX86)
			n.begin()
			image := n.results(n.request(web))[web].Image.ID
			n.lose()
			intruder := n.launch("d", "Name=web unenrolled")
			n.want("told", n.warned(n.request(intruder), intruder), true)
			_, launched := n.standard("front")
			value, _ := n.Parameters.Value(webAlias)
			n.want("template and alias", []string{launched, value}, []string{image, image})

			next := n.results(n.request(web))[web].Image.ID
			value, _ = n.Parameters.Value(webAlias)
			n.want("the owner's", []string{value, n.owner("web").Lineage}, []string{next, owner()})
		})
	}
}

// A snapshot of a source's volume that carries the tags of the run is not taken for the image's own.
func TestASnapshotWithTheTagsOfTheRun(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		web := n.launch("web", "")
		forged := n.snapshotOf(web, "", map[string]string{
			tag.Managed: "true", tag.Run: job.RunName("nightly", due), tag.Source: web, tag.Plan: "nightly", tag.Name: "web",
		})
		r := n.run()[0]
		n.wasImaged(r, web)
		times := n.results(r)[web].Times
		n.want("waited for its own snapshots", times.Snapshotted.After(times.ImageSent), true)
		n.want("the other is there", n.there(forged), true)
	})
}
