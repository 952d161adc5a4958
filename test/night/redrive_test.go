package night_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	sfnsdk "github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
)

// A run that was aborted is redriven, once recover has brought back what it left stopped: wherever it goes on,
// nothing is left behind, no running instance is imaged, and nothing is made twice.
func TestAnAbortedRunIsRedriven(t *testing.T) {
	for _, lag := range []time.Duration{0, 90 * time.Second} {
		for _, step := range moments {
			t.Run(step+" "+lag.String(), func(t *testing.T) {
				play(t, stack.Options{States: sfn.Options{ChildLag: lag}}, func(n *night) {
					n.excused.dead = true
					web, api := n.launch("web", ""), n.launch("api", "")
					n.begin()
					n.at(step, web, func(work) { n.ok(n.States.Stop(n.onlyRun().ARN, "", "")) })
					r := n.run()[0]
					time.Sleep(2*sweep + 2*time.Minute)
					_, err := sfnsdk.NewFromConfig(n.AWS()).RedriveExecution(n.ctx,
						&sfnsdk.RedriveExecutionInput{ExecutionArn: &r.ARN})
					n.ok(err)
					runs := n.finish()
					n.want("runs", len(runs), 1)
					n.want("redriven", runs[0].Redrives, 1)
					if runs[0].Status == asl.Aborted {
						t.Errorf("the run is %s", runs[0].Status)
					}
					time.Sleep(2*sweep + 2*time.Minute)
					for _, id := range []string{web, api} {
						n.want(id, n.EC2.State(id), ec2.Running)
						for _, img := range n.imagesOf(id) {
							if taken := n.EC2.Taken(aws.ToString(img.ImageId)); taken.Live {
								t.Errorf("%s was imaged while it ran", id)
							}
						}
					}
				})
			})
		}
	}
}

// A run in which every source failed ends in a Fail state: a redrive fails again, as the runbook says.
func TestAFailedRunIsRedriven(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		web := n.launch("web", "")
		n.EC2.Inject(ec2.Fault{Action: "CreateImage", Code: "UnauthorizedOperation", Until: due.Add(time.Hour)})
		r := n.run()[0]
		n.want("the run", r.Status, asl.Failed)
		n.want("web", n.results(r)[web].Ending, job.Broken)
		_, err := sfnsdk.NewFromConfig(n.AWS()).RedriveExecution(n.ctx, &sfnsdk.RedriveExecutionInput{ExecutionArn: &r.ARN})
		n.ok(err)
		n.want("redriven", n.finish()[0].Status, asl.Failed)
		_, err = n.cloud.DescribeInstances(n.ctx, &sdk.DescribeInstancesInput{})
		n.ok(err)
	})
}
