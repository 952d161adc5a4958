package night_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	local "goldsmith/local/autoscaling"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// replacing is a suite whose nightly plan puts members of groups into Standby, and has them replaced meanwhile.
func replacing(edits ...func(*plan.Plan)) stack.Options {
	return shrinking(append([]func(*plan.Plan){func(p *plan.Plan) { p.Groups.Standby = plan.StandbyReplace }}, edits...)...)
}

// roomy is a group of three that may have one more.
func roomy(in *autoscaling.CreateAutoScalingGroupInput) {
	in.MaxSize, in.MinSize = aws.Int32(4), aws.Int32(3)
}

// protects sets whether a member is protected from scale-in, as a person does.
func (n *night) protects(id string, on bool) {
	n.t.Helper()
	must(n.scaling().SetInstanceProtection(n.ctx, &autoscaling.SetInstanceProtectionInput{
		AutoScalingGroupName: aws.String("web"), InstanceIds: []string{id}, ProtectedFromScaleIn: aws.Bool(on)}))(n.t)
}

// isProtected reports whether the group shows a member as protected from scale-in.
func (n *night) isProtected(id string) bool {
	n.t.Helper()
	for _, i := range n.groupOf("web").Instances {
		if aws.ToString(i.InstanceId) == id {
			return aws.ToBool(i.ProtectedFromScaleIn)
		}
	}
	return false
}

// isSettled holds that a group of n.serving is as large as before, with a member in it that is protected as given.
func (n *night) isSettled(member string, protected bool) {
	n.t.Helper()
	g := n.groupOf("web")
	n.want("wanted", aws.ToInt32(g.DesiredCapacity), int32(3))
	n.want("members", len(g.Instances), 3)
	n.want("in service", n.countIn("InService"), 3)
	n.want("its state", n.stateOf(member), "InService")
	n.want("protected", n.isProtected(member), protected)
}

// A member is replaced while it is out, and stays a member: the one that is too many afterwards is another, whatever
// ExitStandby does to what the group wants, though its termination policy would take the oldest. What a person has
// protected stays so.
func TestMemberIsReplacedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, returns := range []local.Return{local.Raises, local.Keeps} {
		for _, before := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, protected %t", returns, before), func(t *testing.T) {
				play(t, replacing(), func(n *night) {
					n.AutoScaling.SetReturn(returns)
					arn := n.Balancers.Add("web", time.Minute)
					members := n.serving(roomy, func(in *autoscaling.CreateAutoScalingGroupInput) {
						in.TargetGroupARNs = []string{arn}
					})
					if before {
						n.protects(members[0], true)
					}
					served := 0
					n.begin()
					n.at("start", members[0], func(work) { served = n.countIn("InService") })
					n.run()
					result := n.results(n.onlyRun())[members[0]]
					n.want("ending", result.Ending, job.Imaged)
					n.want("served meanwhile", served, 3)
					n.saysOf(n.onlyRun(), "launches another member while this one is in Standby")
					time.Sleep(5 * time.Minute) // What is too many ends.
					n.isSettled(members[0], before)
					n.want("target", n.Balancers.State(arn, members[0]), "healthy")
					n.want("protected by the run", len(n.callsOf("SetInstanceProtection", members[0])) > 0, !before)
				})
			})
		}
	}
}

// What would leave a group one too many, or without room for that, is not begun.
func TestMemberThatIsNotReplaced(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit func(*autoscaling.CreateAutoScalingGroupInput)
		then func(n *night)
		says string
	}{
		"its maximum": {edit: func(in *autoscaling.CreateAutoScalingGroupInput) { in.MaxSize = aws.Int32(3) },
			says: "it wants 3 and its maximum is 3"},
		"Terminate is suspended": {edit: roomy, then: func(n *night) { n.suspends("Terminate") },
			says: "its process Terminate is suspended"},
		"it protects what it launches": {edit: func(in *autoscaling.CreateAutoScalingGroupInput) {
			roomy(in)
			in.NewInstancesProtectedFromScaleIn = aws.Bool(true)
		}, says: "it protects what it launches from scale-in"},
		"Launch is suspended": {edit: roomy, then: func(n *night) { n.suspends("Launch") },
			says: "its process Launch is suspended"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, replacing(), func(n *night) {
				members := n.serving(c.edit)
				if c.then != nil {
					c.then(n)
				}
				n.run()
				result := n.results(n.onlyRun())[members[0]]
				n.want("ending", result.Ending, job.Skipped)
				if result.Skip == nil || !strings.Contains(result.Skip.Text, c.says) {
					t.Errorf("skipped for %+v, want %q", result.Skip, c.says)
				}
				n.want("protections", len(n.callsOf("SetInstanceProtection")), 0)
			})
		})
	}
}

// What happens while a member is out is waited for, and people know of what.
func TestMemberIsReplacedAndThen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens, mends func(n *night, member string)
		says           string
		lost           bool
	}{
		"its maximum is lowered": {
			happens: func(n *night, _ string) {
				n.resized(func(in *autoscaling.UpdateAutoScalingGroupInput) { in.MaxSize = aws.Int32(3) })
			},
			mends: func(n *night, _ string) {
				n.resized(func(in *autoscaling.UpdateAutoScalingGroupInput) { in.MaxSize = aws.Int32(4) })
			},
			says: "To take out of standby 1 instance",
		},
		"Terminate is suspended": {
			happens: func(n *night, _ string) { n.suspends("Terminate") },
			mends:   func(n *night, _ string) { n.resumes("Terminate") },
			says:    "its group has one member too many, and does not terminate one",
		},
		"Launch is suspended": {
			happens: func(n *night, _ string) { n.suspends("Launch") },
			mends:   func(n *night, _ string) { n.resumes("Launch") },
			says:    "Launch process",
		},
		"the run is aborted": {
			happens: func(n *night, member string) { n.ok(n.States.Stop(n.runs()[0].ARN, "", "")) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, replacing(), func(n *night) {
				members := n.serving(roomy)
				n.begin()
				n.at("watch:stopped", members[0], func(work) { c.happens(n, members[0]) })
				n.run()
				time.Sleep(time.Hour)
				if c.says != "" && !strings.Contains(n.said(), c.says) {
					t.Errorf("nobody read %q:\n%s", c.says, n.said())
				}
				if c.mends != nil {
					c.mends(n, members[0])
				}
				time.Sleep(20 * time.Minute)
				n.finish()
				n.isSettled(members[0], false)
				if !slices.Contains(n.membersNow(), members[0]) {
					t.Error("it is a member no more")
				}
			})
		})
	}
}

// membersNow are the ids of the group's members.
func (n *night) membersNow() (ids []string) {
	for _, i := range n.groupOf("web").Instances {
		ids = append(ids, aws.ToString(i.InstanceId))
	}
	return ids
}
