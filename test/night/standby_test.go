package night_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// shrinking is a suite whose nightly plan puts members of groups into Standby.
func shrinking(edits ...func(*plan.Plan)) stack.Options {
	return stack.Options{Plans: nightly(append([]func(*plan.Plan){func(p *plan.Plan) {
		p.Groups.Standby = plan.StandbyShrink
	}}, edits...)...)}
}

// serving makes a group of three, of which only the first member is enrolled, and gives its members.
func (n *night) serving(edits ...func(*autoscaling.CreateAutoScalingGroupInput)) []string {
	n.t.Helper()
	template := n.template("base", "", "t3.micro", ec2.ImageX86)
	time.Sleep(15 * time.Second) // A describe may lag.
	n.group("web", template, "1",
		append([]func(*autoscaling.CreateAutoScalingGroupInput){func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.MinSize, in.MaxSize, in.DesiredCapacity = aws.Int32(1), aws.Int32(3), aws.Int32(3)
		}}, edits...)...)
	var members []string
	for _, i := range n.groupOf("web").Instances {
		members = append(members, aws.ToString(i.InstanceId))
	}
	n.enrol(members[0])
	return members
}

// enrol puts members into plan nightly.
func (n *night) enrol(members ...string) {
	n.t.Helper()
	for _, id := range members {
		n.ok(n.EC2.SetTags(id, map[string]string{"Name": "web-" + id[len(id)-4:], tag.Plan: "nightly"}))
	}
}

// serves holds that these are the group's members, and all in service.
func (n *night) serves(members []string) {
	n.t.Helper()
	var serve []string
	g := n.groupOf("web")
	for _, i := range g.Instances {
		if i.LifecycleState == types.LifecycleStateInService {
			serve = append(serve, aws.ToString(i.InstanceId))
		}
	}
	slices.Sort(serve)
	n.want("in service", serve, slices.Sorted(slices.Values(members)))
	n.want("wanted", aws.ToInt32(g.DesiredCapacity), len(members))
}

// A member of a group is stopped in Standby, imaged, and serves again; nothing is replaced.
func TestMemberIsImagedInStandby(t *testing.T) {
	play(t, shrinking(), func(n *night) {
		arn := n.Balancers.Add("web", 5*time.Minute)
		members := n.serving(func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.TargetGroupARNs, in.HealthCheckType, in.HealthCheckGracePeriod = []string{arn}, aws.String("ELB"), aws.Int32(300)
		})
		n.run()
		result := n.results(n.onlyRun())[members[0]]
		n.want("ending", result.Ending, job.Imaged)
		n.serves(members)
		n.want("target", n.Balancers.State(arn, members[0]), "healthy")
		n.want("stops", len(n.callsOf("StopInstances", members[0])), 1)
	})
}

// The image does not wait for health checks: the member is out of Standby as soon as it runs.
func TestMemberIsBackBeforeItsImage(t *testing.T) {
	play(t, shrinking(), func(n *night) {
		members := n.serving()
		n.begin()
		time.Sleep(time.Until(due))
		n.finish()
		exits := n.callsOf("ExitStandby", members[0])
		n.want("exits", len(exits), 1)
		times := n.results(n.onlyRun())[members[0]].Times
		if exits[0].Time.After(times.Running.Add(5*time.Second)) || !exits[0].Time.Before(times.Available) {
			t.Errorf("left Standby at %s; ran at %s, image at %s", exits[0].Time, times.Running, times.Available)
		}
		n.serves(members)
	})
}

// Of a group one member is out at a time, and each has its image in the end.
func TestMembersTakeTurns(t *testing.T) {
	play(t, shrinking(), func(n *night) {
		members := n.serving()
		n.enrol(members...)
		n.run()
		for _, id := range members {
			n.want("ending of "+id, n.results(n.onlyRun())[id].Ending, job.Imaged)
		}
		n.serves(members)
		for _, enter := range n.callsOf("EnterStandby") {
			for _, exit := range n.callsOf("ExitStandby") {
				other := enter.Resources[len(enter.Resources)-1] != exit.Resources[len(exit.Resources)-1]
				stop := n.callsOf("StopInstances", exit.Resources[len(exit.Resources)-1])[0]
				if other && enter.Time.After(stop.Time) && enter.Time.Before(exit.Time) {
					t.Errorf("%v went out at %s while %v was out", enter.Resources, enter.Time, exit.Resources)
				}
			}
		}
	})
}

// What a group's numbers, processes or members do not allow is not taken out of service, and people read why.
func TestMemberThatStays(t *testing.T) {
	group := aws.String("web")
	for name, c := range map[string]struct {
		edit func(*autoscaling.CreateAutoScalingGroupInput)
		then func(n *night, members []string)
		says string
	}{
		"the minimum": {edit: func(in *autoscaling.CreateAutoScalingGroupInput) { in.MinSize = aws.Int32(3) },
			says: "it wants 3 and its minimum is 3"},
		"Launch is suspended": {then: func(n *night, _ []string) {
			must(n.scaling().SuspendProcesses(n.ctx, &autoscaling.SuspendProcessesInput{
				AutoScalingGroupName: group, ScalingProcesses: []string{"Launch"}}))(n.t)
		}, says: "its process Launch is suspended"},
		"a refresh": {then: func(n *night, _ []string) {
			must(n.scaling().StartInstanceRefresh(n.ctx, &autoscaling.StartInstanceRefreshInput{AutoScalingGroupName: group,
				Preferences: &types.RefreshPreferences{SkipMatching: aws.Bool(true), BakeTime: aws.Int32(7200)}}))(n.t)
		}, says: "an instance refresh of it is under way"},
		"another is in Standby": {then: func(n *night, members []string) {
			must(n.scaling().EnterStandby(n.ctx, &autoscaling.EnterStandbyInput{AutoScalingGroupName: group,
				InstanceIds: members[1:2], ShouldDecrementDesiredCapacity: aws.Bool(true)}))(n.t)
			n.excused.standby = true
		}, says: "is out of service already"},
		"it is in Standby itself": {then: func(n *night, members []string) {
			must(n.scaling().EnterStandby(n.ctx, &autoscaling.EnterStandbyInput{AutoScalingGroupName: group,
				InstanceIds: members[:1], ShouldDecrementDesiredCapacity: aws.Bool(true)}))(n.t)
			n.excused.standby = true
		}, says: "lifecycle state Standby"},
		"its healthy share": {edit: func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.InstanceMaintenancePolicy = &types.InstanceMaintenancePolicy{
				MinHealthyPercentage: aws.Int32(90), MaxHealthyPercentage: aws.Int32(110)}
		}, says: "its maintenance policy keeps 90% healthy"},
		"its owner": {edit: func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.Tags = []types.Tag{{Key: aws.String("eks:nodegroup-name"), Value: aws.String("blue")}}
		}, says: "it belongs to Amazon EKS"},
		"a hook for which another waits": {then: func(n *night, _ []string) {
			must(n.scaling().PutLifecycleHook(n.ctx, &autoscaling.PutLifecycleHookInput{AutoScalingGroupName: group,
				LifecycleHookName: aws.String("wait"), HeartbeatTimeout: aws.Int32(7200), DefaultResult: aws.String("CONTINUE"),
				LifecycleTransition: aws.String("autoscaling:EC2_INSTANCE_LAUNCHING")}))(n.t)
			must(n.scaling().UpdateAutoScalingGroup(n.ctx, &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: group,
				MaxSize: aws.Int32(5), DesiredCapacity: aws.Int32(5)}))(n.t)
			time.Sleep(2 * time.Minute)
		}, says: "without this member 2 of it would serve, and it needs 4"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, shrinking(), func(n *night) {
				edit := c.edit
				if edit == nil {
					edit = func(*autoscaling.CreateAutoScalingGroupInput) {}
				}
				members := n.serving(edit)
				n.begin()
				time.Sleep(time.Until(due) - 4*time.Minute)
				if c.then != nil {
					c.then(n, members)
				}
				n.run()
				result := n.results(n.onlyRun())[members[0]]
				n.want("ending", result.Ending, job.Skipped)
				if result.Skip == nil || result.Skip.Code != job.AutoScalingMember || !strings.Contains(result.Skip.Text, c.says) {
					t.Errorf("skipped for %+v, want %q", result.Skip, c.says)
				}
				n.want("stops", len(n.callsOf("StopInstances")), 0)
				n.want("enters", len(n.callsOf("EnterStandby")), 0)
			})
		})
	}
}
