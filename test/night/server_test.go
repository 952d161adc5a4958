package night_test

import (
	"testing"

	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
)

// What a server is besides its disks is registered with its image, and with the copy of that, before anything is made: it
// is known as long as they are, also once the instance is gone.
func TestWhatAServerIsIsRegistered(t *testing.T) {
	t.Parallel()
	play(t, afar(nightly(func(p *plan.Plan) { p.Copies = []plan.Copy{{Region: paris}} })), func(n *night) {
		web := n.launch("web", "gp3")
		n.ok(n.EC2.SetElasticIP(web, "198.51.100.7"))
		is := source.Server(n.instances()[0])
		n.finishAfter(due)
		calls := map[ledger.Call]bool{}
		for r, err := range n.Ledger.Registrations(n.ctx, "") {
			n.ok(err)
			if r.Source == web && r.Kind == ledger.MadeImage {
				calls[r.Call] = true
				n.want("what is registered of it with "+string(r.Call), r.Server, is)
			}
		}
		n.want("what is registered", calls, map[ledger.Call]bool{ledger.CreateImage: true, ledger.CopyImage: true})
		n.want("its address", is.Interfaces[0].Elastic[is.Interfaces[0].Private[0]], "198.51.100.7")
	})
}
