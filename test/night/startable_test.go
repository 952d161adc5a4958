package night_test

import (
	"fmt"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
)

// What a volume's key keeps from being started again is not stopped, on schedule or asked for; the others are imaged.
func TestUnusableKeysAreNotStopped(t *testing.T) {
	play(t, stack.Options{Plans: nightly(), VolumeKeys: listedKeys()}, func(n *night) {
		web, vault := n.launch("web", "key=usable"), n.launch("vault", "key=hidden private")
		locked := []string{n.launch("db", "key=disabled"), n.launch("old", "key=deleting"), n.launch("new", "key=ungranted")}
		rest := n.launch("rest", "key=disabled stopped")
		lab := n.launch("lab", "unenrolled key=disabled")
		n.begin()
		n.ask(lab, "now")
		n.run()
		for _, id := range append(locked, lab) {
			n.want("reason of "+id, n.firstOf(id).Skip.Code, job.CannotStart)
			n.want("stops of "+id, len(n.stopsOf(id)), 0)
		}
		for _, id := range []string{web, vault, rest} {
			n.want("ending of "+id, n.firstOf(id).Ending, job.Imaged)
		}
		n.want("warning", n.firstOf(vault).Warnings[0].Code, job.KeyUnseen)
		n.EC2.SetKey(keyIn("disabled"), ec2.KeyUsable)
		n.EC2.SetKey(keyIn("deleting"), ec2.KeyUsable)
		n.finishAfter(due.Add(24 * time.Hour))
		for _, id := range locked[:2] {
			n.want("stops of "+id, len(n.stopsOf(id)), 1)
		}
		n.want("stops of one that kmsKeys does not list", len(n.stopsOf(locked[2])), 0)
	})
}

// firstOf is what came of a source in the first run that had it.
func (n *night) firstOf(id string) job.Result {
	n.t.Helper()
	for _, r := range n.runs() {
		if result, had := n.results(r)[id]; had {
			return result
		}
	}
	n.t.Fatalf("no run had %s", id)
	return job.Result{}
}

// While more vCPUs run than the account's quota allows, nothing that counts for it is stopped: EC2 would refuse the
// start. Spot counts for another one.
func TestAnExceededQuotaStopsNothing(t *testing.T) {
	play(t, stack.Options{Plans: nightly()}, func(n *night) {
		var ids []string
		for i := range 4 {
			ids = append(ids, n.launch(fmt.Sprint("web-", i), ""))
		}
		spot := n.launch("burst", "m5.large spot")
		n.EC2.SetQuota("L-1216C47A", 7) // four of two vCPUs each run
		n.run()
		for _, id := range ids {
			n.want("reason of "+id, n.firstOf(id).Skip.Code, job.CannotStart)
			n.want("stops of "+id, len(n.stopsOf(id)), 0)
		}
		n.want("ending", n.firstOf(spot).Ending, job.Imaged)
		n.EC2.SetQuota("L-1216C47A", 8)
		n.finishAfter(due.Add(24 * time.Hour))
		for _, id := range ids {
			n.want("stops of "+id, len(n.stopsOf(id)), 1)
		}
	})
}
