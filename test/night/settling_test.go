package night_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// unsettled are instances that are asked for while they change their state. Given brings one there.
var unsettled = []struct {
	name  string
	given func(n *night, id string)
	// hangs is whether it stays there.
	hangs bool
	ends  ec2.State
}{
	{"starting", func(n *night, id string) { n.stops(id); n.as(id, ec2.Stopped); n.starts(id) }, false, ec2.Running},
	{"stopping", func(n *night, id string) { n.stops(id) }, false, ec2.Stopped},
	{"a stop that hangs", func(n *night, id string) {
		n.EC2.Inject(ec2.Fault{Action: "StopInstances", Resource: id, Stuck: true})
		n.stops(id)
	}, true, ec2.Stopping},
	{"a start that hangs", func(n *night, id string) {
		n.stops(id)
		n.as(id, ec2.Stopped)
		n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: id, Delay: 24 * time.Hour})
		n.starts(id)
	}, true, ec2.Pending},
}

func (n *night) stops(id string) {
	n.t.Helper()
	must(n.cloud.StopInstances(n.ctx, &sdk.StopInstancesInput{InstanceIds: []string{id}}))(n.t)
}

func (n *night) starts(id string) {
	n.t.Helper()
	must(n.cloud.StartInstances(n.ctx, &sdk.StartInstancesInput{InstanceIds: []string{id}}))(n.t)
}

// A request on an instance that is starting or stopping waits until it runs or is stopped. One that stays as it is
// is refused after half an hour, and nothing is done to it.
func TestARequestWaitsForItsInstance(t *testing.T) {
	for _, c := range unsettled {
		t.Run(c.name, func(t *testing.T) {
			play(t, stack.Options{Plans: onRequest()}, func(n *night) {
				lab := n.launch("lab", "")
				n.begin()
				c.given(n, lab)
				n.excused.stopped[lab] = true
				n.ask(lab, "now")
				n.finish()
				r := n.onlyRun()
				n.want("state", n.EC2.State(lab), c.ends)
				if !c.hangs {
					n.want("status", r.Status, asl.Succeeded)
					n.wasImaged(r, lab)
					return
				}
				n.want("status", r.Status, asl.Failed)
				n.wasSkipped(r, lab, job.ChangingState)
				n.says(lab, "and was so for 30m0s. Ask again once it runs or is stopped")
				n.want("stops and starts", len(n.callsOf("StopInstances", lab))+len(n.callsOf("StartInstances", lab)), 0)
			})
		})
	}
}

// An instance whose launch asked for the image is imaged once it runs, however late EC2 shows it.
func TestARequestInTheLaunch(t *testing.T) {
	play(t, stack.Options{Plans: onRequest()}, func(n *night) {
		n.launch("other", "")
		n.begin()
		out := must(n.cloud.RunInstances(n.ctx, &sdk.RunInstancesInput{
			ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			TagSpecifications: []types.TagSpecification{{
				ResourceType: types.ResourceTypeInstance, Tags: tag.List(map[string]string{tag.Request: "now"}),
			}},
		}))(n.t)
		id := aws.ToString(out.Instances[0].InstanceId)
		n.finish()
		r := n.onlyRun()
		n.want("status", r.Status, asl.Succeeded)
		n.want("ending", n.results(r)[id].Ending, job.Imaged)
	})
}
