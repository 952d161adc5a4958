package night_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
)

// Somebody starts the instance the moment it is stopped: the run notices that it runs, and ends.
func TestStartedTheMomentItIsStopped(t *testing.T) {
	for which, events := range map[string]bool{"": true, "EC2's events lost": false} {
		t.Run(which, func(t *testing.T) {
			o := stack.Options{}
			if !events {
				o.Events = silent
			}
			play(t, o, func(n *night) {
				web := n.launch("web", "")
				n.begin()
				n.at("watch:stopped", web, func(work) {
					go func() {
						for n.EC2.State(web) != ec2.Stopped {
							time.Sleep(100 * time.Millisecond)
						}
						_, err := n.cloud.StartInstances(n.ctx, &sdk.StartInstancesInput{InstanceIds: []string{web}})
						n.ok(err)
					}()
				})
				r := n.run()[0]
				if took := r.Stopped.Sub(r.Started); took > 10*time.Minute {
					t.Errorf("the run took %s", took)
				}
				if e := n.results(r)[web].Ending; e == job.Broken {
					n.saysOf(r, "was started by other hands before its image was made", "Nothing is to be done")
				} else {
					n.want("web", e, job.Imaged) // it was seen stopped before
				}
			})
		})
	}
}

// The pending image is deregistered before its snapshots exist: the instance is down for seconds more.
func TestThePendingImageIsDeregistered(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		web := n.launch("web", "")
		n.begin()
		n.after("image", web, func(work) {
			for _, img := range n.imagesOf(web) {
				_, err := n.cloud.DeregisterImage(n.ctx, &sdk.DeregisterImageInput{ImageId: aws.String(aws.ToString(img.ImageId))})
				n.ok(err)
			}
		})
		r := n.run()[0]
		result := n.results(r)[web]
		if down := result.Times.Downtime(); down == 0 || down > 3*time.Minute {
			t.Errorf("web was down for %s: %+v", down, result)
		}
	})
}

// Terminated in the middle: one message without contradictions.
func TestTerminatedInTheMiddle(t *testing.T) {
	for _, step := range []string{"watch:stopped", "image", "watch:snapshotted", "start", "watch:running"} {
		t.Run(step, func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				web := n.launch("web", "")
				n.begin()
				n.at(step, web, func(work) {
					_, err := n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{web}})
					n.ok(err)
				})
				r := n.run()[0]
				if !n.results(r)[web].Gone {
					t.Errorf("%+v", n.results(r)[web])
				}
				n.saysOf(r, "was terminated during the run", "the instance does not exist any more",
					"Nothing is to be done")
				n.saysNot(r, "create-tags", "as it was before", "Nothing is left to bring back", "start-instances")
			})
		})
	}
}

// So is an instance that the run did not have to stop.
func TestTerminatedThoughNotStopped(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		web := n.launch("web", "")
		n.as(web, ec2.Stopped)
		n.begin()
		n.at("image", web, func(work) {
			_, err := n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{web}})
			n.ok(err)
		})
		r := n.run()[0]
		n.saysOf(r, "was terminated during the run", "the instance does not exist any more",
			"Nothing is to be done")
		n.saysNot(r, "create-tags", "did not stop it")
	})
}

func (n *night) saysNot(r sfn.Execution, parts ...string) {
	n.t.Helper()
	for _, message := range n.messagesOf(r) {
		for _, part := range parts {
			if strings.Contains(message, part) {
				n.t.Errorf("the message of run %s says %q", r.Name, part)
			}
		}
	}
}
