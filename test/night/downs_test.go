package night_test

import (
	"strings"
	"sync"

	"goldsmith/local/ec2"
)

// downs are the instances that Goldsmith has stopped and that do not run again yet.
type downs struct {
	mu    sync.Mutex
	asked map[string]string // the plan for which each was to be stopped last
	of    map[string]string // the plan of each that is down
	most  map[string]int    // the most of a plan that were down at once
}

// stops notes for which plan function stop is to stop an instance: what becomes of the ledger meanwhile
// does not matter.
func (d *downs) stops(id, plan string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked[id] = plan
}

// follow follows an instance's states as EC2 sends them.
func (n *night) follow(_, detailType string, resources []string) {
	if detailType != "EC2 Instance State-change Notification" || n.Stack == nil {
		return
	}
	id := resources[0][strings.LastIndex(resources[0], "/")+1:]
	d := &n.downs
	d.mu.Lock()
	defer d.mu.Unlock()
	plan := d.asked[id]
	switch n.EC2.State(id) {
	case ec2.Running, ec2.Terminated:
		if d.of[id] != "" {
			delete(d.asked, id) // whoever stops it from now on is somebody else
		}
		delete(d.of, id)
	default:
		if plan == "" {
			return
		}
		d.of[id] = plan
		count := 0
		for _, of := range d.of {
			if of == plan {
				count++
			}
		}
		d.most[plan] = max(d.most[plan], count)
	}
}

// fewAreDown: never were more of a plan down at once than its concurrency.
func (n *night) fewAreDown() {
	n.t.Helper()
	n.downs.mu.Lock()
	defer n.downs.mu.Unlock()
	for name, most := range n.downs.most {
		if bound := n.plans.Plans[name].Concurrency + n.excused.exempted; most > bound {
			n.t.Errorf("%d of plan %s were down at once, with concurrency %d", most, name, bound)
		}
	}
}
