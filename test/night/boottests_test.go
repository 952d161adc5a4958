package night_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/inject"
	"goldsmith/local/sfn"
	"goldsmith/local/ssm"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// tests are the test instances there are or have just been. Somebody's own may carry their tags.
func (n *night) tests() []types.Instance {
	n.t.Helper()
	return slices.DeleteFunc(n.instances(), func(i types.Instance) bool {
		return tag.Map(i.Tags)[tag.BootTest] == "" || tag.Map(i.Tags)["Name"] == "theirs"
	})
}

// noTests: no test instance outlives its run, nor does anything of it.
func (n *night) noTests() {
	n.t.Helper()
	if n.excused.tests {
		return
	}
	for _, i := range n.tests() {
		id := aws.ToString(i.InstanceId)
		if state := n.EC2.State(id); state != ec2.Terminated && state != ec2.ShuttingDown {
			n.t.Errorf("test instance %s outlives its run: it is %s: %v", id, state, tag.Map(i.Tags))
		}
		if waits, err := n.Ledger.Waits(n.ctx, id); err != nil || len(waits) > 0 {
			n.t.Errorf("%d waits for test instance %s outlive their runs; %v", len(waits), id, err)
		}
	}
	n.nothingOfTests()
}

func (n *night) nothingOfTests() {
	n.t.Helper()
	volumes := must(n.cloud.DescribeVolumes(n.ctx, &sdk.DescribeVolumesInput{
		Filters: []types.Filter{{Name: aws.String("tag-key"), Values: []string{tag.BootTest}}},
	}))(n.t)
	for _, v := range volumes.Volumes {
		if len(v.Attachments) == 0 {
			n.t.Errorf("volume %s of a test instance is left", aws.ToString(v.VolumeId))
		}
	}
}

// tested is the nightly plan with a boot test.
func tested(edits ...func(*plan.Verify)) plan.Plans {
	return nightly(func(p *plan.Plan) {
		p.Verify.Boot, p.Verify.Subnet = true, ec2.DefaultSubnet("eu-central-1", "123456789012")
		for _, edit := range edits {
			edit(&p.Verify)
		}
	})
}

func command(v *plan.Verify) { v.Profile, v.Command = "tested", "systemctl is-active web" }

// aTest plays a night with a boot test of one source, and says how it went.
func aTest(t *testing.T, plans plan.Plans, events map[string]eventbridge.Faults, story func(n *night, web string),
	told func(n *night, r sfn.Execution, web string)) {
	t.Helper()
	play(t, stack.Options{Plans: plans, Events: events}, func(n *night) {
		web := n.launch("web", "gp3")
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		n.begin()
		if story != nil {
			story(n, web)
		}
		r := n.run()[0]
		n.want("state of web", n.EC2.State(web), ec2.Running)
		told(n, r, web)
	})
}

// passed: the image was rolled after one test instance had booted from it.
func passed(n *night, r sfn.Execution, web string) {
	n.t.Helper()
	n.wasImaged(r, web)
	result := n.results(r)[web]
	n.want("test instances", len(n.tests()), 1)
	n.want("image of the test", aws.ToString(n.tests()[0].ImageId), result.Image.ID)
	n.want("image of the template", aws.ToString(n.defaults()[0].LaunchTemplateData.ImageId), result.Image.ID)
	n.want("state of the image", result.Image.State, "available")
	if boot := result.Times.Boot(); boot < time.Minute || boot > 20*time.Minute {
		n.t.Errorf("it booted in %s", boot)
	}
	n.saysOf(r, "OK: nightly", "tested: booted in ")
}

// failed: nothing was rolled, and people are told why and what became of everything.
func failed(says ...string) func(n *night, r sfn.Execution, web string) {
	return func(n *night, r sfn.Execution, web string) {
		n.t.Helper()
		result := n.results(r)[web]
		n.want("ending", result.Ending, job.Broken)
		n.want("state of the image", result.Image.State, job.Unproven)
		n.want("rolled", len(result.Rolled), 0)
		n.want("image of the template", aws.ToString(n.defaults()[0].LaunchTemplateData.ImageId), ec2.ImageX86)
		if _, there := n.Parameters.Value("/goldsmith/images/web"); there {
			n.t.Error("the alias was written")
		}
		n.want("last image", n.tagsOf(web)[tag.LastImage], "")
		n.saysOf(r, append(says, result.Image.ID,
			"Image "+result.Image.ID+" is kept, unproven, and nothing was rolled to it", "Now:")...)
	}
}

func TestAnImageIsProved(t *testing.T) {
	silent := map[string]eventbridge.Faults{"aws.ec2": {Loss: 1}, "aws.tag": {Loss: 1}}
	t.Run("it boots", func(t *testing.T) { aTest(t, tested(), nil, nil, passed) })
	t.Run("it boots, EC2's events lost", func(t *testing.T) { aTest(t, tested(), silent, nil, passed) })
	t.Run("its command succeeds", func(t *testing.T) { aTest(t, tested(command), nil, nil, passed) })
	t.Run("the instance waits for its image", func(t *testing.T) {
		plans := tested()
		p := plans.Plans["nightly"]
		p.Restart = plan.Available
		plans.Plans["nightly"] = p
		aTest(t, plans, nil, nil, passed)
	})
	t.Run("EC2 has no room for a while", func(t *testing.T) {
		aTest(t, tested(), nil, func(n *night, _ string) {
			n.EC2.Inject(ec2.Fault{Action: "RunInstances", Code: "InsufficientInstanceCapacity", Nth: []int{1, 2, 3}})
		}, passed)
	})
	t.Run("the launch's answer is lost, and the function with it", func(t *testing.T) {
		aTest(t, tested(), nil, func(n *night, _ string) {
			n.EC2.Inject(ec2.Fault{Action: "RunInstances", Drop: true, Nth: []int{1, 2, 3, 4, 5, 6, 7}})
		}, passed)
	})
	t.Run("another type than the source's", func(t *testing.T) {
		aTest(t, tested(func(v *plan.Verify) { v.InstanceType = "m5.large" }), nil, nil,
			func(n *night, r sfn.Execution, web string) {
				passed(n, r, web)
				n.want("type", n.tests()[0].InstanceType, types.InstanceTypeM5Large)
			})
	})
	t.Run("no template wants it", func(t *testing.T) {
		play(t, stack.Options{Plans: tested()}, func(n *night) {
			web := n.launch("web", "")
			r := n.run()[0]
			n.wasImaged(r, web)
			time.Sleep(time.Minute) // Parameter Store looks at the image after it has answered
			value, _ := n.Parameters.Value("/goldsmith/images/web")
			n.want("alias", value, n.results(r)[web].Image.ID)
		})
	})
	t.Run("a plan without a test launches nothing", func(t *testing.T) {
		aTest(t, nightly(), nil, nil, func(n *night, r sfn.Execution, web string) {
			n.wasImaged(r, web)
			n.want("launches", len(n.callsOf("RunInstances")), 0)
		})
	})
}

func TestAnImageIsNotProved(t *testing.T) {
	strikes := func(f ec2.Fault) func(n *night, _ string) {
		return func(n *night, _ string) { n.EC2.Inject(f) }
	}
	ran := func(r ssm.Ran) func(n *night, _ string) {
		return func(n *night, _ string) { n.Parameters.OnCommand(func(_, _ string) ssm.Ran { return r }) }
	}
	for name, c := range map[string]struct {
		plans plan.Plans
		story func(n *night, web string)
		says  []string
	}{
		"a status check stays impaired": {tested(), strikes(ec2.Fault{Action: "RunInstances", Impaired: true}),
			[]string{"did not boot", "runs, but 2", "its instance status check is impaired",
				"get-console-output --instance-id i-"}},
		"the test instance dies at boot": {tested(), strikes(ec2.Fault{
			Action: "RunInstances", StartReason: "Client.InternalError", Message: "Client.InternalError: Client error on launch",
		}), []string{"did not boot", "is terminated. EC2 says: Client.InternalError: Client error on launch"}},
		"EC2 has no room": {tested(), strikes(ec2.Fault{Action: "RunInstances", Code: "InsufficientInstanceCapacity"}),
			[]string{"could not be tested", "no t3.micro", "InsufficientInstanceCapacity"}},
		"the launch is refused": {tested(), strikes(ec2.Fault{Action: "RunInstances", Code: denied, Status: 403}),
			[]string{"could not be tested", denied, "Have Goldsmith be allowed that call"}},
		"the command fails": {tested(command), ran(ssm.Ran{Status: "Failed", Code: 3, Output: "web is inactive"}),
			[]string{"booted, but did not pass its test", "with code 3", "web is inactive"}},
		"the command hangs": {tested(command), ran(ssm.Ran{Took: 3 * time.Hour}),
			[]string{"did not pass its test", "TimedOut"}},
		"the agent never registers": {tested(command),
			func(n *night, _ string) { n.Inject(inject.Fault{Action: "SendCommand", Code: "InvalidInstanceId"}) },
			[]string{"booted, but its test did not end within 20m", "agent has not registered"}},
		"somebody terminates the test instance": {tested(), func(n *night, web string) {
			n.after("watch:booted", web, func(work) {
				must(n.cloud.TerminateInstances(n.ctx,
					&sdk.TerminateInstancesInput{InstanceIds: []string{aws.ToString(n.tests()[0].InstanceId)}}))(n.t)
			})
		}, []string{"did not boot", "User initiated"}},
	} {
		t.Run(name, func(t *testing.T) { aTest(t, c.plans, nil, c.story, failed(c.says...)) })
	}
}

// A test instance that cannot be terminated is told, and swept once that is allowed again.
func TestATestInstanceThatCannotBeTerminated(t *testing.T) {
	aTest(t, tested(), nil, func(n *night, _ string) {
		n.EC2.Inject(ec2.Fault{Action: "TerminateInstances", Code: denied, Status: 403, Until: due.Add(time.Hour)})
		n.excused.dead = true // the sweeps fail until then, and are an alarm
	}, func(n *night, r sfn.Execution, web string) {
		n.wasImaged(r, web)
		n.saysOf(r, string(job.TestLeft), denied, "may still run")
		time.Sleep(time.Until(due.Add(time.Hour + sweep)))
	})
}

// A run or one source of it is aborted while its test goes on: the sweep ends the test instance.
func TestARunAbortedDuringATest(t *testing.T) {
	deaf := map[string]eventbridge.Faults{"": {Loss: 1}, eventbridge.SchedulerSource: {}}
	for _, step := range []string{"verify", "watch:booted"} {
		for when, after := range map[string]bool{"before ": false, "after ": true} {
			for which, events := range map[string]map[string]eventbridge.Faults{"": nil, ", every event lost": deaf} {
				for whose, whole := range map[string]bool{", the run": true, ", one source": false} {
					t.Run(when+step+which+whose, func(t *testing.T) { testAborted(t, step, after, whole, events) })
				}
			}
		}
	}
}

func testAborted(t *testing.T, step string, after, whole bool, events map[string]eventbridge.Faults) {
	t.Helper()
	aTest(t, tested(), events, func(n *night, web string) {
		stop := func(w work) {
			arn := w.Execution
			if whole {
				arn = n.onlyRun().ARN
			}
			n.ok(n.States.Stop(arn, "", "somebody wanted it to end"))
		}
		if after {
			n.after(step, web, stop)
		} else {
			n.at(step, web, stop)
		}
	}, func(n *night, r sfn.Execution, web string) {
		if whole {
			n.want("status", r.Status, asl.Aborted)
		}
		time.Sleep(2*sweep + time.Minute)
		n.want("image that counts", n.results(r)[web].Image.State == "available", false)
		n.want("image of the template", aws.ToString(n.defaults()[0].LaunchTemplateData.ImageId), ec2.ImageX86)
	})
}

// Test instances of a fleet are launched within EC2's buckets.
func TestAFleetIsTested(t *testing.T) {
	play(t, stack.Options{Plans: tested(), EC2: ec2.Options{Buckets: true}}, func(n *night) {
		ids := n.launchMany(40)
		r := n.run()[0]
		for _, id := range ids {
			n.wasImaged(r, id)
		}
		n.want("test instances", len(n.tests()), 40)
		n.want("said", strings.Contains(n.messagesOf(r)[0], "40 imaged"), true)
	})
}

// What a test adds to an image's state transitions: five states, two looks for a boot of three minutes and one that
// sees how the later of them ended its wait, and one for a command of ten seconds.
func TestWhatATestAddsInTransitions(t *testing.T) {
	perImage := func(plans plan.Plans) (transitions float64) {
		play(t, stack.Options{Plans: plans}, func(n *night) {
			ids := n.launchMany(20)
			made := must(n.States.Transitions(n.run()[0].ARN))(t)
			transitions = float64(made) / float64(len(ids))
		})
		return transitions
	}
	without, boot, command := perImage(nightly()), perImage(tested()), perImage(tested(command))
	t.Logf("%.1f state transitions for each image, %.1f with a boot test, %.1f with a command", without, boot, command)
	if boot-without > 8 || command-without > 9 {
		t.Errorf("a boot test adds %.1f transitions and one with a command %.1f, want at most 8 and 9", boot-without,
			command-without)
	}
}
