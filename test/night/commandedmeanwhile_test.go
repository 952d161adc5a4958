package night_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	sfnsdk "github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/local/ec2"
	"goldsmith/local/inject"
	"goldsmith/local/ssm"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Describes do not know a source for a while between its commands: it is not taken for terminated for that, and has its
// command after.
func TestACommandedSourceIsNotFoundForAWhile(t *testing.T) {
	for _, edit := range []func(*plan.Plan){func(*plan.Plan) {}, uncut} {
		for _, step := range []string{"hook", "image"} {
			for _, long := range []time.Duration{3 * time.Minute, 12 * time.Minute, 40 * time.Minute} {
				o := commanded(edit)
				t.Run(fmt.Sprint(o.Plans.Plans["nightly"].Consistency, " ", step, " ", long), func(t *testing.T) {
					play(t, o, func(n *night) {
						n.excused.dead = true
						web := n.managed("web", "")
						n.begin()
						n.after(step, web, func(work) { n.forgets(web, long, true) })
						time.Sleep(time.Until(due.Add(2 * time.Hour)))
						n.finish()
						n.want("commands", n.commands(web), "freeze thaw")
						n.want("told that it was terminated", strings.Contains(n.said(), "was terminated"), false)
					})
				})
			}
		}
	}
}

// A run that was aborted is redriven, before the sweep has run the command after, while that runs, and once it has: no
// image is made of a source that is at work again, and none is left at rest.
func TestACommandedRunIsRedriven(t *testing.T) {
	for _, step := range []string{"hook", "image", "watch:snapshotted", "release"} {
		for _, later := range []time.Duration{3 * time.Minute, 5*time.Minute + 3*time.Second, 5*time.Minute + 30*time.Second,
			2 * sweep} {
			t.Run(fmt.Sprint(step, " ", later), func(t *testing.T) {
				play(t, commanded(uncut), func(n *night) {
					n.excused.dead, n.excused.redriven = true, true
					web := n.managed("web", "")
					n.begin()
					n.at(step, web, func(work) { n.ok(n.States.Stop(n.onlyRun().ARN, "", "")) })
					r := n.run()[0]
					time.Sleep(later)
					_, err := sfnsdk.NewFromConfig(n.AWS()).RedriveExecution(n.ctx,
						&sfnsdk.RedriveExecutionInput{ExecutionArn: &r.ARN})
					n.ok(err)
					n.finish()
					time.Sleep(2*sweep + 2*time.Minute)
					n.imagedAtRest(web)
				})
			})
		}
	}
}

// imagedAtRest: the instance is at work again, and each image of it was made between the first command before and the
// first one after.
func (n *night) imagedAtRest(id string) {
	n.t.Helper()
	ran := n.Parameters.Invocations()
	if first, last := ran[0], ran[len(ran)-1]; first.Command != "freeze" || last.Command != "thaw" || last.Ended.IsZero() {
		n.t.Fatalf("the commands were %+v", ran)
	}
	for _, img := range n.imagesOf(id) {
		made, err := time.Parse(time.RFC3339, aws.ToString(img.CreationDate))
		n.ok(err)
		if made.Before(ran[0].Ended) || made.After(ran[1].Begun) {
			n.t.Errorf("%s was made at %s, between %s and %s it was at rest", aws.ToString(img.ImageId), made, ran[0].Ended,
				ran[1].Begun)
		}
	}
}

// Other hands start a source while it waits for its image: its command after does not wait for the boot test.
func TestOtherHandsStartACommandedSource(t *testing.T) {
	play(t, commanded(func(p *plan.Plan) {
		p.Restart = plan.Available
		p.Verify.Boot, p.Verify.Subnet = true, ec2.DefaultSubnet("eu-central-1", "123456789012")
	}), func(n *night) {
		web := n.managed("web", "")
		n.after("watch:snapshotted", web, func(work) {
			must(n.cloud.StartInstances(n.ctx, &sdk.StartInstancesInput{InstanceIds: []string{web}}))(n.t)
		})
		r := n.run()[0]
		n.want("commands", n.commands(web), "freeze thaw")
		if late := n.Parameters.Invocations()[1].Begun.Sub(n.results(r)[web].Times.Available); late > 30*time.Second {
			t.Errorf("the command after was begun %s after its image was there", late)
		}
	})
}

// The command before lasts until the window has closed: nothing is stopped, and the one after is run.
func TestTheWindowClosesDuringACommand(t *testing.T) {
	play(t, commanded(func(p *plan.Plan) {
		p.Window, p.Hooks.Timeout = plan.Duration(10*time.Minute), plan.Duration(15*time.Minute)
	}), func(n *night) {
		n.Parameters.OnCommand(func(_, command string) ssm.Ran {
			if command == "freeze" {
				return ssm.Ran{Took: 14 * time.Minute}
			}
			return ssm.Ran{}
		})
		web := n.managed("web", "")
		r := n.run()[0]
		n.want("ending", n.results(r)[web].Ending, job.Broken)
		n.want("stops", len(n.callsOf("StopInstances")), 0)
		n.want("commands", n.commands(web), "freeze thaw")
		n.saysOf(r, "the window closed", "or have hooks.before take less time")
	})
}

// The command before shuts its instance down, or a person does while it runs: it stays down, which is told, and is not
// waited for.
func TestACommandThatShutsDown(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		play(t, commanded(), func(n *night) {
			if keeps {
				n.Parameters.KeepsCommands()
			}
			web := n.managed("web", "")
			n.excused.stopped[web] = true
			n.Parameters.OnCommand(func(string, string) ssm.Ran {
				time.AfterFunc(2*time.Second, func() {
					must(n.cloud.StopInstances(n.ctx, &sdk.StopInstancesInput{InstanceIds: []string{web}}))(n.t)
				})
				return ssm.Ran{}
			})
			r := n.run()[0]
			n.want("ending", n.results(r)[web].Ending, job.Skipped)
			n.want("commands", n.commands(web), "freeze")
			n.saysOf(r, "hooks.before failed", "hooks.after was not run: ", "Not imaged, and not stopped")
			time.Sleep(3 * sweep)
			if said := n.said(); !strings.Contains(said,
				"hooks.after was not run: the instance is stopped, and was not by Goldsmith") {
				t.Errorf("people were not told: %s", said)
			}
			n.want("claims", n.claimed(), 0)
		})
	}
}

// Systems Manager is too busy for half an hour: before the command before nothing happens, and the one after comes
// late. No sweep counts as failed for it.
func TestSystemsManagerIsBusyForLong(t *testing.T) {
	busy := inject.Fault{Action: "SendCommand", Code: "ThrottlingException", Until: due.Add(50 * time.Minute)}
	for step, want := range map[string]struct {
		ending   job.Ending
		commands string
	}{"hook": {job.Broken, ""}, "image": {job.Imaged, "freeze thaw"}} {
		t.Run(step, func(t *testing.T) {
			play(t, commanded(uncut), func(n *night) {
				web := n.managed("web", "")
				n.at(step, web, func(work) { n.Inject(busy) })
				r := n.run()[0]
				time.Sleep(time.Hour)
				n.want("ending", n.results(r)[web].Ending, want.ending)
				n.want("commands", n.commands(web), want.commands)
			})
		})
	}
}

// A member of a group on which the command before fails stays in service, and keeps its place from no other member.
func TestACommandThatFailsOnAMember(t *testing.T) {
	play(t, shrinking(func(p *plan.Plan) { p.Hooks.Before, p.Hooks.After = "drain", "join" }), func(n *night) {
		n.EC2.AddInstanceProfile("managed")
		members := n.serving()
		n.enrol(members...)
		for _, id := range members {
			n.ok(n.EC2.SetInstanceProfile(id, "managed"))
		}
		n.Parameters.OnCommand(func(id, command string) ssm.Ran {
			if id == members[0] && command == "drain" {
				return ssm.Ran{Status: "Failed", Code: 1}
			}
			return ssm.Ran{}
		})
		n.run()
		results := n.results(n.onlyRun())
		n.want("why", results[members[0]].Skip.Code, job.BeforeFailed)
		n.want("commands", n.commands(members[0]), "drain join")
		for _, id := range members[1:] {
			n.want("ending of "+id, results[id].Ending, job.Imaged)
			n.want("commands on "+id, n.commands(id), "drain join")
		}
		n.serves(members)
	})
}

// Two plans have commands for one source: while those of one are under way the other leaves it alone.
func TestCommandsOfTwoPlans(t *testing.T) {
	o := commanded(uncut, func(p *plan.Plan) { p.Hooks.Timeout = plan.Duration(15 * time.Minute) })
	o.Plans = with(o.Plans, "weekly", func(p *plan.Plan) { p.Hooks.Before, p.Hooks.After = "", "tell" })
	play(t, o, func(n *night) {
		n.Parameters.OnCommand(func(_, command string) ssm.Ran {
			return map[string]ssm.Ran{"freeze": {Took: 14 * time.Minute}}[command]
		})
		web := n.managed("web", "")
		n.begin()
		n.after("hook", web, func(work) { n.ask(web, "weekly") })
		n.finish()
		time.Sleep(time.Hour)
		n.want("commands", n.commands(web), "freeze thaw")
		n.want("images", len(n.imagesOf(web)), 1)
		if said := n.said(); !strings.Contains(said, "has it since") {
			t.Errorf("who asked was not told: %s", said)
		}
	})
}
