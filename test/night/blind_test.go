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

// What EC2 was seen to take back is started until it stays up, though EC2 does not say any more how it is: whether the
// job has seen that, or recover. What a person stops once it runs again stays stopped.
func TestBlindStartOfWhatWasTakenBack(t *testing.T) {
	for _, code := range []string{"Client.InternalError", "Server.InsufficientInstanceCapacity"} {
		for _, seen := range []time.Duration{3 * time.Minute, 8 * time.Minute, 2 * time.Hour} {
			t.Run(fmt.Sprint(code, ", seen for ", seen), func(t *testing.T) {
				t.Parallel()
				play(t, stack.Options{Plans: few(), History: true}, func(n *night) { n.takesBackBlindly(code, seen) })
			})
		}
	}
}

// takesBackBlindly has EC2 take starts back for four hours, and say nothing of any instance from a while after the
// first start on, for nine.
func (n *night) takesBackBlindly(code string, seen time.Duration) {
	n.excused.dead = true
	web := n.launch("web", "")
	n.begin()
	lifted := due.Add(4 * time.Hour)
	n.EC2.Inject(ec2.Fault{Action: "StartInstances", StartReason: code, Message: "not now", Until: lifted})
	n.after("start", web, func(work) {
		time.AfterFunc(seen, func() {
			n.EC2.Inject(ec2.Fault{Action: "DescribeInstances", Code: "UnauthorizedOperation", Status: 403,
				Until: due.Add(9 * time.Hour)})
		})
	})
	time.Sleep(time.Until(lifted.Add(20 * time.Minute)))
	n.want("state", n.EC2.State(web), ec2.Running)
	n.stops(web)
	n.excused.stopped[web] = true
	time.Sleep(time.Until(due.Add(11 * time.Hour)))
	n.want("state once a person has stopped it", n.EC2.State(web), ec2.Stopped)
}

// EC2 says nothing of any instance, and takes back what the sweep has started: that is found out by the answer to
// another start. What a person stops once it runs stays stopped.
func TestBlindStartIsTakenBackUnseen(t *testing.T) {
	for _, long := range []time.Duration{40 * time.Minute, 2 * time.Hour} {
		t.Run(long.String(), func(t *testing.T) {
			play(t, stack.Options{Plans: few(), History: true}, func(n *night) {
				n.excused.dead = true
				web := n.launch("web", "")
				n.begin()
				n.after("watch:stopped", web, func(work) {
					n.EC2.Inject(ec2.Fault{Action: "StartInstances", StartReason: "Client.InternalError", Until: due.Add(long)})
					n.EC2.Inject(ec2.Fault{Action: "DescribeInstances", Code: "UnauthorizedOperation", Status: 403,
						Until: due.Add(9 * time.Hour)})
					n.abortAll()
				})
				time.Sleep(time.Until(due.Add(long + 20*time.Minute)))
				n.want("state", n.EC2.State(web), ec2.Running)
				n.stops(web)
				n.excused.stopped[web] = true
				time.Sleep(time.Until(due.Add(10 * time.Hour)))
				n.want("state once a person has stopped it", n.EC2.State(web), ec2.Stopped)
			})
		})
	}
}
