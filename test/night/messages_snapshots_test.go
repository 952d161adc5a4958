package night_test

import (
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// ofSnapshot plays a request for an image of a snapshot.
func ofSnapshot(what string, made func(n *night) string, edits ...func(*plan.Plan)) *situation {
	plans := onRequest()
	for _, edit := range edits {
		plans = with(plans, "nightly", edit)
	}
	return &situation{what: what, options: stack.Options{Plans: plans}, story: func(n *night) {
		id := made(n)
		n.begin()
		n.ask(id, "now")
		n.finish()
		time.Sleep(time.Hour)
	}}
}

func snapshotSituations() []*situation {
	lost := func(n *night) string { return n.lost("web", nil) }
	return []*situation{
		ofSnapshot("the instance is gone", lost),
		ofSnapshot("it is of a data volume", func(n *night) string {
			return n.snapshotOf(n.launch("web", "gp3"), "/dev/sdf", nil)
		}),
		ofSnapshot("nothing says what would have to be guessed", func(n *night) string {
			return n.uploaded(map[string]string{"Name": "mail"}, linux)
		}),
		ofSnapshot("what is said contradicts the disk", func(n *night) string {
			return n.snapshotOf(n.launch("web", ""), "", map[string]string{tag.ImageSettings: "architecture=arm64"})
		}),
		ofSnapshot("how it was billed is lost", func(n *night) string {
			id := n.snapshotOf(n.launch("web", "image="+ec2.ImageWindows), "",
				map[string]string{tag.ImageSettings: "bootMode=legacy-bios"})
			n.EC2.LoseBilling(id)
			return id
		}),
		ofSnapshot("a data volume was started with it", func(n *night) string {
			web := n.launch("web", "gp3")
			root := n.snapshotOf(web, "", nil)
			n.snapshotOf(web, "/dev/sdf", nil)
			return root
		}),
		ofSnapshot("the plan has none copied", lost, func(p *plan.Plan) { p.Image.Copy = false }),
		ofSnapshot("it cannot be copied", func(n *night) string {
			id := lost(n)
			n.EC2.Inject(ec2.Fault{Action: "CopySnapshot", Code: denied, Status: 403})
			return id
		}),
		ofSnapshot("its image cannot be registered", func(n *night) string {
			id := lost(n)
			n.EC2.Inject(ec2.Fault{Action: "RegisterImage", Code: denied, Status: 403})
			return id
		}),
		{what: "a plan of snapshots whose tool has made none since", options: stack.Options{Plans: stored()},
			story: func(n *night) {
				n.lost("web", map[string]string{"Backup": "daily"})
				n.run()
				time.Sleep(time.Until(due.Add(24 * time.Hour)))
				n.finish()
			}},
	}
}
