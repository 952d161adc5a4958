package night_test

import (
	"strings"
	"sync"

	"goldsmith/local/ec2"
)

// downs are the instances that Goldsmith has stopped and that do not run again yet.
type downs struct {
	mu   sync.Mutex
	of   map[string]string // the plan of each that is down
	most map[string]int    // the most of a plan that were down at once
}

// follow follows an instance's states as EC2 sends them.
func (n *night) follow(_, detailType string, resources []string) {
	if detailType != "EC2 Instance State-change Notification" || n.Suite == nil {
		return
	}
	id := resources[0][strings.LastIndex(resources[0], "/")+1:]
	plan := n.stoppedFor(id)
	d := &n.downs
	d.mu.Lock()
	defer d.mu.Unlock()
	switch n.EC2.State(id) {
	case ec2.Running, ec2.Terminated:
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

// stoppedFor is the plan for which Goldsmith has stopped an instance; "" when it has not.
func (n *night) stoppedFor(id string) string {
	for c, err := range n.Ledger.Claims(n.ctx) {
		if err == nil && c.Source == id && !c.StopSent.IsZero() {
			return c.Plan
		}
	}
	return ""
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
