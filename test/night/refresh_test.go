package night_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// A group with a mixed instances policy is moved to the new image: the template,
// an override with a template of its own, everything else as it was.
func TestAMixedGroupIsRefreshed(t *testing.T) {
	play(t, refreshed(), func(n *night) {
		web := n.launch("web", "")
		base, own := n.template("base", "web", "m5.large", ec2.ImageX86), n.template("own", "web", "m5.large", ec2.ImageX86)
		other := n.template("other", "nobody", "t3.micro", ec2.ImageX86)
		n.group("fleet", base, "1", mixed(
			types.LaunchTemplateOverrides{InstanceType: aws.String("m5.large"), WeightedCapacity: aws.String("2")},
			types.LaunchTemplateOverrides{InstanceType: aws.String("t3.micro"), LaunchTemplateSpecification: specOf(own, "1"),
				WeightedCapacity: aws.String("1")},
		))
		n.group("bystander", other, "1")
		r := n.run()[0]
		n.wasImaged(r, web)
		n.isOn(r, "fleet", web)
		n.want("refresh", n.onlyRefresh("fleet").Status, types.InstanceRefreshStatusSuccessful)
		n.want("rollback", aws.ToBool(n.onlyRefresh("fleet").Preferences.AutoRollback), true)
		policy := n.groupOf("fleet").MixedInstancesPolicy
		n.want("version", aws.ToString(policy.LaunchTemplate.LaunchTemplateSpecification.Version), "2")
		n.want("the override's version",
			aws.ToString(policy.LaunchTemplate.Overrides[1].LaunchTemplateSpecification.Version), "2")
		n.want("the override's weight", aws.ToString(policy.LaunchTemplate.Overrides[0].WeightedCapacity), "2")
		n.want("the distribution", aws.ToString(policy.InstancesDistribution.SpotAllocationStrategy), "capacity-optimized")
		n.want("refreshes of the bystander", len(n.refreshesOf("bystander")), 0)
		n.saysOf(r, "OK: nightly", "1 refreshed", "Groups refreshed", "fleet from web: base 1, own 1 -> base 2, own 2, took")
		if looks := n.callsOf("DescribeInstanceRefreshes"); len(looks) > 3 {
			n.t.Errorf("%d looks at a refresh whose event comes", len(looks))
		}
	})
}

// A refresh that fails is taken back by Auto Scaling: told, and the run is
// partial; the source is imaged and the template stays rolled.
func TestARefreshThatFailsIsRolledBack(t *testing.T) {
	play(t, refreshed(func(r *plan.Refresh) { r.Alarms, r.Bake = []string{"errors"}, plan.Duration(time.Hour) }),
		func(n *night) {
			web := n.launch("web", "")
			n.group("fleet", n.template("base", "web", "m5.large", ec2.ImageX86), "1")
			n.AutoScaling.SetAlarm("errors", false)
			n.after("refresh", web,
				func(work) { time.AfterFunc(20*time.Minute, func() { n.AutoScaling.SetAlarm("errors", true) }) })
			r := n.run()[0]
			n.wasImaged(r, web)
			n.want("images", n.members("fleet")[0], ec2.ImageX86)
			n.want("refresh", n.onlyRefresh("fleet").Status, types.InstanceRefreshStatusRollbackSuccessful)
			n.want("version", aws.ToString(n.groupOf("fleet").LaunchTemplate.Version), "1")
			n.want("default", aws.ToInt64(n.defaults()[0].VersionNumber), int64(2))
			n.saysOf(r, "PARTIAL: nightly", "1 not refreshed", "Groups not refreshed", "fleet from web", "was rolled back",
				"The alarm errors went off")
		})
}

// What Auto Scaling does not allow is left out, and said.
func TestGroupsThatCannotBeRolledBack(t *testing.T) {
	attributes := mixed(types.LaunchTemplateOverrides{InstanceRequirements: &types.InstanceRequirements{
		MemoryMiB: &types.MemoryMiBRequest{Min: aws.Int32(1)}, VCpuCount: &types.VCpuCountRequest{Min: aws.Int32(1)},
	}})
	for name, c := range map[string]struct {
		image, version string
		edit           func(*autoscaling.CreateAutoScalingGroupInput)
		says           string
	}{
		"an alias":                {"resolve:ssm:/golden/web", "1", nil, "template takes its image from a parameter"},
		"an alias and $Latest":    {"resolve:ssm:/golden/web", "$Latest", nil, "it names $Latest of base"},
		"$Latest":                 {ec2.ImageX86, "$Latest", nil, "it names $Latest of base"},
		"$Default":                {ec2.ImageX86, "$Default", nil, "it names $Default of base"},
		"attributes and $Default": {ec2.ImageX86, "$Default", attributes, "it names $Default of base"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, refreshed(), func(n *night) {
				web := n.launch("web", "")
				n.alias("/golden/web", ec2.ImageX86)
				time.Sleep(time.Minute)
				edit := func(in *autoscaling.CreateAutoScalingGroupInput) {
					if c.edit != nil {
						c.edit(in)
					}
				}
				n.group("fleet", n.template("base", "web", "m5.large", c.image), c.version, edit)
				r := n.run()[0]
				n.wasImaged(r, web)
				n.isOn(r, "fleet", web)
				n.want("desired configuration", n.onlyRefresh("fleet").DesiredConfiguration == nil, true)
				n.saysOf(r, "OK: nightly", "1 refreshed", "rolled back by itself: ", c.says)
				if g := n.groupOf("fleet"); g.LaunchTemplate != nil {
					n.want("version", aws.ToString(g.LaunchTemplate.Version), c.version)
				}
			})
		})
	}
}

// Groups that a refresh cannot help are left alone, and said; the run is partial.
func TestGroupsThatAreLeftAlone(t *testing.T) {
	attributes := mixed(types.LaunchTemplateOverrides{InstanceRequirements: &types.InstanceRequirements{
		MemoryMiB: &types.MemoryMiBRequest{Min: aws.Int32(1)}, VCpuCount: &types.VCpuCountRequest{Min: aws.Int32(1)},
	}})
	for name, c := range map[string]struct {
		edit func(*autoscaling.CreateAutoScalingGroupInput)
		then func(n *night)
		says string
	}{
		"attributes and a number": {attributes, func(*night) {}, "It names version 1 of base"},
		"images of its own": {mixed(types.LaunchTemplateOverrides{InstanceType: aws.String("m5.large"),
			ImageId: aws.String(ec2.ImageX86)}),
			func(*night) {}, "images of their own"},
		"suspended": {func(*autoscaling.CreateAutoScalingGroupInput) {}, func(n *night) {
			must(n.scaling().SuspendProcesses(n.ctx,
				&autoscaling.SuspendProcessesInput{AutoScalingGroupName: aws.String("fleet"),
					ScalingProcesses: []string{"Launch"}}))(n.t)
		}, "process Launch is suspended"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, refreshed(), func(n *night) {
				web := n.launch("web", "")
				n.group("fleet", n.template("base", "web", "m5.large", ec2.ImageX86), "1", c.edit)
				c.then(n)
				r := n.run()[0]
				n.wasImaged(r, web)
				n.want("refreshes", len(n.refreshesOf("fleet")), 0)
				n.want("refusals", len(refusedStarts(n)), 0)
				n.saysOf(r, "PARTIAL: nightly", "1 not refreshed", c.says)
			})
		})
	}
}

// refusedStarts are the starts that Auto Scaling did not take.
func refusedStarts(n *night) []string {
	var codes []string
	for _, c := range n.callsOf("StartInstanceRefresh") {
		if c.Error != "" {
			codes = append(codes, c.Error)
		}
	}
	return codes
}

// Auto Scaling's events are lost: the heartbeat finds that the refresh is over.
func TestTheEventOfARefreshIsLost(t *testing.T) {
	o := refreshed()
	o.Events = map[string]eventbridge.Faults{"aws.autoscaling": {Loss: 1}}
	play(t, o, func(n *night) {
		web := n.launch("web", "")
		n.group("fleet", n.template("base", "web", "m5.large", ec2.ImageX86), "1")
		r := n.run()[0]
		n.isOn(r, "fleet", web)
		n.saysOf(r, "OK: nightly", "1 refreshed")
		told, ended := n.refreshIn(r, web, "fleet"), aws.ToTime(n.onlyRefresh("fleet").EndTime)
		n.want("told as ended", told.Ended, ended)
		if late := n.results(r)[web].At.Sub(ended); late > 5*time.Minute+10*time.Second {
			n.t.Errorf("nobody looked for %s", late)
		}
	})
}

// The run is aborted while it waits: the instance is back and its claim dropped
// long before, Auto Scaling goes on, and people hear that nobody waits for it.
func TestAbortedWhileAGroupIsRefreshed(t *testing.T) {
	for _, whole := range []bool{true, false} {
		for _, step := range []string{"refresh", "watch:refreshed"} {
			t.Run(map[bool]string{true: "run ", false: "source "}[whole]+step, func(t *testing.T) {
				play(t, refreshed(func(r *plan.Refresh) { r.Bake = plan.Duration(time.Hour) }), func(n *night) {
					web := n.launch("web", "")
					n.group("fleet", n.template("base", "web", "m5.large", ec2.ImageX86), "1")
					n.after(step, web, func(w work) {
						arn := w.Execution
						if whole {
							arn = n.onlyRun().ARN
						}
						n.ok(n.States.Stop(arn, "", "enough"))
						for claim, err := range n.Ledger.Claims(n.ctx) {
							n.t.Errorf("while a group is refreshed there is a claim: %+v %v", claim, err)
						}
					})
					r := n.run()[0]
					time.Sleep(2 * time.Hour)
					n.want("ending", n.results(r)[web].Ending, job.Imaged)
					n.want("refresh", n.onlyRefresh("fleet").Status, types.InstanceRefreshStatusSuccessful)
					if whole {
						n.want("status", r.Status, asl.Aborted)
						n.saysOf(r, "FAILED: nightly", "ended as ABORTED")
					}
					n.saysOf(r, "1 not refreshed", "when the run was cut off")
				})
			})
		}
	}
}

// Two sources feed one group: each has its refresh, one after the other, and the
// second keeps what the first has done.
func TestTwoSourcesFeedOneGroup(t *testing.T) {
	play(t, refreshed(), func(n *night) {
		web, api := n.launch("web", ""), n.launch("api", "")
		one, two := n.template("one", "web", "m5.large", ec2.ImageX86), n.template("two", "api", "m5.large", ec2.ImageX86)
		n.group("fleet", one, "1", mixed(
			types.LaunchTemplateOverrides{InstanceType: aws.String("m5.large")},
			types.LaunchTemplateOverrides{InstanceType: aws.String("t3.micro"), LaunchTemplateSpecification: specOf(two, "1")},
		))
		r := n.run()[0]
		policy := n.groupOf("fleet").MixedInstancesPolicy.LaunchTemplate
		n.want("the override's version", aws.ToString(policy.Overrides[1].LaunchTemplateSpecification.Version), "2")
		n.want("version", aws.ToString(policy.LaunchTemplateSpecification.Version), "2")
		n.want("refreshes", len(n.refreshesOf("fleet")), 2)
		n.isOn(r, "fleet", web)
		for _, id := range []string{web, api} {
			n.want("problem of "+id, n.refreshIn(r, id, "fleet").Problem, "")
			n.want("status of "+id, n.refreshIn(r, id, "fleet").Status, "Successful")
		}
		n.saysOf(r, "OK: nightly", "2 refreshed")
	})
}

// Somebody refreshes the group already: ours follows.
func TestSomebodyElseRefreshes(t *testing.T) {
	play(t, refreshed(), func(n *night) {
		web := n.launch("web", "")
		base := n.template("base", "web", "m5.large", ec2.ImageX86)
		n.group("fleet", base, "1")
		var theirs string
		n.at("roll", web, func(work) { theirs = n.start("fleet", nil) })
		r := n.run()[0]
		n.isOn(r, "fleet", web)
		all := n.refreshesOf("fleet")
		n.want("refreshes", len(all), 2)
		n.want("theirs", aws.ToString(all[1].InstanceRefreshId), theirs)
		n.want("ours", n.refreshIn(r, web, "fleet").ID, aws.ToString(all[0].InstanceRefreshId))
		n.saysOf(r, "OK: nightly", "1 refreshed")
	})
}

// A plan that warns tells of groups that name a number, and does nothing to them.
func TestAPinnedGroupWithoutARefresh(t *testing.T) {
	warning := stack.Options{Plans: nightly(func(p *plan.Plan) { p.Roll.Refresh.Warn = true })}
	play(t, warning, func(n *night) {
		web := n.launch("web", "")
		base := n.template("base", "web", "m5.large", ec2.ImageX86)
		n.group("fleet", base, "1")
		n.group("follower", base, "$Default")
		r := n.run()[0]
		n.wasImaged(r, web)
		n.want("refreshes", len(n.refreshesOf("fleet"))+len(n.refreshesOf("follower")), 0)
		n.saysOf(r, "OK: nightly", string(job.PinnedGroup), "fleet (base 1)")
		n.want("calls", len(n.callsOf("DescribeAutoScalingGroups")), 2)
		n.want("other calls", len(n.callsOf("DescribeInstanceRefreshes")), 0)
	})
}

// A plan that says nothing of groups costs nothing for them.
func TestGroupsThatNobodyAskedFor(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		web := n.launch("web", "")
		n.group("fleet", n.template("base", "web", "m5.large", ec2.ImageX86), "1")
		r := n.run()[0]
		n.wasImaged(r, web)
		n.want("calls", len(n.callsOf("StartInstanceRefresh")), 0)
		n.want("images", n.members("fleet")[0], ec2.ImageX86)
	})
}

// The function's answer is lost, or it runs twice at once: a group is refreshed once.
func TestARefreshIsStartedOnce(t *testing.T) {
	for name, wrap := range map[string]func(asl.Invoker) asl.Invoker{
		"answer lost": func(inner asl.Invoker) asl.Invoker { return &forgetful{inner: inner} },
		"at once":     func(inner asl.Invoker) asl.Invoker { return twice{inner} },
	} {
		t.Run(name, func(t *testing.T) {
			o := refreshed()
			o.Wrap = wrap
			play(t, o, func(n *night) {
				web := n.launch("web", "")
				n.group("fleet", n.template("base", "web", "m5.large", ec2.ImageX86), "1")
				n.group("follower", n.template("second", "web", "m5.large", ec2.ImageX86), "$Default")
				n.group("empty", n.template("third", "web", "m5.large", ec2.ImageX86), "1",
					func(in *autoscaling.CreateAutoScalingGroupInput) { in.DesiredCapacity = aws.Int32(0) })
				r := n.run()[0]
				for _, group := range []string{"fleet", "follower", "empty"} {
					n.want("refresh", n.refreshIn(r, web, group).ID, aws.ToString(n.onlyRefresh(group).InstanceRefreshId))
				}
				n.isOn(r, "fleet", web)
				n.isOn(r, "follower", web)
				n.want("version", aws.ToString(n.groupOf("empty").LaunchTemplate.Version), "2")
				n.saysOf(r, "OK: nightly", "3 refreshed")
			})
		})
	}
}

// forgetful loses the first answer of function refresh, a minute after it was given.
type forgetful struct {
	inner asl.Invoker
	lost  atomic.Bool
}

// Invoke calls the function.
func (f *forgetful) Invoke(ctx context.Context, function string, payload []byte) ([]byte, *asl.Error) {
	answer, failed := f.inner.Invoke(ctx, function, payload)
	if strings.Contains(function, "goldsmith-refresh") && f.lost.CompareAndSwap(false, true) {
		time.Sleep(time.Minute)
		return nil, asl.FunctionError("Runtime.ExitError", "signal: killed")
	}
	return answer, failed
}

// twice runs function refresh a second time beside the first.
type twice struct{ inner asl.Invoker }

// Invoke calls the function.
func (w twice) Invoke(ctx context.Context, function string, payload []byte) ([]byte, *asl.Error) {
	if strings.Contains(function, "goldsmith-refresh") {
		var both sync.WaitGroup
		defer both.Wait()
		both.Go(func() { _, _ = w.inner.Invoke(ctx, function, payload) })
	}
	return w.inner.Invoke(ctx, function, payload)
}
