package night_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
)

// An instance that describes do not know for a while after its stop comes back, and no message says that it was
// terminated: a describe may lag.
func TestAStoppedInstanceIsNotFoundForAWhile(t *testing.T) {
	for _, step := range []string{"stop", "image", "start"} {
		for _, aborted := range []bool{false, true} {
			for _, long := range []time.Duration{20 * time.Second, 3 * time.Minute, 12 * time.Minute, 40 * time.Minute} {
				t.Run(fmt.Sprint("after ", step, " for ", long, ", aborted ", aborted), func(t *testing.T) {
					t.Parallel()
					play(t, stack.Options{Plans: few(), History: true}, func(n *night) {
						n.excused.dead = true
						web := n.launch("web", "")
						n.begin()
						n.after(step, web, func(work) { n.forgets(web, long, aborted) })
						time.Sleep(time.Until(due.Add(2 * time.Hour)))
						n.want("state", n.EC2.State(web), ec2.Running)
						n.want("told that it was terminated", strings.Contains(n.said(), "was terminated"), false)
					})
				})
			}
		}
	}
}

// forgets has describes not know an instance for as long, and aborts its run or not.
func (n *night) forgets(id string, long time.Duration, aborted bool) {
	n.EC2.Inject(ec2.Fault{
		Action: "DescribeInstances", Resource: id, Code: "InvalidInstanceID.NotFound", Until: time.Now().Add(long),
	})
	if aborted {
		n.abortAll()
	}
}
