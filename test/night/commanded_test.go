package night_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/ec2"
	"goldsmith/local/inject"
	"goldsmith/local/ssm"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// commanded is a suite whose nightly plan has a command before the image and one after it.
func commanded(edits ...func(*plan.Plan)) stack.Options {
	return stack.Options{Plans: nightly(append([]func(*plan.Plan){func(p *plan.Plan) {
		p.Hooks.Before, p.Hooks.After = "freeze", "thaw"
	}}, edits...)...)}
}

// uncut images what runs.
func uncut(p *plan.Plan) { p.Consistency = plan.None }

// failing is what is done where the command before fails.
func failing(how plan.HookFailure) func(*plan.Plan) {
	return func(p *plan.Plan) { p.Hooks.OnFailure = how }
}

// managed starts an instance whose agent Systems Manager reaches.
func (n *night) managed(name, words string) string {
	n.t.Helper()
	n.EC2.AddInstanceProfile("managed")
	id := n.launch(name, "profile=managed "+words)
	time.Sleep(time.Minute) // Its agent registers.
	return id
}

// commands are those that were begun on an instance, in their order, with what became of each.
func (n *night) commands(id string) string {
	var all []string
	for _, i := range n.Parameters.Invocations() {
		if i.Instance == id && !i.Begun.IsZero() {
			all = append(all, i.Command)
		}
	}
	return strings.Join(all, " ")
}

// commandsRan: no command before was run twice in a run, and each has had its command after once, after it. What is
// gone or was stopped by a person runs none.
func (n *night) commandsRan() {
	n.t.Helper()
	begun := n.begunBy()
	for key, befores := range begun {
		of, isBefore := strings.CutSuffix(key, " before")
		if !isBefore {
			continue
		}
		afters := begun[of+" after"]
		if len(befores) > 1 || len(afters) > 1 && !n.excused.redriven {
			n.t.Errorf("on %s hooks.before was run %d times, and hooks.after %d times", of, len(befores), len(afters))
			continue
		}
		n.afterwards(of, befores[0], afters)
	}
}

// begunBy are the commands that were begun, by instance, run and which of the two it is.
func (n *night) begunBy() map[string][]ssm.Invocation {
	begun := map[string][]ssm.Invocation{}
	for _, i := range n.Parameters.Invocations() {
		words := strings.Fields(i.Comment) // "Goldsmith before RUN", "Goldsmith after N RUN"
		if len(words) > 2 && !i.Begun.IsZero() && (words[1] == "before" || words[1] == "after") {
			key := i.Instance + " " + words[len(words)-1] + " " + words[1]
			begun[key] = append(begun[key], i)
		}
	}
	return begun
}

// afterwards holds that the command after was run once the one before had ended.
func (n *night) afterwards(of string, before ssm.Invocation, afters []ssm.Invocation) {
	n.t.Helper()
	id := before.Instance
	switch {
	case len(afters) > 0 && (before.Ended.IsZero() || afters[0].Begun.Before(before.Ended)):
		n.t.Errorf("hooks.after was begun on %s at %s, and hooks.before had not ended", of, afters[0].Begun)
	case len(afters) > 0:
	case n.EC2.State(id) == ec2.Terminated, n.excused.stopped[id], n.heldFor(id) && n.toldOf(id):
	default:
		n.t.Errorf("hooks.before was run on %s, and hooks.after was not", of)
	}
}

// A command is run on a source before it is stopped, and another one as soon as it runs again: the image does not wait
// for it, nor it for the image. What an execution is given holds neither.
func TestCommandsAroundAStop(t *testing.T) {
	play(t, commanded(), func(n *night) {
		web, rest := n.managed("web", ""), n.launch("rest", "stopped")
		r := n.run()[0]
		n.wasImaged(r, web)
		n.wasImaged(r, rest)
		n.want("commands", n.commands(web), "freeze thaw")
		n.want("commands on what is stopped", n.commands(rest), "")
		ran, times := n.Parameters.Invocations(), n.results(r)[web].Times
		if stop := n.callsOf("StopInstances",
			web)[0].Time; stop.Before(ran[0].Ended) || stop.After(ran[0].Ended.Add(16*time.Second)) {
			t.Errorf("stopped at %s, and the command before ended at %s", stop, ran[0].Ended)
		}
		if late := ran[1].Begun.Sub(times.Running); late < 0 || late > time.Minute || ran[1].Begun.After(times.Available) {
			t.Errorf("the command after was begun %s after it ran, and the image was there at %s", late, times.Available)
		}
		if strings.Contains(r.Input, "freeze") || strings.Contains(r.Input, "thaw") {
			t.Error("the input of the execution holds the commands")
		}
	})
}

// Where the instance waits for its image, the command after waits with it.
func TestCommandsWhereTheInstanceWaits(t *testing.T) {
	play(t, commanded(func(p *plan.Plan) { p.Restart = plan.Available }), func(n *night) {
		web := n.managed("web", "")
		r := n.run()[0]
		n.wasImaged(r, web)
		n.want("commands", n.commands(web), "freeze thaw")
		n.want("thawed by the run", n.results(r)[web].Times.Released.After(n.Parameters.Invocations()[1].Ended), true)
	})
}

// A member of a group has its commands while it serves, and before it serves again.
func TestCommandsOnAMember(t *testing.T) {
	play(t, shrinking(func(p *plan.Plan) { p.Hooks.Before, p.Hooks.After = "drain", "join" }), func(n *night) {
		n.EC2.AddInstanceProfile("managed")
		members := n.serving()
		n.ok(n.EC2.SetInstanceProfile(members[0], "managed"))
		n.run()
		n.want("ending", n.results(n.onlyRun())[members[0]].Ending, job.Imaged)
		n.want("commands", n.commands(members[0]), "drain join")
		ran := n.Parameters.Invocations()
		if enter := n.callsOf("EnterStandby")[0].Time; enter.Before(ran[0].Ended) {
			t.Errorf("it left service at %s, and the command before ended at %s", enter, ran[0].Ended)
		}
		if exit := n.callsOf("ExitStandby")[0].Time; exit.Before(ran[1].Ended) {
			t.Errorf("it left Standby at %s, and the command after ended at %s", exit, ran[1].Ended)
		}
		n.serves(members)
	})
}

// What nothing stops has its command after as soon as the snapshots exist.
func TestCommandsAroundAnImage(t *testing.T) {
	for _, how := range []plan.Consistency{plan.None, plan.Reboot} {
		t.Run(string(how), func(t *testing.T) {
			play(t, commanded(func(p *plan.Plan) { p.Consistency = how }), func(n *night) {
				web := n.managed("web", "")
				r := n.run()[0]
				n.want("ending", n.results(r)[web].Ending, job.Imaged)
				n.want("commands", n.commands(web), "freeze thaw")
				times, thaw := n.results(r)[web].Times, n.Parameters.Invocations()[1]
				if thaw.Begun.Before(times.Snapshotted) || thaw.Begun.After(times.Snapshotted.Add(2*time.Minute)) ||
					thaw.Begun.After(times.Available) {
					t.Errorf("the command after was begun at %s, the snapshots were there at %s", thaw.Begun, times.Snapshotted)
				}
			})
		})
	}
}

// Where the command before fails the plan says what is done. The command after is run wherever the one before was
// begun.
func TestACommandBeforeThatFails(t *testing.T) {
	const asks = "A command of a plan fails"
	for name, c := range map[string]struct {
		how    plan.HookFailure
		ending job.Ending
		says   []string
	}{
		"skip": {plan.HookSkip, job.Skipped,
			[]string{string(job.BeforeFailed), "hooks.before failed", "with code 3", "no lock"}},
		"crash-consistent": {plan.HookIgnore, job.Imaged, []string{"PARTIAL", string(job.BeforeFailed), "imaged all the same",
			"no lock"}},
		"fail": {plan.HookFail, job.Broken, []string{"was not imaged: hooks.before failed", "no lock", asks}},
	} {
		for way, edit := range map[string]func(*plan.Plan){"stop": func(*plan.Plan) {}, "none": uncut} {
			t.Run(name+" "+way, func(t *testing.T) {
				play(t, commanded(edit, failing(c.how)), func(n *night) {
					n.Parameters.OnCommand(func(_, command string) ssm.Ran {
						if command == "freeze" {
							return ssm.Ran{Status: "Failed", Code: 3, Output: "no lock\n"}
						}
						return ssm.Ran{}
					})
					web := n.managed("web", "")
					r := n.run()[0]
					n.want("ending", n.results(r)[web].Ending, c.ending)
					n.want("commands", n.commands(web), "freeze thaw")
					if c.ending != job.Imaged {
						n.want("stops", len(n.callsOf("StopInstances")), 0)
					}
					n.saysOf(r, c.says...)
				})
			})
		}
	}
}

// An agent that Systems Manager does not reach runs nothing: the plan says what is done, and no command after is due.
func TestNoAgent(t *testing.T) {
	for how, ending := range map[plan.HookFailure]job.Ending{
		plan.HookSkip: job.Skipped, plan.HookIgnore: job.Imaged, plan.HookFail: job.Broken,
	} {
		t.Run(string(how), func(t *testing.T) {
			play(t, commanded(failing(how)), func(n *night) {
				web := n.launch("web", "")
				r := n.run()[0]
				n.want("ending", n.results(r)[web].Ending, ending)
				n.want("commands sent", len(n.Parameters.Invocations()), 0)
				n.saysOf(r, "Systems Manager does not reach its agent", "InvalidInstanceId")
			})
		})
	}
}

// A command that never ends is ended after the plan's timeout.
func TestACommandThatHangs(t *testing.T) {
	for _, command := range []string{"freeze", "thaw"} {
		t.Run(command, func(t *testing.T) {
			play(t, commanded(uncut), func(n *night) {
				n.Parameters.OnCommand(func(_, ran string) ssm.Ran {
					if ran == command {
						return ssm.Ran{Took: 24 * time.Hour}
					}
					return ssm.Ran{}
				})
				web := n.managed("web", "")
				r := n.run()[0]
				n.want("commands", n.commands(web), "freeze thaw")
				n.saysOf(r, "ended as ExecutionTimedOut")
			})
		})
	}
}

// A command after that fails has run; the image stands, and people read what it printed.
func TestACommandAfterThatFails(t *testing.T) {
	play(t, commanded(), func(n *night) {
		n.Parameters.OnCommand(func(_, command string) ssm.Ran {
			if command == "thaw" {
				return ssm.Ran{Status: "Failed", Code: 1, Output: strings.Repeat("x", 48<<10) + "the end"}
			}
			return ssm.Ran{}
		})
		web := n.managed("web", "")
		r := n.run()[0]
		n.wasImaged(r, web)
		n.want("commands", n.commands(web), "freeze thaw")
		n.saysOf(r, "PARTIAL", string(job.AfterFailed), "hooks.after failed: the command ended as Failed with code 1",
			"it printed more than Systems Manager shows")
	})
}

// A run, or one source's part of it, is aborted at any step: the command after is run all the same, by the sweep.
func TestARunAbortedBetweenCommands(t *testing.T) {
	for _, edit := range []func(*plan.Plan){func(*plan.Plan) {}, uncut} {
		steps := []string{"hook", "stop", "watch:stopped", "image", "watch:snapshotted", "start", "watch:running"}
		for _, step := range steps {
			for _, after := range []bool{false, true} {
				o := commanded(edit)
				name := fmt.Sprint(o.Plans.Plans["nightly"].Consistency, " ", step, " ", after)
				if o.Plans.Plans["nightly"].Consistency == plan.None && strings.Contains("stop watch:stopped start watch:running",
					step) {
					continue
				}
				t.Run(name, func(t *testing.T) { abortedBetween(t, o, step, after) })
			}
		}
	}
}

func abortedBetween(t *testing.T, o stack.Options, step string, after bool) {
	t.Helper()
	play(t, o, func(n *night) {
		web := n.managed("web", "")
		stop := func(w work) { n.ok(n.States.Stop(w.Execution, "", "somebody wanted it to end")) }
		if after {
			n.after(step, web, stop)
		} else {
			n.at(step, web, stop)
		}
		n.run()
		time.Sleep(4*sweep + time.Minute)
		n.want("commands", n.commands(web), "freeze thaw") // A function that was called goes on.
		n.want("state", n.EC2.State(web), ec2.Running)
	})
}

// A person terminates or stops a source between the commands: there is nothing to run the one after on, and the claim
// ends.
func TestAPersonBetweenCommands(t *testing.T) {
	for name, do := range map[string]func(n *night, id string){
		"terminates": func(n *night, id string) {
			must(n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{id}}))(n.t)
		},
		"stops": func(n *night, id string) {
			n.excused.stopped[id] = true
			must(n.cloud.StopInstances(n.ctx, &sdk.StopInstancesInput{InstanceIds: []string{id}}))(n.t)
		},
	} {
		for _, keeps := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", keeps), func(t *testing.T) {
				play(t, commanded(uncut), func(n *night) {
					if keeps {
						n.Parameters.KeepsCommands()
					}
					web := n.managed("web", "")
					n.after("image", web, func(work) { do(n, web) })
					n.run()
					time.Sleep(4 * sweep)
					n.want("commands", n.commands(web), "freeze")
					n.want("claims", n.claimed(), 0)
				})
			})
		}
	}
}

// The answer of SendCommand is lost, or Systems Manager is busy: no command is run twice.
func TestACommandWhoseAnswerIsLost(t *testing.T) {
	for name, fault := range map[string]inject.Fault{
		"of the one before":     {Action: "SendCommand", Nth: []int{1}, Drop: true},
		"of the one after":      {Action: "SendCommand", Nth: []int{2}, Drop: true},
		"throttled":             {Action: "SendCommand", Nth: []int{1, 2, 4, 5}, Code: "ThrottlingException"},
		"the look is throttled": {Action: "ListCommandInvocations", Nth: []int{1, 2, 3, 4, 5}, Code: "ThrottlingException"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, commanded(), func(n *night) {
				web := n.managed("web", "")
				n.Inject(fault)
				n.wasImaged(n.run()[0], web)
				n.want("commands", n.commands(web), "freeze thaw")
			})
		})
	}
}

// Nobody may look at the command after: the image is not held back, nor failed, for that.
func TestACommandAfterThatIsNotSeen(t *testing.T) {
	for name, o := range map[string]stack.Options{"hooks": commanded(uncut), "frozen": frozen()} {
		t.Run(name, func(t *testing.T) {
			play(t, o, func(n *night) {
				web := n.managed("web", "")
				n.after("image", web, func(work) {
					n.Inject(inject.Fault{Action: "ListCommandInvocations", Code: "AccessDeniedException",
						Until: time.Now().Add(40 * time.Minute)})
				})
				r := n.run()[0]
				n.want("ending", n.results(r)[web].Ending, job.Imaged)
				n.saysOf(r, "Rolled (1)", string(job.AfterFailed))
				time.Sleep(time.Hour)
				n.want("claims", n.claimed(), 0)
			})
		})
	}
}

// The agent does not come back with its instance: the image stands and people are told; the sweep goes on for half a
// day, and then says that nobody runs it.
func TestAnAgentThatDoesNotComeBack(t *testing.T) {
	gone := func(n *night, web string) {
		n.after("image", web, func(work) {
			n.Inject(inject.Fault{Action: "SendCommand", Code: "InvalidInstanceId"})
		})
	}
	t.Run("for an hour", func(t *testing.T) {
		play(t, commanded(), func(n *night) {
			web := n.managed("web", "")
			gone(n, web)
			r := n.run()[0]
			n.wasImaged(r, web)
			n.saysOf(r, "PARTIAL", "hooks.after was not run", "Goldsmith goes on trying")
			time.Sleep(time.Hour)
			n.want("commands", n.commands(web), "freeze")
			if said := n.said(); !strings.Contains(said, "waits for its plan's hooks.after") {
				t.Errorf("people were not told: %s", said)
			}
			n.Forget("SendCommand")
			time.Sleep(2 * sweep)
			n.want("commands", n.commands(web), "freeze thaw")
		})
	})
	t.Run("for good", func(t *testing.T) {
		play(t, commanded(), func(n *night) {
			web := n.managed("web", "")
			gone(n, web)
			n.run()
			time.Sleep(13 * time.Hour)
			if said := n.said(); !strings.Contains(said, "hooks.after was not run: Systems Manager does not reach its agent") {
				t.Errorf("people were not told: %s", said)
			}
			n.excused.stopped[web] = true // It is told, and over.
		})
	})
}
