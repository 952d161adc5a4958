package permissions

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
)

// member is one of a group of three behind a load balancer, in a plan.
func (n *night) member(plan string) string {
	n.t.Helper()
	scaling := autoscaling.NewFromConfig(n.AWS())
	must(scaling.CreateAutoScalingGroup(n.ctx, &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("fleet"), MinSize: aws.Int32(1), MaxSize: aws.Int32(4),
		DesiredCapacity:   aws.Int32(3),
		AvailabilityZones: []string{here.Region + "a"}, TargetGroupARNs: []string{n.Balancers.Add("fleet", time.Minute)},
		LaunchTemplate: &scalingtypes.LaunchTemplateSpecification{
			LaunchTemplateId: aws.String(n.template("base", ec2.ImageX86, nil)), Version: aws.String("1"),
		},
	}))(n.t)
	time.Sleep(5 * time.Minute)
	out := must(scaling.DescribeAutoScalingGroups(n.ctx, &autoscaling.DescribeAutoScalingGroupsInput{}))(n.t)
	id := aws.ToString(out.AutoScalingGroups[0].Instances[0].InstanceId)
	n.ok(n.EC2.SetTags(id, enrolled("web", plan)))
	return id
}

// standing is a night with a member of a plan that is imaged in Standby.
func standing(plan string, until time.Duration) func(*night) {
	return func(n *night) {
		id := n.member(plan)
		n.run(due.Add(until))
		n.want("ending", n.result(id).Ending, job.Imaged)
		n.want("state", n.lifecycle(id), "InService")
	}
}

// standingAborted is one whose run ends while the member is out: recover brings it back.
func standingAborted(plan string, until time.Duration) func(*night) {
	return func(n *night) {
		id := n.member(plan)
		n.before("image", func(string) { n.ok(n.States.Stop(n.runOf(plan), "", "")) })
		n.run(due.Add(until))
		time.Sleep(20 * time.Minute)
		n.want("state", n.lifecycle(id), "InService")
	}
}

// draining is a night with an instance that is taken out of its target group meanwhile.
func draining(n *night) {
	arn := n.Balancers.Add("pets", time.Minute)
	id := n.launch(ec2.ImageX86, "", enrolled("pet", "drained"))
	n.Balancers.Register(arn, id)
	n.run(due.Add(6 * time.Hour))
	n.want("ending", n.result(id).Ending, job.Imaged)
	n.want("state", n.Balancers.State(arn, id), "healthy")
}

// drainingAborted is one whose run ends while the instance is out: recover registers it again.
func drainingAborted(n *night) {
	arn := n.Balancers.Add("pets", time.Minute)
	id := n.launch(ec2.ImageX86, "", enrolled("pet", "drained"))
	n.Balancers.Register(arn, id)
	n.before("image", func(string) { n.ok(n.States.Stop(n.runOf("drained"), "", "")) })
	n.run(due.Add(6 * time.Hour))
	time.Sleep(20 * time.Minute)
	n.want("state", n.Balancers.State(arn, id), "healthy")
}

func (n *night) lifecycle(id string) string {
	n.t.Helper()
	out := must(autoscaling.NewFromConfig(n.AWS()).DescribeAutoScalingInstances(n.ctx,
		&autoscaling.DescribeAutoScalingInstancesInput{InstanceIds: []string{id}}))(n.t)
	return aws.ToString(out.AutoScalingInstances[0].LifecycleState)
}
