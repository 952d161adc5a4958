package night_test

import (
	"fmt"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
)

// blind has EC2 say nothing of any instance for as long, and refuse starts with a code for a shorter time, from now on.
func (n *night) blind(long time.Duration, code string, refused time.Duration) {
	now := time.Now()
	n.EC2.Inject(ec2.Fault{Action: "DescribeInstances", Code: "UnauthorizedOperation", Status: 403, Until: now.Add(long)})
	n.EC2.Inject(ec2.Fault{Action: "StartInstances", Code: code, Until: now.Add(refused)})
}

// What stays down while EC2 says of no instance how it is comes back once a start is accepted: a start that was refused
// was none, whether the job sent it or recover.
func TestBlindStartAfterRefusals(t *testing.T) {
	for _, code := range []string{"UnauthorizedOperation", "RequestLimitExceeded", "InsufficientInstanceCapacity"} {
		for _, refused := range []time.Duration{10 * time.Minute, 3 * time.Hour} {
			for _, aborted := range []bool{false, true} {
				t.Run(fmt.Sprint(code, " for ", refused, ", aborted ", aborted), func(t *testing.T) {
					t.Parallel()
					play(t, stack.Options{Plans: few(), History: true}, func(n *night) {
						n.excused.dead = true
						web := n.launch("web", "")
						n.begin()
						n.after("stop", web, func(work) {
							n.blind(9*time.Hour, code, refused)
							if aborted {
								n.abortAll()
							}
						})
						time.Sleep(time.Until(due.Add(refused + 2*time.Hour)))
						n.want("state", n.EC2.State(web), ec2.Running)
						time.Sleep(time.Until(due.Add(11 * time.Hour)))
					})
				})
			}
		}
	}
}

// What was started again while EC2 said nothing is not started once more: a person may have stopped it since.
func TestBlindStartOnce(t *testing.T) {
	for _, aborted := range []bool{false, true} {
		t.Run(fmt.Sprint("aborted ", aborted), func(t *testing.T) {
			t.Parallel()
			play(t, stack.Options{Plans: few(), History: true}, func(n *night) {
				n.excused.dead = true
				web := n.launch("web", "")
				n.begin()
				n.after("stop", web, func(work) {
					n.blind(9*time.Hour, "UnauthorizedOperation", 10*time.Minute)
					if aborted {
						n.abortAll()
					}
				})
				time.Sleep(time.Until(due.Add(2 * time.Hour)))
				n.want("state", n.EC2.State(web), ec2.Running)
				n.stops(web)
				n.excused.stopped[web] = true
				time.Sleep(time.Until(due.Add(11 * time.Hour)))
				n.want("state once a person has stopped it", n.EC2.State(web), ec2.Stopped)
			})
		})
	}
}
