package permissions

import (
	"time"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

// handedOver: the names of two sources were those of an instance and of a volume, which are gone; a person hands one
// over to a source that shows the tag of a group's member.
func handedOver(n *night) {
	lineages := map[string]string{"web": "i-0123456789abcdef0", "lab": "vol-0123456789abcdef0"}
	ids := map[string]string{}
	for name, lineage := range lineages {
		must(n.book.memory.PutOwner(n.ctx, ledger.Owner{Name: name, Lineage: lineage}))(n.t)
		ids[name] = n.launch(ec2.ImageX86, "", map[string]string{"Name": name})
		n.tag(ids[name], map[string]string{tag.Request: "asked"})
	}
	member := n.launch(ec2.ImageX86, "", map[string]string{"Name": "web"})
	n.ok(n.EC2.SetTags(member, map[string]string{tag.Group: "fleet"}))
	n.ok(n.EC2.SetState(member, ec2.Stopped))
	n.tag(member, map[string]string{tag.Request: "asked"})
	n.run(time.Now().Add(time.Hour))
	for name, id := range ids {
		n.want("ending of "+name, n.result(id).Ending, job.Imaged)
	}
	n.want("ending of the member", n.result(member).Ending, job.Imaged)
	event := `{"goldsmith":"handover","version":"1","name":"web","to":"` + member + `","by":"ada"}`
	must(n.Suite.Invoke(n.ctx, here.ARN("lambda", "function:goldsmith-rollback"), []byte(event)))(n.t)
	o, _, err := n.book.memory.Owner(n.ctx, "web")
	n.ok(err)
	n.want("owner", o.Lineage, member)
}
