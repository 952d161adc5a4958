package permissions

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/tag"
)

// handedOver: the names of three sources were those of an instance, of a volume and of a group, which are gone; a
// person hands one over to a member of a group.
func handedOver(n *night) {
	lineages := map[string]string{"web": "i-0123456789abcdef0", "lab": "vol-0123456789abcdef0", "old": "group/gone:1"}
	ids := map[string]string{}
	for name, of := range lineages {
		must(n.ledger.PutOwner(n.ctx, ledger.Owner{Name: name, Lineage: of}))(n.t)
		ids[name] = n.launch(ec2.ImageX86, "", map[string]string{"Name": name})
		n.tag(ids[name], map[string]string{tag.Request: "asked"})
	}
	member := n.standby()
	n.tag(member, map[string]string{"Name": "web", tag.Request: "asked"})
	n.run(time.Now().Add(time.Hour))
	for name, id := range ids {
		n.want("ending of "+name, n.result(id).Ending, job.Imaged)
	}
	n.want("ending of the member", n.result(member).Ending, job.Imaged)
	event := `{"goldsmith":"handover","version":"1","name":"web","to":"` + member + `","by":"ada"}`
	must(n.Stack.Invoke(n.ctx, here.ARN("lambda", "function:goldsmith-rollback"), []byte(event)))(n.t)
	o, _, err := n.ledger.Owner(n.ctx, "web")
	n.ok(err)
	n.want("owner", lineage.Key(o.Lineage), "group/fleet")
}

// standby is a member of group fleet that is in standby, and stopped.
func (n *night) standby() string {
	n.t.Helper()
	scaling := autoscaling.NewFromConfig(n.AWS())
	must(scaling.CreateAutoScalingGroup(n.ctx, &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("fleet"), MinSize: aws.Int32(0), MaxSize: aws.Int32(2),
		DesiredCapacity: aws.Int32(1), AvailabilityZones: []string{here.Region + "a"},
		LaunchTemplate: &types.LaunchTemplateSpecification{
			LaunchTemplateId: aws.String(n.template("members", ec2.ImageX86, nil)), Version: aws.String("1"),
		},
	}))(n.t)
	time.Sleep(5 * time.Minute)
	members := must(scaling.DescribeAutoScalingInstances(n.ctx, &autoscaling.DescribeAutoScalingInstancesInput{}))(n.t)
	id := aws.ToString(members.AutoScalingInstances[0].InstanceId)
	must(scaling.EnterStandby(n.ctx, &autoscaling.EnterStandbyInput{
		AutoScalingGroupName: aws.String("fleet"), InstanceIds: []string{id}, ShouldDecrementDesiredCapacity: aws.Bool(true),
	}))(n.t)
	time.Sleep(5 * time.Minute)
	n.ok(n.EC2.SetState(id, ec2.Stopped))
	return id
}
