package night_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"goldsmith/events"
	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
)

// moments are the steps before and after which a run is aborted.
var moments = []string{
	"claim", "stop", "watch:stopped", "image", "watch:snapshotted", "start", "watch:running", "watch:available", "roll",
	"release",
}

// abortedAt plays a night that is aborted, whole or one source's part of it, when
// one source has come to a step.
func abortedAt(t *testing.T, step string, after, whole bool, events map[string]eventbridge.Faults,
	told func(n *night, r sfn.Execution, ids []string)) {
	t.Helper()
	play(t, stack.Options{Events: events}, func(n *night) {
		web := n.launch("web", "")
		ids := []string{web, n.launch("api", ""), n.launch("db", "gp3 st1"), n.launch("batch", "m5.large spot")}
		n.launch("rest", "stopped")
		n.begin()
		stop := func(w work) {
			arn := w.Execution
			if whole {
				arn = n.onlyRun().ARN
			}
			if err := n.States.Stop(arn, "", "somebody wanted it to end"); err != nil {
				n.t.Error(err)
			}
		}
		if after {
			n.after(step, web, stop)
		} else {
			n.at(step, web, stop)
		}
		r := n.run()[0]
		// The instances are back within two sweeps, and the time they need to start.
		time.Sleep(2*sweep + 2*time.Minute)
		for _, id := range ids {
			n.want("state of "+id, n.EC2.State(id), ec2.Running)
			if images := n.imagesOf(id); len(images) > 1 {
				n.t.Errorf("%d images of %s", len(images), id)
			}
		}
		told(n, r, ids)
	})
}

func TestARunAbortedInTheMiddle(t *testing.T) {
	t.Parallel()
	lost := map[string]eventbridge.Faults{"aws.ec2": {Loss: 1}, "aws.tag": {Loss: 1}}
	for _, step := range moments {
		for when, after := range map[string]bool{"before ": false, "after ": true} {
			for which, events := range map[string]map[string]eventbridge.Faults{"": nil, ", EC2's events lost": lost} {
				t.Run(when+step+which, func(t *testing.T) {
					abortedAt(t, step, after, true, events, func(n *night, r sfn.Execution, _ []string) {
						n.want("status", r.Status, asl.Aborted)
						n.saysOf(r, "FAILED: nightly", "ended as ABORTED", "The run broke")
					})
				})
			}
		}
	}
}

// One source's execution is aborted: the others go on, and the run says what
// became of that one.
func TestOneSourceAbortedInTheMiddle(t *testing.T) {
	t.Parallel()
	for _, step := range moments {
		for when, after := range map[string]bool{"before ": false, "after ": true} {
			t.Run(when+step, func(t *testing.T) {
				abortedAt(t, step, after, false, nil, func(n *night, r sfn.Execution, ids []string) {
					for _, id := range ids[1:] {
						n.wasImaged(r, id)
					}
					switch step {
					case "roll":
						// What was rolled already is in use, and so counts as done.
						n.want("ending", n.results(r)[ids[0]].Ending, job.Imaged)
					case "release":
					default:
						n.want("ending", n.results(r)[ids[0]].Ending, job.Broken)
						n.saysOf(r, "PARTIAL", ids[0])
					}
				})
			})
		}
	}
}

// Not even the event of the abortion arrives: the sweep finds what was left.
func TestARunAbortedAndNobodyTold(t *testing.T) {
	deaf := map[string]eventbridge.Faults{"": {Loss: 1}, eventbridge.SchedulerSource: {}}
	play(t, stack.Options{Events: deaf}, func(n *night) {
		web := n.launch("web", "")
		n.launch("rest", "stopped")
		n.begin()
		n.after("image", web, func(work) {
			if err := n.States.Stop(n.onlyRun().ARN, "", ""); err != nil {
				n.t.Error(err)
			}
		})
		n.run()
		time.Sleep(3 * sweep)
		n.want("state", n.EC2.State(web), ec2.Running)
		n.want("ending", n.results(n.onlyRun())[web].Ending, job.Broken)
	})
}

// Recover itself is called a hundred times at once, and no harm is done.
func TestManySweepsAtOnce(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		ids := n.launchMany(20)
		payload := must(events.Sample("sweep"))(t)
		n.begin()
		n.after("image", ids[7], func(work) {
			if err := n.States.Stop(n.onlyRun().ARN, "", ""); err != nil {
				n.t.Error(err)
			}
		})
		n.run()
		var failed atomic.Int32
		for range 10 {
			for range 10 {
				go func() {
					if _, err := n.Invoke(n.ctx, "recover", payload); err != nil {
						failed.Add(1)
					}
				}()
			}
			time.Sleep(20 * time.Second)
		}
		n.want("sweeps that failed", failed.Load(), 0)
		time.Sleep(2 * sweep)
		for _, id := range ids {
			n.want("state", n.EC2.State(id), ec2.Running)
		}
		n.want("said", strings.Count(n.said(), "ended as ABORTED") > 0, true)
	})
}

// The last source at work is aborted, and nobody has settled its claim when the
// run tells people: it is told all the same.
func TestTheLastSourceAborted(t *testing.T) {
	for _, step := range []string{"claim", "stop", "watch:stopped", "image", "start", "watch:available"} {
		t.Run(step, func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				web := n.launch("web", "")
				n.begin()
				n.after(step, web, func(w work) {
					if err := n.States.Stop(w.Execution, "", ""); err != nil {
						n.t.Error(err)
					}
				})
				r := n.run()[0]
				time.Sleep(3 * sweep)
				n.want("state", n.EC2.State(web), ec2.Running)
				n.saysOf(r, web)
				n.want("said OK", strings.Contains(n.said(), "OK: nightly"), false)
			})
		})
	}
}
