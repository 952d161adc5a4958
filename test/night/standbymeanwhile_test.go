package night_test

import (
	"fmt"
	"maps"
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

// resized changes a group of n.serving.
func (n *night) resized(edit func(*autoscaling.UpdateAutoScalingGroupInput)) {
	n.t.Helper()
	in := &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: aws.String("web")}
	edit(in)
	must(n.scaling().UpdateAutoScalingGroup(n.ctx, in))(n.t)
}

func (n *night) suspends(process string) {
	n.t.Helper()
	must(n.scaling().SuspendProcesses(n.ctx, &autoscaling.SuspendProcessesInput{
		AutoScalingGroupName: aws.String("web"), ScalingProcesses: []string{process}}))(n.t)
}

func (n *night) resumes(process string) {
	n.t.Helper()
	must(n.scaling().ResumeProcesses(n.ctx, &autoscaling.ResumeProcessesInput{
		AutoScalingGroupName: aws.String("web"), ScalingProcesses: []string{process}}))(n.t)
}

func (n *night) hooked(transition string) {
	n.t.Helper()
	must(n.scaling().PutLifecycleHook(n.ctx, &autoscaling.PutLifecycleHookInput{
		AutoScalingGroupName: aws.String("web"), LifecycleHookName: aws.String("wait"), HeartbeatTimeout: aws.Int32(7200),
		DefaultResult: aws.String("CONTINUE"), LifecycleTransition: aws.String(transition)}))(n.t)
}

// stateOf is how the group shows a member; "" when it does not.
func (n *night) stateOf(id string) string {
	n.t.Helper()
	for _, i := range n.groupOf("web").Instances {
		if aws.ToString(i.InstanceId) == id {
			return string(i.LifecycleState)
		}
	}
	return ""
}

// meanwhile is what happens to a group while a member of it is out of service, stopped for its image.
type meanwhile struct {
	edit func(*autoscaling.CreateAutoScalingGroupInput)
	// happens is done right after the member has been stopped, and mends an hour after the run has ended.
	happens, mends func(n *night, member string)
	// says is what people read of it, if anything, and state how the group shows the member an hour after the run.
	says, state string
	// serve is how many members serve in the end, and kept whether the member is one of them.
	serve int
	kept  bool
}

var meanwhiles = map[string]meanwhile{
	"its maximum is lowered": {
		happens: func(n *night, _ string) {
			n.resized(func(in *autoscaling.UpdateAutoScalingGroupInput) { in.MaxSize = aws.Int32(2) })
		},
		mends: func(n *night, _ string) {
			n.resized(func(in *autoscaling.UpdateAutoScalingGroupInput) { in.MaxSize = aws.Int32(3) })
		},
		says: "To take out of standby 1 instance", state: "Standby", serve: 3, kept: true,
	},
	"it scales out to its maximum": {
		happens: func(n *night, _ string) {
			n.resized(func(in *autoscaling.UpdateAutoScalingGroupInput) { in.DesiredCapacity = aws.Int32(3) })
		},
		mends: func(n *night, _ string) {
			n.resized(func(in *autoscaling.UpdateAutoScalingGroupInput) { in.MaxSize = aws.Int32(4) })
		},
		says: "To take out of standby 1 instance", state: "Standby", serve: 4, kept: true,
	},
	"it scales in": {
		happens: func(n *night, _ string) {
			n.resized(func(in *autoscaling.UpdateAutoScalingGroupInput) { in.DesiredCapacity = aws.Int32(1) })
		},
		state: "InService", serve: 2, kept: true,
	},
	"Launch is suspended": {
		happens: func(n *night, _ string) { n.suspends("Launch") },
		mends:   func(n *night, _ string) { n.resumes("Launch") },
		says:    "Launch process", state: "Standby", serve: 3, kept: true,
	},
	"AddToLoadBalancer is suspended": {
		happens: func(n *night, _ string) { n.suspends("AddToLoadBalancer") },
		mends: func(n *night, member string) {
			n.resumes("AddToLoadBalancer") // It registers nothing that is in service already: a person does.
			n.Balancers.Register(n.groupOf("web").TargetGroupARNs[0], member)
		},
		says: "it is unused in target group web", state: "InService", serve: 3, kept: true,
	},
	"HealthCheck is suspended": {
		happens: func(n *night, _ string) { n.suspends("HealthCheck") },
		state:   "InService", serve: 3, kept: true,
	},
	"a hook waits for what is launched": {
		happens: func(n *night, _ string) { n.hooked("autoscaling:EC2_INSTANCE_LAUNCHING") },
		state:   "InService", serve: 3, kept: true,
	},
	"it is protected from scale-in": {
		happens: func(n *night, member string) {
			must(n.scaling().SetInstanceProtection(n.ctx, &autoscaling.SetInstanceProtectionInput{
				AutoScalingGroupName: aws.String("web"), InstanceIds: []string{member}, ProtectedFromScaleIn: aws.Bool(true),
			}))(n.t)
		},
		state: "InService", serve: 3, kept: true,
	},
	"an instance refresh begins": {
		happens: func(n *night, _ string) {
			must(n.scaling().StartInstanceRefresh(n.ctx, &autoscaling.StartInstanceRefreshInput{
				AutoScalingGroupName: aws.String("web")}))(n.t)
		},
		serve: 3, // The refresh waits for it, and replaces it with all others.
	},
	"its load balancers find it unhealthy": {
		edit: func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.HealthCheckType, in.HealthCheckGracePeriod = aws.String("ELB"), aws.Int32(300)
		},
		happens: func(n *night, member string) { n.Balancers.Fail(member, true) },
		says:    "it did not come back into the service of group web: Auto Scaling shows it as Terminating", serve: 3,
	},
	"and a hook waits for what is terminated": {
		edit: func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.HealthCheckType, in.HealthCheckGracePeriod = aws.String("ELB"), aws.Int32(300)
		},
		happens: func(n *night, member string) {
			n.hooked("autoscaling:EC2_INSTANCE_TERMINATING")
			n.Balancers.Fail(member, true)
		},
		says:  "it did not come back into the service of group web: Auto Scaling shows it as Terminating:Wait",
		state: "Terminating:Wait", serve: 3,
	},
	"unhealthy, and nothing is replaced": {
		edit: func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.HealthCheckType, in.HealthCheckGracePeriod = aws.String("ELB"), aws.Int32(300)
		},
		happens: func(n *night, member string) {
			n.suspends("ReplaceUnhealthy")
			n.Balancers.Fail(member, true)
		},
		mends: func(n *night, member string) {
			n.Balancers.Fail(member, false)
			n.resumes("ReplaceUnhealthy")
		},
		says: "unhealthy", state: "InService", serve: 3,
	},
	"a person terminates it": {
		happens: func(n *night, member string) { n.ok(n.EC2.SetState(member, ec2.Terminated)) },
		serve:   3,
	},
	"its group is deleted": {
		happens: func(n *night, _ string) {
			must(n.scaling().DeleteAutoScalingGroup(n.ctx, &autoscaling.DeleteAutoScalingGroupInput{
				AutoScalingGroupName: aws.String("web"), ForceDelete: aws.Bool(true)}))(n.t)
		},
		serve: -1,
	},
}

// Whatever happens to a group while a member is out: the member comes back into service as soon as it may, or people
// know why it does not; nothing is launched in its place, and nothing is terminated by Goldsmith.
func TestMemberIsOutMeanwhile(t *testing.T) {
	for name, c := range meanwhiles {
		t.Run(name, func(t *testing.T) {
			play(t, shrinking(), func(n *night) {
				arn := n.Balancers.Add("web", time.Minute)
				members := n.serving(func(in *autoscaling.CreateAutoScalingGroupInput) {
					in.TargetGroupARNs = []string{arn}
					if c.edit != nil {
						c.edit(in)
					}
				})
				n.begin()
				n.at("watch:stopped", members[0], func(work) { c.happens(n, members[0]) })
				n.run()
				time.Sleep(time.Hour)
				if c.state != "" {
					n.want("state", n.stateOf(members[0]), c.state)
				}
				if c.says != "" && !strings.Contains(n.said(), c.says) {
					t.Errorf("nobody read %q:\n%s", c.says, n.said())
				}
				if c.mends != nil {
					c.mends(n, members[0])
				}
				time.Sleep(20 * time.Minute)
				n.finish()
				n.inTheEnd(c, members[0])
			})
		})
	}
}

// inTheEnd holds how many members serve, and whether a member is one of them.
func (n *night) inTheEnd(c meanwhile, member string) {
	n.t.Helper()
	n.want("stops", len(n.callsOf("StopInstances", member)), 1)
	for claim, err := range n.Ledger.Claims(n.ctx) {
		n.want("a claim is left", fmt.Sprint(claim, err), "")
	}
	if c.serve < 0 {
		return
	}
	var serve []string
	for _, i := range n.groupOf("web").Instances {
		if i.LifecycleState == types.LifecycleStateInService {
			serve = append(serve, aws.ToString(i.InstanceId))
		}
	}
	n.want("in service", len(serve), c.serve)
	n.want("kept", slices.Contains(serve, member), c.kept)
}

// Members of one group in two plans that are due at the same moment: one is out at a time.
func TestMembersOfTwoPlansTakeTurns(t *testing.T) {
	o := shrinking()
	o.Plans = with(o.Plans, "other", func(*plan.Plan) {})
	play(t, o, func(n *night) {
		members := n.serving()
		n.enrolIn("other", members[1])
		n.begin()
		most := 0
		for _, each := range []string{"watch:stopped", "start", "release"} {
			for _, id := range members[:2] {
				n.at(each, id, func(work) { most = max(most, n.countIn("Standby", "EnteringStandby")) })
			}
		}
		n.run()
		n.want("out at once", most, 1)
		for _, r := range n.runs() {
			for id, result := range n.results(r) {
				n.want("ending of "+id, result.Ending, job.Imaged)
			}
		}
		n.serves(members)
	})
}

// enrolIn puts a member into a plan.
func (n *night) enrolIn(name, id string) {
	n.t.Helper()
	n.enrol(id)
	n.ok(n.tagAs(id, map[string]string{tag.Plan: name}))
}

// countIn is how many members are in one of these lifecycle states.
func (n *night) countIn(states ...string) (found int) {
	n.t.Helper()
	for _, i := range n.groupOf("web").Instances {
		if slices.Contains(states, string(i.LifecycleState)) {
			found++
		}
	}
	return found
}

// A group that has changed since the claim was decided: the member stays in service.
func TestMemberStaysAfterAll(t *testing.T) {
	group := aws.String("web")
	for name, c := range map[string]struct {
		happens func(n *night, members []string)
		says    string
	}{
		"another is put into Standby": {func(n *night, members []string) {
			must(n.scaling().EnterStandby(n.ctx, &autoscaling.EnterStandbyInput{AutoScalingGroupName: group,
				InstanceIds: members[1:2], ShouldDecrementDesiredCapacity: aws.Bool(true)}))(n.t)
			n.excused.standby = true
		}, "is out of service already"},
		"a refresh begins": {func(n *night, _ []string) {
			must(n.scaling().StartInstanceRefresh(n.ctx, &autoscaling.StartInstanceRefreshInput{AutoScalingGroupName: group,
				Preferences: &types.RefreshPreferences{SkipMatching: aws.Bool(true), BakeTime: aws.Int32(7200)}}))(n.t)
		}, "an instance refresh of it is under way"},
		"Launch is suspended": {func(n *night, _ []string) { n.suspends("Launch") }, "its process Launch is suspended"},
		"its minimum is raised": {func(n *night, _ []string) {
			n.resized(func(in *autoscaling.UpdateAutoScalingGroupInput) { in.MinSize = aws.Int32(3) })
		}, "it wants 3 and its minimum is 3"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, shrinking(), func(n *night) {
				members := n.serving()
				n.begin()
				n.at("stop", members[0], func(work) { c.happens(n, members) })
				n.run()
				result := n.results(n.onlyRun())[members[0]]
				n.want("ending", result.Ending, job.Skipped)
				if result.Skip == nil || result.Skip.Code != job.AutoScalingMember || !strings.Contains(result.Skip.Text, c.says) {
					t.Errorf("skipped for %+v, want %q", result.Skip, c.says)
				}
				n.want("stops", len(n.callsOf("StopInstances")), 0)
				n.want("enters of it", len(n.callsOf("EnterStandby", members[0])), 0)
			})
		})
	}
}

// A run dies while connections drain, and its claim is lost: nothing proves that the run has put the member into
// Standby, so people are told who is there, and how to bring it back.
func TestMemberDrainsWithoutItsRunAndItsClaim(t *testing.T) {
	o := shrinking()
	o.History = true
	play(t, o, func(n *night) {
		arn := n.Balancers.Add("web", 5*time.Minute)
		members := n.serving(func(in *autoscaling.CreateAutoScalingGroupInput) { in.TargetGroupARNs = []string{arn} })
		n.begin()
		n.after("stop", members[0], func(work) {
			n.ok(n.States.Stop(n.onlyRun().ARN, "", ""))
			n.lose()
		})
		n.run()
		time.Sleep(3 * sweep)
		n.want("stops", len(n.callsOf("StopInstances")), 0)
		n.want("state", n.stateOf(members[0]), "Standby")
		n.want("told once", strings.Count(n.said(), members[0]+" --auto-scaling-group-name web"), 1)
		n.excused.standby = true
		must(n.scaling().ExitStandby(n.ctx, &autoscaling.ExitStandbyInput{
			AutoScalingGroupName: aws.String("web"), InstanceIds: members[:1]}))(n.t)
		time.Sleep(time.Minute)
		n.serves(members)
	})
}

// A refresh of the suite's own that terminates what is in Standby waits for a member that is there for an image.
func TestRefreshWaitsForAMemberThatIsOut(t *testing.T) {
	o := shrinking()
	o.Plans = with(o.Plans, "rolled", func(p *plan.Plan) {
		p.Schedule = "cron(0 1 * * ? *)"
		p.Roll.Refresh.Enabled, p.Roll.Refresh.Standby = true, plan.StandbyTerminate
	})
	play(t, o, func(n *night) {
		base := n.launch("base", "plan=rolled")
		members := n.serving()
		n.ok(n.tagAs(aws.ToString(n.groupOf("web").LaunchTemplate.LaunchTemplateId), map[string]string{tag.Source: "base"}))
		n.resized(func(in *autoscaling.UpdateAutoScalingGroupInput) {
			in.LaunchTemplate = specOf(aws.ToString(n.groupOf("web").LaunchTemplate.LaunchTemplateId), "$Default")
		})
		n.begin()
		n.at("watch:stopped", members[0], func(work) { meanwhiles["its maximum is lowered"].happens(n, members[0]) })
		time.Sleep(time.Until(due.Add(45 * time.Minute)))
		n.want("state while the refresh goes on", n.stateOf(members[0]), "Standby")
		refresh := n.onlyRefresh("web")
		n.want("refresh", []string{string(refresh.Status), string(refresh.Preferences.StandbyInstances)},
			[]string{"InProgress", "Wait"})
		meanwhiles["its maximum is lowered"].mends(n, members[0])
		r := n.finish()[0]
		n.want("imaged", n.results(n.runs()[1])[members[0]].Ending, job.Imaged)
		n.wasImaged(r, base)
		n.saysOf(r, "is there for an image: it waits an hour for that")
	})
}

// A member in a zone of its own stays in service; where its zone has others it leaves, and nothing is levelled out.
func TestMemberAndItsZone(t *testing.T) {
	for name, c := range map[string]struct {
		size      int32
		suspended bool
		ending    job.Ending
	}{
		"two zones, three members: the one of the smaller zone": {3, false, job.Skipped},
		"where nothing is levelled out":                         {3, true, job.Imaged},
		"two zones, four members":                               {4, false, job.Imaged},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{Plans: shrinking().Plans}, func(n *night) {
				n.serving(func(in *autoscaling.CreateAutoScalingGroupInput) {
					in.AvailabilityZones = []string{"eu-central-1a", "eu-central-1b"}
					in.MaxSize, in.DesiredCapacity = aws.Int32(4), aws.Int32(c.size)
				})
				if c.suspended {
					n.suspends("AZRebalance")
				}
				all, member := n.smallest()
				n.ok(n.tagAs(all[0], map[string]string{tag.Plan: "none"}))
				n.enrol(member)
				n.run()
				result := n.results(n.onlyRun())[member]
				n.want("ending", result.Ending, c.ending)
				if c.ending == job.Skipped && (result.Skip == nil || !strings.Contains(result.Skip.Text, "two members apart")) {
					t.Errorf("skipped for %+v", result.Skip)
				}
				n.serves(all)
			})
		})
	}
}

// smallest are the members of a group of n.serving, and one of the zone that has the fewest.
func (n *night) smallest() (all []string, member string) {
	n.t.Helper()
	in := map[string][]string{}
	for _, i := range n.groupOf("web").Instances {
		id, zone := aws.ToString(i.InstanceId), aws.ToString(i.AvailabilityZone)
		all, in[zone] = append(all, id), append(in[zone], id)
	}
	fewest := slices.MinFunc(slices.Sorted(maps.Keys(in)), func(a, b string) int { return len(in[a]) - len(in[b]) })
	return all, in[fewest][0]
}
